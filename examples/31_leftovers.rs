//! # 31 Leftovers: what becomes of the tasks that still run at the end
//!
//! ```text
//! cargo run --example 31_leftovers
//! ```
//!
//! Twin: `31_leftovers.py`, where the tasks are cancelled, and `finally` cleans up.
//!
//! Take away: **`block_on` waits for its own future only; the tasks that are left are
//! dropped before it returns, and their `Drop`s clean up.**

use std::time::Duration;

use glassloop::{println, sleep, spawn_named, yield_now};

/// Python's `finally`: runs when the scope is left, by a return, an error or a drop.
struct CleanUp;

impl Drop for CleanUp {
    fn drop(&mut self) {
        println!("background cleaned up");
    }
}

async fn background() {
    let _clean_up = CleanUp;
    sleep(Duration::from_secs(3600)).await;
    println!("never");
}

fn main() {
    glassloop::block_on(async {
        spawn_named("background", background()).detach(); // the executor still owns the task
        yield_now().await; // the task begins
        println!("main returns");
    });
    println!("loop closed");
}
