//! # 20 Loop helpers: what lies under tasks, sleeps and threads
//!
//! ```text
//! cargo run --example 20_loop_helpers
//! ```
//!
//! Twin: `20_loop_helpers.py`, which asks the loop for each of them by name.
//!
//! Take away: **`call_soon` is a spawn, `call_later` a spawn that sleeps first, and
//! `call_soon_threadsafe` is in every waker: it may be woken from any thread.**

use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::{future::poll_fn, thread, time::Duration};

use glassloop::{JoinHandle, sleep, spawn};

fn call_later(milliseconds: u64, text: &'static str) -> JoinHandle<()> {
    let delay = sleep(Duration::from_millis(milliseconds)); // counted from here
    spawn(async move {
        delay.await;
        println!("{text}");
    })
}

/// asyncio's `Future`, by hand: a place for the result, and the waker of who awaits it.
type Promise = Mutex<(Option<&'static str>, Option<Waker>)>;

fn set_result(promise: &Promise, result: &'static str) {
    promise.lock().unwrap().0 = Some(result);
    let waker = promise.lock().unwrap().1.take(); // unlocked first, woken later
    waker.into_iter().for_each(Waker::wake);
}

async fn result_of(promise: &Promise) -> &'static str {
    poll_fn(|cx| {
        let (result, waker) = &mut *promise.lock().unwrap();
        *waker = Some(cx.waker().clone());
        result.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

fn main() {
    glassloop::block_on(async {
        drop(call_later(200, "later 200 ms")); // to drop the handle is to let it go
        drop(call_later(100, "later 100 ms"));
        call_later(150, "never printed").abort();
        drop(spawn(async { println!("soon 1") }));
        drop(spawn(async { println!("soon 2") }));
        println!("main runs first");
        sleep(Duration::from_millis(300)).await;

        let done = Arc::new(Promise::default());
        let promise = Arc::clone(&done);
        thread::spawn(move || set_result(&promise, "from a thread"));
        println!("got {}", result_of(&done).await);
    });
}
