//! Chapter 11: stuck. When nothing can ever happen again, the loop panics with a report;
//! and it never reports a deadlock that is none.

mod support;

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::{FutureExt, StreamExt, future};
use glassloop::sync::{Barrier, Condvar, Event, Mutex, Semaphore, WaitGroup, channel, oneshot};
use glassloop::{
    Executor, JoinHandle, Remote, TaskGroup, join_all, sleep, spawn, spawn_named, stats, timeout,
    unblock, yield_now,
};
use support::{
    Log, OnDrop, let_others_run, on_loop, on_virtual_loop, panic_text, poll_once, poll_with,
    sockets, turns, virtual_executor, within_limit, woken_by_a_thread,
};

/// The line after the caller's, as a report names it.
#[track_caller]
fn next_line() -> String {
    let here = Location::caller();
    format!("{}:{}:", here.file(), here.line() + 1)
}

/// Runs `root` on a loop of its own, in which it must get stuck, and returns the
/// report.
#[track_caller]
fn report_of(root: impl Future) -> String {
    let executor = Executor::new().unwrap();
    panic_text(|| executor.block_on(root))
}

/// Some line of the report must say all of `words`.
#[track_caller]
fn expect_line(report: &str, words: &[&str]) {
    let found = report.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "no line of this report says {words:?}:\n{report}");
}

/// The report must say that the root waits for `what`, since the line `at`.
#[track_caller]
fn expect_root(report: &str, what: &str, at: &str) {
    let waits = format!("waits for {what}, since {at}");
    expect_line(report, &["the future given to `block_on` at", &waits]);
}

// ── 94: the report ───────────────────────────────────────────────────────────

/// 94 · deliberately not as asyncio, which sleeps for ever. Breaks when the loop parks
/// without checking whether anything can still wake it.
#[test]
fn two_tasks_that_wait_for_each_others_mutex_are_found_and_named() {
    /// Locks both, and writes the line of the second lock to `place`.
    async fn take_both(first: Rc<Mutex<()>>, second: Rc<Mutex<()>>, place: Rc<RefCell<String>>) {
        let _first = first.lock().await;
        yield_now().await;
        place.replace(next_line());
        let _second = second.lock().await;
    }

    within_limit(|| {
        let executor = Executor::new().unwrap();
        let (a, b) = (Rc::new(Mutex::new(())), Rc::new(Mutex::new(())));
        let place = Rc::new(RefCell::new(String::new()));
        let one = take_both(a.clone(), b.clone(), place.clone());
        let two = take_both(b, a, place.clone());
        let spawned_one = next_line();
        let one = executor.spawn(one);
        let spawned_two = next_line();
        let two = executor.spawn(two);
        let (id_one, id_two) = (one.id().to_string(), two.id().to_string());

        let blocked_on = next_line();
        let report = panic_text(|| executor.block_on(one));
        assert!(report.starts_with("deadlock: "), "{report}");
        let waits = format!("waits for a mutex, since {}", place.borrow());
        expect_line(&report, &[&id_one, &format!("spawned at {spawned_one}"), &waits]);
        expect_line(&report, &[&id_two, &format!("spawned at {spawned_two}"), &waits]);
        let waits = format!("waits for the end of {id_one}, spawned at {spawned_one}");
        expect_line(&report, &[&format!("`block_on` at {blocked_on}"), &waits]);
        let (tree, circle) = report.split_once("\na circle: ").expect("the circle");
        assert_eq!(tree.lines().count(), 4, "a head, and one line for each stuck future");
        assert_eq!(circle.lines().count(), 3, "a head, and one line for each task in it");
        assert!(two.is_finished(), "the stuck tasks are dropped by the panic");
    });
}

/// 94 · Breaks when the report lists the tasks by their slots in the slab, which are
/// reused.
#[test]
fn the_report_names_all_stuck_tasks_in_the_order_of_their_spawns() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        drop(executor.spawn(async {}));
        drop(executor.spawn(async {}));
        executor.block_on(turns(2));
        let report = panic_text(|| {
            executor.block_on(async {
                for name in ["first", "second", "third"] {
                    drop(spawn_named(name, pending::<()>()));
                }
                pending::<()>().await;
            });
        });
        let names = report.lines().filter_map(|line| line.split('"').nth(1));
        let names: Vec<_> = names.collect();
        assert_eq!(names, ["first", "second", "third"], "by name, in spawn order:\n{report}");
    });
}

