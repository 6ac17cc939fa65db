//! Chapter 14: what things say. An error says in a sentence what has happened; and `{:?}`
//! of every type shows the state that helps to find a mistake, at any time, also while
//! another task is using the value.

mod support;

use std::fmt::{Debug, Display};
use std::future::{pending, ready};
use std::time::Duration;

use glassloop::blocking::pool::Pool;
use glassloop::fs::{self, File};
use glassloop::sync::{Barrier, Condvar, Event, Mutex, Semaphore, WaitGroup, channel, oneshot};
use glassloop::{
    Executor, TaskGroup, join_all, promise, sleep, spawn, spawn_named, timeout, unblock, yield_now,
};
use support::{on_loop, on_virtual_loop, poll_once, sockets, virtual_executor, within_limit};

/// Checks what `{:?}` shows.
#[track_caller]
fn shows(thing: impl Debug, expected: &str) {
    assert_eq!(format!("{thing:?}"), expected, "a reader who debugs needs to see this");
}

/// Checks what `{}` says.
#[track_caller]
fn says(error: impl Display, expected: &str) {
    assert_eq!(error.to_string(), expected, "this text may be all that a user sees");
}

// ── errors ───────────────────────────────────────────────────────────────────

/// As in asyncio, except for a cancellation, whose text is empty there. Breaks when a panic
/// without a text is reported as a cancellation.
#[test]
fn a_join_error_says_how_the_task_ended() {
    on_virtual_loop(|| async {
        let aborted = spawn(pending::<()>());
        aborted.abort();
        let error = aborted.await.unwrap_err();
        says(&error, "the task was cancelled");
        shows(&error, "JoinError::Cancelled");
        let error = spawn(async { panic!("out of {}", "cheese") }).await.unwrap_err();
        says(&error, "the task panicked: out of cheese");
        shows(&error, "JoinError::Panic(\"out of cheese\")");
        let error = spawn(async { std::panic::panic_any(42) }).await.unwrap_err();
        says(&error, "the task panicked, with a payload that is no text");
        shows(&error, "JoinError::Panic(\"..\")");
    });
}

/// As in asyncio for the most part (`QueueFull` has an empty text there).
#[test]
fn every_other_error_says_what_has_happened() {
    on_virtual_loop(|| async {
        let elapsed = timeout(Duration::from_secs(3), pending::<()>()).await.unwrap_err();
        says(elapsed, "the time limit of 3s has elapsed");
        let (promise, promised) = promise::<()>();
        drop(promise);
        says(promised.await.unwrap_err(), "the promise was dropped without a value");
        let (sender, receiver) = oneshot::channel::<()>();
        drop(sender);
        let closed = "the sender was dropped without sending a value";
        says(receiver.await.unwrap_err(), closed);
    });
}

/// An error can be printed even if its value cannot. Breaks when an error of a channel asks
/// for `T: Debug`: then no such `Result` could be `unwrap`ped.
#[test]
fn the_errors_of_a_channel_say_whether_it_is_full_empty_or_closed() {
    /// A value that cannot be printed.
    struct Secret;

    on_virtual_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        says(receiver.try_recv().err().unwrap(), "the channel is empty");
        sender.try_send(Secret).unwrap();
        let error = sender.try_send(Secret).unwrap_err();
        says(&error, "the channel is full; the value was not sent");
        shows(&error, "Full(..)");
        sender.close();
        let error = sender.try_send(Secret).unwrap_err();
        says(&error, "the channel is closed; the value was not sent");
        shows(&error, "Closed(..)");
        let error = sender.send(Secret).await.unwrap_err();
        says(&error, "the channel is closed; the value was not sent");
        shows(&error, "SendError(..)");
        receiver.recv().await.expect("what was sent can still be received");
        says(receiver.try_recv().err().unwrap(), "the channel is closed and empty");
        says(receiver.recv().await.err().unwrap(), "the channel is closed and empty");
    });
}

// ── between tasks ────────────────────────────────────────────────────────────

/// Breaks when the debug output waits for the lock, or panics because it is held.
#[test]
fn a_mutex_shows_its_value_or_that_it_is_locked() {
    on_virtual_loop(|| async {
        let mutex = Mutex::new("value");
        shows(&mutex, "Mutex(\"value\")");
        let guard = mutex.lock().await;
        shows(&guard, "MutexGuard(\"value\")");
        shows(&mutex, "Mutex(<locked>)");
    });
}

/// Breaks when the count is not the current one.
#[test]
fn what_tasks_wait_for_shows_how_far_it_is() {
    on_virtual_loop(|| async {
        let semaphore = Semaphore::new(2);
        let _permit = semaphore.acquire().await;
        shows(&semaphore, "Semaphore(1 available)");
        let event = Event::new();
        shows(&event, "Event(set: false)");
        event.set();
        shows(&event, "Event(set: true)");
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let mut waits = condvar.wait(mutex.lock().await);
        assert!(poll_once(&mut waits).await.is_pending());
        shows(&condvar, "Condvar(1 waiting)");
        let barrier = Barrier::new(3);
        let mut waits = barrier.wait();
        assert!(poll_once(&mut waits).await.is_pending());
        shows(&barrier, "Barrier(1 of 3 arrived)");
        let group = WaitGroup::new();
        shows(group.add(), "WaitGuard(..)");
        let _guards = [group.add(), group.add()];
        shows(&group, "WaitGroup(2 undone)");
    });
}

