//! # 07 Gather: run together, end in any order, results in argument order
//!
//! ```text
//! cargo run --example 07_gather_fetch
//! ```
//!
//! Twin: `07_gather_fetch.py`, where `join_all` is called `gather`.
//!
//! Take away: **`join_all` starts all, waits for all, and gives each result its place
//! back. It spawns nothing: the futures take turns inside the task that awaits them.**

use std::time::Duration;

use glassloop::{block_on, join_all, println, sleep};

/// Stands in for a download: the loop does not care what is waited for.
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
