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
use super::stream::impl_stream;
use crate::blocking::unblock_io;
use crate::io::Async;

/// A TCP socket that waits for connections. asyncio's `start_server`, without
/// the task that it spawns for each.
///
/// Dropping it closes it; connections that were not accepted are refused. A task
/// that accepts in a loop owns its listener, so to abort that task is to close it.
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
    /// Listens at the first of the addresses that can be had. Port 0 lets the
    /// system choose one; see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    /// The system's: the address is in use, or not ours; or the name is unknown.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn bind(addresses: impl ToSocketAddrs) -> impl Future<Output = io::Result<TcpListener>> {
        let at = Location::caller();
        first_that("listen at", addresses.to_lookup(), at, async move |address| {
            TcpListener::tie(std::net::TcpListener::bind(address)?, at)
        })
    }

    /// Ties a listener of the standard library to the current loop.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::tie(listener, Location::caller())
    }

    fn tie(
        listener: std::net::TcpListener,
        at: &'static Location<'static>,
    ) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        let io = Async::new_nonblocking(listener, "`TcpListener`", at)?;
        Ok(TcpListener { io })
    }

    /// Waits for a connection. Dropping the future loses none.
    ///
    /// # Errors
    /// The system's, like too many open files (`EMFILE`), or a connection that was
    /// given up by its peer (`ConnectionAborted`). The listener stays usable; but
    /// wait a little after the first, or the same error comes again at once.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        let at = Location::caller();
        let accepted = self.io.read_with(std::net::TcpListener::accept);
        async move {
            let (stream, peer) = accepted.await?;
            Ok((TcpStream::tie(stream, at)?, peer))
        }
    }

    /// The connections, one after another, as a stream that never ends.
    ///
    /// # Errors
    /// Its items are errors as those of [`accept`](Self::accept).
    pub fn incoming(&self) -> impl Stream<Item = io::Result<TcpStream>> + Unpin {
        Box::pin(stream::unfold(self, async |listener| {
            let accepted = listener.accept().await;
            Some((accepted.map(|(stream, _peer)| stream), listener))
        }))
    }

    /// The address at which it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

/// A TCP connection. asyncio's pair of `StreamReader` and `StreamWriter`.
///
/// It reads and writes through the `futures-lite` traits, by `&TcpStream` too. A
/// clone is the same connection, so that one task can read while another one
/// writes. Closing it ends our half of the connection, for every clone; dropping
/// the last clone ends both.
///
/// What to expect: a read gives `Ok(0)` at the peer's end, again and again; a
/// write to a peer that is gone gives `BrokenPipe` or `ConnectionReset`, never a
/// signal.
#[derive(Clone, Debug)]
pub struct TcpStream {
    io: Rc<Async<std::net::TcpStream>>,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers. asyncio's
    /// `open_connection`.
    ///
    /// The standard library can only connect by blocking, so this happens on the
    /// blocking pool. Dropping the future gives the connection up, but its thread
    /// is free only when the system has answered, which may take minutes; and the
    /// loop's end waits for it. See [`connect_timeout`](Self::connect_timeout).
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
        first_that("connect to", addresses.to_lookup(), at, async move |address| {
            let connect = move || std::net::TcpStream::connect(address);
            TcpStream::tie(unblock_io("`TcpStream::connect`", at, connect).await?, at)
        })
    }

    /// The same, but gives each of the addresses no more than `limit` to answer. A
    /// [`timeout`](crate::timeout) around [`connect`](Self::connect) stops waiting, this
    /// stops the attempt: its thread is free again.
    ///
    /// # Errors
    /// As those of `connect`; `TimedOut` after `limit`; `InvalidInput` if that is zero.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn connect_timeout(
        addresses: impl ToSocketAddrs,
        limit: Duration,
    ) -> impl Future<Output = io::Result<TcpStream>> {
        let at = Location::caller();
        first_that("connect to", addresses.to_lookup(), at, async move |address| {
            let connect = move || std::net::TcpStream::connect_timeout(&address, limit);
            let connected = unblock_io("`TcpStream::connect_timeout`", at, connect).await?;
            TcpStream::tie(connected, at)
        })
    }

    /// Ties a connection of the standard library to the current loop.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::tie(stream, Location::caller())
    }

    fn tie(stream: std::net::TcpStream, at: &'static Location<'static>) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        let io = Async::new_nonblocking(stream, "`TcpStream`", at)?;
        Ok(TcpStream { io: Rc::new(io) })
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// The system's, if the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// The address of this end.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// Whether small writes are sent at once, instead of being collected (Nagle's
    /// algorithm).
    ///
    /// # Errors
    /// The system's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// Ends one half of the connection, or both. A task that waits to read is
    /// woken, and reads the end.
    ///
    /// # Errors
    /// The system's, if the connection is gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }
}

impl_stream!(TcpStream);
