//! Chapter 4: abort and drop. How a task ends before its time.
//!
//! An abort may find its task in any state: not yet polled, pending, running,
//! woken, finished, joined. The promises hold in each.

mod support;

use std::cell::{Cell, OnceCell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use glassloop::sync::{Event, Mutex, channel, oneshot};
use glassloop::{Executor, JoinHandle, TaskGroup, sleep, spawn, yield_now};
use support::{
    Log, OnDrop, on_virtual_loop, panic_text, payload_text, poll_with, turns, virtual_executor,
    within_limit,
};

/// A future that is never ready. It writes each of its polls and its drop to the log.
struct Endless(Log);

impl Future for Endless {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.add("polled");
        Poll::Pending
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

/// Panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("the clean-up failed");
    }
}

/// Does something when it is dropped.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A cell in which a task finds its own handle.
type OwnHandle<T> = Rc<OnceCell<JoinHandle<T>>>;

/// Spawns a task that knows its own handle.
fn spawn_with_own_handle<T, F>(body: impl FnOnce(OwnHandle<T>) -> F) -> OwnHandle<T>
where
    T: 'static,
    F: Future<Output = T> + 'static,
{
    let own = OwnHandle::default();
    let handle = spawn(body(own.clone()));
    own.set(handle).unwrap();
    own
}

/// Takes the handle back, once the task is dropped and does not hold it any more.
fn take_handle<T>(own: OwnHandle<T>) -> JoinHandle<T> {
    let cell = Rc::into_inner(own).expect("the future still holds its handle: it was not dropped");
    cell.into_inner().unwrap()
}

// 36 ─────────────────────────────────────────────────────────────────────────

/// 36 · as in asyncio. Breaks when `abort` itself drops the future, while the aborting
/// task is still running.
#[test]
fn abort_is_a_request_and_the_aborter_goes_on_first() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let task = spawn(Endless(log.clone()));
        yield_now().await;
        task.abort();
        log.add("the aborter goes on");
        assert!(!task.is_finished(), "the task ends at its turn, not inside abort()");
        yield_now().await;
        assert!(task.is_finished(), "the task's turn came, and the task did not end");
        assert_eq!(log.take(), ["polled", "the aborter goes on", "dropped"]);
    });
}

/// 36 · as in asyncio. Breaks when an aborted task goes to the front of the run queue, or
/// when all aborts are handled before or after the other tasks.
#[test]
fn an_aborted_task_is_dropped_when_its_turn_comes() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let task = spawn(Endless(log.clone()));
        yield_now().await;
        let (before, after) = (log.clone(), log.clone());
        drop(spawn(async move { before.add("spawned before the abort") }));
        task.abort();
        drop(spawn(async move { after.add("spawned after the abort") }));
        yield_now().await;
        let expected = ["polled", "spawned before the abort", "dropped", "spawned after the abort"];
        assert_eq!(
            log.take(),
            expected,
            "an abort pushes its task to the run queue, as a wake does"
        );
    });
}

// 37 ─────────────────────────────────────────────────────────────────────────

/// 37 · as in asyncio. Breaks when the loop checks for an abort only after the poll.
#[test]
fn a_task_that_is_aborted_before_its_first_poll_never_runs() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let task = spawn(Endless(log.clone()));
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped"], "the body must not run after an abort");
    });
}

/// 37 · as in asyncio. Breaks when an abort outside of the loop finds no waker, and has
/// no effect.
#[test]
fn a_task_that_is_aborted_before_the_loop_runs_never_runs() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let task = executor.spawn(Endless(log.clone()));
        task.abort();
        assert!(executor.block_on(task).unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped"], "the body must not run after an abort");
    });
}

// 38 ─────────────────────────────────────────────────────────────────────────

/// 38 · as in asyncio. Breaks when `abort` replaces the output by `Cancelled`.
#[test]
fn abort_of_a_finished_task_does_nothing() {
    on_virtual_loop(|| async {
        let task = spawn(async { "the output" });
        yield_now().await;
        assert!(task.is_finished());
        task.abort();
        yield_now().await;
        assert_eq!(task.await.unwrap(), "the output", "an abort after the end replaced the output");
    });
}

/// 38 · as in asyncio. Breaks when a panic is not an end like any other.
#[test]
fn abort_of_a_task_that_panicked_does_nothing() {
    on_virtual_loop(|| async {
        let task = spawn(async { panic!("the panic") });
        yield_now().await;
        task.abort();
        yield_now().await;
        assert!(task.await.unwrap_err().is_panic(), "an abort after the end replaced the panic");
    });
}

