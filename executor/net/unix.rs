//! Unix sockets: connections between the processes of one machine, by path.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self as std_unix, SocketAddr};
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_lite::stream::{self, Stream};
use futures_lite::{AsyncRead, AsyncWrite};

use super::stream::impl_stream;
use crate::blocking::unblock_io;
use crate::io::Async;

/// A Unix socket that waits for connections. asyncio's `start_unix_server`.
///
/// Dropping it closes it, but leaves the file at its path.
///
/// ```
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
/// use glassloop::net::{UnixListener, UnixStream};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("socket");
/// glassloop::block_on(async {
///     let listener = UnixListener::bind(&path)?;
///     let mut near = UnixStream::connect(&path).await?;
///     let (mut far, _) = listener.accept().await?;
///     near.write_all(b"hi").await?;
///     let mut text = [0; 2];
///     far.read_exact(&mut text).await?;
///     assert_eq!(&text, b"hi");
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[derive(Debug)]
pub struct UnixListener {
    io: Async<std_unix::UnixListener>,
}

impl UnixListener {
    /// Listens at `path`, where there must be no file yet.
    ///
    /// # Errors
    /// The system's: the path exists (`AddrInUse`), or cannot be made.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::from_std(std_unix::UnixListener::bind(path)?)
    }

    /// Ties a listener of the standard library to the current loop.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn from_std(listener: std_unix::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        let io = Async::new_nonblocking(listener, "`UnixListener`", Location::caller())?;
        Ok(UnixListener { io })
    }

    /// Waits for a connection. Dropping the future loses none.
    ///
    /// # Errors
    /// As those of [`TcpListener::accept`](super::TcpListener::accept).
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> {
        let at = Location::caller();
        let accepted = self.io.read_with(std_unix::UnixListener::accept);
        async move {
            let (stream, peer) = accepted.await?;
            Ok((UnixStream::tie(stream, at)?, peer))
        }
    }

    /// The connections, one after another, as a stream that never ends.
    ///
    /// # Errors
    /// Its items are errors as those of [`accept`](Self::accept).
    pub fn incoming(&self) -> impl Stream<Item = io::Result<UnixStream>> + Unpin {
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

/// A connection between two processes, or two tasks. asyncio's
/// `open_unix_connection`.
///
/// It reads, writes, clones and closes like a [`TcpStream`](super::TcpStream).
#[derive(Clone, Debug)]
pub struct UnixStream {
    io: Rc<Async<std_unix::UnixStream>>,
}

impl UnixStream {
    /// Connects to the listener at `path`, on the blocking pool, like
    /// [`TcpStream::connect`](super::TcpStream::connect).
    ///
    /// # Errors
    /// The system's: no such file, or nobody listens there.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn connect(path: impl AsRef<Path>) -> impl Future<Output = io::Result<UnixStream>> {
        let at = Location::caller();
        let path = path.as_ref().to_owned();
        let connect = move || loop {
            match std_unix::UnixStream::connect(&path) {
                // A signal; std starts again by itself with TCP, but not here.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => break result,
            }
        };
        async move { UnixStream::tie(unblock_io("`UnixStream::connect`", at, connect).await?, at) }
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    /// The system's: too many open files.
    ///
    /// # Panics
    /// Outside of a loop.
    ///
    /// ```
    /// use futures_lite::{AsyncReadExt, AsyncWriteExt};
    /// use glassloop::net::UnixStream;
    ///
    /// glassloop::block_on(async {
    ///     let (mut near, mut far) = UnixStream::pair()?;
    ///     near.write_all(b"hi").await?;
    ///     near.close().await?;
    ///     let mut text = String::new();
    ///     far.read_to_string(&mut text).await?;
    ///     assert_eq!(text, "hi");
    ///     std::io::Result::Ok(())
    /// })
    /// # .unwrap();
    /// ```
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (near, far) = std_unix::UnixStream::pair()?;
        Ok((UnixStream::from_std(near)?, UnixStream::from_std(far)?))
    }

    /// Ties a connection of the standard library to the current loop.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn from_std(stream: std_unix::UnixStream) -> io::Result<UnixStream> {
        UnixStream::tie(stream, Location::caller())
    }

    fn tie(stream: std_unix::UnixStream, at: &'static Location<'static>) -> io::Result<UnixStream> {
        stream.set_nonblocking(true)?;
        let io = Async::new_nonblocking(stream, "`UnixStream`", at)?;
        Ok(UnixStream { io: Rc::new(io) })
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

    /// Ends one half of the connection, or both.
    ///
    /// # Errors
    /// The system's, if the connection is gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }
}

impl_stream!(UnixStream);
