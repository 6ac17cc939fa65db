// Included by models.rs, once for each copy of the source as `glassloop`.

use std::cell::Cell;
use std::future::poll_fn;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use glassloop::blocking::pool::Pool;
use glassloop::sync::{Event, oneshot};
use glassloop::{Async, Executor, block_on, promise, remote, spawn, timeout, unblock, yield_now};
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

macro_rules! list {
    ($($model:ident)*) => {
        #[allow(dead_code, reason = "that of the sound copy is enough")]
        pub const MODELS: &[&str] = &[$(stringify!($model)),*];

        pub fn find(model: &str) -> Option<fn()> {
            match model {
                $(stringify!($model) => Some($model),)*
                _ => None,
            }
        }
    };
}

list! {
    a_wake_ends_the_park
    a_wake_ends_the_wait_in_the_poller
    two_threads_wake_one_task
    two_threads_wake_two_tasks
    a_late_wake_does_not_reach_the_task_in_the_same_place
    a_late_wake_does_not_take_that_of_the_next_task
    a_wake_meets_an_abort
    a_waker_is_used_again_after_a_panic_of_the_root
    a_wake_meets_the_end_of_the_loop
    a_remote_spawn_meets_the_end_of_the_loop
    a_remote_spawn_is_joined_by_its_thread
    the_last_remote_goes
    a_job_is_awaited
    a_job_is_not_jumped_over
    a_job_is_given_up_and_the_loop_ends
    a_worker_goes_home_when_a_job_comes
    a_promise_is_kept
    a_promise_is_broken
}

