//! The loop: the one room that knows all the others.
//!
//! Begin with `core`: a turn in three steps, taken with the `parts`. `root` is the
//! future of `block_on`; `stuck` proves that nothing can happen any more;
//! `slow_poll` says who held up the others; [stats()] counts. `remote` is the way in
//! for other threads, and `executor` the way in for everybody else.

mod parts;
mod stats;
mod slow_poll;
mod root;
mod stuck;
mod core;
mod remote;
mod executor;

pub use executor::{Builder, Executor, block_on, stats};
pub use remote::Remote;
pub use slow_poll::SlowPoll;
pub use stats::Stats;
