//! Chapter 3: spawn and join. What owns a task, where its output goes, and when the
//! loop ends.

mod support;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Barrier as ThreadBarrier;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use glassloop::sync::{Event, channel};
use glassloop::{
    Executor, JoinHandle, TaskGroup, now, sleep, spawn, spawn_named, stats, timeout, unblock,
    yield_now,
};
use support::{
    Log, OnDrop, WakeCount, on_virtual_loop, panic_text, poll_once, poll_with, turns,
    virtual_executor, within_limit,
};

/// Calls a closure when it is dropped.
struct Finally<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Finally<F> {
    fn drop(&mut self) {
        self.0.take().expect("dropped once")();
    }
}

fn finally<F: FnOnce()>(act: F) -> Finally<F> {
    Finally(Some(act))
}

// ── 25 to 27: what owns a task ───────────────────────────────────────────────

/// 25 · as in asyncio.
#[test]
fn join_gives_the_output() {
    let output = on_virtual_loop(|| async {
        let task = spawn(async {
            yield_now().await;
            String::from("output")
        });
        task.await.expect("the task neither panicked nor was cancelled")
    });
    assert_eq!(output, "output");
}

/// 25 · as in asyncio. Breaks when the end of a task only wakes joiners, and is not
/// stored for a handle that is awaited later.
#[test]
fn join_of_a_task_that_has_ended_gives_the_output() {
    on_virtual_loop(|| async {
        let task = spawn(async { "output" });
        turns(5).await;
        assert!(task.is_finished(), "the task has had its turn");
        assert_eq!(task.await.unwrap(), "output", "the output waits for its joiner");
    });
}

/// 25 · asyncio allows a second await, and gives the same result again; here the first
/// await moves the output out. Breaks when the second await hangs instead of panicking.
#[test]
fn a_handle_that_is_polled_after_it_gave_the_output_says_so() {
    on_virtual_loop(|| async {
        let mut task = spawn(async { "output" });
        (&mut task).await.unwrap();
        let text = panic_text(|| poll_with(&mut task, Waker::noop()));
        assert!(text.contains("polled again") && text.contains("Await a handle once"), "{text}");
    });
}

/// 26 · deliberately not as asyncio, which holds tasks weakly. Breaks when the
/// handle owns the future, so that dropping it cancels.
#[test]
fn a_dropped_handle_detaches() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let entry = log.clone();
        drop(spawn(async move {
            entry.add("begins");
            yield_now().await;
            entry.add("ends");
        }));
        turns(3).await;
        assert_eq!(log.take(), ["begins", "ends"], "without its handle, the task runs on");
    });
}

/// 26 · Breaks when only a task that has not begun is safe from its handle's drop.
#[test]
fn a_handle_dropped_in_between_detaches() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let entry = log.clone();
        let mut task = spawn(async move {
            turns(2).await;
            entry.add("ends");
        });
        assert!(poll_once(&mut task).await.is_pending());
        turns(1).await;
        drop(task);
        turns(3).await;
        assert_eq!(log.take(), ["ends"], "without its handle, the task runs on");
    });
}

/// 27 · deliberately not as asyncio, whose loop may lose a pending task to the
/// garbage collector. Breaks when only the wakers own a task.
#[test]
fn a_pending_task_without_handle_or_waker_does_not_vanish() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let entry = OnDrop(log.clone(), "task dropped");
        drop(executor.spawn(async move {
            let _entry = entry;
            // The future keeps no waker: only the executor knows the task.
            pending::<()>().await;
        }));
        executor.block_on(turns(5));
        assert!(log.take().is_empty(), "the executor owns its tasks");
        assert_eq!(executor.stats().tasks_alive, 1, "the executor owns its tasks");
        drop(executor);
        assert_eq!(log.take(), ["task dropped"], "the executor drops its tasks at its end");
    });
}