/// 94 · Breaks when a task that has ended, or one that is not stuck, is named.
#[test]
fn the_report_names_only_what_is_stuck() {
    within_limit(|| {
        let report = report_of(async {
            drop(spawn_named("ended", async {}));
            let aborted = spawn_named("aborted", pending::<()>());
            turns(1).await;
            aborted.abort();
            pending::<()>().await;
        });
        assert_eq!(report.lines().count(), 2, "only the root is stuck:\n{report}");
    });
}

/// 94 · Breaks when the report finds only the first leaf future of a future.
#[test]
fn a_future_that_waits_for_two_things_is_named_with_both() {
    within_limit(|| {
        let (mutex, event) = (Mutex::new(()), Event::new());
        let _held = mutex.try_lock().unwrap();
        let lock_at = next_line();
        let lock = mutex.lock();
        let wait_at = next_line();
        let wait = event.wait();
        let report = report_of(future::zip(lock, wait));
        expect_root(&report, "a mutex", &lock_at);
        expect_line(&report, &["`block_on`", &format!("and for an event, since {wait_at}")]);
    });
}

/// 94 · Breaks when the waker that a join keeps counts as held by others.
#[test]
fn the_report_names_a_join() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let spawned = next_line();
        let task = executor.spawn(pending::<()>());
        let id = task.id().to_string();
        let report = panic_text(|| executor.block_on(task));
        let waits = format!("waits for the end of {id}, spawned at {spawned}");
        expect_line(&report, &["the future given to `block_on`", &waits]);
    });
}

/// 94 · Breaks when a task's wait for itself does not count as a wait.
#[test]
fn a_task_that_joins_itself_is_found_and_named() {
    within_limit(|| {
        let id = RefCell::new(String::new());
        let report = report_of(async {
            let (sender, receiver) = oneshot::channel();
            let task = spawn(async move {
                let own: JoinHandle<()> = receiver.await.unwrap();
                own.await.unwrap();
            });
            id.replace(task.id().to_string());
            assert!(sender.send(task).is_ok());
            pending::<()>().await;
        });
        let id = id.take();
        expect_line(&report, &[&format!("  - {id}, "), &format!("waits for the end of {id}, ")]);
    });
}

