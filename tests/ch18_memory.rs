//! What a task costs, in bytes of the heap, and that nothing stays behind.
//!
//! These count every allocation of the process, so they run one after another,
//! in a test of their own.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::pending;
use std::io::SeekFrom;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncSeekExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{Event, Mutex, Semaphore, channel};
use glassloop::{Executor, sleep, spawn, timeout, yield_now};
use support::{panic_text, poll_once, turns, within_limit};

/// Counts the bytes that are allocated now, and the allocations so far.
struct Counting;

static BYTES: AtomicIsize = AtomicIsize::new(0);
static ALLOCATIONS: AtomicIsize = AtomicIsize::new(0);

// SAFETY: Every call goes to the system's allocator unchanged; this type only counts.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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

/// How many allocations `work` makes.
fn allocations_of(work: impl FnOnce()) -> isize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

const TASKS: usize = 100_000;

/// A loop as in a release build, which records no wait reasons.
fn virtual_executor() -> Executor {
    Executor::builder().virtual_time().explain(false).build().expect("an executor")
}

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

fn an_idle_task_costs_at_most_180_bytes_and_a_sleeping_one_310() {
    let idle = bytes_per_task(pending);
    println!("an idle task: {idle} bytes");
    assert!(idle <= 180, "an idle task costs {idle} bytes; what has grown?");
    let asleep = bytes_per_task(sleep_in_a_loop);
    println!("a sleeping task: {asleep} bytes, its future and its timer included");
    assert!(asleep <= 310, "a sleeping task costs {asleep} bytes; what has grown?");
}

/// A burst of tasks leaves only its entries in the slab and a small run queue.
fn the_memory_of_a_burst_in_the_run_queue_is_freed() {
    let kept = |burst: fn(&Executor)| {
        let executor = virtual_executor();
        let before = bytes();
        burst(&executor);
        (bytes() - before) / TASKS as isize
    };
    let stalled = kept(|executor| {
        (0..TASKS).for_each(|_| drop(executor.spawn(async {})));
        executor.run_until_stalled();
    });
    assert!(stalled <= 24, "{stalled} bytes for each task of a burst that is over");
    let parked = kept(|executor| {
        executor.block_on(async {
            (0..TASKS).for_each(|_| drop(spawn(async {})));
            sleep(Duration::from_secs(1)).await;
        });
    });
    assert!(parked <= 24, "{parked} bytes for each task of a burst that is over");
}

async fn sleep_in_a_loop() {
    sleep(Duration::from_secs(3600)).await;
}

