//! # 29 Fair spin: a task that yields for ever starves no other task
//!
//! ```text
//! cargo run --example 29_fair_spin
//! ```
//!
//! Twin: `29_fair_spin.py`, where `yield_now` is called `sleep(0)`.
//!
//! Take away: **a task that yields goes to the back of the run queue, and the loop handles
//! I/O and timers between its turns: so a task that yields holds up nothing.**

use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::Event;
use glassloop::{println, sleep, spawn_named, yield_now};

/// Never sleeps until the event is set: it asks again in every turn.
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
        yield_now().await; // the spinner has its first turn
        sleep(Duration::from_millis(20)).await;
        println!("timer fired beside a spinner");
        stop.set();
        let turns = task.await.expect("the spinner does not panic");
        println!("spinner had many turns: {}", if turns > 1 { "True" } else { "False" });
    });
}
