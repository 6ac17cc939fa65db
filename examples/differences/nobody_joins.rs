//! # Errors that nobody joins: an `Err` is dropped, a panic reported at once
//!
//! ```text
//! cargo run --example nobody_joins
//! ```
//!
//! Twin: `nobody_joins.py`, where the loop reports it when the task is collected.
//!
//! Take away: **a `Result` is a value like others: who lets a task go handles its errors
//! inside of it.**

use glassloop::{block_on, println, spawn, yield_now};

async fn fail() -> Result<(), &'static str> {
    Err("disk full")
}

async fn report(task: impl Future<Output = Result<(), &'static str>>) {
    if let Err(error) = task.await {
        println!("reported: {error}");
    }
}

fn main() {
    // The hook that the standard library sets writes to stderr.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload().downcast_ref::<&str>().unwrap_or(&"no text");
        println!("panicked: {text}");
    }));
    block_on(async {
        spawn(fail()).detach(); // not a word
        spawn(report(fail())).detach();
        spawn(async { panic!("out of range") }).detach();
        yield_now().await;
        println!("the loop goes on");
    });
}
