//! TCP: listeners and streams.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_lite::stream::{self, Stream};
use futures_lite::{AsyncRead, AsyncWrite};

use super::address::{ToSocketAddrs, first_that};
use super::listener::impl_listener;
use super::socket::impl_socket;
use super::stream::impl_stream;
use crate::blocking::unblock_io;
use crate::io::{Async, Direction};
use crate::needs_loop::NeedsLoop;
use crate::trace::CodeLine;

/// A TCP socket that waits for connections. asyncio's `start_server`, without
/// the task that asyncio spawns for each connection.
///
/// Dropping the listener closes it; the system refuses connections that were not
/// accepted. A task that accepts in a loop owns its listener, so to abort the task is to
/// close the listener.
///
/// ```
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
/// use glassloop::net::{TcpListener, TcpStream};
///
/// glassloop::block_on(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let server = glassloop::spawn(async move {
///         let (mut stream, _peer) = listener.accept().await?;
///         stream.write_all(b"hello").await
///     });
///     let mut stream = TcpStream::connect(address).await?;
///     let mut text = String::new();
///     stream.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     server.await.unwrap()
/// })
/// # .unwrap();
/// ```
#[derive(Debug)]
pub struct TcpListener {
    io: Async<std::net::TcpListener>,
}

impl TcpListener {
    /// Listens at the first of the addresses that is free. Port 0 lets the system
    /// choose a port; see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    /// The system's, of the last address: the address is in use, or it is not an address
    /// of this machine; or the name is unknown.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn bind(addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<TcpListener>> {
        let at = Location::caller();
        let bind = first_that("listen at", addresses.to_lookup(), at, async move |address| {
            TcpListener::tie(std::net::TcpListener::bind(address)?, at)
        });
        NeedsLoop::new("`TcpListener::bind`", at, bind)
    }
}

impl_socket!(TcpListener, std::net::TcpListener, SocketAddr);
impl_listener!(TcpListener, std::net::TcpListener, TcpStream, SocketAddr);

/// A TCP connection. asyncio's pair of `StreamReader` and `StreamWriter`.
///
/// A stream reads and writes through the `futures-lite` traits, by `&TcpStream` too. A
/// clone is the same connection, so that one task can read while another task
/// writes. Closing a stream ends our half of the connection, for every clone; dropping
/// the last clone ends both halves.
///
/// When the peer has ended its half, every read gives `Ok(0)`. When the peer is gone, a
/// write gives `BrokenPipe` or `ConnectionReset`, and never raises a signal.
#[derive(Clone, Debug)]
pub struct TcpStream {
    io: Rc<Async<std::net::TcpStream>>,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers. asyncio's
    /// `open_connection`.
    ///
    /// The standard library can only connect by blocking, so a thread of the blocking
    /// pool connects. Dropping the future gives the connection up, but the thread is
    /// busy until the system has answered, which may take minutes; and the end of the
    /// loop waits for the thread. See [`connect_timeout`](Self::connect_timeout).
    ///
    /// # Errors
    /// The system's, of the last address: refused, unreachable, timed out; or the
    /// name is unknown.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn connect(addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<TcpStream>> {
        let at = Location::caller();
        let connect = first_that("connect to", addresses.to_lookup(), at, async move |address| {
            let connect = move || std::net::TcpStream::connect(address);
            TcpStream::tie(unblock_io("`TcpStream::connect`", at, connect).await?, at)
        });
        NeedsLoop::new("`TcpStream::connect`", at, connect)
    }

    /// Connects like [`connect`](Self::connect), but gives each of the addresses no more
    /// than `limit` to answer. A [`timeout`](crate::timeout) around `connect` only stops
    /// waiting; `connect_timeout` stops the attempt, so that its thread is free again.
    ///
    /// # Errors
    /// Those of `connect`; `TimedOut` after `limit`; `InvalidInput` if `limit` is zero.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn connect_timeout(
        addresses: impl ToSocketAddrs,
        limit: Duration,
    ) -> impl Future<Output = io::Result<TcpStream>> {
        let at = Location::caller();
        let connect = first_that("connect to", addresses.to_lookup(), at, async move |address| {
            let connect = move || std::net::TcpStream::connect_timeout(&address, limit);
            let connected = unblock_io("`TcpStream::connect_timeout`", at, connect).await?;
            TcpStream::tie(connected, at)
        });
        NeedsLoop::new("`TcpStream::connect_timeout`", at, connect)
    }

    /// Sets whether the system sends small writes at once. By default it collects them
    /// for a moment (Nagle's algorithm).
    ///
    /// # Errors
    /// The system's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }
}

impl_socket!(TcpStream, std::net::TcpStream, SocketAddr);
impl_stream!(TcpStream, SocketAddr);
