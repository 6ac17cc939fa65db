//! # 18 Blocking: a blocking call freezes every task; in a thread it does not
//!
//! ```text
//! cargo run --example 18_blocking
//! ```
//!
//! Twin: `18_blocking.py`, where `unblock` is called `to_thread`.
//!
//! Take away: **between two awaits a task has the whole loop to itself; a call that takes
//! long belongs on a thread of the pool.**

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use glassloop::{println, sleep, spawn_named, unblock, yield_now};

/// Stands in for a user interface, which must not freeze.
async fn ui(ticks: Rc<Cell<u32>>) {
    loop {
        ticks.set(ticks.get() + 1);
        sleep(Duration::from_millis(10)).await;
    }
}

/// A library that knows nothing of async.
fn heavy() -> u32 {
    thread::sleep(Duration::from_millis(200));
    7
}

fn main() {
    glassloop::block_on(async {
        let ticks = Rc::new(Cell::new(0));
        let task = spawn_named("ui", ui(ticks.clone()));
        yield_now().await; // it begins

        ticks.set(0);
        let result = heavy();
        println!("on the loop: result {result} ui ticks {}", ticks.get());

        ticks.set(0);
        let result = unblock(heavy).await;
        let alive = if ticks.get() > 1 { "True" } else { "False" };
        println!("in a thread: result {result} ui alive {alive}");
        task.abort();
    });
}