/// 38 · as in asyncio. Breaks when `abort` expects that the output is still there.
#[test]
fn abort_of_a_joined_task_does_nothing() {
    on_virtual_loop(|| async {
        let mut task = spawn(async { "the output" });
        assert_eq!((&mut task).await.unwrap(), "the output");
        task.abort();
        yield_now().await;
        assert!(task.is_finished());
        let text = panic_text(|| poll_with(&mut task, Waker::noop()));
        assert!(text.contains("polled again"), "the output was taken already: {text}");
    });
}

/// 38 · deliberately not as in asyncio, where each cancel is another
/// `CancelledError`. Breaks when the second abort queues or drops once more.
#[test]
fn a_second_abort_does_nothing() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let task = spawn(Endless(log.clone()));
        yield_now().await;
        task.abort();
        task.abort();
        yield_now().await;
        task.abort();
        yield_now().await;
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["polled", "dropped"]);
    });
}

/// 38 · as in asyncio. Breaks when an abort finds its task by the slot in the slab alone:
/// another task may have that slot by now.
#[test]
fn abort_of_a_finished_task_does_not_hit_its_successor() {
    on_virtual_loop(|| async {
        let finished = spawn(async {});
        yield_now().await;
        let successor = spawn(async {
            yield_now().await;
            "unharmed"
        });
        yield_now().await;
        finished.abort();
        assert_eq!(successor.await.unwrap(), "unharmed", "an abort hit the wrong task");
    });
}

// 39 ─────────────────────────────────────────────────────────────────────────

/// 39 · as in asyncio. Breaks when an abort drops the future, but does not wake the
/// joiner.
#[test]
fn abort_wakes_the_joiner_with_cancelled() {
    on_virtual_loop(|| async {
        let task = Rc::new(RefCell::new(spawn(pending::<()>())));
        let joined = task.clone();
        let joiner = spawn(poll_fn(move |cx| Pin::new(&mut *joined.borrow_mut()).poll(cx)));
        yield_now().await;
        assert!(!joiner.is_finished(), "the joiner waits by now");
        task.borrow().abort();
        turns(2).await;
        assert!(joiner.is_finished(), "the aborted task has ended, and its joiner was not woken");
        let error = joiner.await.unwrap().unwrap_err();
        assert!(error.is_cancelled(), "an aborted task ends as cancelled, not as {error:?}");
        assert!(!error.is_panic());
        assert_eq!(error.to_string(), "the task was cancelled");
    });
}

/// 39 · as in asyncio. Breaks when the outcome is stored only if a joiner waits.
#[test]
fn an_aborted_task_can_be_joined_long_after() {
    on_virtual_loop(|| async {
        let task = spawn(pending::<()>());
        yield_now().await;
        task.abort();
        sleep(Duration::from_secs(3600)).await;
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// 39 · as in asyncio. Breaks when `abort` itself wakes the joiner, before the future is
/// dropped.
#[test]
fn the_joiner_of_an_aborted_task_resumes_after_the_drop() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let task = spawn(Endless(log.clone()));
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        log.add("joined");
        assert_eq!(log.take(), ["polled", "dropped", "joined"]);
    });
}

// 40 ─────────────────────────────────────────────────────────────────────────

/// 40 · as in asyncio. Breaks when `abort` drops the future that is running, or when the
/// abort of a running task is lost.
#[test]
fn a_task_that_aborts_itself_ends_at_its_next_suspension() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let trace = log.clone();
        let task = spawn_with_own_handle(|own| async move {
            own.get().unwrap().abort();
            trace.add("goes on");
            async {}.await; // ready at once: no suspension
            trace.add("still");
            yield_now().await;
            trace.add("never");
        });
        turns(3).await;
        assert_eq!(log.take(), ["goes on", "still"]);
        assert!(take_handle(task).await.unwrap_err().is_cancelled());
    });
}

/// 40 · deliberately not as in asyncio, which cancels even then. Breaks when the loop
/// checks for an abort before it takes the result of the poll.
#[test]
fn a_task_that_aborts_itself_and_is_ready_in_that_poll_gives_its_output() {
    on_virtual_loop(|| async {
        let task = spawn_with_own_handle(|own| async move {
            own.get().unwrap().abort();
            "the output"
        });
        turns(2).await;
        assert_eq!(take_handle(task).await.unwrap(), "the output", "Ready wins over the abort");
    });
}

