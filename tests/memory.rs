//! What a task costs, in bytes of the heap, and that nothing stays behind.
//!
//! These count every allocation of the process, so they run one after another,
//! in a test of their own.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::pending;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use glassloop::sync::{Event, Mutex, Semaphore, channel};
use glassloop::{Executor, sleep, timeout, yield_now};
use support::{panic_text, poll_once, virtual_executor, within_limit};

/// Counts the bytes that are allocated at present.
struct Counting;

static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: Every call goes to the system's allocator as it came; only a number is
// kept beside it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: The caller keeps the contract of `alloc`, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: As above; every pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn bytes() -> isize {
    BYTES.load(Ordering::Relaxed)
}

const TASKS: usize = 100_000;

/// The bytes per task, for tasks that wait in the future that `make` makes.
fn bytes_per_task<F: Future<Output = ()> + 'static>(make: impl Fn() -> F) -> isize {
    let executor = virtual_executor();
    let before = bytes();
    for _ in 0..TASKS {
        drop(executor.spawn(make()));
    }
    executor.run_until_stalled();
    (bytes() - before) / TASKS as isize
}

fn an_idle_task_costs_at_most_200_bytes_besides_its_future() {
    let idle = bytes_per_task(pending);
    println!("an idle task: {idle} bytes");
    assert!(idle <= 200, "an idle task costs {idle} bytes; what has grown?");
    let asleep = bytes_per_task(sleep_in_a_loop);
    println!("a sleeping task: {asleep} bytes, its future and its timer included");
    assert!(asleep <= 400, "a sleeping task costs {asleep} bytes; what has grown?");
}

async fn sleep_in_a_loop() {
    sleep(Duration::from_secs(3600)).await;
}

/// Does `work` twice on one executor; the second time must leave nothing behind,
/// when everything has its final size.
fn leaves_nothing_behind(what: &str, work: impl AsyncFn()) {
    let executor: Executor = virtual_executor();
    executor.block_on(work());
    let before = bytes();
    executor.block_on(work());
    let left = bytes() - before;
    assert_eq!(left, 0, "{what}: {left} bytes stayed behind");
}

fn dropped_waits_leave_nothing_behind() {
    leaves_nothing_behind("10,000 dropped sleeps", async || {
        for seconds in 0..10_000 {
            let slept = timeout(Duration::ZERO, sleep(Duration::from_secs(1 + seconds))).await;
            assert!(slept.is_err());
        }
    });
    leaves_nothing_behind("1,000 aborted tasks", async || {
        for _ in 0..1000 {
            let task = glassloop::spawn(pending::<()>());
            yield_now().await;
            task.abort();
            assert!(task.await.is_err());
        }
    });
    leaves_nothing_behind("1,000 cancelled waits of each kind", async || {
        let (mutex, semaphore, event) = (Mutex::new(()), Semaphore::new(0), Event::new());
        let (_sender, receiver) = channel::bounded::<()>(1);
        let _held = mutex.lock().await;
        for _ in 0..1000 {
            assert!(timeout(Duration::ZERO, mutex.lock()).await.is_err());
            assert!(timeout(Duration::ZERO, semaphore.acquire()).await.is_err());
            assert!(timeout(Duration::ZERO, event.wait()).await.is_err());
            assert!(timeout(Duration::ZERO, receiver.recv()).await.is_err());
        }
    });
}

/// The root panics in the poll in which the loop asks what it waits for: its leaves
/// must not go on taking notes for ever.
fn a_panic_in_the_last_question_leaves_nothing_behind() {
    let executor = virtual_executor();
    let mut polled = false;
    let text = panic_text(|| {
        executor.block_on(std::future::poll_fn(|_| {
            assert!(!std::mem::replace(&mut polled, true), "asked");
            std::task::Poll::<()>::Pending
        }))
    });
    assert_eq!(text, "asked");
    let event = Event::new();
    let waits = async || {
        for _ in 0..10_000 {
            assert!(poll_once(&mut event.wait()).await.is_pending());
        }
    };
    executor.block_on(waits());
    let before = bytes();
    executor.block_on(waits());
    let left = bytes() - before;
    assert_eq!(left, 0, "{left} bytes of notes that nobody reads");
}

fn a_dropped_executor_leaves_nothing_behind() {
    let whole_life = || {
        let executor = virtual_executor();
        for _ in 0..1000 {
            drop(executor.spawn(sleep_in_a_loop()));
        }
        executor.run_until_stalled();
    };
    whole_life();
    let before = bytes();
    whole_life();
    let left = bytes() - before;
    assert_eq!(left, 0, "{left} bytes stayed behind after the executor was dropped");
}

/// In one test, since another one beside it would be counted too.
#[test]
fn a_task_is_small_and_what_is_dropped_leaves_nothing_behind() {
    within_limit(|| {
        an_idle_task_costs_at_most_200_bytes_besides_its_future();
        dropped_waits_leave_nothing_behind();
        a_panic_in_the_last_question_leaves_nothing_behind();
        a_dropped_executor_leaves_nothing_behind();
    });
}