/// Does `work` twice on one executor; the second time must leave nothing behind, since all
/// buffers have their final size then.
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
    leaves_nothing_behind("1,000 ended tasks with names", async || {
        for number in 0..1000 {
            let task = glassloop::spawn_named(format!("task {number}"), async {});
            task.await.unwrap();
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

/// The root panics in the poll in which the loop asks what it waits for: its leaf futures
/// must not record wait reasons for ever.
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
    assert_eq!(left, 0, "{left} bytes of wait reasons that are never read");
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

/// The `TaskWaker` that its wakers share comes from the task that ended last.
fn a_task_is_one_allocation_however_often_it_is_polled() {
    let executor = virtual_executor();
    let lives = |count| {
        executor.block_on(async move {
            for _ in 0..count {
                spawn(async { turns(3).await }).await.unwrap();
            }
        });
    };
    lives(1);
    let none = allocations_of(|| lives(0));
    let allocations = allocations_of(|| lives(1000)) - none;
    // The root has the waker that was free, so the first task needs a new one.
    assert_eq!(allocations, 1000 + 1, "one for each task, and one waker for all of them");
}

/// A burst of tasks that wait has as many wakers as tasks: two allocations a task. Only
/// the waker of the task that ended last is used again.
fn a_task_that_waits_beside_others_is_two_allocations() {
    let executor = virtual_executor();
    let burst = |count| {
        for _ in 0..count {
            executor.spawn(async { turns(1).await }).detach();
        }
        executor.run_until_stalled();
    };
    burst(3000);
    let none = allocations_of(|| burst(0));
    let allocations = allocations_of(|| burst(3000)) - none;
    assert_eq!(allocations, 3000 + 2999, "the tasks, and their wakers but one");
}

/// The run queue frees the memory of a burst: once, when it is empty.
fn polling_a_burst_of_ready_tasks_allocates_next_to_nothing() {
    let executor = virtual_executor();
    for _ in 0..10_000 {
        executor.spawn(async {}).detach();
    }
    let allocations = allocations_of(|| executor.run_until_stalled());
    assert!(allocations < 100, "{allocations} allocations for 10,000 polls");
}

/// A read without a future of its own leaves a waker with its socket: one waker per task,
/// and none of a task that has ended.
fn reads_that_wait_leave_one_waker_per_living_task() {
    let executor = virtual_executor();
    let (_listener, far) = executor.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, TcpStream::connect(address).await.unwrap())
    });
    let read_often = async |far: &TcpStream| {
        for _ in 0..1000 {
            assert!(poll_once(&mut (&*far).read(&mut [0])).await.is_pending());
        }
    };
    let of_one_task = async || {
        read_often(&far).await;
        let before = bytes();
        read_often(&far).await;
        bytes() - before
    };
    let left = executor.block_on(of_one_task());
    assert!(left < 1000, "{left} bytes stay with the socket for the same task");
    let of_tasks_that_end = || {
        for _ in 0..1000 {
            let far = far.clone();
            let read = async move { poll_once(&mut (&far).read(&mut [0])).await.is_pending() };
            assert!(executor.block_on(executor.spawn(read)).unwrap());
        }
    };
    of_tasks_that_end();
    let before = bytes();
    of_tasks_that_end();
    let left = bytes() - before;
    assert!(left < 1000, "{left} bytes stay with the socket for tasks that have ended");
}

/// A file reads a part of what is asked for at once, and keeps a small buffer.
fn a_file_that_was_read_at_once_keeps_a_small_buffer() {
    const SIZE: usize = 32 << 20;
    const MOST: isize = 300 << 10;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    std::fs::File::create(&path).unwrap().set_len(SIZE as u64).unwrap();
    let mut buffer = vec![7; SIZE];
    virtual_executor().block_on(async {
        let before = bytes();
        let mut file = glassloop::fs::File::open(&path).await.unwrap();
        let first = file.read(&mut buffer).await.unwrap();
        assert!(first <= 1 << 20, "{first} bytes in one read: each of them is copied");
        assert!(bytes() - before < MOST, "{} bytes after one read", bytes() - before);
        file.read_exact(&mut buffer[first..]).await.unwrap();
        assert!(bytes() - before < 2 << 20, "{} bytes while it reads on", bytes() - before);
        assert_eq!(file.read(&mut buffer).await.unwrap(), 0);
        assert!(bytes() - before < MOST, "{} bytes at the end", bytes() - before);
        file.seek(SeekFrom::Start(0)).await.unwrap();
        file.read_exact(&mut buffer).await.unwrap();
        file.seek(SeekFrom::Start(0)).await.unwrap();
        assert!(bytes() - before < MOST, "{} bytes after a seek", bytes() - before);
        for _ in 0..2 << 10 {
            file.read_exact(&mut buffer[..10 << 10]).await.unwrap();
        }
        assert!(bytes() - before < 2 * MOST, "{} bytes in small reads", bytes() - before);
    });
    assert!(buffer == vec![0; SIZE]);
}

/// All in one test: the allocations of a second test beside it would be counted too.
#[test]
fn a_task_is_small_and_what_is_dropped_leaves_nothing_behind() {
    within_limit(|| {
        an_idle_task_costs_at_most_180_bytes_and_a_sleeping_one_310();
        dropped_waits_leave_nothing_behind();
        a_panic_in_the_last_question_leaves_nothing_behind();
        a_dropped_executor_leaves_nothing_behind();
        a_task_is_one_allocation_however_often_it_is_polled();
        a_task_that_waits_beside_others_is_two_allocations();
        the_memory_of_a_burst_in_the_run_queue_is_freed();
        polling_a_burst_of_ready_tasks_allocates_next_to_nothing();
        reads_that_wait_leave_one_waker_per_living_task();
        a_file_that_was_read_at_once_keeps_a_small_buffer();
    });
}
