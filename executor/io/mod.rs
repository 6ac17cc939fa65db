//! What is ready: descriptors, and the tasks that wait for them.
//!
//! In reading order: `platform` is what differs between the systems; the `reactor`
//! keeps the books on which task waits for which descriptor (the loop asks the
//! system, and hands it the events); a `readiness` is the leaf that waits for one;
//! `forward` is a macro for reading and writing by value; [`Async`] is a descriptor with
//! its place in those books.
//!
//! This room knows how a task is woken, and nothing of time or threads.

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

pub(crate) use forward::impl_io_by_value;
pub(crate) use reactor::Reactor;
