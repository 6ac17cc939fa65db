//! The floor: the same work with no runtime at all. What a runtime costs is what it costs
//! above this; nothing can be faster that does the work.

use std::fs::{self, File};
use std::future::Future;
use std::hint::black_box;
use std::io::Read;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};

use crate::data::{self, BLOCK};
use crate::parts::{OneSlot, yield_now};
use crate::workload::{Job, Workload};
use crate::workloads::one_way::MEBIBYTE;
use crate::workloads::spawn::sum_below;

#[cfg_attr(target_os = "linux", path = "floor_sockets_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "floor_sockets_other.rs")]
mod sockets;

pub const NAME: &str = "floor";

pub fn all() -> Vec<Workload> {
    [tasks(), files(), sockets::all()].concat()
}

fn tasks() -> Vec<Workload> {
    vec![
        Workload::new("spawn_batch", 1_000_000, spawn_batch),
        Workload::new("spawn_all", 1_000_000, spawn_all),
        Workload::new("yield1", 10_000_000, yield1),
        Workload::new("yield1000", 10_000_000, yield1000).scale(1000),
        Workload::new("ping_pong", 2_000_000, ping_pong),
        Workload::new("wake_park", 50_000, wake_park).pinned(),
    ]
}

fn files() -> Vec<Workload> {
    vec![
        Workload::new("files_4k", 20_000, read_small).pinned(),
        Workload::new("file_64k", 1024, read_large).scale(64 << 10).pinned(),
        Workload::new("file_1m", 1024, read_large).scale(1 << 20).pinned(),
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

/// One after the other, on this thread.
fn read_small(job: &Job) {
    let folder = data::small_files(&job.data, job.operations);
    job.meter.start();
    for number in 0..job.operations {
        let bytes = fs::read(data::small_file(&folder, number)).expect("the file is there");
        assert_eq!((bytes.len(), data::number(&bytes)), (BLOCK, number));
    }
    job.meter.stop();
}

fn read_large(job: &Job) {
    let bytes = job.operations * MEBIBYTE as u64;
    let path = data::large_file(&job.data, bytes);
    job.meter.start();
    let mut file = File::open(path).expect("the file is there");
    let mut buffer = vec![0; job.scale as usize];
    let mut position = 0;
    while position < bytes {
        position += file.read(&mut buffer).expect("the file is there") as u64;
    }
    job.meter.stop();
    assert_eq!(position, bytes);
}
