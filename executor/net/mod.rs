//! Sockets: TCP, UDP, and on Unix the sockets of that name.
//!
//! Each is an [`Async`](crate::Async) around the standard library's socket. They
//! read and write through the `futures-lite` traits, so that every crate written
//! for those works on top of them.

mod address;
mod stream;
mod tcp;
mod udp;
#[cfg(unix)]
mod unix;

pub use address::{Lookup, ToSocketAddrs};
pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixListener, UnixStream};
