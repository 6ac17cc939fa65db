//! The loop: the module that puts `task`, `time`, `io` and `blocking` together.
//!
//! In reading order: **`core` is the turn**; `parts` is what a loop consists of; `root` is
//! the future of `block_on`; `deadlock` proves that nothing can happen any more. `remote`
//! is the way in for other threads, `executor` the way in for all other code, and
//! `builder` the ways to make one.

mod parts;
mod root;
mod deadlock;
mod core;
mod remote;
mod executor;
mod builder;

pub(crate) use parts::EventLoop;

pub use builder::Builder;
pub use executor::{Executor, block_on, remote};
pub use remote::Remote;
