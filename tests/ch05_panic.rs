//! Chapter 5: panic. What a panic ends, and what it does not.

mod support;

use std::future::{pending, poll_fn};
use std::panic::{panic_any, set_hook, take_hook};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use glassloop::sync::Event;
use glassloop::{Executor, block_on, join_all, spawn, unblock, yield_now};
use support::{
    Log, OnDrop, on_virtual_loop, panic_text, payload_text, turns, virtual_executor, within_limit,
};

// 46 ─────────────────────────────────────────────────────────────────────────

/// 46 · as in asyncio. Breaks when the panic unwinds through the loop.
#[test]
fn a_panic_of_a_task_stops_neither_the_loop_nor_other_tasks() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let player = |name: &'static str| {
            let log = log.clone();
            spawn(async move {
                for turn in 0..3 {
                    log.add(format!("{name}{turn}"));
                    assert!((name, turn) != ("b", 1), "b panics in its second turn");
                    yield_now().await;
                }
            })
        };
        let [a, b, c] = ["a", "b", "c"].map(player);
        a.await.unwrap();
        c.await.unwrap();
        assert!(b.await.unwrap_err().is_panic());
        let expected = ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "c2"];
        assert_eq!(log.take(), expected, "the others must not notice");
    });
}

/// 46 · as in asyncio. Breaks when a task that panicked stays in the slab, and the next
/// wake polls it again.
#[test]
fn a_task_that_panicked_is_never_polled_again() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let trace = log.clone();
        let task = spawn(poll_fn(move |cx| -> Poll<()> {
            trace.add("polled");
            cx.waker().wake_by_ref();
            panic!("once is enough");
        }));
        turns(3).await;
        assert!(task.is_finished(), "a panic is an end");
        assert_eq!(log.take(), ["polled"]);
    });
}

/// 46 · as in asyncio. Breaks when the future of a task that panicked is kept, so
/// that what it holds is never released.
#[test]
fn a_task_that_panicked_is_dropped_at_once() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let captured = OnDrop(log.clone(), "captured");
        let task = spawn(poll_fn(move |_| -> Poll<()> {
            let _captured = &captured;
            panic!("while it holds something");
        }));
        yield_now().await;
        assert_eq!(log.take(), ["captured"], "the panic must drop the future");
        drop(task);
    });
}

/// 46 · Breaks when the output of a detached task is dropped outside of the loop's
/// `catch_unwind`.
#[test]
fn a_panic_in_the_drop_of_an_output_that_nobody_joins_is_contained() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("an output's drop fails");
        }
    }
    on_virtual_loop(|| async {
        drop(spawn(async { PanicsOnDrop }));
        let other = spawn(async { "unharmed" });
        assert_eq!(other.await.unwrap(), "unharmed");
    });
}

/// 46 · no counterpart in asyncio. A second panic while a first one unwinds ends the
/// process, and no executor can prevent that: it is a rule of Rust, and this test records
/// it. Breaks when Rust changes the rule.
#[cfg(unix)]
#[test]
fn a_drop_that_panics_while_a_panic_unwinds_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    use support::alone::{output_alone, shell};

    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("a second panic");
        }
    }
    let output = output_alone(shell("ulimit -c 0"), || {
        block_on(async {
            let task = spawn(async {
                let _clean_up = PanicsOnDrop;
                panic!("a first panic");
            });
            let _contained = task.await;
        });
    });
    let Some(output) = output else { return };
    let (abort, errors) = (6, String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.signal(), Some(abort), "SIGABRT: {errors}");
    assert!(errors.contains("a first panic") && errors.contains("a second panic"), "{errors}");
}

// 47 ─────────────────────────────────────────────────────────────────────────

/// 47 · as in asyncio. Breaks when the joiner gets an error without the payload.
#[test]
fn the_payload_of_a_panic_reaches_the_joiner() {
    on_virtual_loop(|| async {
        let error = spawn(async { panic!("number {}", 7) }).await.unwrap_err();
        assert!(error.is_panic());
        assert!(!error.is_cancelled());
        assert!(error.to_string().contains("panicked"), "{error}");
        assert!(error.to_string().contains("number 7"), "{error}");
        assert_eq!(payload_text(&*error.into_panic()), "number 7");
    });
}

/// 47 · as in asyncio, where any exception goes to the awaiter. Breaks when the
/// payload is turned into a text on the way.
#[test]
fn a_payload_of_any_type_reaches_the_joiner() {
    #[derive(Debug, PartialEq)]
    struct Reason(u32);
    on_virtual_loop(|| async {
        let error = spawn(async { panic_any(Reason(42)) }).await.unwrap_err();
        assert_eq!(error.into_panic().downcast_ref(), Some(&Reason(42)));
    });
}