/// 40 · Breaks when the loop handles the abort only at the next wake of the task: the
/// next suspension may wait for something that never comes.
#[test]
fn a_task_that_aborts_itself_needs_no_further_wake_to_end() {
    on_virtual_loop(|| async {
        let task = spawn_with_own_handle(|own| async move {
            own.get().unwrap().abort();
            pending::<()>().await;
        });
        turns(2).await;
        assert!(task.get().unwrap().is_finished(), "an abort during the poll was forgotten");
        assert!(take_handle(task).await.unwrap_err().is_cancelled());
    });
}

// 41 ─────────────────────────────────────────────────────────────────────────

/// Spawns a task that waits for `event`, and then writes an entry to the log.
fn spawn_waiter(event: &Rc<Event>, log: &Log) -> JoinHandle<()> {
    let (event, log) = (event.clone(), log.clone());
    spawn(async move {
        event.wait().await;
        log.add("went on");
    })
}

/// 41 · as in asyncio. Breaks when a task that is in the run queue is polled without a
/// check for an abort.
#[test]
fn abort_beats_the_wake_that_came_before_it() {
    on_virtual_loop(|| async {
        let (log, event) = (Log::new(), Rc::new(Event::new()));
        let task = spawn_waiter(&event, &log);
        yield_now().await;
        event.set();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(log.take().is_empty(), "a woken task was polled after its abort");
    });
}

/// 41 · as in asyncio. Breaks when the wake replaces the abort in the run queue.
#[test]
fn abort_beats_the_wake_that_comes_after_it() {
    on_virtual_loop(|| async {
        let (log, event) = (Log::new(), Rc::new(Event::new()));
        let task = spawn_waiter(&event, &log);
        yield_now().await;
        task.abort();
        event.set();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(log.take().is_empty(), "a woken task was polled after its abort");
    });
}

/// 41 · Breaks when a wake during the poll pushes the task again, and the abort during
/// the same poll is lost.
#[test]
fn abort_beats_a_wake_of_the_same_poll_in_both_orders() {
    on_virtual_loop(|| async {
        for abort_first in [true, false] {
            let log = Log::new();
            let trace = log.clone();
            let task = spawn_with_own_handle(|own| {
                poll_fn(move |cx| {
                    trace.add("polled");
                    if abort_first {
                        own.get().unwrap().abort();
                    }
                    cx.waker().wake_by_ref();
                    if !abort_first {
                        own.get().unwrap().abort();
                    }
                    Poll::<()>::Pending
                })
            });
            turns(3).await;
            assert_eq!(log.take(), ["polled"], "an aborted task was polled once more");
            assert!(take_handle(task).await.unwrap_err().is_cancelled());
        }
    });
}

/// 41 · Breaks when a wake from another thread, which is still in the inbox, makes the
/// loop poll the task after the abort.
#[test]
fn abort_beats_a_wake_from_another_thread() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let trace = log.clone();
        let (sender, receiver) = mpsc::channel();
        let task = spawn(poll_fn(move |cx| {
            trace.add("polled");
            sender.send(cx.waker().clone()).unwrap();
            Poll::<()>::Pending
        }));
        yield_now().await;
        let waker: Waker = receiver.recv().unwrap();
        thread::spawn(move || waker.wake()).join().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["polled"], "a woken task was polled after its abort");
    });
}

/// 41 · as in asyncio. Breaks when the wake by a timer runs the code after the sleep,
/// although the abort comes in the same turn.
#[test]
fn abort_beats_a_timer_that_fires_in_the_same_turn() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let trace = log.clone();
        let second = Duration::from_secs(1);
        // Both timers are due together. The timer of the aborting task fires first.
        let handle = Rc::new(OnceCell::<JoinHandle<()>>::new());
        let task = handle.clone();
        let aborter = spawn(async move {
            sleep(second).await;
            task.get().unwrap().abort();
        });
        let sleeping = spawn(async move {
            sleep(second).await;
            trace.add("woke up");
        });
        handle.set(sleeping).unwrap();
        aborter.await.unwrap();
        assert!(take_handle(handle).await.unwrap_err().is_cancelled());
        assert!(log.take().is_empty(), "a woken task was polled after its abort");
    });
}

// 42 ─────────────────────────────────────────────────────────────────────────

