//! # Equal deadlines: the timers fire in the order of creation
//!
//! ```text
//! cargo run --example equal_deadlines
//! ```
//!
//! Twin: `equal_deadlines.py`, where a heap decides, and the order is undefined.
//!
//! Take away: **timers are sorted by deadline and, among equal ones, by number: a program
//! behaves the same in every run.**

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
