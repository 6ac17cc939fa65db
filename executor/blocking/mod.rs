//! What can never be ready: blocking calls, and the threads that make them.
//!
//! [`promise()`] is how another thread gives a value to a task; the `pool` runs
//! closures on a few threads; [`unblock()`] is the leaf that waits for one.

mod promise;
pub mod pool;
mod unblock;

pub use promise::{Broken, Promise, Promised, promise};
pub use unblock::{Unblock, unblock};

pub(crate) use pool::Pool;
pub(crate) use unblock::unblock_io;