/// 42 · Breaks when the abort drops the future, and the end of the task drops it again.
#[test]
fn an_aborted_future_is_dropped_once_whatever_its_state() {
    on_virtual_loop(|| async {
        let log = Log::new();

        let not_yet_polled = spawn(Endless(log.clone()));
        not_yet_polled.abort();
        turns(3).await;
        drop(not_yet_polled);
        assert_eq!(log.take(), ["dropped"], "not yet polled");

        let waiting = spawn(Endless(log.clone()));
        yield_now().await;
        waiting.abort();
        turns(3).await;
        drop(waiting);
        assert_eq!(log.take(), ["polled", "dropped"], "pending");

        let trace = OnDrop(log.clone(), "dropped");
        let running = spawn_with_own_handle(|own| async move {
            let _trace = trace;
            own.get().unwrap().abort();
            pending::<()>().await;
        });
        turns(3).await;
        drop(running);
        assert_eq!(log.take(), ["dropped"], "running");

        let trace = OnDrop(log.clone(), "dropped");
        let woken = spawn(async move {
            let _trace = trace;
            turns(100).await;
        });
        turns(2).await;
        woken.abort();
        turns(3).await;
        drop(woken);
        assert_eq!(log.take(), ["dropped"], "woken");

        let trace = OnDrop(log.clone(), "dropped");
        let finished = spawn(async move { drop(trace) });
        turns(3).await;
        finished.abort();
        turns(3).await;
        finished.await.unwrap();
        assert_eq!(log.take(), ["dropped"], "finished, then joined");
    });
}

/// 42 · as in asyncio. Breaks when the future stays in its task's memory until the last
/// handle or waker is dropped.
#[test]
fn an_aborted_future_is_dropped_promptly_though_handle_and_wakers_live_on() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let trace = OnDrop(log.clone(), "dropped");
        let kept = Rc::new(RefCell::new(None));
        let keep = kept.clone();
        let task = spawn(poll_fn(move |cx| {
            let _trace = &trace;
            keep.replace(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }));
        yield_now().await;
        assert!(kept.borrow().is_some(), "a waker is kept outside of the task");
        task.abort();
        yield_now().await;
        assert_eq!(log.take(), ["dropped"], "one turn after the abort, nothing else is needed");
        drop((task, kept));
    });
}

/// 42 · Breaks when the waker owns the future, and the thread that drops the last
/// waker drops the future there.
#[test]
fn an_aborted_future_is_dropped_on_the_loops_thread() {
    on_virtual_loop(|| async {
        let dropped_on = Rc::new(Cell::new(None));
        let note = dropped_on.clone();
        let finally = Finally(move || note.set(Some(thread::current().id())));
        let (sender, receiver) = mpsc::channel();
        let task = spawn(poll_fn(move |cx| {
            let _finally = &finally;
            sender.send(cx.waker().clone()).unwrap();
            Poll::<()>::Pending
        }));
        yield_now().await;
        let waker: Waker = receiver.recv().unwrap();
        task.abort();
        // The other thread has the last waker.
        thread::spawn(move || waker.wake()).join().unwrap();
        assert_eq!(dropped_on.get(), None, "the abort dropped the future before the task's turn");
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(dropped_on.get(), Some(thread::current().id()));
    });
}

// 43 ─────────────────────────────────────────────────────────────────────────

/// A future that is never ready, and panics when it is dropped.
async fn endless_with_failing_clean_up(clean_up: PanicsOnDrop) {
    let _clean_up = clean_up;
    pending::<()>().await;
}

/// Checks what the joiner of a task with a failing clean-up gets.
fn assert_clean_up_failed(result: Result<(), glassloop::JoinError>) {
    let error = result.expect_err("the task was aborted");
    assert!(error.is_panic() && !error.is_cancelled(), "a failed clean-up must be reported");
    assert_eq!(payload_text(&*error.into_panic()), "the clean-up failed");
}

/// 43 · as in asyncio, where an exception in the clean-up replaces the
/// cancellation. Breaks when the drop is outside of the loop's `catch_unwind`.
#[test]
fn a_panic_in_the_drop_of_an_aborted_task_reaches_the_joiner() {
    on_virtual_loop(|| async {
        let task = spawn(endless_with_failing_clean_up(PanicsOnDrop));
        yield_now().await;
        task.abort();
        assert_clean_up_failed(task.await);
    });
}

/// 43 · Breaks when a task that was never polled is dropped outside of the `catch_unwind`.
#[test]
fn a_panic_in_the_drop_of_a_task_that_never_ran_reaches_the_joiner() {
    on_virtual_loop(|| async {
        let task = spawn(endless_with_failing_clean_up(PanicsOnDrop));
        task.abort();
        assert_clean_up_failed(task.await);
    });
}

