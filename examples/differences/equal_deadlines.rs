//! # Equal deadlines: they come in the order of creation
//!
//! ```text
//! cargo run --example equal_deadlines
//! ```
//!
//! Twin: `equal_deadlines.py`, where the order is that of a heap: undefined.
//!
//! Take away: **timers are sorted by deadline and, among equals, by number: programs
//! that run twice run alike.**

use std::{cell::RefCell, rc::Rc, time::Duration};

use glassloop::{block_on, join_all, now, println, sleep_until, spawn};

fn main() {
    block_on(async {
        let fired = Rc::new(RefCell::new(Vec::new()));
        let deadline = now() + Duration::from_millis(20);
        let alarms = ["a", "b", "c", "d", "e"].map(|name| {
            let (fired, alarm) = (fired.clone(), sleep_until(deadline));
            spawn(async move {
                alarm.await;
                fired.borrow_mut().push(name);
            })
        });
        join_all(alarms).await;
        println!("created: a b c d e");
        println!("fired:   {}", fired.borrow().join(" "));
    });
}
