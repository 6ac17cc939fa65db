//! The promises that are tried on every step and on glassloop: a part of the specification, in
//! the order in which the steps come to them. The whole of it is in the chapters, `tests/ch*.rs`.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::subject::{Ended, Subject};
use crate::support::{Log, OnDrop, WakeCount};

/// The promises: their sentences, and the functions that try them.
macro_rules! promises {
    ($($name:ident,)*) => {
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];

        /// Tries a promise on an executor. A broken promise panics, or does not end.
        pub fn try_promise<S: Subject>(name: &str) {
            match name {
                $(stringify!($name) => $name::<S>(),)*
                _ => panic!("no promise is called {name}"),
            }
        }
    };
}

promises! {
    block_on_gives_the_output_of_its_future,
    block_on_takes_a_future_that_borrows,
    a_wake_from_another_thread_has_the_future_polled_again,
    a_wake_during_the_poll_is_not_lost,
    a_future_that_nobody_wakes_is_not_polled,
    after_a_panic_of_the_root_the_thread_can_run_another_loop,
    tasks_begin_in_the_order_in_which_they_were_spawned,
    tasks_take_turns,
    a_task_that_always_wakes_itself_lets_the_others_run,
    a_task_that_is_woken_several_times_is_polled_once,
    a_late_wake_of_an_ended_task_does_nothing,
    a_waker_wakes_its_own_loop_from_the_thread_of_another_one,
    tasks_that_are_left_over_are_dropped,
    the_drop_of_a_task_that_is_left_over_may_spawn,
    a_handle_gives_the_output_of_its_task,
    a_panic_ends_its_task_only_and_reaches_whoever_joins_it,
    an_aborted_task_drops_all_that_it_holds,
    a_task_may_abort_itself,
    sleeps_end_in_the_order_of_their_deadlines,
    equal_sleeps_end_in_the_order_of_the_calls,
    a_sleep_does_not_end_early,
    a_dropped_sleep_keeps_no_waker,
    a_sleep_that_moves_to_another_task_wakes_that_task,
    a_sleep_without_end_does_no_harm,
    a_task_that_waits_for_a_socket_lets_timers_fire,
    one_task_reads_and_another_one_writes_the_same_socket,
    blocking_work_lets_timers_fire,
    a_panic_of_blocking_work_goes_on_where_it_is_awaited,
    a_task_whose_socket_is_always_ready_lets_timers_fire,
    a_promise_that_is_dropped_tells_the_task_that_waits_for_it,
    a_loop_in_which_nothing_can_happen_any_more_says_so,
    a_week_on_virtual_time_takes_no_time,
}

// ── one future ────────────────────────────────────────────────────────────

fn block_on_gives_the_output_of_its_future<S: Subject>() {
    assert_eq!(S::block_on(async { 6 * 7 }), 42);
}

fn block_on_takes_a_future_that_borrows<S: Subject>() {
    let mut words = vec!["one"];
    S::block_on(async {
        yield_now().await;
        words.push("two");
    });
    assert_eq!(words, ["one", "two"]);
}

fn a_wake_from_another_thread_has_the_future_polled_again<S: Subject>() {
    S::block_on(woken_by_a_thread());
}

fn a_wake_during_the_poll_is_not_lost<S: Subject>() {
    S::block_on(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
}

fn a_future_that_nobody_wakes_is_not_polled<S: Subject>() {
    let polls = Cell::new(0);
    let mut waiting = Box::pin(woken_by_a_thread());
    S::block_on(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        waiting.as_mut().poll(cx)
    }));
    assert_eq!(polls.get(), 2, "once to begin, and once when it was woken");
}

fn after_a_panic_of_the_root_the_thread_can_run_another_loop<S: Subject>() {
    let panic = catch_unwind(|| S::block_on(async { panic!("of the root") }));
    assert!(panic.is_err(), "the panic of the root comes out of `block_on`");
    S::block_on(yield_now());
}

// ── many tasks ────────────────────────────────────────────────────────────

fn tasks_begin_in_the_order_in_which_they_were_spawned<S: Subject>() {
    let log = Log::new();
    S::block_on(async {
        for name in ["a", "b", "c"] {
            let log = log.clone();
            S::spawn(async move { log.add(name) });
        }
        log.add("not yet");
        turns(2).await;
    });
    assert_eq!(log.take(), ["not yet", "a", "b", "c"]);
}

