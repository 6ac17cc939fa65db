//! What a loop says about itself. Read it last: nothing in the loop depends on it.
//!
//! The loop calls this module in four places: around a poll (`slow_poll`), after the proof
//! of a deadlock (`deadlock`), when it is made (`tracing`), and when somebody asks
//! (`stats`, `tasks`, which print a `tree`). `println` prints beside a trace.

mod stats;
mod slow_poll;
mod tree;
mod tasks;
mod deadlock;
mod tracing;
mod println;

pub use println::print_line;
pub use slow_poll::SlowPoll;
pub use stats::{Stats, stats};
pub use tasks::{TaskInfo, TaskState, Tasks, WaitInfo, WaitsFor, tasks};

pub(crate) use deadlock::deadlock;
pub(crate) use slow_poll::SlowPolls;
pub(crate) use stats::Counts;
pub(crate) use tracing::make_tracer;
