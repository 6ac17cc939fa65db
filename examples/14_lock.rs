//! # 14 Lock: one thread still has races, at any `await` between read and write
//!
//! ```text
//! cargo run --example 14_lock
//! ```
//!
//! Twin: `14_lock.py`, where the lock and the value are two variables. Here, the value
//! is inside the lock, and can be reached only through a guard.
//!
//! Take away: **between two awaits no other task runs, and a `Cell` is enough; what must
//! stay true across an `await` needs a lock that may be held across the `await`.**

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use glassloop::{JoinError, block_on, println, sleep, spawn_named, sync::Mutex};

/// While this waits, another task may change the balance that the caller has read.
async fn bank() {
    sleep(Duration::from_millis(5)).await;
}

async fn deposit(balance: Rc<Cell<u32>>) {
    let seen = balance.get();
    bank().await;
    balance.set(seen + 10);
}

async fn deposit_locked(balance: Rc<Mutex<u32>>) {
    // Unlocked when the guard is dropped: at the end of the scope, also by a panic or an abort.
    let mut balance = balance.lock().await;
    let seen = *balance;
    bank().await;
    *balance = seen + 10;
}

fn main() -> Result<(), JoinError> {
    block_on(async {
        let balance = Rc::new(Cell::new(0));
        let tasks =
            [1, 2, 3, 4, 5].map(|n| spawn_named(format!("deposit {n}"), deposit(balance.clone())));
        for task in tasks {
            task.await?;
        }
        println!("without lock {}", balance.get());

        let balance = Rc::new(Mutex::new(0));
        let tasks = [1, 2, 3, 4, 5]
            .map(|n| spawn_named(format!("locked {n}"), deposit_locked(balance.clone())));
        for task in tasks {
            task.await?;
        }
        println!("with lock {}", *balance.lock().await);
        Ok(())
    })
}