/// 43 · Breaks when a task that aborts itself is dropped inside its poll.
#[test]
fn a_panic_in_the_drop_of_a_task_that_aborted_itself_reaches_the_joiner() {
    on_virtual_loop(|| async {
        let task = spawn_with_own_handle(|own| async move {
            own.get().unwrap().abort();
            endless_with_failing_clean_up(PanicsOnDrop).await;
        });
        turns(2).await;
        assert_clean_up_failed(take_handle(task).await);
    });
}

/// 43 · Breaks when the joiner is woken after the drop, and the panic of the drop skips
/// that wake.
#[test]
fn a_panic_in_the_drop_of_an_aborted_task_wakes_the_joiner_that_waits() {
    on_virtual_loop(|| async {
        let task = Rc::new(RefCell::new(spawn(endless_with_failing_clean_up(PanicsOnDrop))));
        let joined = task.clone();
        let joiner = spawn(poll_fn(move |cx| Pin::new(&mut *joined.borrow_mut()).poll(cx)));
        yield_now().await;
        task.borrow().abort();
        turns(2).await;
        assert!(joiner.is_finished(), "the task has ended, and its joiner was not woken");
        assert_clean_up_failed(joiner.await.unwrap());
    });
}

/// 43 · Breaks when only a joiner catches the panic, and there is no joiner.
#[test]
fn a_panic_in_the_drop_of_an_aborted_task_stops_no_other_task() {
    on_virtual_loop(|| async {
        let aborted = spawn(endless_with_failing_clean_up(PanicsOnDrop));
        let other = spawn(async {
            turns(3).await;
            "unharmed"
        });
        yield_now().await;
        aborted.abort();
        drop(aborted);
        assert_eq!(other.await.unwrap(), "unharmed");
    });
}

// 44 ─────────────────────────────────────────────────────────────────────────

/// 44 · Breaks when the tasks are dropped in the order of their slots in the slab, which
/// are reused, or in the order of a hash map.
#[test]
fn dropping_the_executor_drops_every_task_in_spawn_order() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let spawn_holding = |name| {
            let trace = OnDrop(log.clone(), name);
            executor.spawn(async move {
                let _trace = trace;
                pending::<()>().await;
            })
        };
        drop(spawn_holding("a"));
        let b = spawn_holding("b");
        let c = spawn_holding("c");
        drop(spawn_holding("d"));
        executor.run_until_stalled();
        b.abort();
        c.abort();
        executor.run_until_stalled();
        assert_eq!(log.take(), ["b", "c"]);

        // These tasks get the slots of b and c.
        drop(spawn_holding("e"));
        drop(spawn_holding("f"));
        drop(executor);
        assert_eq!(log.take(), ["a", "d", "e", "f"], "in the order in which they were spawned");
    });
}

/// 44 · Breaks when only the tasks in the run queue are dropped, or only the others.
#[test]
fn dropping_the_executor_drops_tasks_in_every_state() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let holding = |name, future: Pin<Box<dyn Future<Output = ()>>>| {
            let trace = OnDrop(log.clone(), name);
            executor.spawn(async move {
                let _trace = trace;
                future.await;
            })
        };
        let event = Rc::new(Event::new());
        let awaited = event.clone();
        drop(holding("finished", Box::pin(async {})));
        let pending = holding("pending", Box::pin(pending()));
        drop(holding("woken", Box::pin(async move { awaited.wait().await })));
        let aborted = holding("aborted", Box::pin(std::future::pending()));
        executor.run_until_stalled();
        drop(holding("not yet polled", Box::pin(async {})));
        event.set();
        aborted.abort();
        assert_eq!(log.take(), ["finished"]);

        drop(executor);
        assert_eq!(log.take(), ["pending", "woken", "aborted", "not yet polled"]);
        assert!(pending.is_finished(), "a task that was dropped has ended");
        assert!(aborted.is_finished(), "a task that was dropped has ended");
    });
}

/// 44 · Breaks when a handle keeps the future alive, and not only the outcome.
#[test]
fn tasks_that_hold_each_others_handles_are_dropped_with_the_executor() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let handles = Rc::new(RefCell::new(Vec::new()));
        for name in ["a", "b"] {
            let (trace, held) = (OnDrop(log.clone(), name), handles.clone());
            let task = executor.spawn(async move {
                let _both = (trace, held);
                pending::<()>().await;
            });
            handles.borrow_mut().push(task);
        }
        executor.run_until_stalled();
        let left = Rc::downgrade(&handles);
        drop(handles);
        drop(executor);
        assert_eq!(log.take(), ["a", "b"], "a circle of handles keeps its tasks alive");
        assert_eq!(left.strong_count(), 0, "a circle of handles keeps itself alive");
    });
}

