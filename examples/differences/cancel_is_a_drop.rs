//! # Cancel is a drop: a task cannot refuse to be cancelled
//!
//! ```text
//! cargo run --example cancel_is_a_drop
//! ```
//!
//! Twin: `cancel_is_a_drop.py`, where the task catches its cancellation, and stays.
//!
//! Take away: **no line after an `await` is sure to run; what must run belongs into a `Drop`.**

use glassloop::{block_on, println, spawn, yield_now};

/// Python's `finally`.
struct CleanUp;

impl Drop for CleanUp {
    fn drop(&mut self) {
        println!("cleaned up");
    }
}

async fn stubborn() -> &'static str {
    let _clean_up = CleanUp;
    std::future::pending::<()>().await;
    println!("this line is never reached");
    "finished all the same"
}

fn main() {
    block_on(async {
        let task = spawn(stubborn());
        yield_now().await; // the task begins
        task.abort();
        println!("joined: {:?}", task.await);
    });
}
