//! Two sockets that are connected to each other: where there are no Unix sockets, by TCP.

use std::net::{Ipv4Addr, TcpListener};

/// The standard library's stream.
pub type StdStream = std::net::TcpStream;

/// The same, on the loop.
pub type Stream = glassloop::net::TcpStream;

/// Both ends of a connection. Each write is sent at once.
pub fn std_pair() -> (StdStream, StdStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// Both ends of a connection, on the loop.
#[track_caller]
pub fn pair() -> (Stream, Stream) {
    let (near, far) = std_pair();
    (Stream::from_std(near).unwrap(), Stream::from_std(far).unwrap())
}

/// Makes a type pollable through a socket in it: `impl_pollable!(Type, self => &self.socket)`.
#[allow(unused_macros, reason = "chapter 7 uses it")]
macro_rules! impl_pollable {
    ($type:ty, $this:ident => $socket:expr) => {
        impl std::os::windows::io::AsSocket for $type {
            fn as_socket(&$this) -> std::os::windows::io::BorrowedSocket<'_> {
                std::os::windows::io::AsSocket::as_socket($socket)
            }
        }
    };
}

#[allow(unused_imports, reason = "chapter 7 uses it")]
pub(crate) use impl_pollable;
