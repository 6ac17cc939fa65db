//! # Errors that nobody joins: an `Err` is dropped, a panic is reported at once
//!
//! ```text
//! cargo run --example nobody_joins
//! ```
//!
//! Twin: `nobody_joins.py`, where the loop reports the error when the task is collected.
//!
//! Take away: **a `Result` is a value like others: a task that nobody joins must handle
//! its own errors.**

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
    // The default hook of the standard library writes to stderr.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload().downcast_ref::<&str>().unwrap_or(&"no text");
        println!("panicked: {text}");
    }));
    block_on(async {
        spawn(fail()).detach(); // nothing is reported
        spawn(report(fail())).detach();
        spawn(async { panic!("out of range") }).detach();
        yield_now().await;
        println!("the loop goes on");
    });
}