/// Counts up on other threads, by `count` of them, and waits for that. What they
/// write is relaxed: only the wake can carry it over.
async fn woken_by_threads(count: usize) {
    let written = Arc::new(AtomicUsize::new(0));
    let mut started = false;
    poll_fn(|cx| {
        if !started {
            started = true;
            (0..count).for_each(|_| write_and_wake(&written, cx.waker().clone()));
        }
        if written.load(Relaxed) == count { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn write_and_wake(written: &Arc<AtomicUsize>, waker: Waker) {
    let written = written.clone();
    thread::spawn(move || {
        written.fetch_add(1, Relaxed);
        waker.wake();
    });
}

fn a_wake_ends_the_park() {
    block_on(woken_by_threads(1));
}

fn two_threads_wake_one_task() {
    block_on(woken_by_threads(2));
}

fn two_threads_wake_two_tasks() {
    block_on(async {
        let tasks = [spawn(woken_by_threads(1)), spawn(woken_by_threads(1))];
        for task in tasks {
            task.await.unwrap();
        }
    });
}

fn a_wake_ends_the_wait_in_the_poller() {
    block_on(async {
        // A descriptor is awaited, so the loop sleeps in the poller.
        let (_near, far) = UnixStream::pair().unwrap();
        let far = Async::new(far).unwrap();
        spawn(async move { far.readable().await.unwrap() }).detach();
        yield_now().await;
        woken_by_threads(1).await;
    });
}

/// Ends, but leaves its waker to a thread.
async fn leave_a_waker() {
    poll_fn(|cx| {
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake());
        Poll::Ready(())
    })
    .await;
}

fn a_late_wake_does_not_reach_the_task_in_the_same_place() {
    block_on(async {
        spawn(leave_a_waker()).await.unwrap();
        let polls = Rc::new(Cell::new(0));
        let count = polls.clone();
        let (sender, mut receiver) = oneshot::channel();
        let next = spawn(async move {
            poll_fn(|cx| {
                count.set(count.get() + 1);
                std::pin::Pin::new(&mut receiver).poll(cx)
            })
            .await
        });
        // In the first turn it is polled for the first time; in the next ones, a late wake of
        // the task before must not lead to another poll.
        yield_now().await;
        yield_now().await;
        yield_now().await;
        sender.send(()).unwrap();
        next.await.unwrap().unwrap();
        assert_eq!(polls.get(), 2, "at first, and after the send");
    });
}

fn a_late_wake_does_not_take_that_of_the_next_task() {
    block_on(async {
        spawn(leave_a_waker()).await.unwrap();
        // In the same slot, and with the same `TaskWaker` if the thread has dropped it.
        spawn(woken_by_threads(1)).await.unwrap();
    });
}

fn a_wake_meets_an_abort() {
    let drops = Arc::new(AtomicUsize::new(0));
    let on_drop = OnDrop(drops.clone());
    block_on(async {
        let waits = spawn(async move {
            let _on_drop = on_drop;
            woken_by_threads(1).await;
        });
        yield_now().await;
        waits.abort();
        // Either: the wake may have come first.
        let _outcome = waits.await;
        assert_eq!(drops.load(Relaxed), 1, "dropped exactly once, before the join");
        spawn(woken_by_threads(1)).await.unwrap();
    });
}

fn a_waker_is_used_again_after_a_panic_of_the_root() {
    let executor = Executor::new().unwrap();
    executor.spawn(async {
        leave_a_waker().await;
        std::future::pending::<()>().await;
    }).detach();
    // The first task is dropped out of its turn: in the run queue, or with its wake
    // still on the way, or neither.
    let root = async {
        yield_now().await;
        yield_now().await;
        std::panic::resume_unwind(Box::new("the root's own"));
    };
    let ended = catch_unwind(AssertUnwindSafe(|| executor.block_on(root)));
    assert!(ended.is_err());
    executor.block_on(async { spawn(woken_by_threads(1)).await.unwrap() });
}

fn a_wake_meets_the_end_of_the_loop() {
    let executor = Executor::new().unwrap();
    let thread = Rc::new(Cell::new(None));
    let started = thread.clone();
    executor.spawn(poll_fn(move |cx| {
        let waker = cx.waker().clone();
        started.set(Some(thread::spawn(move || waker.wake())));
        Poll::<()>::Pending
    }))
    .detach();
    executor.block_on(yield_now());
    drop(executor);
    thread.take().expect("it was polled").join().unwrap();
}

/// Counts, when it is dropped.
struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn a_remote_spawn_meets_the_end_of_the_loop() {
    let drops = Arc::new(AtomicUsize::new(0));
    let on_drop = OnDrop(drops.clone());
    let executor = Executor::new().unwrap();
    let remote = executor.remote();
    let thread = thread::spawn(move || {
        let answer = remote.spawn(move || async move {
            let _on_drop = on_drop;
            7
        });
        // Either, but never for ever.
        if let Ok(answer) = answer.recv() {
            assert_eq!(answer.unwrap(), 7);
        }
    });
    executor.block_on(yield_now());
    drop(executor);
    thread.join().unwrap();
    assert_eq!(drops.load(Relaxed), 1, "dropped exactly once");
}

fn a_remote_spawn_is_joined_by_its_thread() {
    block_on(async {
        let remote = remote();
        let (promise, promised) = promise();
        thread::spawn(move || {
            let answer = remote.spawn(|| async { 7 }).recv().unwrap().unwrap();
            promise.set(answer).unwrap();
        });
        assert_eq!(promised.await, Ok(7));
    });
}

fn the_last_remote_goes() {
    let report = catch_unwind(AssertUnwindSafe(|| {
        block_on(async {
            let remote = remote();
            thread::spawn(move || drop(remote));
            Event::new().wait().await;
        });
    }));
    let report = report.expect_err("nothing can ever happen again");
    let report = report.downcast_ref::<String>().expect("a text");
    assert!(report.starts_with("deadlock"), "{report}");
}

fn a_job_is_awaited() {
    let seven = block_on(async { unblock(|| 7).await });
    assert_eq!(seven, 7);
}

fn a_job_is_not_jumped_over() {
    let executor = Executor::builder().virtual_time().build().unwrap();
    let hour = Duration::from_secs(3600);
    let outcome = executor.block_on(async { timeout(hour, unblock(|| 7)).await });
    assert_eq!(outcome, Ok(7), "virtual time passes only when no job is out");
}

fn a_job_is_given_up_and_the_loop_ends() {
    let ran = Arc::new(AtomicUsize::new(0));
    let run = ran.clone();
    block_on(async move {
        let mut job = unblock(move || run.fetch_add(1, Relaxed));
        poll_fn(|cx| {
            let _accepted = std::pin::Pin::new(&mut job).poll(cx);
            Poll::Ready(())
        })
        .await;
    });
    assert_eq!(ran.load(Relaxed), 1, "the loop's end waits for what was accepted");
}

fn a_worker_goes_home_when_a_job_comes() {
    let ran = Arc::new(AtomicUsize::new(0));
    let pool = Pool::new(1, Duration::ZERO, || {});
    for _ in 0..2 {
        let run = ran.clone();
        pool.submit(Box::new(move || {
            run.fetch_add(1, Relaxed);
        })).unwrap();
    }
    pool.shutdown();
    assert_eq!(ran.load(Relaxed), 2, "a job that was accepted is run");
}

fn a_promise_is_kept() {
    block_on(async {
        let (promise, promised) = promise();
        thread::spawn(move || promise.set(7).unwrap());
        assert_eq!(promised.await, Ok(7));
    });
}

fn a_promise_is_broken() {
    block_on(async {
        let (promise, promised) = promise::<u32>();
        thread::spawn(move || drop(promise));
        assert!(promised.await.is_err());
    });
}
