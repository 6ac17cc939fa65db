//! # Clean-up that awaits: a task must be asked to end, not aborted
//!
//! ```text
//! cargo run --example cleanup_that_awaits
//! ```
//!
//! Twin: `cleanup_that_awaits.py`, where the `finally` of a cancelled task awaits.
//!
//! Take away: **`Drop` cannot await: where the end takes time, race the work against a
//! request to stop, and clean up after the race.**

use std::{future::pending, rc::Rc};

use futures_lite::future;
use glassloop::{block_on, join_all, println, spawn, sync::Event, yield_now};

async fn session(name: &str, stop: Rc<Event>) {
    let work = pending();
    future::or(work, stop.wait()).await; // whichever is ready first
    yield_now().await; // stands in for a goodbye to a server, which waits
    println!("{name} said goodbye");
}

fn main() {
    block_on(async {
        let stop = Rc::new(Event::new());
        let aborted = spawn(session("aborted", stop.clone()));
        let asked = spawn(session("asked", stop.clone()));
        yield_now().await; // both tasks begin
        aborted.abort();
        stop.set();
        for outcome in join_all([aborted, asked]).await {
            println!("{outcome:?}");
        }
    });
}
