//! # 26 Deep await: it costs no turn; a deep chain of tasks does
//!
//! ```text
//! cargo run --example 26_deep_await
//! ```
//!
//! Twin: `26_deep_await.py`, which counts the turns with a task, for want of `stats`.
//!
//! Take away: **an `await` is a call, a task is a trip to the loop: two turns each,
//! one until it runs and one until whoever joins it goes on.**

use glassloop::{println, spawn, stats};

/// An `async fn` that contained itself would be infinitely large; hence the box.
async fn nested(depth: u32) -> u32 {
    match depth {
        0 => 1,
        _ => 1 + Box::pin(nested(depth - 1)).await,
    }
}

/// A task has an allocation of its own; nothing is contained here.
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