/// 44 · Breaks when a waker owns its task, which is the most common leak of executors.
#[test]
fn tasks_that_hold_each_others_wakers_are_dropped_with_the_executor() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let wakers: Rc<RefCell<Vec<Waker>>> = Rc::default();
        for name in ["a", "b"] {
            let (trace, held) = (OnDrop(log.clone(), name), wakers.clone());
            drop(executor.spawn(poll_fn(move |cx| {
                let _trace = &trace;
                held.borrow_mut().push(cx.waker().clone());
                Poll::<()>::Pending
            })));
        }
        executor.run_until_stalled();
        assert_eq!(wakers.borrow().len(), 2);
        let left = Rc::downgrade(&wakers);
        drop(wakers);
        drop(executor);
        assert_eq!(log.take(), ["a", "b"], "a circle of wakers keeps its tasks alive");
        assert_eq!(left.strong_count(), 0, "a circle of wakers keeps itself alive");
    });
}

/// 44 · Breaks when the loop waits until its tasks end by themselves.
#[test]
fn tasks_that_hold_each_others_senders_are_dropped_with_the_executor() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let (to_a, for_a) = channel::unbounded::<()>();
        let (to_b, for_b) = channel::unbounded::<()>();
        for (name, other, own) in [("a", to_b, for_a), ("b", to_a, for_b)] {
            let trace = OnDrop(log.clone(), name);
            drop(executor.spawn(async move {
                let _both = (trace, other);
                let _ = own.recv().await;
            }));
        }
        executor.run_until_stalled();
        drop(executor);
        assert_eq!(log.take(), ["a", "b"], "a circle of senders keeps its tasks alive");
    });
}

/// 44 · Breaks when the slab is emptied before the futures are dropped, or after, and the
/// two do not agree.
#[test]
fn no_task_and_no_timer_is_left_after_a_root_that_panics() {
    within_limit(|| {
        let executor = virtual_executor();
        for _ in 0..3 {
            drop(executor.spawn(sleep_for_ever()));
        }
        executor.run_until_stalled();
        assert_eq!((executor.stats().tasks_alive, executor.stats().timers_armed), (3, 3));
        panic_text(|| executor.block_on(async { panic!("the root fails") }));
        assert_eq!((executor.stats().tasks_alive, executor.stats().timers_armed), (0, 0));
    });
}

async fn sleep_for_ever() {
    sleep(Duration::from_secs(1_000_000)).await;
}

// 45 ─────────────────────────────────────────────────────────────────────────

/// Spawns tasks on an executor of its own, then drops the executor. The loop contains a
/// panic from a `Drop`, and the test would not see it, so each `Drop` must write its last
/// entry to the log.
fn drop_executor_after(spawn_tasks: impl FnOnce(&Executor)) {
    let executor = virtual_executor();
    spawn_tasks(&executor);
    executor.run_until_stalled();
    drop(executor);
}

/// 45 · Breaks when the run queue or the slab is borrowed while the tasks are dropped, or
/// when a wake finds a task that is dropped in part.
#[test]
fn a_drop_during_the_shutdown_may_wake_tasks_before_and_after_it() {
    within_limit(|| {
        let log = Log::new();
        drop_executor_after(|executor| {
            let wakers: Rc<RefCell<Vec<Waker>>> = Rc::default();
            for name in ["a", "b", "c"] {
                let (all, trace) = (wakers.clone(), log.clone());
                let wake_all = Finally(move || {
                    all.borrow().iter().for_each(Waker::wake_by_ref);
                    trace.add(name);
                });
                let wakers = wakers.clone();
                drop(executor.spawn(poll_fn(move |cx| {
                    let _wake_all = &wake_all;
                    wakers.borrow_mut().push(cx.waker().clone());
                    Poll::<()>::Pending
                })));
            }
        });
        assert_eq!(
            log.take(),
            ["a", "b", "c"],
            "a wake from a Drop panicked, or woke an ended task"
        );
    });
}