/// 27 · deliberately not as asyncio. Breaks as the test above.
#[test]
fn a_pending_task_without_a_handle_can_still_be_woken() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let event = Rc::new(Event::new());
        let (entry, other) = (log.clone(), event.clone());
        drop(spawn(async move {
            other.wait().await;
            entry.add("woken");
        }));
        turns(5).await;
        event.set();
        turns(1).await;
        assert_eq!(log.take(), ["woken"], "a detached task lives on while it waits");
    });
}

// ── 28 and 29: the output ────────────────────────────────────────────────────

/// 28 · as in asyncio, where a done task keeps its result. Breaks when the executor
/// stores the output.
#[test]
fn a_handle_that_outlives_the_loop_gives_the_output_of_a_finished_task() {
    within_limit(|| {
        let executor = virtual_executor();
        let mut task = executor.spawn(async { "output" });
        executor.block_on(turns(2));
        drop(executor);
        assert!(task.is_finished());
        let Poll::Ready(output) = poll_with(&mut task, Waker::noop()) else {
            panic!("the handle of an ended task must be ready, also after the end of its loop");
        };
        assert_eq!(output.unwrap(), "output");
    });
}

/// 28 · Breaks when the loop's end drops the tasks without waking their joiners:
/// the joiner hangs.
#[test]
fn a_handle_that_outlives_the_loop_gives_cancelled_for_an_unfinished_task() {
    within_limit(|| {
        let executor = virtual_executor();
        let task = executor.spawn(pending::<()>());
        executor.block_on(turns(2));
        drop(executor);
        assert!(task.is_finished(), "the loop's end is the task's end");
        // The handle may be awaited anywhere, also on another loop.
        let error = glassloop::block_on(task).unwrap_err();
        assert!(error.is_cancelled(), "no output, no panic: cancelled, and not {error}");
    });
}

/// An output that writes to a log when it is dropped.
async fn output(log: Log) -> OnDrop {
    OnDrop(log, "output dropped")
}

/// 29 · Breaks when an output is copied out of its task bit by bit.
#[test]
fn a_joined_output_is_dropped_once_by_the_joiner() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let joined = spawn(output(log.clone())).await.unwrap();
        turns(2).await;
        assert!(log.take().is_empty(), "the joiner owns the output now");
        drop(joined);
        assert_eq!(log.take(), ["output dropped"]);
    });
}

/// 29 · Breaks when the output of a detached task waits for a joiner for ever.
#[test]
fn the_output_of_a_detached_task_is_dropped_once_when_it_ends() {
    on_virtual_loop(|| async {
        let log = Log::new();
        drop(spawn(output(log.clone())));
        assert!(log.take().is_empty(), "the task has not run yet");
        turns(1).await;
        assert_eq!(log.take(), ["output dropped"], "no handle is left that could take it");
    });
}

/// 29 · Breaks when nothing owns the output of an ended task.
#[test]
fn an_output_that_is_not_joined_is_dropped_once_with_the_handle() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let task = spawn(output(log.clone()));
        turns(2).await;
        assert!(log.take().is_empty(), "the handle may still be joined");
        drop(task);
        assert_eq!(log.take(), ["output dropped"], "no handle is left that could take it");
    });
}

/// 29 · Breaks when the executor and the handle both drop the output.
#[test]
fn an_output_that_outlives_the_executor_is_dropped_once_with_the_handle() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let task = executor.spawn(output(log.clone()));
        executor.run_until_stalled();
        drop(executor);
        assert!(log.take().is_empty(), "the handle may still be joined");
        drop(task);
        assert_eq!(log.take(), ["output dropped"]);
    });
}

// ── 30: from inside ──────────────────────────────────────────────────────────

/// 30 · as in asyncio. Breaks when the slab of tasks is borrowed during a poll.
#[test]
fn a_task_may_spawn_join_and_abort_others_from_inside_its_poll() {
    on_virtual_loop(|| async {
        let task = spawn(async {
            let child = spawn(async {
                let grandchild = spawn(async { 1 });
                grandchild.await.unwrap() + 1
            });
            let hanging = spawn(pending::<()>());
            hanging.abort();
            assert!(hanging.await.unwrap_err().is_cancelled());
            child.await.unwrap() + 1
        });
        assert_eq!(task.await.unwrap(), 3);
    });
}

