//! Two sockets that are connected to each other: on Unix, Unix sockets. What one end writes is
//! at the other end at once.

/// The standard library's stream.
pub type StdStream = std::os::unix::net::UnixStream;

/// The same, on the loop.
pub type Stream = glassloop::net::UnixStream;

/// Both ends of a connection.
pub fn std_pair() -> (StdStream, StdStream) {
    StdStream::pair().unwrap()
}

/// Both ends of a connection, on the loop.
#[track_caller]
pub fn pair() -> (Stream, Stream) {
    Stream::pair().unwrap()
}

/// Makes a type pollable through a socket in it: `impl_pollable!(Type, self => &self.socket)`.
#[allow(unused_macros, reason = "chapter 7 uses it")]
macro_rules! impl_pollable {
    ($type:ty, $this:ident => $socket:expr) => {
        impl std::os::fd::AsFd for $type {
            fn as_fd(&$this) -> std::os::fd::BorrowedFd<'_> {
                std::os::fd::AsFd::as_fd($socket)
            }
        }
    };
}

#[allow(unused_imports, reason = "chapter 7 uses it")]
pub(crate) use impl_pollable;
