//! # 05 Background task: `spawn` schedules for the next turn, and returns at once
//!
//! ```text
//! cargo run --example 05_background_task
//! ```
//!
//! Twin: `05_background_task.py`, where `spawn` is called `create_task`.
//!
//! Take away: **a spawned task runs from the next turn on, whether or not anybody awaits
//! it; to await its handle is to wait for the task's end and to get its output.**

use std::time::Duration;

use glassloop::{JoinError, block_on, println, sleep, spawn_named, yield_now};

async fn background() -> u32 {
    println!("  background: start");
    sleep(Duration::from_millis(20)).await;
    println!("  background: end");
    42
}

fn main() -> Result<(), JoinError> {
    block_on(async {
        let task = spawn_named("background", background());
        println!("spawned, not started");
        // There is one thread: no other task can start until this one yields.
        yield_now().await;
        println!("main goes on");
        println!("finished? {}", if task.is_finished() { "True" } else { "False" });
        // `?`: the task may have panicked, and then there is no number.
        println!("joined: {}", task.await?);
        Ok(())
    })
}
