//! # 16 Event: many wait, one sets, all wake in the order they waited
//!
//! ```text
//! cargo run --example 16_event
//! ```
//!
//! Twin: `16_event.py`.
//!
//! Take away: **to wake a task is to push it to the run queue, not to run it: `set` returns
//! first, and the waiters run when the caller of `set` awaits.**

use std::rc::Rc;

use glassloop::{JoinError, block_on, println, spawn_named, sync::Event, yield_now};

async fn runner(gun: Rc<Event>, name: &str) {
    println!("ready {name}");
    gun.wait().await;
    println!("go    {name}");
}

fn main() -> Result<(), JoinError> {
    block_on(async {
        // A task may outlive this scope, so it cannot borrow from it: each task owns an `Rc`.
        let gun = Rc::new(Event::new());
        let tasks = ["red", "green", "blue"];
        let tasks = tasks.map(|name| spawn_named(name, runner(gun.clone(), name)));
        yield_now().await; // each of them has its turn, and waits
        println!("bang");
        gun.set();
        println!("set returns first");
        for task in tasks {
            task.await?;
        }
        // An event stays set: a later waiter does not wait.
        runner(gun, "late").await;
        Ok(())
    })
}
