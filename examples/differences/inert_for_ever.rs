//! # Inert for ever: a task starts by itself, a future never does
//!
//! ```text
//! cargo run --example inert_for_ever
//! ```
//!
//! Twin: `inert_for_ever.py`. Python warns while the program runs, Rust while it compiles:
//! write `greet("nobody");` as a line of its own, and see `unused_must_use`.
//!
//! Take away: **a future that is dropped before its first poll has run nothing.**

use glassloop::{block_on, println, spawn, yield_now};

async fn greet(name: &str) {
    println!("hello {name}");
}

fn main() {
    block_on(async {
        spawn(greet("task")).detach(); // the task runs by itself
        let future = greet("future");
        yield_now().await;
        drop(future);
        println!("the future is gone, without a word");
    });
}
