//! # 10 Timeout: the work is cleaned up before the caller sees the timeout
//!
//! ```text
//! cargo run --example 10_timeout
//! ```
//!
//! Twin: `10_timeout.py`, where `timeout` is called `wait_for`.
//!
//! Take away: **a caller can put a time limit on any future, and the future need not know:
//! when the time is up, the future is dropped at its `await`, with all that it holds.**

use std::time::Duration;

use glassloop::{Elapsed, block_on, println, sleep, timeout};

async fn slow(work: Duration) -> &'static str {
    let _cleanup = Cleanup;
    sleep(work).await;
    "finished"
}

/// Python's `finally`: runs when the scope is left, by a return, an error or a drop.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        println!("cleanup");
    }
}

async fn attempt(work: Duration, limit: Duration) {
    match timeout(limit, slow(work)).await {
        Ok(text) => println!("{text}"),
        Err(Elapsed { .. }) => println!("timed out"),
    }
}

fn main() {
    block_on(async {
        attempt(Duration::from_millis(10), Duration::from_secs(60)).await;
        attempt(Duration::from_secs(3600), Duration::from_millis(20)).await;
    });
}
