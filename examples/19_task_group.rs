//! # 19 Task group: tasks that live and end together
//!
//! ```text
//! cargo run --example 19_task_group
//! ```
//!
//! Twin: `19_task_group.py`, where the end of the `async with` block joins.
//!
//! Take away: **`join` leaves the group only when all children have ended, and the
//! first failure aborts the others.**

use std::time::Duration;

use glassloop::{TaskGroup, println, sleep};

/// Dropped with a child that is cancelled: to cancel is to drop at an `await`.
struct Unfinished(&'static str);

impl Drop for Unfinished {
    fn drop(&mut self) {
        println!("{} cancelled", self.0);
    }
}

async fn wait(name: &'static str, delay: Duration) {
    let unfinished = Unfinished(name);
    sleep(delay).await;
    std::mem::forget(unfinished);
}

async fn succeed(name: &'static str, delay: Duration) -> Result<(), String> {
    wait(name, delay).await;
    println!("{name} finished");
    Ok(())
}

async fn fail(name: &'static str, delay: Duration) -> Result<(), String> {
    wait(name, delay).await;
    Err(format!("{name} failed"))
}

fn main() -> Result<(), String> {
    glassloop::block_on(async {
        let mut group = TaskGroup::new();
        group.spawn(succeed("a", Duration::from_millis(200)));
        group.spawn(succeed("b", Duration::from_millis(50)));
        group.join().await?;
        println!("group 1 done");

        let mut group = TaskGroup::new();
        group.spawn(succeed("c", Duration::from_secs(3600)));
        group.spawn(fail("d", Duration::from_millis(200)));
        group.spawn(succeed("e", Duration::from_millis(50)));
        if let Err(error) = group.join().await {
            println!("group 2 error: {error}");
        }
        Ok(())
    })
}
