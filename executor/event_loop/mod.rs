//! The loop: the room that knows the four before it.
//!
//! In reading order: `parts` puts the four rooms together; `stats` and `slow_poll`
//! measure; `tasks` lists who is there, as a
//! `tree`; `root` is the future of `block_on`; `stuck` proves that nothing can
//! happen any more; **`core` is the turn**. `remote` is the way in for other threads,
//! and `executor` the way in for everybody else;
//! `println` prints beside a trace. In a hurry, begin with `core`.

mod parts;
mod stats;
mod slow_poll;
mod tree;
mod tasks;
mod root;
mod stuck;
mod core;
mod remote;
mod executor;
mod println;

pub use executor::{Builder, Executor, block_on, remote, stats, tasks};
#[doc(hidden)]
pub use println::print_line;
pub use remote::Remote;
pub use slow_poll::SlowPoll;
pub use stats::Stats;
pub use tasks::{TaskInfo, TaskState, Tasks, WaitInfo, WaitsFor};