fn tasks_take_turns<S: Subject>() {
    let log = Log::new();
    S::block_on(async {
        for name in ["a", "b"] {
            let log = log.clone();
            S::spawn(async move {
                for number in 1..=2 {
                    log.add(format!("{name}{number}"));
                    yield_now().await;
                }
            });
        }
        turns(4).await;
    });
    assert_eq!(log.take(), ["a1", "b1", "a2", "b2"]);
}

fn a_task_that_always_wakes_itself_lets_the_others_run<S: Subject>() {
    S::block_on(async {
        S::spawn(async {
            loop {
                yield_now().await;
            }
        });
        woken_by_a_thread().await;
    });
}

fn a_task_that_is_woken_several_times_is_polled_once<S: Subject>() {
    let polls = Rc::new(Cell::new(0));
    S::block_on(async {
        let counted = Rc::clone(&polls);
        S::spawn(poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            if counted.get() == 1 {
                (0..3).for_each(|_| cx.waker().wake_by_ref());
            }
            Poll::Pending
        }));
        turns(4).await;
    });
    assert_eq!(polls.get(), 2, "woken three times before its turn, so polled once more");
}

fn a_late_wake_of_an_ended_task_does_nothing<S: Subject>() {
    let kept = Rc::new(Cell::new(None));
    S::block_on(async {
        let keep = Rc::clone(&kept);
        S::spawn(poll_fn(move |cx| {
            keep.set(Some(cx.waker().clone()));
            Poll::Ready(())
        }));
        turns(2).await;
        kept.take().map(Waker::wake).expect("the task has run");
        turns(2).await;
    });
}

fn a_waker_wakes_its_own_loop_from_the_thread_of_another_one<S: Subject>() {
    let (sender, receiver) = mpsc::channel::<Waker>();
    let woken = Arc::new(AtomicBool::new(false));
    let waking = Arc::clone(&woken);
    let other = thread::spawn(move || {
        S::block_on(async {
            let waker = receiver.recv().expect("a waker of the first loop");
            thread::sleep(SHORT);
            waking.store(true, Ordering::Release);
            waker.wake();
            turns(2).await;
        });
    });
    S::block_on(async {
        let mut sender = Some(sender);
        let task = poll_fn(move |cx| {
            if woken.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            if let Some(sender) = sender.take() {
                sender.send(cx.waker().clone()).expect("the other loop waits for it");
            }
            Poll::Pending
        });
        task.await;
    });
    other.join().expect("the other loop has ended");
}

fn tasks_that_are_left_over_are_dropped<S: Subject>() {
    let log = Log::new();
    S::block_on(async {
        let held = OnDrop(log.clone(), "dropped");
        S::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        turns(2).await;
        log.add("the root ends");
    });
    assert_eq!(log.take(), ["the root ends", "dropped"]);
}

fn the_drop_of_a_task_that_is_left_over_may_spawn<S: Subject>() {
    struct SpawnOnDrop<S: Subject>(std::marker::PhantomData<S>);
    impl<S: Subject> Drop for SpawnOnDrop<S> {
        fn drop(&mut self) {
            S::spawn(async { unreachable!("nobody polls it any more") });
        }
    }
    S::block_on(async {
        let held = SpawnOnDrop::<S>(std::marker::PhantomData);
        S::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        turns(2).await;
    });
}

// ── the end of a task ─────────────────────────────────────────────────────

fn a_handle_gives_the_output_of_its_task<S: Subject>() {
    S::block_on(async {
        let early = S::spawn_with_handle(async { 1 });
        turns(2).await;
        let late = S::spawn_with_handle(async {
            turns(3).await;
            2
        });
        assert_eq!(early.join.await, Ended::Output(1), "it has ended before the join");
        assert_eq!(late.join.await, Ended::Output(2), "it ends after the join");
    });
}

fn a_panic_ends_its_task_only_and_reaches_whoever_joins_it<S: Subject>() {
    S::block_on(async {
        let bad = S::spawn_with_handle(async { panic!("no luck") });
        let good = S::spawn_with_handle(async {
            turns(2).await;
            1
        });
        assert_eq!(bad.join.await, Ended::Panicked("no luck".to_owned()));
        assert_eq!(good.join.await, Ended::Output(1));
    });
}