/// A task's own handle, once the spawner has put it here.
type OwnHandle<T> = Rc<RefCell<Option<JoinHandle<T>>>>;

/// 30 · as in asyncio. Breaks when the task is locked while it runs.
#[test]
fn a_task_may_abort_itself_from_inside_its_poll() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let own: OwnHandle<()> = Rc::default();
        let (entry, handle) = (log.clone(), own.clone());
        let task = spawn(async move {
            handle.borrow().as_ref().expect("put there below").abort();
            entry.add("goes on");
            yield_now().await;
            entry.add("after the next suspension");
        });
        own.replace(Some(task));
        turns(3).await;
        assert_eq!(log.take(), ["goes on"], "a task that aborts itself ends at its suspension");
        let task = own.take().expect("put there above");
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// 30 · as in asyncio (where a task must not await itself). Breaks when a method of the
/// handle borrows what the poll has borrowed.
#[test]
fn a_task_may_inspect_its_own_handle() {
    on_virtual_loop(|| async {
        let own: OwnHandle<()> = Rc::default();
        let handle = own.clone();
        let task = spawn(async move {
            let mut task = handle.take().expect("put there below");
            assert!(!task.is_finished(), "the task is running");
            assert!(poll_once(&mut task).await.is_pending(), "the task is running");
            // The task detaches itself.
            drop(task);
            yield_now().await;
        });
        own.replace(Some(task));
        turns(2).await;
        assert_eq!(stats().tasks_alive, 0, "the task ran on to its end");
    });
}

/// 30 · asyncio has `finally` for this. Breaks when a task is dropped while the slab is
/// borrowed.
#[test]
fn a_task_may_spawn_join_and_abort_from_inside_a_drop() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let ended = spawn(async { "ended" });
        let hanging = spawn(pending::<()>());
        turns(1).await;

        let entry = log.clone();
        let task = spawn(async move {
            let mut ended = ended;
            let _last = finally(move || {
                let spawned = entry.clone();
                drop(spawn(async move { spawned.add("spawned from a drop") }));
                let Poll::Ready(output) = poll_with(&mut ended, Waker::noop()) else {
                    panic!("it had ended");
                };
                entry.add(format!("joined one that has {}", output.unwrap()));
                hanging.abort();
            });
            pending::<()>().await;
        });
        turns(1).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        turns(2).await;
        let trace = ["joined one that has ended", "spawned from a drop"];
        assert_eq!(log.take(), trace, "a drop may use the whole loop");
        assert_eq!(stats().tasks_alive, 0, "the task aborted from the drop has ended, too");
    });
}

/// 30 · Breaks when the drop of the future runs before the end of the task is stored, and
/// the code after the drop relies on the state from before.
#[test]
fn a_task_may_abort_itself_from_inside_its_own_drop() {
    on_virtual_loop(|| async {
        let own: OwnHandle<()> = Rc::default();
        let handle = own.clone();
        let task = spawn(async move {
            let _last = finally(move || {
                handle.borrow().as_ref().expect("put there below").abort();
            });
            yield_now().await;
        });
        own.replace(Some(task));
        turns(3).await;
        let task = own.take().expect("put there above");
        task.await.expect("the task was ready in that same poll, so it has an output");
        assert_eq!(stats().tasks_alive, 0);
    });
}

// ── 31: outside ──────────────────────────────────────────────────────────────

/// Calls `act`, which must panic with a text that names `what` was called, the
/// line `line` of this file, and the cure.
fn expect_a_clear_panic<R>(what: &str, line: u32, act: impl FnOnce() -> R) {
    let text = panic_text(act);
    let here = format!("{}:{line}", file!());
    assert!(text.contains(what), "the panic does not say that {what} was called: {text}");
    assert!(text.contains(&here), "the panic does not name the caller's line {line}: {text}");
    assert!(text.contains("glassloop::block_on"), "the panic does not name the cure: {text}");
}

