//! Who runs: tasks, the queue in which they stand, and the wakers that put them
//! there.
//!
//! In reading order: `contain` stops a panic; a `slab` keeps things that come and go.
//! A task has an `id`, under which it stands in the `run_queue`; the thread has a
//! `current` loop, which sleeps in a `parker`, and has a `mailbox` for other threads; a
//! `waker` leads to the queue or to the mailbox. A leaf that has to wait asks whose poll
//! is `running`, and keeps its waker as a `kept_waker`. A task may end in a `join_error`; a
//! `task` owns a future, and its user holds a `join_handle`; the `scheduler` keeps the tasks
//! and polls them; `spawn` gives it one.
//!
//! This room knows no clock, no thread pool, and no descriptor (but for the parker,
//! whose bed may be the system's poller).

mod contain;
mod slab;
mod id;
mod run_queue;
pub(crate) mod current;
mod parker;
mod mailbox;
mod waker;
mod running;
mod kept_waker;
mod join_error;
#[expect(clippy::module_inception, reason = "the task is what the room is about")]
mod task;
mod join_handle;
mod scheduler;
mod spawn;

pub use id::TaskId;
pub use join_error::JoinError;
pub use join_handle::JoinHandle;
pub use spawn::{YieldNow, spawn, spawn_named, yield_now};

pub(crate) use contain::contain;
pub(crate) use id::Name;
pub(crate) use join_error::panic_text;
pub(crate) use kept_waker::KeptWaker;
pub(crate) use mailbox::Mailbox;
pub(crate) use run_queue::RunQueue;
pub(crate) use running::{Running, note_reset, note_wait, poll_budget, spend_budget};
pub(crate) use scheduler::Scheduler;
pub(crate) use slab::Slab;
pub(crate) use task::{Joinable, State, Task};
pub(crate) use waker::{Message, OwnWaker};
