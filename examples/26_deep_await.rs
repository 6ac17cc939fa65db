//! # 26 Deep await: a deep chain of awaits costs no turn; a deep chain of tasks does
//!
//! ```text
//! cargo run --example 26_deep_await
//! ```
//!
//! Twin: `26_deep_await.py`, which counts the turns with a task, since asyncio has no `stats`.
//!
//! Take away: **an `await` is a call; a task goes through the loop, which takes two turns: one
//! until the task runs, and one until the task that joins it runs again.**

use glassloop::{println, spawn, stats};

/// Boxed, because an `async fn` that contained itself would be infinitely large.
async fn nested(depth: u32) -> u32 {
    match depth {
        0 => 1,
        _ => 1 + Box::pin(nested(depth - 1)).await,
    }
}

/// Needs no box: a task has an allocation of its own, and this future contains only its handle.
async fn tasked(depth: u32) -> u32 {
    match depth {
        0 => 1,
        _ => 1 + spawn(tasked(depth - 1)).await.expect("no task here panics"),
    }
}

fn main() {
    glassloop::block_on(async {
        let before = stats().turns;
        let levels = nested(100).await;
        println!("nested awaits {levels} loop turns {}", stats().turns - before);

        let before = stats().turns;
        let levels = tasked(100).await;
        println!("nested tasks  {levels} loop turns {}", stats().turns - before);
    });
}