/// 31 · as asyncio's "no running event loop". Breaks when the text of the panic does not
/// say what happened, or names a line of the library.
#[test]
fn spawn_outside_a_loop_panics_and_says_what_to_do() {
    expect_a_clear_panic("`glassloop::spawn`", line!(), || spawn(async {}));
    expect_a_clear_panic("`glassloop::spawn_named`", line!(), || spawn_named("n", async {}));
}

/// 31 · Breaks when the guard that leaves the loop is forgotten.
#[test]
fn spawn_after_the_loops_end_panics_and_says_what_to_do() {
    within_limit(|| {
        glassloop::block_on(async {});
        expect_a_clear_panic("`glassloop::spawn`", line!(), || spawn(async {}));
        panic_text(|| glassloop::block_on(async { panic!("of the root") }));
        expect_a_clear_panic("`glassloop::spawn`", line!(), || spawn(async {}));
    });
}

// ── 32: the end of the loop ──────────────────────────────────────────────────

/// 32 · asyncio's `run` cancels the tasks too, but lets them await their clean-up; here
/// the tasks are only dropped. Breaks when `block_on` leaks the tasks that are left.
#[test]
fn tasks_left_over_are_dropped_before_block_on_returns() {
    within_limit(|| {
        let log = Log::new();
        let (a, b) = (OnDrop(log.clone(), "a dropped"), OnDrop(log.clone(), "b dropped"));
        let entry = log.clone();
        glassloop::block_on(async move {
            drop(spawn(async move {
                let _a = a;
                pending::<()>().await;
            }));
            turns(1).await;
            // This task is never polled.
            drop(spawn(async move {
                let _b = b;
                pending::<()>().await;
            }));
            entry.add("root ready");
        });
        log.add("block_on returned");
        let trace = ["root ready", "a dropped", "b dropped", "block_on returned"];
        assert_eq!(
            log.take(),
            trace,
            "the loop's end drops the tasks that are left, in spawn order"
        );
    });
}

/// 32 · as in asyncio. Breaks when `block_on` waits for all tasks.
#[test]
fn block_on_does_not_wait_for_other_tasks() {
    within_limit(|| {
        let log = Log::new();
        let entry = log.clone();
        glassloop::block_on(async move {
            drop(spawn(async move {
                turns(3).await;
                entry.add("task ended");
            }));
        });
        assert!(log.take().is_empty(), "when the root is done, no task is polled any more");
    });
}

/// Runs a loop that ends while a task is left, and calls `act` in the drop of that task.
fn in_a_drop_at_the_loops_end(act: impl FnOnce() + 'static) {
    let called = Rc::new(Cell::new(false));
    let note = called.clone();
    let executor = virtual_executor();
    drop(executor.spawn(async move {
        let _last = finally(move || {
            act();
            // Not reached if `act` panics; the panic itself would be contained.
            note.set(true);
        });
        pending::<()>().await;
    }));
    executor.block_on(turns(1));
    drop(executor);
    assert!(called.get(), "a drop at the loop's end must be able to use the loop's API");
}

/// 32 · Breaks when the loop is left before its tasks are dropped: then "no event
/// loop is running".
#[test]
fn a_drop_at_the_loops_end_may_spawn() {
    within_limit(|| {
        let log = Log::new();
        let (entry, ran) = (OnDrop(log.clone(), "dropped"), log.clone());
        in_a_drop_at_the_loops_end(move || {
            let task = spawn(async move {
                let _entry = entry;
                ran.add("ran");
            });
            assert!(task.is_finished(), "the task has ended at once: cancelled");
        });
        assert_eq!(log.take(), ["dropped"], "what is spawned then is dropped and never runs");
    });
}

