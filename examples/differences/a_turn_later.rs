//! # A turn later: here a timer wakes its task in the turn in which it fires
//!
//! ```text
//! cargo run --example a_turn_later
//! ```
//!
//! Twin: `a_turn_later.py`, where a future stands between timer and task.
//!
//! Take away: **a turn is I/O, timers, tasks, in this order; a task that a timer wakes runs
//! in the same turn. Do not count turns beside a timer: wait for what you need.**

use std::{thread, time::Duration};

use glassloop::{block_on, println, sleep, spawn, yield_now};

async fn alarm() {
    sleep(Duration::from_millis(10)).await;
    println!("alarm");
}

fn main() {
    block_on(async {
        spawn(alarm()).detach();
        yield_now().await; // the alarm begins
        thread::sleep(Duration::from_millis(20)); // blocks the loop: now the alarm is due
        for turn in 1..4 {
            yield_now().await;
            println!("turn {turn}");
        }
    });
}
