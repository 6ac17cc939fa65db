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

use super::listener::impl_listener;
use super::socket::impl_socket;
use super::stream::impl_stream;
use crate::blocking::unblock_io;
use crate::io::{Async, Direction};
use crate::needs_loop::NeedsLoop;
use crate::trace::CodeLine;

/// A Unix socket that waits for connections. asyncio's `start_unix_server`.
///
/// Dropping the listener closes it, but leaves the file at its path.
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
    /// The system's: the path exists (`AddrInUse`), or no file can be made there.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::from_std(std_unix::UnixListener::bind(path)?)
    }
}

impl_socket!(UnixListener, std_unix::UnixListener, SocketAddr);
impl_listener!(UnixListener, std_unix::UnixListener, UnixStream, SocketAddr);

/// A connection between two processes, or two tasks. asyncio's
/// `open_unix_connection`.
///
/// A Unix stream reads, writes, clones and closes like a [`TcpStream`](super::TcpStream).
#[derive(Clone, Debug)]
pub struct UnixStream {
    io: Rc<Async<std_unix::UnixStream>>,
}

impl UnixStream {
    /// Connects to the listener at `path`, on the blocking pool, like
    /// [`TcpStream::connect`](super::TcpStream::connect).
    ///
    /// # Errors
    /// The system's: there is no such file, or nobody listens there.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn connect(path: impl AsRef<Path>) -> impl Future<Output = io::Result<UnixStream>> {
        let at = Location::caller();
        let path = path.as_ref().to_owned();
        let connect = move || loop {
            match std_unix::UnixStream::connect(&path) {
                // A signal has interrupted the call. For TCP, std tries again by itself;
                // here it does not.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => break result,
            }
        };
        let what = "`UnixStream::connect`";
        NeedsLoop::new(what, at, async move {
            UnixStream::tie(unblock_io(what, at, connect).await?, at)
        })
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
}

impl_socket!(UnixStream, std_unix::UnixStream, SocketAddr);
impl_stream!(UnixStream, SocketAddr);