/// 32 · Breaks as the test above.
#[test]
fn a_drop_at_the_loops_end_may_use_timers() {
    within_limit(|| {
        in_a_drop_at_the_loops_end(|| {
            let mut sleep = sleep(Duration::from_secs(1));
            assert!(poll_with(&mut sleep, Waker::noop()).is_pending());
            drop(timeout(Duration::from_secs(1), sleep));
            now();
        });
    });
}

/// 32 · Breaks as the test above.
#[test]
fn a_drop_at_the_loops_end_may_ask_for_a_blocking_job() {
    within_limit(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        in_a_drop_at_the_loops_end(move || {
            let mut job = unblock(move || sender.send("done").unwrap());
            // The pool may have accepted the job: then the loop's end waits for the job.
            let _ = poll_with(&mut job, Waker::noop());
        });
        assert_eq!(receiver.recv(), Ok("done"), "a job that was accepted runs");
    });
}

/// 32 · Breaks when a wake at the end meets a queue that is borrowed.
#[test]
fn a_drop_at_the_loops_end_may_wake_and_send_to_others() {
    within_limit(|| {
        let executor = virtual_executor();
        let event = Rc::new(Event::new());
        let (sender, receiver) = channel::unbounded();
        let log = Log::new();
        let (entry, waited_for) = (log.clone(), event.clone());
        drop(executor.spawn(async move {
            let _last = finally(move || {
                waited_for.set();
                sender.try_send("sent").unwrap();
                entry.add("first dropped");
            });
            pending::<()>().await;
        }));
        let entry = log.clone();
        drop(executor.spawn(async move {
            let received = receiver.clone();
            let dropped = entry.clone();
            let _last = finally(move || {
                dropped.add(format!("second dropped, got {}", received.try_recv().unwrap()));
            });
            event.wait().await;
            entry.add("woken, which is too late");
        }));
        executor.block_on(turns(2));
        drop(executor);
        assert_eq!(log.take(), ["first dropped", "second dropped, got sent"]);
    });
}

/// 32 · Breaks when the drop of a group needs the running loop.
#[test]
fn a_drop_at_the_loops_end_may_make_and_drop_a_group() {
    within_limit(|| {
        in_a_drop_at_the_loops_end(|| {
            let mut group = TaskGroup::<(), ()>::new();
            group.spawn(async { Ok(()) });
            drop(group);
            stats();
        });
    });
}

/// 32 · Breaks when the loop is left before its root is dropped, which happens here
/// while a panic unwinds.
#[test]
fn a_drop_of_the_root_may_use_the_loop() {
    within_limit(|| {
        let log = Log::new();
        let entry = log.clone();
        panic_text(|| {
            glassloop::block_on(async move {
                let _last = finally(move || {
                    // Caught, since a panic from a drop would abort all the tests.
                    let spawned = catch_unwind(|| drop(spawn(async {})));
                    entry.add(format!("could spawn: {}", spawned.is_ok()));
                });
                // Stuck: the loop panics, and drops the root.
                pending::<()>().await;
            });
        });
        assert_eq!(
            log.take(),
            ["could spawn: true"],
            "the loop must exist until the root is dropped"
        );
    });
}

// ── 33 to 35: block_on ───────────────────────────────────────────────────────

/// 33 · as any function. Breaks, at compile time, when `block_on` spawns its root
/// as a task: then it must be `'static`.
#[test]
fn the_root_may_borrow_from_the_stack_and_so_may_its_output() {
    within_limit(|| {
        let text = String::from("first second");
        let mut count = 0;
        let word: &str = glassloop::block_on(async {
            yield_now().await;
            count += 1;
            text.split(' ').next().expect("it has two words")
        });
        assert_eq!((word, count), ("first", 1));
    });
}

/// 33 · Breaks, at compile time, when the root has to be `Send`.
#[test]
fn the_root_need_not_be_send() {
    within_limit(|| {
        let shared = Rc::new(Cell::new(1));
        let output: Rc<Cell<i32>> = glassloop::block_on(async {
            let inside = shared.clone();
            yield_now().await;
            inside.set(2);
            inside
        });
        assert_eq!((output.get(), shared.get()), (2, 2));
    });
}

