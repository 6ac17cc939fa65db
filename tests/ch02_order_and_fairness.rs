//! Chapter 2: order and fairness. Who is polled, and when.

mod support;

use glassloop::{spawn, yield_now};
use support::{Log, on_virtual_loop};

/// 14 · as in asyncio. Breaks when the ready queue is a stack.
#[test]
fn ready_tasks_run_in_the_order_in_which_they_were_woken() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let player = |name: &'static str, log: Log| async move {
            for turn in 0..2 {
                log.add(format!("{name}{turn}"));
                yield_now().await;
            }
        };
        let tasks = ["a", "b", "c"].map(|name| spawn(player(name, log.clone())));
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["a0", "b0", "c0", "a1", "b1", "c1"], "first come, first served");
    });
}
