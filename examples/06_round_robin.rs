//! # 06 Round robin: `yield_now` gives every other ready task one turn
//!
//! ```text
//! cargo run --example 06_round_robin
//! ```
//!
//! Twin: `06_round_robin.py`, where `yield_now()` is written `sleep(0)`.
//!
//! Take away: **the run queue is first in, first out, and no task is interrupted: a
//! task has the thread until it awaits something that is not ready.**

use glassloop::{JoinError, block_on, spawn_named, yield_now};

async fn player(name: &str) {
    for turn in 0..3 {
        print!("{name}{turn} ");
        yield_now().await;
    }
}

/// Has no `await`: `async` alone does not make a function yield.
async fn greedy() {
    for turn in 0..3 {
        print!("g{turn} ");
    }
}

fn main() -> Result<(), JoinError> {
    block_on(async {
        // Three futures of two types; the handles of their tasks are of one type.
        let tasks = [
            spawn_named("a", player("a")),
            spawn_named("greedy", greedy()),
            spawn_named("b", player("b")),
        ];
        for task in tasks {
            task.await?;
        }
        println!();
        Ok(())
    })
}
