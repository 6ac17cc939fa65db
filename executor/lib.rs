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
//! # How to read it
//!
//! The modules below stand in reading order, and each uses only those above it.
//! The first five are the core; every room begins with its `mod.rs`, which says
//! what it is and in which order its files are read.
//!
//! | room | question | asyncio |
//! |---|---|---|
//! | [`task`] | who runs? | `Task`, `Future` |
//! | [`time`] | when? | `sleep`, `timeout`, `call_later` |
//! | [`io`] | what is ready? | `add_reader`, `add_writer` |
//! | [`blocking`] | what can never be ready? | `to_thread` |
//! | [`event_loop`] | who decides? | `run`, `Runner`, the loop itself |
//! | [`join`] | several as one | `gather`, `TaskGroup` |
//! | [`net`] | sockets | streams, servers |
//! | [`fs`] | files | – |
//! | [`sync`] | between tasks | `Lock`, `Queue`, `Event`, … |
//!
//! The loop is the last of the core, since it is made of the other four. Whoever
//! wants to see it first begins with `event_loop/core.rs`: a turn is three verbs. The
//! last four rooms stand beside it, on the core.
//!
//! One room is not in the table, because it is private and nothing depends on it: `trace`, the
//! glass, to which all the others tell what they do. It stands first and is best read last.
//!
//! The invariants, and the way of a task from its spawn to its join, are told in
//! `docs/architecture.md`; the promises are the tests, chapter by chapter.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod trace;
pub mod task;
pub mod time;
pub mod io;
pub mod blocking;
pub mod event_loop;
mod current;
pub mod report;

pub mod join;
pub mod net;
pub mod fs;
pub mod sync;

pub use blocking::{Broken, Promise, Promised, Unblock, promise, unblock};
pub use event_loop::{Builder, Executor, Remote, block_on, remote};
pub use io::Async;
pub use join::{JoinAll, TaskGroup, join_all};
pub use report::{SlowPoll, Stats, TaskInfo, TaskState, Tasks, WaitInfo, WaitsFor, stats, tasks};
pub use task::{JoinError, JoinHandle, TaskId, YieldNow, spawn, spawn_named, yield_now};
pub use time::{Elapsed, Interval, Sleep, Timeout, interval, now, sleep, sleep_until, timeout};

/// The program in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