/// 34 · as asyncio's `Runner.run`. Breaks when the end of the root ends the loop.
#[test]
fn block_on_may_be_called_again_and_again() {
    within_limit(|| {
        let executor = virtual_executor();
        for round in 0..10 {
            let output = executor.block_on(async move {
                sleep(Duration::from_secs(1)).await;
                spawn(async move { round }).await.unwrap()
            });
            assert_eq!(output, round);
        }
    });
}

/// 34 · as in asyncio, whose `run_until_complete` keeps the other tasks. Breaks when
/// tasks are dropped, or run, between two calls.
#[test]
fn tasks_survive_between_two_block_ons_and_stand_still() {
    within_limit(|| {
        let executor = virtual_executor();
        let log = Log::new();
        let event = Rc::new(Event::new());
        let (entry, set) = (log.clone(), event.clone());
        drop(executor.spawn(async move {
            entry.add("begins");
            set.wait().await;
            entry.add("ends");
        }));
        assert!(log.take().is_empty(), "spawned, but nothing runs outside of block_on");
        executor.block_on(turns(2));
        assert_eq!(log.take(), ["begins"]);
        // A wake between two calls is kept for the next call.
        event.set();
        assert!(log.take().is_empty(), "woken, but nothing runs outside of block_on");
        executor.block_on(turns(2));
        assert_eq!(log.take(), ["ends"], "the task, or its wake between the calls, was lost");
    });
}

/// 34 · as in asyncio. Breaks when `block_on` runs the tasks once more at its end.
#[test]
fn block_on_returns_as_soon_as_the_root_is_ready() {
    within_limit(|| {
        let executor = virtual_executor();
        let log = Log::new();
        let entry = log.clone();
        executor.block_on(async {
            drop(spawn(async move { entry.add("task") }));
        });
        assert!(log.take().is_empty(), "no task is polled after the root was ready");
        executor.block_on(yield_now());
        assert_eq!(log.take(), ["task"], "the task stays in the run queue");
    });
}

/// 35 · as in asyncio: "cannot be called from a running event loop". Breaks when
/// the inner loop simply runs, and blocks the outer one.
#[test]
fn nested_block_on_panics_and_says_why() {
    on_virtual_loop(|| async {
        let line = line!() + 1;
        let text = panic_text(|| glassloop::block_on(async {}));
        assert!(text.contains("inside a running event loop"), "it must say what happened: {text}");
        assert!(text.contains(&format!("{}:{line}", file!())), "it must say where: {text}");
        assert!(text.contains("Await the future instead"), "it must say what to do: {text}");
        // The panic does not harm the outer loop.
        let task = spawn(async { "output" });
        assert_eq!(task.await.unwrap(), "output");
    });
}

/// 35 · Breaks when only the function is guarded, not the method.
#[test]
fn another_executor_on_the_same_thread_may_not_run_inside_either() {
    within_limit(|| {
        let (outer, inner) = (virtual_executor(), virtual_executor());
        outer.block_on(async {
            let text = panic_text(|| inner.block_on(async {}));
            assert!(text.contains("inside a running event loop"), "{text}");
            let text = panic_text(|| inner.run_until_stalled());
            assert!(text.contains("inside a running event loop"), "{text}");
            let text = panic_text(|| outer.block_on(async {}));
            assert!(text.contains("inside a running event loop"), "{text}");
        });
        inner.block_on(yield_now());
    });
}