/// 47 · as in asyncio. Breaks when the joiner is woken only by an output.
#[test]
fn a_panic_wakes_the_joiner_that_waits() {
    on_virtual_loop(|| async {
        let event = Rc::new(Event::new());
        let awaited = event.clone();
        let task = spawn(async move {
            awaited.wait().await;
            panic!("later");
        });
        let joiner = spawn(task);
        yield_now().await;
        event.set();
        turns(2).await;
        assert!(joiner.is_finished(), "the task has panicked, but its joiner was not woken");
        assert_eq!(joiner.await.unwrap().unwrap_err().to_string(), "the task panicked: later");
    });
}

/// 47 · as in asyncio, which logs an exception that was never retrieved. Breaks
/// when the panic of a task without a joiner is lost, or when the loop reports it again.
#[test]
fn a_panic_that_nobody_joins_is_reported_once() {
    static REPORTS: AtomicUsize = AtomicUsize::new(0);
    const TEXT: &str = "a panic that nobody joins";
    // Counts the reports of this one panic, and passes all of them on.
    let report = take_hook();
    set_hook(Box::new(move |info| {
        if payload_text(info.payload()) == TEXT {
            REPORTS.fetch_add(1, Ordering::SeqCst);
        }
        report(info);
    }));
    on_virtual_loop(|| async {
        drop(spawn(async { panic!("{TEXT}") }));
        turns(2).await;
    });
    assert_eq!(REPORTS.load(Ordering::SeqCst), 1, "reported when it happens, and not again");
}

// 48 ─────────────────────────────────────────────────────────────────────────

/// 48 · as in asyncio. Breaks when the root is caught like any task.
#[test]
fn a_panic_of_the_root_unwinds_out_of_block_on() {
    within_limit(|| {
        let text = panic_text(|| block_on(async { panic!("the root fails") }));
        assert_eq!(text, "the root fails", "the root's own panic, with its own payload");
    });
}

/// 48 · as in asyncio, which cancels the tasks. Breaks when the tasks that are left outlive
/// the panic, or are dropped when there is no loop any more.
#[test]
fn a_panic_of_the_root_drops_the_tasks_that_are_left() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        for name in ["a", "b"] {
            let trace = OnDrop(log.clone(), name);
            drop(executor.spawn(async move {
                let _trace = trace;
                pending::<()>().await;
            }));
        }
        panic_text(|| {
            executor.block_on(async {
                yield_now().await;
                log.add("the root panics");
                panic!("the root fails");
            })
        });
        log.add("out of block_on");
        assert_eq!(log.take(), ["the root panics", "a", "b", "out of block_on"]);
    });
}

/// Spawns a task when it is dropped, sets an event, and writes an entry to the log.
struct BusyOnDrop(Log, Rc<Event>);

impl Drop for BusyOnDrop {
    fn drop(&mut self) {
        drop(spawn(pending::<()>()));
        self.1.set();
        self.0.add("busy to the end");
    }
}

/// 48 · Breaks when a `Drop` during the unwinding uses a loop that is dropped in part, or
/// whose slab is borrowed.
#[test]
fn a_drop_that_wakes_during_a_panic_of_the_root_does_not_hang() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let event = Rc::new(Event::new());
        for _ in 0..2 {
            let (busy, event) = (BusyOnDrop(log.clone(), event.clone()), event.clone());
            drop(executor.spawn(async move {
                let _busy = busy;
                event.wait().await;
            }));
        }
        panic_text(|| {
            executor.block_on(async {
                // Dropped in the middle of the root's own panic.
                let _busy = BusyOnDrop(log.clone(), event.clone());
                yield_now().await;
                panic!("the root fails");
            })
        });
        assert_eq!(log.take(), ["busy to the end"; 3]);
        assert_eq!(executor.stats().tasks_alive, 0, "a task that a Drop spawned is dropped too");
    });
}

// 49 ─────────────────────────────────────────────────────────────────────────

/// Does something when it is dropped.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// 49 · Breaks when the wake leads to one more poll of the future that has panicked.
#[test]
fn a_wake_during_a_panicking_poll_is_lost_harmlessly() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let trace = log.clone();
        let task = spawn(poll_fn(move |cx| -> Poll<()> {
            trace.add("polled");
            let waker = cx.waker().clone();
            // Woken before the panic, from another thread, and while it unwinds.
            cx.waker().wake_by_ref();
            let elsewhere = cx.waker().clone();
            thread::spawn(move || elsewhere.wake()).join().unwrap();
            let _unwinding = Finally(move || waker.wake_by_ref());
            panic!("during a wake");
        }));
        turns(3).await;
        assert_eq!(log.take(), ["polled"], "a future is not polled again after it panicked");
        assert_eq!(task.await.unwrap_err().to_string(), "the task panicked: during a wake");
    });
}

