//! # 09 Race: the first one wins, the losers are dropped
//!
//! ```text
//! cargo run --example 09_race
//! ```
//!
//! Twin: `09_race.py`, which must cancel the loser and wait until it has ended.
//!
//! Take away: **to cancel a future is to drop it. A race needs no bookkeeping: dropping
//! the value that holds both futures drops the loser, and all that the loser held.**

use std::time::Duration;

use futures_lite::future;
use glassloop::{block_on, println, sleep};

async fn mirror(name: &'static str, wait: Duration) -> &'static str {
    let mut request = Request { name, answered: false };
    sleep(wait).await;
    request.answered = true;
    name
}

/// The request to a mirror. Python catches `CancelledError` to see that nobody wants
/// the answer any more; here, the request is dropped.
struct Request {
    name: &'static str,
    answered: bool,
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.answered {
            println!("cancelled {}", self.name);
        }
    }
}

fn main() {
    block_on(async {
        let slow = mirror("slow", Duration::from_secs(3600));
        let fast = mirror("fast", Duration::from_millis(10));
        // `or` polls its first argument first; `race` would choose at random, to be fair.
        let winner = future::or(slow, fast).await;
        println!("winner {winner}");
    });
}
