//! Who runs: tasks, the run queue, and the wakers that put tasks there.
//!
//! In reading order: `contain` stops a panic, of a foreign waker above all; the `budget`
//! says how much a task may do in one poll; `polled_again` begins one, for a mistake
//! that many futures must report; a `slab` keeps things that come and go.
//! A task has an `id`, whose key is in the `run_queue`. The loop sleeps in a `parker`, and
//! has an `inbox` for other threads. A `waker` leads to the run queue or to the inbox; a
//! leaf future that waits keeps a `registered_waker`. A task may end in a `join_error`; a
//! **`task`** owns a future, and its user holds a `join_handle`; the **`scheduler`** owns
//! the tasks and polls them; `spawn` gives it one.
//!
//! This module knows no clock, no thread pool, and no descriptor (but for the parker,
//! which may sleep in the system's poller).

mod contain;
mod budget;
mod polled_again;
mod slab;
mod id;
mod run_queue;
mod parker;
mod inbox;
mod waker;
mod registered_waker;
mod join_error;
#[expect(clippy::module_inception, reason = "the module is about the task")]
mod task;
mod join_handle;
mod scheduler;
mod spawn;

pub use id::TaskId;
pub use join_error::JoinError;
pub use join_handle::JoinHandle;
pub use spawn::{YieldNow, spawn, spawn_named, yield_now};

pub(crate) use budget::{Cost, poll_budget, spend_budget};
pub(crate) use contain::{ContainedWaker, contain, drop_each};
pub(crate) use id::TaskKey;
pub(crate) use inbox::Inbox;
pub(crate) use join_error::panic_text;
pub(crate) use polled_again::polled_again;
pub(crate) use registered_waker::{ChildList, ChildOf, RegisteredWaker, take_back_note};
pub(crate) use scheduler::Scheduler;
pub(crate) use slab::Slab;
pub(crate) use task::{JoinCell, Progress, Task, TaskCell};
pub(crate) use waker::Message;
