//! # 15 Rate limiter: a semaphore lets at most n in at once, in arrival order
//!
//! ```text
//! cargo run --example 15_rate_limiter
//! ```
//!
//! Twin: `15_rate_limiter.py`.
//!
//! Take away: **start as many calls as you like, and limit how many run at once: a call
//! runs while it holds a permit, and dropping the permit grants it to the next waiter.**

use std::cell::Cell;

use glassloop::{block_on, join_all, println, sync::Semaphore, yield_now};

/// All calls run on one thread: counting needs neither a lock nor atomics.
#[derive(Default)]
struct Gauge {
    active: Cell<u32>,
    peak: Cell<u32>,
}

impl Gauge {
    fn enter(&self) -> u32 {
        self.active.set(self.active.get() + 1);
        self.peak.set(self.peak.get().max(self.active.get()));
        self.active.get()
    }

    fn leave(&self) {
        self.active.set(self.active.get() - 1);
    }
}

async fn call_api(limit: &Semaphore, gauge: &Gauge, i: u32) {
    let _permit = limit.acquire().await; // `_` alone would drop it at once!
    println!("enter {i} active {}", gauge.enter());
    busy(10 * (i + 1)).await;
    gauge.leave();
    println!("leave {i}");
}

async fn busy(turns: u32) {
    for _ in 0..turns {
        yield_now().await;
    }
}

fn main() {
    block_on(async {
        let (limit, gauge) = (Semaphore::new(2), Gauge::default());
        join_all((0..5).map(|i| call_api(&limit, &gauge, i))).await;
        println!("peak {}", gauge.peak.get());
    });
}
