//! A sleep that stops the loop.
//!
//! `thread::sleep` makes the thread sleep, and all tasks are on this thread. So each sleeper waits
//! until the one before it has slept. It is `time.sleep` in a coroutine of asyncio. The `sleep` of
//! step 5 is a leaf future instead.

use std::time::{Duration, Instant};

glassloop_step::step!(4 without main);

async fn sleep(duration: Duration) {
    thread::sleep(duration);
}

pub(crate) fn main() {
    let began = Instant::now();
    block_on(async {
        let sleepers = [300, 100, 200, 400].map(|number| {
            spawn(async move {
                sleep(Duration::from_millis(number)).await;
                println!("{number}");
            })
        });
        for sleeper in sleepers {
            sleeper.await.expect("a sleeper only sleeps");
        }
    });
    println!("not in the order of their times, and after about {:?}", began.elapsed());
}
