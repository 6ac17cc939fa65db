//! # 30 Late timers: the loop was blocked past their deadlines
//!
//! ```text
//! cargo run --example 30_late_timers
//! ```
//!
//! Twin: `30_late_timers.py`, where the order is the same.
//!
//! Take away: **a timer is never early, and as late as the loop is busy; late timers
//! fire in the order of their deadlines, and none is lost.**

use std::thread;
use std::time::Duration;

use glassloop::{println, sleep, spawn_named, yield_now};

async fn alarm(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds)).await;
    println!("alarm {milliseconds}");
}

fn main() {
    glassloop::block_on(async {
        let tasks = [300, 100, 200]
            .map(|milliseconds| spawn_named(format!("alarm {milliseconds}"), alarm(milliseconds)));
        yield_now().await; // the alarms begin
        thread::sleep(Duration::from_millis(400)); // the mistake: this blocks the loop
        println!("blocked for 400 ms");
        for task in tasks {
            task.await.expect("no alarm panics");
        }
    });
}
