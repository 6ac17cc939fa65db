//! # 04 Sync vs async: five waits one after another, and five waits together
//!
//! ```text
//! cargo run --example 04_sync_vs_async
//! ```
//!
//! Twin: `04_sync_vs_async.py`.
//!
//! Take away: **`await` in a loop waits for the sum; `join_all` waits for the longest.
//! `async` alone does not make `work` concurrent: awaiting several calls together does.**

use std::io::{self, Write};
use std::time::Duration;

use glassloop::{block_on, join_all, now, println, sleep};

const WAIT: Duration = Duration::from_millis(60);
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

async fn work(name: &str) {
    sleep(WAIT).await;
    print!("done {name} ");
    // Without a flush, stdout shows a line only when the line is complete.
    let _ = io::stdout().flush();
}

fn main() {
    block_on(async {
        let start = now();
        for name in NAMES {
            work(name).await;
        }
        let one_by_one = now() - start;
        println!("| one by one");

        let start = now();
        join_all(NAMES.map(work)).await;
        let together = now() - start;
        println!("| together");

        // A timer may be late, never early: a program can only promise "at least".
        println!("one by one takes at least 300 ms: {}", python(one_by_one >= WAIT * 5));
        println!("together takes at least 60 ms: {}", python(together >= WAIT));
        println!("together is faster: {}", python(together < one_by_one));
    });
}

/// A bool, as Python writes it.
fn python(is: bool) -> &'static str {
    if is { "True" } else { "False" }
}