/// 45 · Breaks when `spawn` finds a loop that is dropped in part; or when the new task goes
/// into a slab that is not emptied again.
#[test]
fn a_drop_during_the_shutdown_may_spawn_and_the_new_task_is_dropped_too() {
    within_limit(|| {
        let log = Log::new();
        let late: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        drop_executor_after(|executor| {
            let (trace, keep) = (log.clone(), late.clone());
            let spawns = Finally(move || {
                keep.replace(Some(spawn(Endless(trace.clone()))));
                trace.add("spawned");
            });
            drop(executor.spawn(async move {
                let _spawns = spawns;
                pending::<()>().await;
            }));
        });
        assert_eq!(log.take(), ["dropped", "spawned"], "a late task is dropped and never polled");
        let late = late.take().unwrap();
        assert!(late.is_finished());
        let error = virtual_executor().block_on(late).unwrap_err();
        assert!(error.is_cancelled(), "the handle of a late task says that it was cancelled");
    });
}

/// 45 · Breaks when a send wakes a receiver that was dropped a moment ago.
#[test]
fn a_drop_during_the_shutdown_may_send() {
    within_limit(|| {
        let log = Log::new();
        drop_executor_after(|executor| {
            // The first send is to a task that is dropped by then, the last to one that is not.
            let (to_first, for_first) = channel::unbounded();
            let (to_last, for_last) = oneshot::channel();
            drop(executor.spawn(async move { for_first.recv().await.unwrap() }));
            let (trace, mut to_last) = (log.clone(), Some(to_last));
            let sends = Finally(move || {
                let to_first = to_first.try_send(()).is_ok();
                let to_last = to_last.take().unwrap().send(()).is_ok();
                trace.add(format!("first: {to_first}, last: {to_last}"));
            });
            drop(executor.spawn(async move {
                let _sends = sends;
                pending::<()>().await;
            }));
            drop(executor.spawn(async move { for_last.await.unwrap() }));
        });
        assert_eq!(log.take(), ["first: false, last: true"]);
    });
}

/// 45 · Breaks when the lock is granted to a waiter that never runs, and the drop of that
/// waiter does not unlock it, or unlocks it twice.
#[test]
fn a_drop_during_the_shutdown_may_release_a_lock() {
    within_limit(|| {
        let log = Log::new();
        let mutex = Rc::new(Mutex::new(()));
        drop_executor_after(|executor| {
            for name in ["holder", "waiter", "another waiter"] {
                let (mutex, trace) = (mutex.clone(), OnDrop(log.clone(), name));
                drop(executor.spawn(async move {
                    let _trace = trace;
                    let _guard = mutex.lock().await;
                    pending::<()>().await;
                }));
            }
        });
        assert_eq!(log.take(), ["holder", "waiter", "another waiter"]);
        assert!(mutex.try_lock().is_some(), "a lock was lost between two tasks that were dropped");
    });
}

/// 45 · Breaks when a Drop finds no loop, or one whose timers are gone.
#[test]
fn a_drop_during_the_shutdown_may_use_the_clock_and_abort() {
    within_limit(|| {
        let log = Log::new();
        drop_executor_after(|executor| {
            let others = [executor.spawn(async {}), executor.spawn(pending())];
            let trace = log.clone();
            let uses_loop = Finally(move || {
                drop(sleep(Duration::from_secs(1)));
                drop(yield_now());
                for other in &others {
                    other.abort();
                }
                trace.add("done");
            });
            drop(executor.spawn(async move {
                let _uses_loop = uses_loop;
                pending::<()>().await;
            }));
        });
        assert_eq!(log.take(), ["done"], "the Drop panicked: the loop was dropped too early");
    });
}

/// 45 · Breaks when the other thread panics because the loop's inbox is closed, or waits
/// for a lock that the loop holds meanwhile.
#[test]
fn another_thread_may_wake_and_spawn_during_the_shutdown() {
    within_limit(|| {
        let answer = Rc::new(RefCell::new(None));
        drop_executor_after(|executor| {
            let waker = Rc::new(RefCell::new(None));
            let (keep, remote, answer) = (waker.clone(), executor.remote(), answer.clone());
            let uses_thread = Finally(move || {
                let (waker, remote): (Waker, _) = (waker.take().unwrap(), remote.clone());
                let thread = thread::spawn(move || {
                    waker.wake();
                    remote.spawn(|| async {})
                });
                answer.replace(Some(thread.join().unwrap()));
            });
            drop(executor.spawn(poll_fn(move |cx| {
                let _uses_thread = &uses_thread;
                keep.replace(Some(cx.waker().clone()));
                Poll::<()>::Pending
            })));
        });
        let answer = answer.take().expect("the other thread ended well");
        assert!(answer.recv().is_err(), "a spawn into a loop that ends is disconnected");
    });
}

