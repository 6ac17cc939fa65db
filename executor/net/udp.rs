//! UDP: datagrams.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;

use super::address::{ToSocketAddrs, first_that};
use crate::io::Async;

/// A UDP socket. asyncio's `create_datagram_endpoint`.
///
/// Its operations keep the boundaries of the datagrams. Dropping one of their
/// futures loses no datagram.
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
    /// Takes the first of the addresses that can be had.
    ///
    /// # Errors
    /// The system's: the address is in use, or not ours; or the name is unknown.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn bind(addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<UdpSocket>> {
        let at = Location::caller();
        first_that("bind to", addresses.to_lookup(), at, async move |address| {
            UdpSocket::tie(std::net::UdpSocket::bind(address)?, at)
        })
    }

    /// Ties a socket of the standard library to the current loop.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::tie(socket, Location::caller())
    }

    fn tie(socket: std::net::UdpSocket, at: &'static Location<'static>) -> io::Result<UdpSocket> {
        socket.set_nonblocking(true)?;
        let io = Async::new_nonblocking(socket, "`UdpSocket`", at)?;
        Ok(UdpSocket { io })
    }

    /// Sets the peer for [`send`](Self::send), and receives from it only.
    ///
    /// # Errors
    /// The system's; or the name is unknown.
    #[track_caller]
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<()>> {
        let connect = async |address| self.io.get_ref().connect(address);
        first_that("connect to", addresses.to_lookup(), Location::caller(), connect)
    }

    /// Sends a datagram to the peer; returns how many bytes were sent.
    ///
    /// # Errors
    /// The system's: no peer was set, the datagram is too long, or the peer has
    /// refused an earlier one.
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.io.write_with(move |socket| socket.send(bytes))
    }

    /// Receives a datagram from the peer; returns its length. What does not fit
    /// into `buffer` is lost.
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
    #[track_caller]
    pub fn send_to(
        &self,
        bytes: &[u8],
        address: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<usize>> {
        first_that("send to", address.to_lookup(), Location::caller(), async move |address| {
            self.io.write_with(|socket| socket.send_to(bytes, address)).await
        })
    }

    /// Receives a datagram from anybody; returns its length and where it came
    /// from. What does not fit into `buffer` is lost.
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

    /// The address of this socket.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}
