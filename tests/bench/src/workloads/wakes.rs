//! Wakes from another thread.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::runtime::Runtime;
use crate::workload::{Job, Workload};

pub fn all<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new("wake_park", 50_000, |job| R::block_on(wake_park::<R>(job))).pinned(),
        Workload::new("wake_stream", 1_000_000, |job| R::block_on(wake_stream::<R>(job))).pinned(),
    ]
}

/// The loop parks; the thread wakes it and waits for the next request. One operation is a
/// round trip. On one processor the loop is certainly parked when the wake comes.
async fn wake_park<R: Runtime>(job: &Job) {
    let (requests, asked) = mpsc::channel::<(Waker, Arc<AtomicBool>)>();
    let thread = thread::spawn(move || {
        let mut wakes = 0;
        for (waker, answered) in asked {
            answered.store(true, Ordering::Release);
            waker.wake();
            wakes += 1;
        }
        wakes
    });
    let round_trips = job.operations;
    R::spawn(async move {
        let answered = Arc::new(AtomicBool::new(false));
        for _ in 0..round_trips {
            ask_and_wait(&requests, &answered).await;
        }
    })
    .await;
    let wakes: u64 = thread.join().expect("the thread ends with the requests");
    assert_eq!(wakes, round_trips, "one wake for each request");
}

async fn ask_and_wait(
    requests: &mpsc::Sender<(Waker, Arc<AtomicBool>)>,
    answered: &Arc<AtomicBool>,
) {
    let mut asked = false;
    poll_fn(|context: &mut Context<'_>| {
        if asked && answered.swap(false, Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !asked {
            asked = true;
            let request = (context.waker().clone(), Arc::clone(answered));
            requests.send(request).expect("the thread waits for requests");
        }
        Poll::Pending
    })
    .await;
}

/// What the thread counts up, and the task that wants to know.
#[derive(Default)]
struct Counter {
    value: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

/// The thread wakes one task again and again and waits for nothing: the wakes of a task
/// that has been woken already are part of it. On one processor, since on two the system
/// decides how often the loop falls asleep in between, and that decides the time.
async fn wake_stream<R: Runtime>(job: &Job) {
    let wakes = job.operations;
    let counter = Arc::new(Counter::default());
    let counted = Arc::clone(&counter);
    let task = R::spawn(poll_fn(move |context| {
        if counted.value.load(Ordering::Acquire) == wakes {
            return Poll::Ready(());
        }
        let mut waker = counted.waker.lock().expect("nobody panics with the lock");
        waker.get_or_insert_with(|| context.waker().clone());
        // Once more: the last wake may have come before the waker was there.
        drop(waker);
        match counted.value.load(Ordering::Acquire) == wakes {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }));
    let thread = thread::spawn(move || count_and_wake(&counter, wakes));
    task.await;
    thread.join().expect("the thread counts to the end");
}

fn count_and_wake(counter: &Counter, wakes: u64) {
    let waker = loop {
        if let Some(waker) = counter.waker.lock().expect("nobody panics with the lock").clone() {
            break waker;
        }
        thread::yield_now();
    };
    for _ in 0..wakes {
        counter.value.fetch_add(1, Ordering::Release);
        waker.wake_by_ref();
    }
}
