//! # 02 Inert: calling an `async fn` only builds a value
//!
//! ```text
//! cargo run --example 02_inert
//! ```
//!
//! Twin: `02_inert.py`. Who forgets the `await` is warned: by Python when the
//! program runs, by Rust when it is compiled.
//!
//! Take away: **a future does nothing until it is awaited, however long that takes;
//! only what is given to `spawn` goes on by itself.**

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
        // The loop has all the time in the world, and knows nothing of `greeting`.
        sleep(Duration::from_millis(20)).await;
        println!("still nothing");
        println!("result {}", greeting.await);
    });
}
