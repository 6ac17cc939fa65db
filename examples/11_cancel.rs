//! # 11 Cancel: a request; the task ends at its `await`, in its next turn
//!
//! ```text
//! cargo run --example 11_cancel
//! ```
//!
//! Twin: `11_cancel.py`, where `abort` is called `cancel`.
//!
//! Take away: **a task can be cancelled only at an `await`. There its future is dropped:
//! its clean-up is `Drop`, which can neither await nor refuse.**

use glassloop::{block_on, println, spawn_named, yield_now};

async fn worker() {
    let _cleanup = Cleanup;
    for i in 0..100 {
        println!("working {i}");
        yield_now().await;
    }
}

/// Python's `finally`.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        println!("cleaned up");
    }
}

fn main() {
    block_on(async {
        let mut task = spawn_named("worker", worker());
        yield_now().await;
        yield_now().await;
        task.abort();
        println!("cancel requested");
        // Awaited by reference, to keep the handle: awaiting a value uses it up.
        match (&mut task).await {
            Err(error) if error.is_cancelled() => println!("task was cancelled"),
            outcome => panic!("the worker should have been cancelled: {outcome:?}"),
        }
        println!("cancel again: {}", if task.abort() { "True" } else { "False" });
    });
}