/// 94 · Breaks when the mutex keeps a plain waker, which counts as held by others.
#[test]
fn the_report_names_a_mutex() {
    within_limit(|| {
        let mutex = Mutex::new(());
        let _held = mutex.try_lock().unwrap();
        let at = next_line();
        let leaf = mutex.lock();
        expect_root(&report_of(leaf), "a mutex", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_a_semaphore() {
    within_limit(|| {
        let semaphore = Semaphore::new(0);
        let at = next_line();
        let leaf = semaphore.acquire();
        expect_root(&report_of(leaf), "a semaphore's permit", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_an_event() {
    within_limit(|| {
        let event = Event::new();
        let at = next_line();
        let leaf = event.wait();
        expect_root(&report_of(leaf), "an event", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_a_condvar() {
    within_limit(|| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let guard = mutex.try_lock().unwrap();
        let at = next_line();
        let leaf = condvar.wait(guard);
        expect_root(&report_of(leaf), "a condition variable", &at);
    });
}

/// 94 · Breaks when the wait loses its line of source once it waits for the lock.
#[test]
fn the_report_names_the_mutex_of_a_condvar_that_was_notified() {
    within_limit(|| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let guard = mutex.try_lock().unwrap();
        let at = next_line();
        let mut leaf = condvar.wait(guard);
        let report = report_of(async {
            assert!(poll_once(&mut leaf).await.is_pending());
            let _held = mutex.lock().await;
            condvar.notify_one();
            drop(leaf.await);
        });
        expect_root(&report, "a mutex", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_a_barrier() {
    within_limit(|| {
        let barrier = Barrier::new(2);
        let at = next_line();
        let leaf = barrier.wait();
        expect_root(&report_of(leaf), "a barrier", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_a_receive() {
    within_limit(|| {
        let (_sender, receiver) = channel::unbounded::<()>();
        let at = next_line();
        let leaf = receiver.recv();
        expect_root(&report_of(leaf), "a value from a channel", &at);
    });
}

/// 94 · The report names the call that made the channel: a stream has no call of its own.
#[test]
fn the_report_names_a_receive_from_a_stream() {
    within_limit(|| {
        let at = next_line();
        let (_sender, mut receiver) = channel::unbounded::<()>();
        let leaf = receiver.next();
        expect_root(&report_of(leaf), "a value from a channel, as a stream", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_a_send() {
    within_limit(|| {
        let (sender, _receiver) = channel::bounded(1);
        sender.try_send(1).unwrap();
        let at = next_line();
        let leaf = sender.send(2);
        expect_root(&report_of(leaf), "room in a channel", &at);
    });
}

/// 94 · The report names the call that made the channel: the receiver is the future.
#[test]
fn the_report_names_a_oneshot() {
    within_limit(|| {
        let at = next_line();
        let (_sender, leaf) = oneshot::channel::<()>();
        expect_root(&report_of(leaf), "a oneshot's value", &at);
    });
}

/// 94 · Breaks as for the mutex.
#[test]
fn the_report_names_a_wait_group() {
    within_limit(|| {
        let group = WaitGroup::new();
        let _work = group.add();
        let at = next_line();
        let leaf = group.wait();
        expect_root(&report_of(leaf), "a wait group", &at);
    });
}

/// 94 · Breaks when a timer is armed for a deadline that no clock can reach: then
/// the loop sleeps towards it.
#[test]
fn the_report_names_a_sleep_that_never_ends() {
    within_limit(|| {
        let place = RefCell::new(String::new());
        let report = report_of(async {
            place.replace(next_line());
            sleep(Duration::MAX).await;
        });
        expect_root(&report, "a time that never comes", &place.borrow());
    });
}

/// 94 · Breaks when the timeout arms a timer for a limit that never comes.
#[test]
fn a_timeout_without_a_limit_does_not_hide_what_it_limits() {
    within_limit(|| {
        let event = Event::new();
        let at = next_line();
        let leaf = event.wait();
        let report = report_of(async { timeout(Duration::MAX, leaf).await.unwrap() });
        expect_root(&report, "an event", &at);
    });
}

/// 94 · The loop knows nothing about such a future, except that it is stuck.
#[test]
fn the_report_names_a_future_that_kept_no_waker() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let spawned = next_line();
        drop(executor.spawn(pending::<()>()));
        let report = panic_text(|| executor.block_on(pending::<()>()));
        let waits = "waits for something that has kept no waker";
        expect_line(&report, &["the future given to `block_on`", waits]);
        expect_line(&report, &["task ", &spawned, waits]);
    });
}

/// 94 · Breaks when the waker that a group gives to its children counts as held by others.
#[test]
fn the_report_names_the_child_for_which_a_group_waits() {
    within_limit(|| {
        let place = RefCell::new(String::new());
        let report = report_of(async {
            let mut group = TaskGroup::<(), ()>::new();
            group.spawn(async { Ok(()) });
            place.replace(next_line());
            group.spawn(pending());
            group.join().await
        });
        let child = format!("spawned at {}", place.borrow());
        expect_line(&report, &["`block_on`", "waits for the end of task", &child]);
        expect_line(&report, &["└─ task", &child, "kept no waker"]);
    });
}

/// 94 · Breaks when the report cannot find the leaf futures inside of a `join_all`.
#[test]
fn the_report_names_what_the_futures_of_a_join_all_wait_for() {
    within_limit(|| {
        let (event, mutex) = (Event::new(), Mutex::new(()));
        let _held = mutex.try_lock().unwrap();
        let at = next_line();
        let waits = (0..3).map(|_| event.wait());
        expect_root(&report_of(join_all(waits)), "an event", &at);
    });
}

/// 94 · Breaks when the wakers that a large `join_all` gives to its futures count as held
/// by others.
#[test]
fn a_join_all_of_a_hundred_that_is_stuck_is_found_too() {
    within_limit(|| {
        let event = Event::new();
        let at = next_line();
        let waits = (0..100).map(|_| event.wait());
        expect_root(&report_of(join_all(waits)), "an event", &at);
    });
}

/// 94 · Breaks when each poll of a leaf future counts its registered waker once more: then
/// the count is wrong, and a waker seems to be held by others.
#[test]
fn spurious_polls_do_not_hide_a_deadlock() {
    within_limit(|| {
        let event = Event::new();
        let at = next_line();
        let mut leaf = event.wait();
        let report = report_of(async {
            for _ in 0..5 {
                assert!(poll_once(&mut leaf).await.is_pending());
            }
            leaf.await;
        });
        expect_root(&report, "an event", &at);
    });
}

/// 94 · Breaks when a loop on a virtual clock sleeps although no timer is armed.
#[test]
fn a_deadlock_is_found_on_virtual_time_too() {
    within_limit(|| {
        let executor = virtual_executor();
        let report = panic_text(|| {
            executor.block_on(async {
                sleep(Duration::from_secs(3_600)).await;
                pending::<()>().await;
            })
        });
        assert!(report.starts_with("deadlock: "), "{report}");
    });
}

/// 94 · Breaks when the panic leaves the slab borrowed or the root in the run queue.
#[test]
fn after_a_deadlock_the_tasks_are_dropped_and_the_executor_is_usable() {
    within_limit(|| {
        let executor = virtual_executor();
        let log = Log::new();
        let entry = OnDrop(log.clone(), "dropped");
        drop(executor.spawn(async move {
            let _entry = entry;
            pending::<()>().await;
        }));
        panic_text(|| executor.block_on(pending::<()>()));
        assert_eq!(
            log.take(),
            ["dropped"],
            "the panic unwinds out of the loop as a panic of the root does"
        );
        let output = executor.block_on(async { spawn(async { "output" }).await.unwrap() });
        assert_eq!(output, "output");
    });
}

/// 94 · Breaks when the loop searches for stuck tasks while other tasks can still run.
#[test]
fn stuck_tasks_do_not_matter_as_long_as_the_root_ends() {
    on_virtual_loop(|| async {
        drop(spawn(pending::<()>()));
        turns(3).await;
        sleep(Duration::from_secs(1)).await;
    });
}

/// 94 · `run_until_stalled` returns when no task is ready, stuck or not: the caller may know
/// of events that the loop does not know.
#[test]
fn run_until_stalled_reports_no_deadlock() {
    within_limit(|| {
        let executor = virtual_executor();
        drop(executor.spawn(pending::<()>()));
        executor.run_until_stalled();
        assert_eq!(executor.stats().tasks_alive, 1);
    });
}

// ── 95: no false alarm ───────────────────────────────────────────────────────

/// Runs `round` until the loop has slept in one of the rounds. Before it sleeps, the loop
/// decides whether it is stuck; a round may be too quick for a sleep.
async fn until_the_loop_slept<F: Future>(mut round: impl FnMut() -> F) {
    let before = stats().parks;
    while stats().parks == before {
        round().await;
    }
}

/// 95 · Breaks when the loop checks only its own timers and descriptors.
#[test]
fn no_alarm_as_long_as_a_thread_holds_the_roots_waker() {
    on_loop(|| async {
        until_the_loop_slept(woken_by_a_thread).await;
    });
}

/// 95 · Breaks when the loop checks only the root's wakers.
#[test]
fn no_alarm_as_long_as_a_thread_holds_a_tasks_waker() {
    on_loop(|| async {
        drop(spawn(pending::<()>()));
        until_the_loop_slept(|| spawn(woken_by_a_thread())).await;
    });
}

/// 95 · Breaks on a virtual clock when no timer is armed.
#[test]
fn no_alarm_on_virtual_time_as_long_as_a_thread_holds_a_waker() {
    on_virtual_loop(|| async {
        until_the_loop_slept(|| spawn(woken_by_a_thread())).await;
    });
}

/// 95 · Breaks when one waker that our own leaves hold hides the task's wakers that others
/// hold.
#[test]
fn no_alarm_for_a_task_that_waits_inside_and_outside_at_once() {
    on_loop(|| async {
        let event = Event::new();
        until_the_loop_slept(|| future::or(event.wait(), woken_by_a_thread())).await;
    });
}

/// 95 · Breaks when a waker inside the waker of a combinator is not counted.
#[test]
fn no_alarm_for_a_thread_that_wakes_a_part_of_a_large_join_all() {
    on_loop(|| async {
        until_the_loop_slept(|| {
            let ready = (0..999).map(|_| async {}.boxed_local());
            let last = woken_by_a_thread().boxed_local();
            join_all(ready.chain([last]))
        })
        .await;
    });
}

/// A channel for one value, as another crate might write it.
#[derive(Clone, Default)]
struct ForeignChannel(Arc<std::sync::Mutex<(Option<u32>, Option<Waker>)>>);

impl ForeignChannel {
    fn send(&self, value: u32) {
        let mut shared = self.0.lock().unwrap();
        shared.0 = Some(value);
        let waker = shared.1.take();
        drop(shared);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Future for ForeignChannel {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        let mut shared = self.0.lock().unwrap();
        match shared.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// 95 · Breaks when only the crate's own channels are known.
#[test]
fn no_alarm_as_long_as_a_foreign_channel_holds_a_waker() {
    on_loop(|| async {
        until_the_loop_slept(|| async {
            let receiver = ForeignChannel::default();
            let sender = receiver.clone();
            let thread = thread::spawn(move || sender.send(1));
            assert_eq!(receiver.await, 1);
            thread.join().unwrap();
        })
        .await;
    });
}

thread_local! {
    /// For tasks that come from another thread, which can bring no `Rc`.
    static EVENT: Rc<Event> = Rc::default();
}

/// 95 · Breaks when a `Remote` is not counted: it holds no waker, but a task that it spawns
/// may wake any other task.
#[test]
fn no_alarm_as_long_as_a_remote_is_alive() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        executor.block_on(until_the_loop_slept(|| async {
            let event = EVENT.with(Rc::clone);
            event.clear();
            let remote = executor.remote();
            let set = || async { EVENT.with(|event| event.set()) };
            let thread = thread::spawn(move || drop(remote.spawn(set)));
            // Woken by a task that is spawned later.
            event.wait().await;
            thread.join().unwrap();
        }));
    });
}

/// 95 · Breaks when the drop of the last `Remote` does not end the loop's sleep: the loop
/// sleeps on, and the deadlock is never reported.
#[test]
fn when_the_last_remote_is_dropped_the_alarm_comes() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let remote = executor.remote();
        let clone = remote.clone();
        drop(remote);
        let thread = thread::spawn(move || {
            // Most likely, the loop is asleep after that.
            let_others_run();
            drop(clone);
        });
        let report = panic_text(|| executor.block_on(pending::<()>()));
        assert!(report.starts_with("deadlock: "), "{report}");
        thread.join().unwrap();
    });
}

/// 95 · Breaks when the waker that a job keeps counts as one that cannot be woken any more.
#[test]
fn no_alarm_as_long_as_a_blocking_job_is_out() {
    on_loop(|| async {
        until_the_loop_slept(|| unblock(|| ())).await;
    });
}

/// 95 · as in asyncio, a job runs on without its awaiter, and may still wake any task. When
/// the job is done, the loop reports the deadlock. Breaks when only awaited jobs count; or
/// when the end of the job does not end the loop's sleep.
#[test]
fn no_alarm_as_long_as_a_job_runs_that_nobody_awaits() {
    /// Writes to the log when it is dropped; the alarm drops the stuck task.
    struct Alarm(mpsc::Sender<&'static str>);

    impl Drop for Alarm {
        fn drop(&mut self) {
            self.0.send("alarm").unwrap();
        }
    }

    within_limit(|| {
        let (trace, entries) = mpsc::channel();
        let alarm = Alarm(trace.clone());
        let report = report_of(async move {
            drop(spawn(async move {
                let _alarm = alarm;
                pending::<()>().await;
            }));
            let mut job = unblock(move || {
                // Long enough for the loop to become idle. On a busy machine each sleep takes
                // longer, and fewer rounds are enough.
                let begun = Instant::now();
                let in_time = |_: &u32| begun.elapsed() < Duration::from_secs(3);
                (0..10_000).take_while(in_time).for_each(|_| thread::yield_now());
                trace.send("job done").unwrap();
            });
            // With a waker that wakes no task: only the job itself can count.
            assert!(poll_with(&mut job, Waker::noop()).is_pending());
            drop(job);
            pending::<()>().await;
        });
        assert!(report.starts_with("deadlock: "), "{report}");
        let entries: Vec<_> = entries.into_iter().collect();
        assert_eq!(entries, ["job done", "alarm"], "the alarm must wait for the job");
    });
}

/// 95 · Breaks when a wait for a descriptor counts as a wait that only the loop can end.
#[test]
fn no_alarm_as_long_as_a_descriptor_is_awaited() {
    use std::io::Write;

    on_loop(|| async {
        until_the_loop_slept(|| async {
            let (near, mut far) = sockets::std_pair();
            let near = glassloop::Async::new(near).unwrap();
            let thread = thread::spawn(move || {
                far.write_all(b"x").unwrap();
                far
            });
            near.readable().await.unwrap();
            thread.join().unwrap();
        })
        .await;
    });
}

/// 95 · Breaks when a descriptor counts that is open, but not awaited.
#[test]
fn a_descriptor_that_nobody_awaits_does_not_hide_a_deadlock() {
    within_limit(|| {
        let report = report_of(async {
            let (near, _far) = sockets::std_pair();
            let near = glassloop::Async::new(near).unwrap();
            {
                let mut readable = near.readable();
                assert!(poll_once(&mut readable).await.is_pending());
            }
            pending::<()>().await;
        });
        assert!(report.starts_with("deadlock: "), "{report}");
    });
}

/// 95 · Breaks when the loop checks its timers after the alarm, not before it.
#[test]
fn no_alarm_as_long_as_a_timer_is_armed() {
    within_limit(|| {
        let two_waits = || async {
            let event = Rc::new(Event::new());
            let other = event.clone();
            drop(spawn(async move {
                sleep(Duration::from_millis(1)).await;
                other.set();
            }));
            event.wait().await;
        };
        virtual_executor().block_on(two_waits());
        glassloop::block_on(two_waits());
    });
}

/// 95 · Breaks when the registered waker of a dropped leaf future is still counted: then it
/// hides a waker that is held by others.
#[test]
fn waits_that_were_cancelled_do_not_lead_to_a_false_alarm() {
    on_loop(|| async {
        let (mutex, event, semaphore) = (Mutex::new(()), Event::new(), Semaphore::new(0));
        let _held = mutex.lock().await;
        let (_sender, receiver) = channel::unbounded::<()>();
        let mut task = spawn(pending::<()>());
        for _ in 0..10 {
            assert!(poll_once(&mut mutex.lock()).await.is_pending());
            assert!(poll_once(&mut event.wait()).await.is_pending());
            assert!(poll_once(&mut semaphore.acquire()).await.is_pending());
            assert!(poll_once(&mut receiver.recv()).await.is_pending());
            assert!(poll_once(&mut sleep(Duration::from_secs(1))).await.is_pending());
            assert!(poll_once(&mut sleep(Duration::MAX)).await.is_pending());
            assert!(poll_once(&mut task).await.is_pending());
        }
        until_the_loop_slept(woken_by_a_thread).await;
    });
}

/// 94 · Breaks when the loop runs on because a future is ready in the last, extra poll: then
/// a future that keeps no waker, or a wake that the loop itself has lost, would only make
/// the program a little slower.
#[test]
fn a_future_that_kept_no_waker_is_stuck_even_if_it_would_be_ready() {
    within_limit(|| {
        let mut polled = false;
        let report = report_of(poll_fn(move |_| {
            if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
        }));
        expect_line(&report, &["the future given to `block_on`", "has kept no waker"]);
    });
}

/// 95 · Breaks when the wakers are counted after the last one is dropped, and before the
/// loop has seen the message that it sent.
#[test]
fn no_false_alarm_however_often_a_thread_wakes_and_lets_go() {
    const ROUNDS: usize = 2_000;

    on_loop(|| async {
        let (to_thread, wakers) = mpsc::channel::<Waker>();
        let thread = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
        for _ in 0..ROUNDS {
            let mut sent = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut sent, true) {
                    return Poll::Ready(());
                }
                to_thread.send(cx.waker().clone()).unwrap();
                Poll::Pending
            })
            .await;
        }
        drop(to_thread);
        thread.join().unwrap();
    });
}

/// 95 · Breaks when the inbox is checked before the `Remote`s are counted, and not after.
#[test]
fn no_false_alarm_however_often_a_remote_spawns_and_goes() {
    const ROUNDS: usize = 1_000;

    within_limit(|| {
        let executor = Executor::new().unwrap();
        let (to_thread, remotes) = mpsc::channel::<Remote>();
        let thread = thread::spawn(move || {
            for remote in remotes {
                drop(remote.spawn(|| async { EVENT.with(|event| event.set()) }));
            }
        });
        executor.block_on(async {
            let event = EVENT.with(Rc::clone);
            for _ in 0..ROUNDS {
                to_thread.send(executor.remote()).unwrap();
                event.wait().await;
                event.clear();
            }
        });
        drop(to_thread);
        thread.join().unwrap();
    });
}

/// 95 · Breaks when a job counts as done before it has woken its task.
#[test]
fn no_false_alarm_however_often_a_job_ends() {
    on_loop(|| async {
        for round in 0..1_000 {
            assert_eq!(unblock(move || round).await, round);
        }
    });
}

/// 94 · Breaks when the report calls itself for each level, or is indented without a limit.
#[test]
fn a_deadlock_of_ten_thousand_tasks_in_a_chain_is_reported_with_a_line_for_each() {
    within_limit(|| {
        let report = report_of(async {
            let last = (1..10_000)
                .fold(spawn(pending::<()>()), |before, _| spawn(async { before.await.unwrap() }));
            last.await.unwrap();
        });
        let longest = report.lines().map(str::len).max();
        assert!((10_001..11_002).contains(&report.lines().count()));
        assert!(longest < Some(400), "a line of {longest:?} bytes");
        expect_line(&report, &["task 2, spawned at", "something that has kept no waker"]);
    });
}

/// 94 · Breaks when the leaf futures inside of a large `join_all` hold the wakers of its
/// children, or when it polls only those that were woken while the loop asks.
#[test]
fn a_join_all_of_any_size_that_is_stuck_is_found_and_all_its_waits_are_named() {
    for count in [255, 256, 1_000] {
        within_limit(move || {
            let (event, never) = (Event::new(), Event::new());
            let at = next_line();
            let wait = || event.wait();
            let waits = async |n: u64| {
                sleep(Duration::from_micros(n)).await;
                wait().await;
            };
            let report = report_of(async {
                let all = timeout(Duration::MAX, join_all((0..count).map(waits)));
                future::or(async { drop(all.await) }, never.wait()).await;
            });
            expect_line(&report, &["the future given to `block_on` at"]);
            assert_eq!(report.matches(&format!("an event, since {at}")).count(), count as usize);
        });
    }
}

/// 94 · Breaks when only the outer of two large ones knows its task.
#[test]
fn a_large_join_all_of_large_ones_that_is_stuck_is_found_too() {
    within_limit(|| {
        let event = Event::new();
        let at = next_line();
        let inner = |count| join_all((0..count).map(|_| event.wait()));
        let outer = join_all((0..300).map(|n| inner(if n == 7 { 300 } else { 0 })));
        expect_root(&report_of(outer), "an event", &at);
    });
}

/// 95 · Breaks when the leaves of the children that were not woken still wake the task that
/// polled the `join_all` before.
#[test]
fn a_large_join_all_may_be_polled_by_one_task_and_awaited_by_another() {
    on_loop(|| async {
        for first_in_a_combinator in [false, true] {
            let events: Rc<Vec<Event>> = Rc::new((0..300).map(|_| Event::new()).collect());
            let waits = |n: usize| {
                let events = events.clone();
                async move { events[n].wait().await }
            };
            let mut all = join_all((0..300).map(waits));
            if first_in_a_combinator {
                assert!(poll_with(&mut all, Waker::noop()).is_pending());
            }
            assert!(poll_once(&mut all).await.is_pending());
            let all = spawn(all);
            yield_now().await;
            for event in &*events {
                event.set();
                yield_now().await;
            }
            assert_eq!(all.await.unwrap().len(), 300);
        }
    });
}
