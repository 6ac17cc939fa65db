//! # 29 Fair spin: a task that yields for ever starves nobody
//!
//! ```text
//! cargo run --example 29_fair_spin
//! ```
//!
//! Twin: `29_fair_spin.py`, where `yield_now` is called `sleep(0)`.
//!
//! Take away: **who yields goes to the back of the line, and each turn the loop looks
//! at I/O and at timers before it runs the line: so a busy task is a fair one.**

use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::Event;
use glassloop::{println, sleep, spawn_named, yield_now};

/// Is never done waiting, and never waits: it asks again every turn.
async fn spinner(stop: Rc<Event>) -> u64 {
    let mut turns = 0;
    while !stop.is_set() {
        turns += 1;
        yield_now().await; // without this line nothing else would ever run
    }
    turns
}

fn main() {
    glassloop::block_on(async {
        let stop = Rc::new(Event::new());
        let task = spawn_named("spinner", spinner(stop.clone()));
        sleep(Duration::from_millis(20)).await;
        println!("timer fired beside a spinner");
        stop.set();
        let turns = task.await.expect("the spinner does not panic");
        println!("spinner had many turns: {}", if turns > 1 { "True" } else { "False" });
    });
}