/// 35 · as in asyncio. Breaks when some part of a loop is a global.
#[test]
fn executors_on_two_threads_are_independent() {
    /// Runs a loop of its own, which waits for the other thread in each round.
    fn run(meet: &ThreadBarrier) -> (Vec<String>, u64) {
        let executor = Executor::builder().virtual_time().build().unwrap();
        executor.block_on(async {
            let log = Log::new();
            let start = now();
            for round in 0..10 {
                let entry = log.clone();
                let task = spawn(async move {
                    sleep(Duration::from_secs(1)).await;
                    entry.add(round);
                });
                // Both loops run and hold a task now.
                meet.wait();
                task.await.unwrap();
            }
            (log.take(), (now() - start).as_secs())
        })
    }

    within_limit(|| {
        let meet = Arc::new(ThreadBarrier::new(2));
        let there = meet.clone();
        let other = thread::spawn(move || run(&there));
        let expected = (0..10).map(|round| round.to_string()).collect::<Vec<_>>();
        assert_eq!(run(&meet), (expected.clone(), 10), "each loop has its own tasks and time");
        assert_eq!(other.join().unwrap(), (expected, 10), "each loop has its own tasks and time");
    });
}

/// 35 · Breaks when two loops on one thread share a run queue or a current task.
#[test]
fn two_executors_on_one_thread_may_run_one_after_the_other() {
    within_limit(|| {
        let (a, b) = (virtual_executor(), virtual_executor());
        let log = Log::new();
        let player = |name: &'static str| {
            let log = log.clone();
            async move {
                log.add(format!("{name}0"));
                yield_now().await;
                log.add(format!("{name}1"));
            }
        };
        drop(a.spawn(player("a")));
        drop(b.spawn(player("b")));
        for _ in 0..2 {
            a.block_on(async {});
            b.block_on(async {});
        }
        assert_eq!(log.take(), ["a0", "b0", "a1", "b1"], "each loop has its own run queue");
    });
}

#[test]
fn a_handle_that_is_detached_lets_its_task_go_on() {
    let log = on_virtual_loop(|| async {
        let log = Log::new();
        let background = log.clone();
        spawn(async move {
            yield_now().await;
            background.add("done");
        })
        .detach();
        turns(3).await;
        log.take()
    });
    assert_eq!(log, ["done"]);
}

/// As in asyncio (`Task.get_name`), where a task that was given no name gets one.
#[test]
fn a_handle_knows_the_name_that_the_task_was_given() {
    on_virtual_loop(|| async {
        assert_eq!(spawn_named("fetch", async {}).name(), Some("fetch"));
        assert_eq!(spawn(async {}).name(), None);
    });
}

/// As in asyncio, where the callback of a cancelled waiter is removed. Breaks when a
/// dropped handle leaves its waker with the task.
#[test]
fn a_joiner_that_stopped_waiting_is_not_woken() {
    on_virtual_loop(|| async {
        let (count, waker) = WakeCount::new();
        let mut task = spawn(yield_now());
        assert!(poll_with(&mut task, &waker).is_pending());
        drop(task);
        turns(3).await;
        assert_eq!(stats().tasks_alive, 0, "the task has ended");
        assert_eq!(count.wakes(), 0, "the handle that waited is dropped, and must not be woken");
    });
}

// ── large futures ────────────────────────────────────────────────────────────

/// 25 · In a debug build each move of a future is a copy on the stack. Breaks when there are as
/// many of them as there are functions between `spawn` and the task.
#[test]
fn a_future_of_a_quarter_of_a_mebibyte_can_be_spawned_on_a_thread_of_two() {
    async fn large() -> u8 {
        let bytes = [7; 256 << 10];
        yield_now().await;
        bytes[bytes.len() - 1]
    }

    within_limit(|| {
        let builder = thread::Builder::new().stack_size(2 << 20);
        let thread = builder.spawn(|| {
            let executor = Executor::new().unwrap();
            let task = executor.spawn(large());
            let by_executor = executor.block_on(task).unwrap();
            let by_task = executor.block_on(async { spawn(large()).await.unwrap() });
            let boxed = executor.block_on(async { spawn(Box::pin(large())).await.unwrap() });
            [by_executor, by_task, boxed]
        });
        assert_eq!(thread.unwrap().join().unwrap(), [7; 3]);
    });
}
