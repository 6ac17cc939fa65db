//! What is ready: descriptors, and the tasks that wait for them.
//!
//! In reading order: `platform` is what differs between the systems; the **`reactor`**
//! knows which task waits for which descriptor (the loop polls the system's poller, and
//! hands the events to the reactor); a `readiness` is the leaf future that waits for a
//! descriptor; [`Async`] is a descriptor that the reactor knows; `forward` passes the I/O
//! traits on to a reference.
//!
//! This module knows how a task is woken, and nothing of time or threads.

#[cfg(unix)]
#[path = "platform_unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "platform_windows.rs"]
mod platform;
mod reactor;
mod readiness;
mod forward;
mod async_io;

pub use async_io::Async;
pub use platform::Pollable;
pub use readiness::Readiness;

/// What a poll for I/O gives.
pub(crate) type PollIo<T> = std::task::Poll<std::io::Result<T>>;

pub(crate) use forward::impl_io_by_value;
pub(crate) use reactor::{Direction, Reactor};
