//! UDP: datagrams.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;

use super::address::{ToSocketAddrs, first_that};
use super::socket::impl_socket;
use crate::io::{Async, Direction};
use crate::needs_loop::NeedsLoop;
use crate::trace::CodeLine;

/// A UDP socket. asyncio's `create_datagram_endpoint`.
///
/// A datagram is received as it was sent: as a whole, never joined with another one.
/// Dropping the future of an operation loses no datagram.
///
/// ```
/// use glassloop::net::UdpSocket;
///
/// glassloop::block_on(async {
///     let near = UdpSocket::bind("127.0.0.1:0").await?;
///     let far = UdpSocket::bind("127.0.0.1:0").await?;
///     near.send_to(b"hello", far.local_addr()?).await?;
///     let mut buffer = [0; 16];
///     let (count, from) = far.recv_from(&mut buffer).await?;
///     assert_eq!((&buffer[..count], from), (&b"hello"[..], near.local_addr()?));
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    io: Async<std::net::UdpSocket>,
}

impl UdpSocket {
    /// Makes a socket at the first of the addresses that is free.
    ///
    /// # Errors
    /// The system's, of the last address: the address is in use, or it is not an address
    /// of this machine; or the name is unknown.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn bind(addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<UdpSocket>> {
        let at = Location::caller();
        let bind = first_that("bind to", addresses.to_lookup(), at, async move |address| {
            UdpSocket::tie(std::net::UdpSocket::bind(address)?, at)
        });
        NeedsLoop::new("`UdpSocket::bind`", at, bind)
    }

    /// Sets the peer: [`send`](Self::send) sends to it, and [`recv`](Self::recv) receives
    /// from it only.
    ///
    /// # Errors
    /// The system's; or the name is unknown.
    ///
    /// # Panics
    /// Outside of a loop, if there is a name to look up.
    #[track_caller]
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<()>> {
        let connect = async |address| self.io.get_ref().connect(address);
        first_that("connect to", addresses.to_lookup(), Location::caller(), connect)
    }

    /// Sends a datagram to the peer; returns how many bytes were sent.
    ///
    /// # Errors
    /// The system's: no peer was set, the datagram is too long, or the peer has
    /// refused an earlier datagram.
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.io.write_with(move |socket| socket.send(bytes))
    }

    /// Receives a datagram from the peer; returns its length. The bytes that do not fit
    /// into `buffer` are lost.
    ///
    /// # Errors
    /// The system's: the peer has refused an earlier datagram.
    #[track_caller]
    pub fn recv(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.io.read_with(move |socket| socket.recv(buffer))
    }

    /// Sends a datagram to `address`; returns how many bytes were sent.
    ///
    /// # Errors
    /// The system's: the datagram is too long, or there is no way to the address;
    /// or the name is unknown.
    ///
    /// # Panics
    /// Outside of a loop, if there is a name to look up.
    #[track_caller]
    pub fn send_to(
        &self,
        bytes: &[u8],
        address: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<usize>> {
        let at = Location::caller();
        first_that("send to", address.to_lookup(), at, async move |address| {
            let send = |socket: &std::net::UdpSocket| socket.send_to(bytes, address);
            self.io.retry(Direction::Write, send, at).await
        })
    }

    /// Receives a datagram from any sender; returns its length and the sender's address.
    /// The bytes that do not fit into `buffer` are lost.
    ///
    /// # Errors
    /// The system's.
    #[track_caller]
    pub fn recv_from(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.io.read_with(move |socket| socket.recv_from(buffer))
    }
}

impl_socket!(UdpSocket, std::net::UdpSocket, SocketAddr);