#[test]
fn abort_says_whether_there_was_anything_to_abort() {
    on_virtual_loop(|| async {
        let pending = spawn(pending::<()>());
        assert!(pending.abort(), "the task has not begun");
        assert!(pending.abort(), "the task's turn has not come, so again, as in asyncio");
        turns(2).await;
        assert!(!pending.abort(), "the task has ended by now");
        let ready = spawn(async {});
        turns(2).await;
        assert!(!ready.abort(), "the task has ended by itself");
    });
}

/// 34 · Breaks when a task with a name cannot be aborted.
#[test]
fn a_named_task_is_aborted_like_any_other() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let on_drop = OnDrop(log.clone(), "dropped");
        let task = glassloop::spawn_named("sleeping", async move {
            let _on_drop = on_drop;
            pending::<()>().await;
        });
        yield_now().await;
        assert!(task.abort());
        yield_now().await;
        assert_eq!(log.take(), ["dropped"], "the future is dropped when the task's turn comes");
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

// long chains ────────────────────────────────────────────────────────────────

/// Spawns a task when it is dropped, whose drop spawns the next; so many.
struct SpawnsNext(u32, Rc<Cell<u32>>, bool);

impl Drop for SpawnsNext {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
        let SpawnsNext(left @ 1.., ref dropped, joins) = *self else { return };
        let next = SpawnsNext(left - 1, dropped.clone(), joins);
        let mut next = spawn(async move {
            let _next = next;
            pending::<()>().await;
        });
        if joins {
            let _ = poll_with(&mut next, Waker::noop());
        }
    }
}

/// 45 · Breaks when each of these drops happens inside of the one before it: ten thousand
/// need more stack than there is.
#[test]
fn ten_thousand_drops_during_the_shutdown_may_each_spawn_the_next() {
    within_limit(|| {
        for joins in [false, true] {
            let dropped = Rc::new(Cell::new(0));
            let first = SpawnsNext(10_000, dropped.clone(), joins);
            drop_executor_after(|executor| {
                executor
                    .spawn(async move {
                        let _first = first;
                        pending::<()>().await;
                    })
                    .detach();
            });
            assert_eq!(dropped.get(), 10_001, "a task was left behind by its loop");
        }
    });
}

/// What a task gives whose output is the handle of the task before it.
struct Link(#[expect(dead_code, reason = "it is there to be dropped")] Option<JoinHandle<Link>>);

/// 46 · Breaks when the drop of a handle drops the output inside of it, which holds the next
/// handle, and so on down the stack.
#[test]
fn a_chain_of_ten_thousand_outputs_that_hold_the_next_handle_may_be_dropped() {
    fn chain(executor: &Executor, counted: &Rc<()>) -> JoinHandle<Link> {
        let mut last = None;
        for _ in 0..10_000 {
            let (before, counted) = (last.take(), counted.clone());
            last = Some(executor.spawn(async move {
                drop(counted);
                Link(before)
            }));
        }
        executor.run_until_stalled();
        last.expect("ten thousand of them")
    }

    within_limit(|| {
        let executor = virtual_executor();
        let counted = Rc::new(());
        let last = chain(&executor, &counted);
        executor.block_on(async { drop(last) });
        drop(chain(&executor, &counted));
        let last = chain(&executor, &counted);
        executor.spawn(async move { last.await.is_ok() }).detach();
        executor.run_until_stalled();
        let last = chain(&executor, &counted);
        drop(executor);
        drop(last);
        assert_eq!(Rc::strong_count(&counted), 1);
    });
}

/// 46 · Breaks as the test above, for the children of a group.
#[test]
fn ten_thousand_groups_that_hold_each_other_may_be_dropped() {
    struct Nested(#[expect(dead_code, reason = "it is there to be dropped")] Option<Group>);

    type Group = Box<TaskGroup<Nested, ()>>;

    on_virtual_loop(|| async {
        let mut last: Option<Group> = None;
        for _ in 0..10_000 {
            let (before, mut group) = (last.take(), Box::new(TaskGroup::new()));
            group.spawn(async { Ok(Nested(before)) });
            last = Some(group);
        }
        yield_now().await;
        assert_eq!(glassloop::stats().tasks_alive, 0);
        drop(last);
    });
}
