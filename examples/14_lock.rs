//! # 14 Lock: one thread still has races, at any `await` between read and write
//!
//! ```text
//! cargo run --example 14_lock
//! ```
//!
//! Twin: `14_lock.py`, where the lock stands beside what it protects. Here, what is
//! protected is inside, and can be reached only by a guard.
//!
//! Take away: **between two awaits nobody interferes, and a `Cell` is enough; what must
//! stay true across an `await` needs a lock that may be held across it.**

use std::cell::Cell;
use std::time::Duration;

use glassloop::{block_on, join_all, sleep, sync::Mutex};

/// For as long as this waits, what was seen may become untrue.
async fn bank() {
    sleep(Duration::from_millis(5)).await;
}

async fn deposit(balance: &Cell<u32>) {
    let seen = balance.get();
    bank().await;
    balance.set(seen + 10);
}

async fn deposit_locked(balance: &Mutex<u32>) {
    // Unlocked at the end of the scope, by a panic or a cancellation as well.
    let mut balance = balance.lock().await;
    let seen = *balance;
    bank().await;
    *balance = seen + 10;
}

fn main() {
    block_on(async {
        // `join_all` spawns nothing, so that the five may borrow one local variable.
        let balance = Cell::new(0);
        join_all((0..5).map(|_| deposit(&balance))).await;
        println!("without lock {}", balance.get());

        let balance = Mutex::new(0);
        join_all((0..5).map(|_| deposit_locked(&balance))).await;
        println!("with lock {}", balance.into_inner());
    });
}
