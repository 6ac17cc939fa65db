//! # 10 Timeout: the work is cleaned up before the caller sees the timeout
//!
//! ```text
//! cargo run --example 10_timeout
//! ```
//!
//! Twin: `10_timeout.py`, where `timeout` is called `wait_for`.
//!
//! Take away: **any future can be given a limit from outside, and needs to know nothing
//! of it: when time is up, it is dropped where it stands, with all that it holds.**

use std::time::Duration;

use glassloop::{Elapsed, block_on, println, sleep, timeout};

async fn slow(work: Duration) -> &'static str {
    let _cleanup = Cleanup;
    sleep(work).await;
    "finished"
}

/// Python's `finally`: runs at the end of the scope, however that comes about.
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
