//! # 02 Inert: calling an `async fn` only builds a value
//!
//! ```text
//! cargo run --example 02_inert
//! ```
//!
//! Twin: `02_inert.py`. Both languages warn about a forgotten `await`: Python when the
//! program runs, Rust when the program is compiled.
//!
//! Take away: **a future does nothing until it is awaited, however long that takes;
//! only a future that is given to `spawn` runs by itself.**

use std::time::Duration;

use glassloop::{block_on, println, sleep};

async fn greet(name: &str) -> usize {
    println!("hello {name}");
    name.len()
}

fn main() {
    block_on(async {
        let greeting = greet("ada");
        println!("created");
        // The loop is idle for 20 ms, but it does not know `greeting`.
        sleep(Duration::from_millis(20)).await;
        println!("still nothing");
        println!("result {}", greeting.await);
    });
}
