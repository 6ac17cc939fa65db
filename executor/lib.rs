//! A hand-rolled, single-threaded async executor that is meant to be read.
//!
//! ```
//! use std::time::Duration;
//! use glassloop::{block_on, join_all, sleep, spawn};
//!
//! async fn fetch(name: &str, ms: u64) -> String {
//!     sleep(Duration::from_millis(ms)).await;
//!     format!("<{name}>")
//! }
//!
//! block_on(async {
//!     let background = spawn(async { "done meanwhile" });
//!     let pages = join_all([fetch("a", 30), fetch("b", 10)]).await;
//!     assert_eq!(pages, ["<a>", "<b>"]);
//!     assert_eq!(background.await.unwrap(), "done meanwhile");
//! });
//! ```
//!
//! # How to read it: the loop first
//!
//! **Fifteen minutes** are for the flaws and the heads of steps 1 to 3 of `examples/steps`, where
//! an executor grows from 35 lines; **an evening** (four hours) for all eight, up to a pocket
//! executor in one file of 500 lines. There you meet each idea of this crate, with what goes
//! wrong without it. See `docs/steps.md`.
//!
//! **The second evening** (three hours, about 800 lines of code) is nine stations. Each
//! answers the question that the station before it raises. Read the named items; the rest of
//! each file can wait.
//!
//! 1. **The turn** (20 min): `event_loop/core.rs`: `run` `poll_io` `run_ready` `poll_task`
//!    `take_messages` `park` `sleep` `wait_in_poller`. What does a loop do? Look for: a turn
//!    is three verbs; it polls the tasks that are ready when it begins; the loop parks only
//!    when nothing is ready.
//! 2. **The run queue** (25 min): `task/scheduler.rs`: `Scheduler` `spawn` `add` `wake`
//!    `poll` `poll_with` `end` `remove`, with `task/id.rs`: `TaskKey`. What is in the run
//!    queue? Look for: a key, not a task; clear before polling; who drops an ended task.
//! 3. **A task** (30 min): `task/task.rs`: `Task` `poll` `abort` `end` `set_joiner`
//!    `FutureCell` `Stage` `take` `finish`, with `task/join_handle.rs`: `poll`. Where is the
//!    future? Look for: one place for the future and its output; the only unsafe `Pin`; who
//!    registers the joiner.
//! 4. **Its waker** (10 min): `task/waker.rs`: `TaskWaker` `send` `arrived` `wake_by_ref`.
//!    How does a task get back into the run queue? Look for: two ways: on the loop's thread,
//!    and from any other thread; why an `Arc`.
//! 5. **A leaf future** (20 min): `time/sleep.rs`: `Sleep` `poll` `wait` `disarm` `take_out`, with
//!    `task/registered_waker.rs`: `RegisteredWaker` `register` `wake`, and `time/timers.rs`:
//!    `arm` `fire` `fire_due`. Who wakes the task? Look for: a leaf future registers the key
//!    where the event will find it; its drop takes it back; collect, release, then wake.
//! 6. **The timer wheel** (35 min): `time/wheel.rs`: `Wheel` `insert` `advance` `reach`
//!    `put` `next_slot`. Which of a million timers is due? Look for: the picture; the
//!    highest digit that differs; a cascade.
//! 7. **Sockets** (25 min): `io/reactor.rs`: `Reactor` `Source` `arm` `set_interest`
//!    `dispatch` `disarm_unwanted` `wait`, with `io/readiness.rs`: `poll`. How does a socket
//!    get in? Look for: register after `WouldBlock`; an event that no task waits for.
//! 8. **Threads** (20 min): `blocking/unblock.rs`: `new` `poll_job` `submit`, with
//!    `blocking/pool.rs`: `submit` `work` `run`, and `blocking/promise.rs`: `end` `poll`.
//!    How does a thread get in? Look for: a job and a promise; wake before you count down.
//! 9. **`block_on`** (15 min): `event_loop/executor.rs`: `block_on` `run` `drop`, with
//!    `event_loop/root.rs`: `poll` `end`. How does it start and end? Look for: the root is a
//!    task whose future stays on the stack; who is dropped when.
//!
//! `docs/architecture.md` walks one task and one `sleep` through these files, line by line.
//!
//! **After that** comes the rest, module by module. Each module begins with its `mod.rs`,
//! which says what the module is and in which order to read its files. A module uses only
//! modules that are declared before it in this file, with two exceptions: through `current`
//! a leaf future finds its loop, and through [`report`] the loop describes itself.
//!
//! | module | the question | asyncio |
//! |---|---|---|
//! | [`task`] | who runs? | `Task`, `Future` |
//! | [`time`] | when? | `sleep`, `timeout`, `call_later` |
//! | [`io`] | what is ready? | `add_reader`, `add_writer` |
//! | [`blocking`] | what can never be ready? | `to_thread` |
//! | [`event_loop`] | who decides? | `run`, `Runner`, the loop itself |
//! | `current` | which loop runs on this thread? | `get_running_loop` |
//! | [`join`] | several as one | `gather`, `TaskGroup` |
//! | [`net`] | sockets | streams, servers |
//! | [`fs`] | files | – |
//! | [`sync`] | between tasks | `Lock`, `Queue`, `Event`, … |
//! | [`report`] | what does a loop say about itself? | `all_tasks`, debug mode |
//! | `trace` | what happened, event by event? | – |
//!
//! `trace` is declared before them, because all modules emit events to it. Read it last: nothing
//! in the loop depends on it. Two files at the side: `impl_debug` prints the public types in one
//! line, and `needs_loop` is a future that says so if it is polled outside of a loop.
//!
//! The promises of the loop are the tests, chapter by chapter; `docs/decisions.md` says why
//! the loop is as it is, and `docs/glossary.md` explains the words.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

#[macro_use]
mod impl_debug;
mod trace;
pub mod task;
pub mod time;
pub mod io;
pub mod blocking;
pub mod event_loop;
mod current;
mod needs_loop;
pub mod report;

pub mod join;
pub mod net;
pub mod fs;
pub mod sync;

pub use blocking::{Broken, Promise, Promised, Unblock, promise, unblock};
pub use event_loop::{Builder, Executor, Remote, block_on, remote};
pub use io::Async;
pub use join::{JoinAll, TaskGroup, join_all};
pub use report::{Blame, Circle, Culprit, Holder, Late, Resource, SlowPoll, Stats, stats};
pub use report::{TaskInfo, TaskState, Tasks, WaitInfo, WaitsFor, tasks};
pub use task::{JoinError, JoinHandle, TaskId, YieldNow, spawn, spawn_named, yield_now};
pub use time::{Elapsed, Interval, Sleep, Timeout, interval, now, sleep, sleep_until, timeout};

/// The program in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
