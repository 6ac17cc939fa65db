//! # 03 Chain: `await` passes a value up, like a function's return
//!
//! ```text
//! cargo run --example 03_chain
//! ```
//!
//! Twin: `03_chain.py`.
//!
//! Take away: **to await `print_sum` is to await `compute` and its timer too: a chain is
//! one task. When the timer fires, the loop resumes the chain, from the top to the timer.**

use std::time::Duration;

use glassloop::{block_on, println, sleep};

async fn compute(x: u32, y: u32) -> u32 {
    println!("compute {x} + {y}");
    // This is the only place where the chain waits. An `await` of something that is
    // ready continues at once, as a call does.
    sleep(Duration::from_millis(10)).await;
    x + y
}

async fn print_sum(x: u32, y: u32) -> u32 {
    let result = compute(x, y).await;
    println!("{x} + {y} = {result}");
    result
}

fn main() {
    block_on(async {
        let a = print_sum(1, 2).await;
        println!("again: {}", print_sum(a, 10).await);
    });
}
