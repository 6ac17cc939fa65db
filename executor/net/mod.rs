//! Sockets: TCP, UDP, and on Unix the sockets of that name.
//!
//! Each socket is an [`Async`](crate::Async) around the standard library's socket. Streams
//! read and write through the `futures-lite` traits, so that every crate written for these
//! traits works on top of them.
//!
//! In reading order: an `address` is written out or looked up; `socket`, `listener` and
//! `stream` are the three macros that write what the sockets have in common; then come the
//! sockets themselves, each with the ways to make one.

mod address;
mod socket;
mod listener;
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
