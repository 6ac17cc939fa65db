//! The floor: the same work with no runtime at all. What a runtime costs is what it costs
//! above this; nothing can be faster that does the work.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};

use crate::parts::{OneSlot, yield_now};
use crate::workload::{Job, Workload};
use crate::workloads::spawn::sum_below;

pub const NAME: &str = "floor";

pub fn all() -> Vec<Workload> {
    vec![
        Workload::new("spawn_batch", 1_000_000, spawn_batch),
        Workload::new("spawn_all", 1_000_000, spawn_all),
        Workload::new("yield1", 10_000_000, yield1),
        Workload::new("yield1000", 10_000_000, yield1000).scale(1000),
        Workload::new("ping_pong", 2_000_000, ping_pong),
        Workload::new("wake_park", 50_000, wake_park).pinned(),
    ]
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A task is a box, and running it is a poll.
fn spawn_batch(job: &Job) {
    let mut sum = 0;
    let mut first = 0;
    while first < job.operations {
        let end = job.operations.min(first + 1000);
        sum += box_and_poll(first, end);
        first = end;
    }
    assert_eq!(sum, sum_below(job.operations));
}

fn spawn_all(job: &Job) {
    assert_eq!(box_and_poll(0, job.operations), sum_below(job.operations));
}

fn box_and_poll(first: u64, end: u64) -> u64 {
    let tasks: Vec<Pin<Box<dyn Future<Output = u64>>>> =
        (first..end).map(|number| Box::pin(async move { number }) as _).collect();
    let mut sum = 0;
    for mut task in tasks {
        let Poll::Ready(number) = poll(task.as_mut()) else { panic!("it does not wait") };
        sum += number;
    }
    sum
}

async fn yield_often(times: u64) {
    for _ in 0..times {
        yield_now().await;
    }
}

fn yield1(job: &Job) {
    // A loop does not know which future it polls, so the compiler must not know it here.
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(yield_often(job.operations));
    let mut task = black_box(task);
    let mut pending = 0;
    while poll(task.as_mut()).is_pending() {
        pending += 1;
    }
    assert_eq!(pending, job.operations);
}

fn yield1000(job: &Job) {
    let each = job.operations.div_ceil(job.scale);
    let mut tasks: Vec<Pin<Box<dyn Future<Output = ()>>>> =
        (0..job.scale).map(|_| Box::pin(yield_often(each)) as _).collect();
    let mut pending = 0;
    while !tasks.is_empty() {
        tasks.retain_mut(|task| poll(task.as_mut()).is_pending());
        pending += tasks.len() as u64;
    }
    assert_eq!(pending, each * job.scale);
}

/// Two futures, polled in turn.
fn ping_pong(job: &Job) {
    let (there, back) = (OneSlot::default(), OneSlot::default());
    let mut pong = pin!(async {
        for _ in 0..job.operations {
            let number: u64 = there.receive().await;
            back.send(number + 1);
        }
    });
    let mut ping = pin!(async {
        let mut number = 0;
        for _ in 0..job.operations {
            there.send(number);
            number = back.receive().await;
        }
        number
    });
    let number = loop {
        if let Poll::Ready(number) = poll(ping.as_mut()) {
            break number;
        }
        let _ = poll(pong.as_mut());
    };
    assert_eq!(number, job.operations);
}

/// Two threads, one of which parks: what a loop without descriptors could do at best.
fn wake_park(job: &Job) {
    let (requests, asked) = mpsc::channel::<(Thread, Arc<AtomicBool>)>();
    let thread = thread::spawn(move || {
        for (parked, answered) in asked {
            answered.store(true, Ordering::Release);
            parked.unpark();
        }
    });
    let answered = Arc::new(AtomicBool::new(false));
    for _ in 0..job.operations {
        let request = (thread::current(), Arc::clone(&answered));
        requests.send(request).expect("the thread waits for requests");
        while !answered.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
    drop(requests);
    thread.join().expect("the thread ends with the requests");
}
