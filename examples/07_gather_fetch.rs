//! # 07 Gather: run together, end in any order, results in argument order
//!
//! ```text
//! cargo run --example 07_gather_fetch
//! ```
//!
//! Twin: `07_gather_fetch.py`, where `join_all` is called `gather`.
//!
//! Take away: **`join_all` starts all, waits for all, and returns the results in the order
//! of the arguments. It spawns no task: the futures run inside the task that awaits them.**

use std::time::Duration;

use glassloop::{block_on, join_all, println, sleep};

/// Stands in for a download: to the loop, a wait for a timer and a wait for a socket are alike.
async fn fetch_url(url: &str, ms: u64) -> String {
    println!("start {url}");
    sleep(Duration::from_millis(ms)).await;
    println!("done  {url}");
    format!("<{url}>")
}

fn main() {
    block_on(async {
        let pages = join_all([
            fetch_url("a.example", 300),
            fetch_url("b.example", 100),
            fetch_url("c.example", 200),
        ])
        .await;
        println!("{}", pages.join(" "));
    });
}
