//! What a loop says about itself. Read it last: nothing in the loop depends on it.
//!
//! The loop calls this module around each poll (`slow_poll`), after the proof of a deadlock
//! (`deadlock`), and when it is made (`options`). The program calls `stats` and `tasks`.
//! `deadlock` and `tasks` print their tasks as a `tree`; `late` says how late a task was, and why;
//! `waits` say who holds what, `circles` who waits for each other. `println` prints a line that is
//! also an event of the trace.

mod stats;
mod tree;
mod late;
mod waits;
mod tasks;
mod slow_poll;
mod circles;
mod deadlock;
mod options;
mod println;

pub use circles::Circle;
pub use late::{Blame, Culprit, Late};
pub use println::print_line;
pub use slow_poll::SlowPoll;
pub use stats::{Stats, stats};
pub use tasks::{TaskInfo, TaskState, Tasks, tasks};
pub use waits::{Holder, Resource, WaitInfo, WaitsFor};

pub(crate) use circles::{CircleWatch, report_circles_of_busy, report_closed_circles};
pub(crate) use deadlock::deadlock;
pub(crate) use options::Diagnostics;
pub(crate) use slow_poll::SlowPolls;
pub(crate) use stats::Counts;
