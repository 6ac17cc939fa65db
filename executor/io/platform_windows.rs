//! What differs between the systems: here, Windows, where only sockets can be
//! watched.

use std::io;
use std::net::UdpSocket;
use std::os::windows::io::{AsRawSocket, BorrowedSocket, RawSocket};

/// What a poller can watch on this system.
pub use std::os::windows::io::AsSocket as Pollable;

/// The handle that `polling` is given when a source is registered.
pub(super) type Raw = RawSocket;

pub(super) fn raw(io: &dyn Pollable) -> Raw {
    io.as_socket().as_raw_socket()
}

/// The handle that `polling` is given from then on.
pub(super) type Borrowed = BorrowedSocket<'static>;

/// Switches a socket of any kind to non-blocking, through a duplicate in the
/// clothes of a socket that the standard library has the call for.
pub(super) fn set_nonblocking(io: &impl Pollable) -> io::Result<()> {
    UdpSocket::from(io.as_socket().try_clone_to_owned()?).set_nonblocking(true)
}

/// The system's number of it, for people to read.
pub(super) fn number(raw: Raw) -> u64 {
    raw
}
