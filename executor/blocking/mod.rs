//! What can never be ready: blocking calls, and the threads that make them.
//!
//! The `pool` runs closures on a few threads; [`unblock()`] is the leaf that waits
//! for one.

pub mod pool;
mod unblock;

pub use unblock::{Unblock, unblock};

pub(crate) use pool::Pool;
pub(crate) use unblock::unblock_io;