/// 49 · Breaks when the waker of a task that panicked wakes the task that has its slot
/// now.
#[test]
fn a_wake_after_a_panic_is_lost_harmlessly() {
    on_virtual_loop(|| async {
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let panicked = spawn(poll_fn(move |cx| -> Poll<()> {
            sender.send(cx.waker().clone()).unwrap();
            panic!("leaves a waker behind");
        }));
        yield_now().await;
        let log = Log::new();
        let successor = spawn(Endless(log.clone()));
        yield_now().await;
        receiver.recv().unwrap().wake();
        turns(2).await;
        assert_eq!(log.take(), ["polled"], "the waker of a task that panicked woke another one");
        drop((panicked, successor));
    });
}

/// A future that is never ready. It writes each of its polls to the log.
struct Endless(Log);

impl Future for Endless {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.add("polled");
        Poll::Pending
    }
}

// 50 ─────────────────────────────────────────────────────────────────────────

/// Runs a little of everything, to see that an executor still works.
fn assert_usable(executor: &Executor) {
    let spawned = executor.spawn(async { 1 });
    let sum = executor.block_on(async {
        let here = spawn(async { 10 });
        let elsewhere = unblock(|| 100).await;
        let outputs = join_all([spawned, here]).await;
        outputs.into_iter().map(Result::unwrap).sum::<i32>() + elsewhere
    });
    assert_eq!(sum, 111, "an earlier panic has damaged the executor");
}

/// 50 · Breaks when the loop counts as running after the panic, or a cell stays borrowed.
#[test]
fn the_executor_is_usable_after_a_panic_of_the_root() {
    within_limit(|| {
        let executor = virtual_executor();
        panic_text(|| executor.block_on(async { panic!("the root fails") }));
        assert_usable(&executor);
        // And the thread is free for another loop.
        assert_usable(&virtual_executor());
    });
}

/// 50 · Breaks when the loop keeps state of the poll that the panic ended.
#[test]
fn the_executor_is_usable_after_a_panic_of_a_task() {
    within_limit(|| {
        let executor = virtual_executor();
        let task = executor.spawn(async { panic!("a task fails") });
        assert!(executor.block_on(task).unwrap_err().is_panic());
        assert_usable(&executor);
    });
}

/// 50 · Breaks when the inner call replaces the current loop before it panics.
#[test]
fn the_executor_is_usable_after_a_nested_block_on() {
    within_limit(|| {
        let executor = virtual_executor();
        let inside = executor.block_on(async {
            let text = panic_text(|| block_on(async {}));
            yield_now().await;
            spawn(async { text }).await.unwrap()
        });
        assert!(inside.contains("block_on"), "{inside}");
        assert_usable(&executor);
    });
}

/// 50 · Breaks when the panic with the report leaves the loop in the state of its search
/// for stuck tasks.
#[test]
fn the_executor_is_usable_after_a_deadlock_was_reported() {
    within_limit(|| {
        let executor = virtual_executor();
        let text = panic_text(|| executor.block_on(pending::<()>()));
        assert!(text.contains("deadlock"), "{text}");
        assert_usable(&executor);
    });
}

/// 50 · Breaks when a panic in the drop of one task prevents the drops of the others.
#[test]
fn the_executor_is_usable_after_a_panic_in_a_drop() {
    within_limit(|| {
        let executor = virtual_executor();
        let clean_up = Finally(|| panic!("the clean-up fails"));
        let task = executor.spawn(async move {
            let _clean_up = clean_up;
            pending::<()>().await;
        });
        executor.run_until_stalled();
        task.abort();
        assert!(executor.block_on(task).unwrap_err().is_panic());
        assert_usable(&executor);
    });
}

#[test]
fn a_join_error_can_travel_in_other_errors() {
    let (error, boxed) = on_virtual_loop(|| async {
        let error = spawn(async { panic!("out of cheese") }).await.unwrap_err();
        let error = std::io::Error::other(error);
        let join = async || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            spawn(async { panic!("out of milk") }).await?;
            Ok(())
        };
        (error.to_string(), join().await.unwrap_err().to_string())
    });
    assert_eq!(error, "the task panicked: out of cheese");
    assert_eq!(boxed, "the task panicked: out of milk");
}