fn an_aborted_task_drops_all_that_it_holds<S: Subject>() {
    let log = Log::new();
    S::block_on(async {
        let held = OnDrop(log.clone(), "dropped");
        let task = S::spawn_with_handle(async move {
            let _held = held;
            std::future::pending().await
        });
        turns(2).await;
        (task.abort)();
        assert_eq!(task.join.await, Ended::Aborted);
        log.add("joined");
    });
    assert_eq!(log.take(), ["dropped", "joined"]);
}

fn a_task_may_abort_itself<S: Subject>() {
    S::block_on(async {
        let abort = Rc::new(RefCell::new(None::<Box<dyn Fn()>>));
        let own = Rc::clone(&abort);
        let task = S::spawn_with_handle(async move {
            own.borrow().as_ref().expect("it is there")();
            yield_now().await;
            unreachable!("it is aborted");
        });
        *abort.borrow_mut() = Some(task.abort);
        assert_eq!(task.join.await, Ended::Aborted);
    });
}

// ── time ──────────────────────────────────────────────────────────────────

fn sleeps_end_in_the_order_of_their_deadlines<S: Subject>() {
    let log = sleepers::<S, 3>([("c", 120), ("a", 10), ("b", 60)]);
    assert_eq!(log, ["a", "b", "c"]);
}

fn equal_sleeps_end_in_the_order_of_the_calls<S: Subject>() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    assert_eq!(sleepers::<S, 8>(names.map(|name| (name, 10))), names);
}

fn a_sleep_does_not_end_early<S: Subject>() {
    S::block_on(async {
        for micros in [1, 999, 1_000, 1_001, 12_345, 70_000] {
            let asked = Duration::from_micros(micros);
            let began = Instant::now();
            S::sleep(asked).await;
            assert!(began.elapsed() >= asked, "{asked:?} took only {:?}", began.elapsed());
        }
    });
}

fn a_dropped_sleep_keeps_no_waker<S: Subject>() {
    S::block_on(async {
        let (copies, waker) = WakeCount::new();
        let mut sleep = S::sleep(WEEK);
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&copies), 3, "the timer has kept one");
        drop(sleep);
        assert_eq!(Arc::strong_count(&copies), 2, "the timer has given it back");
    });
}

fn a_sleep_that_moves_to_another_task_wakes_that_task<S: Subject>() {
    S::block_on(async {
        let mut sleep = S::sleep(SHORT);
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        sleep.await;
    });
}

fn a_sleep_without_end_does_no_harm<S: Subject>() {
    S::block_on(async {
        let endless = S::spawn_with_handle(async {
            S::sleep(Duration::MAX).await;
            0
        });
        S::sleep(SHORT).await;
        (endless.abort)();
        assert_eq!(endless.join.await, Ended::Aborted);
    });
}

// ── sockets and files ─────────────────────────────────────────────────────

fn a_task_that_waits_for_a_socket_lets_timers_fire<S: Subject>() {
    S::block_on(async {
        let (stream, mut other_end) = connection();
        let stream = S::stream(stream);
        let waiting = S::spawn_with_handle(async move {
            let mut buffer = [0; 4];
            stream.read(&mut buffer).await.expect("the connection is whole") as u32
        });
        for _ in 0..3 {
            S::sleep(SHORT).await;
        }
        other_end.write_all(b"news").expect("the connection is whole");
        assert_eq!(waiting.join.await, Ended::Output(4));
    });
}

fn one_task_reads_and_another_one_writes_the_same_socket<S: Subject>() {
    S::block_on(async {
        let (stream, mut other_end) = connection();
        let (said_stop, understood) = mpsc::channel();
        let other_end = thread::spawn(move || {
            thread::sleep(SHORT);
            other_end.write_all(b"stop").expect("the connection is whole");
            // Reads only when the loop has understood, so the writer waits until then.
            understood.recv().expect("the loop has understood");
            let mut received = vec![0; MANY];
            other_end.read_exact(&mut received).expect("the connection is whole");
        });
        let stream = Rc::new(S::stream(stream));
        let writing = Rc::clone(&stream);
        let reader = S::spawn_with_handle(async move {
            let mut buffer = [0; 4];
            let length = stream.read(&mut buffer).await.expect("the connection is whole");
            said_stop.send(()).expect("the other end waits for it");
            length as u32
        });
        let writer = S::spawn_with_handle(async move {
            writing.write_all(&vec![1; MANY]).await.expect("the connection is whole");
            0
        });
        assert_eq!(reader.join.await, Ended::Output(4));
        assert_eq!(writer.join.await, Ended::Output(0));
        other_end.join().expect("it has got all");
    });
}

