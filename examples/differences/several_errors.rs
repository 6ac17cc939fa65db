//! # Several errors: all are values, and to stop early drops the rest
//!
//! ```text
//! cargo run --example several_errors
//! ```
//!
//! Twin: `several_errors.py`, where `gather` raises one error and lets the rest go on.
//!
//! Take away: **`join_all` loses no error; `try_zip` stops at the first, and drops the rest.**

use futures_lite::future::try_zip;
use glassloop::{block_on, join_all, println, sync::Event};

/// Dropped with a job that does not reach its end.
struct Unfinished(&'static str);

impl Drop for Unfinished {
    fn drop(&mut self) {
        println!("{} dropped, unfinished", self.0);
    }
}

async fn job(name: &'static str, gate: &Event, fails: bool) -> Result<&'static str, String> {
    let unfinished = Unfinished(name);
    gate.wait().await;
    std::mem::forget(unfinished);
    if fails { Err(format!("{name} failed")) } else { Ok(name) }
}

fn main() {
    block_on(async {
        let (now, later) = (Event::new(), Event::new());
        now.set();
        let first_error = try_zip(job("c", &later, false), job("a", &now, true)).await;
        println!("try_zip: {first_error:?}");
        let jobs = [job("a", &now, true), job("b", &now, true), job("c", &now, false)];
        println!("join_all: {:?}", join_all(jobs).await);
    });
}