/// Breaks when a half shows the values themselves, which may be secret, or endless.
#[test]
fn a_channel_shows_how_many_values_are_in_it() {
    within_limit(|| {
        let (sender, receiver) = channel::unbounded();
        sender.try_send("first").unwrap();
        sender.try_send("second").unwrap();
        shows(&sender, "Sender(2 in the channel)");
        shows(&receiver, "Receiver(2 in the channel)");
        let (sender, receiver) = oneshot::channel::<()>();
        shows(sender, "oneshot::Sender(..)");
        shows(receiver, "oneshot::Receiver(..)");
    });
}

// ── tasks and futures ────────────────────────────────────────────────────────

/// As in asyncio, whose `Task` shows its name and whether it is done.
#[test]
fn a_join_handle_shows_its_number_and_whether_the_task_has_ended() {
    on_virtual_loop(|| async {
        let task = spawn_named("fetch", async {});
        let number = task.id().to_string().replace("task ", "");
        shows(&task, &format!("JoinHandle {{ id: TaskId({number}), finished: false }}"));
        yield_now().await;
        shows(&task, &format!("JoinHandle {{ id: TaskId({number}), finished: true }}"));
    });
}

/// Breaks when a future must be polled to be printed.
#[test]
fn a_future_shows_what_it_waits_for() {
    on_virtual_loop(|| async {
        let never = Duration::MAX;
        shows(sleep(never), "Sleep(until None)");
        let sleeps = sleep(Duration::from_secs(1));
        let deadline = sleeps.deadline().expect("a second can be waited for");
        shows(&sleeps, &format!("Sleep(until Some({deadline:?}))"));
        shows(timeout(never, ready(())), "Timeout(Sleep(until None))");
        let mut all = join_all([sleep(never), sleep(Duration::ZERO)]);
        shows(&all, "JoinAll(2 of 2 running)");
        assert!(poll_once(&mut all).await.is_pending());
        shows(&all, "JoinAll(1 of 2 running)");
        let mut group = TaskGroup::<(), ()>::new();
        group.spawn(pending());
        shows(&group, "TaskGroup(1 children)");
    });
}

/// Breaks when a job shows itself as running before the pool has it.
#[test]
fn what_another_thread_brings_shows_whether_it_is_under_way() {
    on_loop(|| async {
        let mut job = unblock(|| ());
        shows(&job, "Unblock(not started)");
        assert!(poll_once(&mut job).await.is_pending());
        shows(&job, "Unblock(out)");
        (&mut job).await;
        shows(&job, "Unblock(done)");
        let (promise, promised) = promise::<()>();
        shows(promise, "Promise(..)");
        shows(promised, "Promised(..)");
    });
}

// ── descriptors and files ────────────────────────────────────────────────────

/// Breaks when the wrapper hides what the standard library shows of the descriptor.
#[test]
fn a_descriptor_shows_the_type_inside() {
    on_virtual_loop(|| async {
        let (near, _far) = sockets::std_pair();
        let inside = format!("{near:?}");
        shows(glassloop::Async::new(near).unwrap(), &format!("Async({inside})"));
    });
}

/// Breaks when the wrapper hides what the standard library shows of the file.
#[test]
fn a_file_shows_the_file_inside() {
    on_loop(|| async {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("name")).await.unwrap();
        let shown = format!("{file:?}");
        assert!(shown.starts_with("File(File {"), "as `std::fs::File` shows itself: {shown}");
        shows(fs::read_dir(folder.path()).await.unwrap(), "ReadDir(..)");
    });
}

// ── the loop ─────────────────────────────────────────────────────────────────

/// Breaks when the totals are only in the fields, and a log line cannot show them.
#[test]
fn an_executor_shows_what_it_has_done() {
    within_limit(|| {
        let executor = virtual_executor();
        executor.block_on(async {
            sleep(Duration::from_secs(1)).await;
            spawn(yield_now()).await.unwrap();
        });
        let totals =
            "5 turns, 5 polls, 5 wakes, 0 parks, 0 I/O polls, 0 events, 1 timers fired, 0 jobs";
        assert_eq!(executor.stats().to_string(), totals);
        shows(&executor, &format!("Executor({totals})"));
        shows(executor.remote(), "Remote(..)");
    });
}

/// Breaks when a setting does not reach the builder.
#[test]
fn a_builder_shows_its_settings() {
    within_limit(|| {
        let builder = Executor::builder().virtual_time().blocking_threads(3);
        shows(builder, "Builder { virtual_time: true, blocking_threads: 3, .. }");
    });
}

/// Breaks when the pool counts its threads or jobs wrongly, or shows none of it.
#[test]
fn a_pool_shows_its_threads_and_the_jobs_that_are_out() {
    within_limit(|| {
        let pool = Pool::new(2, Duration::from_secs(1000), || {});
        let (release, released) = std::sync::mpsc::channel::<()>();
        pool.submit(Box::new(move || released.recv().unwrap())).unwrap();
        shows(&pool, "Pool { threads: 1, jobs_out: 1 }");
        release.send(()).unwrap();
        pool.shutdown();
        shows(&pool, "Pool { threads: 0, jobs_out: 0 }");
        let refused = pool.submit(Box::new(|| ())).unwrap_err();
        shows(refused, "Refused(the event loop of this blocking pool has ended)");
    });
}