fn blocking_work_lets_timers_fire<S: Subject>() {
    S::block_on(async {
        let (sender, receiver) = mpsc::channel();
        let work = S::unblock(move || receiver.recv().expect("the loop sends it"));
        let ticks = S::spawn_with_handle(async move {
            for _ in 0..3 {
                S::sleep(Duration::from_millis(5)).await;
            }
            sender.send(7).expect("the work waits for it");
            0
        });
        assert_eq!(work.await, 7, "the work waits for the timers, and not the timers for the work");
        assert_eq!(ticks.join.await, Ended::Output(0));
    });
}

fn a_panic_of_blocking_work_goes_on_where_it_is_awaited<S: Subject>() {
    S::block_on(async {
        let task = S::spawn_with_handle(S::unblock(|| panic!("no luck")));
        assert_eq!(task.join.await, Ended::Panicked("no luck".to_owned()));
    });
}

// ── what takes more than a step ───────────────────────────────────────────

fn a_task_whose_socket_is_always_ready_lets_timers_fire<S: Subject>() {
    S::block_on(async {
        let (stream, other_end) = connection();
        drop(other_end); // at its end, a stream is always ready: each read gives 0 bytes
        let stream = S::stream(stream);
        let stop = Rc::new(Cell::new(false));
        let stopped = Rc::clone(&stop);
        let reader = S::spawn_with_handle(async move {
            while !stopped.get() {
                let length = stream.read(&mut [0; 4]).await;
                assert_eq!(length.expect("the end is no error"), 0);
            }
            0
        });
        S::sleep(SHORT).await;
        stop.set(true);
        assert_eq!(reader.join.await, Ended::Output(0));
    });
}

fn a_promise_that_is_dropped_tells_the_task_that_waits_for_it<S: Subject>() {
    let (set, promised) = S::promise();
    drop(set);
    let panic = catch_unwind(AssertUnwindSafe(|| S::block_on(promised)));
    assert!(panic.is_err(), "the value will never come");
}

fn a_loop_in_which_nothing_can_happen_any_more_says_so<S: Subject>() {
    let panic = catch_unwind(AssertUnwindSafe(|| S::block_on(std::future::pending::<()>())));
    assert!(panic.is_err(), "it panics, and says what waits for what");
}

fn a_week_on_virtual_time_takes_no_time<S: Subject>() {
    let began = Instant::now();
    S::block_on_virtual_time(async { S::sleep(WEEK).await });
    assert!(began.elapsed() < WEEK);
}

// ── instruments ───────────────────────────────────────────────────────────

const SHORT: Duration = Duration::from_millis(30);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// More bytes than the system takes for a socket that nobody reads.
const MANY: usize = 20_000_000;

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// Waits until another thread wakes it, after a moment.
fn woken_by_a_thread() -> impl Future<Output = ()> {
    let woken = Arc::new(AtomicBool::new(false));
    let started = AtomicU32::new(0);
    poll_fn(move |cx| {
        if woken.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if started.fetch_add(1, Ordering::Relaxed) == 0 {
            let (woken, waker) = (Arc::clone(&woken), cx.waker().clone());
            thread::spawn(move || {
                thread::sleep(SHORT);
                woken.store(true, Ordering::Release);
                waker.wake();
            });
        }
        Poll::Pending
    })
}

/// Starts a task for each name, which sleeps so many milliseconds; returns the names as they come.
fn sleepers<S: Subject, const N: usize>(times: [(&'static str, u64); N]) -> Vec<String> {
    let log = Log::new();
    S::block_on(async {
        let sleepers = times.map(|(name, millis)| {
            let log = log.clone();
            S::spawn_with_handle(async move {
                S::sleep(Duration::from_millis(millis)).await;
                log.add(name);
                0
            })
        });
        for sleeper in sleepers {
            assert_eq!(sleeper.join.await, Ended::Output(0));
        }
    });
    log.take()
}

/// The two ends of a connection: one for the loop, which does not block, and one for a thread.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let other_end = TcpStream::connect(listener.local_addr().expect("it is bound"));
    let (stream, _) = listener.accept().expect("it was connected to");
    (stream, other_end.expect("the listener is there"))
}
