//! What differs between the systems: here, Unix, where everything is a file
//! descriptor.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// What a poller can watch on this system.
pub use std::os::fd::AsFd as Pollable;

/// The handle that `polling` is given when a source is registered.
pub(super) type Raw = RawFd;

pub(super) fn raw(io: &dyn Pollable) -> Raw {
    io.as_fd().as_raw_fd()
}

/// The handle that `polling` is given from then on.
pub(super) type Borrowed = BorrowedFd<'static>;

/// Switches a descriptor of any kind to non-blocking.
///
/// The standard library has the system call for this (`ioctl(FIONBIO)`, which works for all
/// descriptors), but only as a method of its sockets. Duplicates of a descriptor share the
/// setting, so the call is made on a duplicate that is wrapped as a `UdpSocket`. No other
/// call is made on the duplicate, and closing it leaves the original open.
pub(super) fn set_nonblocking(io: &impl Pollable) -> io::Result<()> {
    UdpSocket::from(io.as_fd().try_clone_to_owned()?).set_nonblocking(true)
}

/// The system's number of it, for people to read.
pub(super) fn number(raw: Raw) -> u64 {
    raw.unsigned_abs().into()
}
