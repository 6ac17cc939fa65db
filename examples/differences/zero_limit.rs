//! # A limit of zero: what is ready at once wins
//!
//! ```text
//! cargo run --example zero_limit
//! ```
//!
//! Twin: `zero_limit.py`, where `wait_for` cancels before the first step.
//!
//! Take away: **a timeout polls its future first, then checks its deadline; to do nothing
//! when no time is left, compare the time yourself before.**

use std::{future::pending, time::Duration};

use glassloop::{block_on, println, timeout};

async fn quick() -> u32 {
    println!("quick runs");
    7
}

/// The rule of Python's `wait_for`.
async fn wait_for<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    if limit.is_zero() {
        return None; // drops the future before its first poll
    }
    timeout(limit, future).await.ok()
}

fn main() {
    block_on(async {
        println!("wait_for: {:?}", wait_for(Duration::ZERO, quick()).await);
        println!("timeout: {:?}", timeout(Duration::ZERO, quick()).await);
        println!("timeout: {:?}", timeout(Duration::ZERO, pending::<u32>()).await);
    });
}
