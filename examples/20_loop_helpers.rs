//! # 20 Loop helpers: asyncio's `call_soon` and `call_later`, and a wake from a thread
//!
//! ```text
//! cargo run --example 20_loop_helpers
//! ```
//!
//! Twin: `20_loop_helpers.py`, which calls these methods of the loop.
//!
//! Take away: **`call_soon` is a spawn, `call_later` is a spawn that sleeps first, and every
//! waker does what `call_soon_threadsafe` does: any thread may call it.**

use std::{thread, time::Duration};

use glassloop::{JoinHandle, println, promise, sleep, spawn};

fn call_later(milliseconds: u64, text: &'static str) -> JoinHandle<()> {
    let delay = sleep(Duration::from_millis(milliseconds)); // counted from here
    spawn(async move {
        delay.await;
        println!("{text}");
    })
}

fn main() {
    glassloop::block_on(async {
        call_later(200, "later 200 ms").detach();
        call_later(100, "later 100 ms").detach();
        call_later(150, "never printed").abort();
        spawn(async { println!("soon 1") }).detach();
        spawn(async { println!("soon 2") }).detach();
        println!("main runs first");
        sleep(Duration::from_millis(300)).await;

        let (done, promised) = promise();
        thread::spawn(move || done.set("from a thread"));
        println!("got {}", promised.await.expect("the thread keeps its promise"));
    });
}
