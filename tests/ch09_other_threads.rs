//! Chapter 9: other threads. How other threads reach a loop that belongs to one thread.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use glassloop::{
    Broken, Executor, Promise, Remote, join_all, promise, sleep, spawn, stats, unblock, yield_now,
};
use support::{
    Log, OnDrop, WakeCount, let_others_run, on_loop, poll_once, poll_with, sockets, turns,
    virtual_executor, within_limit,
};

/// A waker for another thread, with the flag that the thread sets before it wakes.
struct Call {
    flag: Arc<AtomicBool>,
    waker: Waker,
}

/// A thread that answers each call with a wake, as quickly as it can.
struct Waking {
    calls: mpsc::Sender<Call>,
    thread: thread::JoinHandle<()>,
    calls_so_far: Cell<usize>,
}

impl Waking {
    fn start() -> Waking {
        let (calls, receiver) = mpsc::channel::<Call>();
        let thread = thread::spawn(move || {
            // The thread spins instead of waiting: only an answer within a microsecond
            // reaches the loop while it is about to sleep.
            for spins in 0_u64.. {
                match receiver.try_recv() {
                    Ok(call) => {
                        call.flag.store(true, Ordering::Relaxed);
                        call.waker.wake();
                    }
                    // Now and then the thread lets others have the processor.
                    Err(mpsc::TryRecvError::Empty) if spins % 1_000 == 0 => thread::yield_now(),
                    Err(mpsc::TryRecvError::Empty) => std::hint::spin_loop(),
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
        });
        Waking { calls, thread, calls_so_far: Cell::new(0) }
    }

    /// Asks the thread for a wake, and waits for that wake.
    async fn call(&self) {
        let flag = Arc::new(AtomicBool::new(false));
        let mut called = false;
        poll_fn(|cx| {
            if flag.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            if !called {
                called = true;
                let call = Call { flag: flag.clone(), waker: cx.waker().clone() };
                self.calls.send(call).unwrap();
                // A little later each time, so that over many rounds the wake comes at
                // every point between the loop's last check and its sleep.
                let calls = self.calls_so_far.get();
                self.calls_so_far.set(calls + 1);
                (0..calls % 64).for_each(|_| std::hint::spin_loop());
            }
            Poll::Pending
        })
        .await;
    }

    fn stop(self) {
        drop(self.calls);
        self.thread.join().unwrap();
    }
}

/// The rounds of a stress test: many, but on a busy machine only as many as fit into two
/// seconds.
fn rounds(most: usize) -> impl Iterator<Item = usize> {
    let start = Instant::now();
    (0..most).take_while(move |_| start.elapsed() < Duration::from_secs(2))
}

// 80 ─────────────────────────────────────────────────────────────────────────

/// 80 · as in asyncio (`call_soon_threadsafe`). Breaks when the wake falls between
/// "nothing to do" and "asleep". A lost wake hangs, and the watchdog says so.
#[test]
fn a_wake_from_another_thread_always_ends_the_park() {
    on_loop(|| async {
        let thread = Waking::start();
        for _ in rounds(20_000) {
            thread.call().await;
        }
        thread.stop();
    });
}

/// 80 · as in asyncio, whose loop wakes by its self-pipe. Breaks when the loop
/// sleeps in the poller, and the wake only unparks the thread.
#[test]
fn a_wake_from_another_thread_always_ends_the_wait_in_the_poller() {
    on_loop(|| async {
        // A task awaits this descriptor the whole time; the descriptor is never ready.
        let (ours, theirs) = sockets::std_pair();
        let reader = spawn(async move {
            let ours = glassloop::Async::new(ours).unwrap();
            ours.readable().await.unwrap();
        });
        let thread = Waking::start();
        for _ in rounds(20_000) {
            thread.call().await;
        }
        thread.stop();
        assert!(!reader.is_finished(), "the loop must wait for the descriptor the whole time");
        drop(theirs);
        reader.await.unwrap();
    });
}

/// 80 · Breaks when the wakes of several tasks are merged into one.
#[test]
fn wakes_of_many_tasks_from_many_threads_all_arrive() {
    on_loop(|| async {
        let task = || {
            spawn(async {
                let thread = Waking::start();
                for _ in rounds(500) {
                    thread.call().await;
                }
                thread.stop();
            })
        };
        let tasks: Vec<_> = (0..8).map(|_| task()).collect();
        for outcome in join_all(tasks).await {
            outcome.unwrap();
        }
    });
}

/// 80 · Breaks when the loop treats a wake by another thread during the poll as if this poll
/// had handled it.
#[test]
fn a_wake_from_another_thread_during_the_poll_leads_to_another_poll() {
    on_loop(|| async {
        let polls = Rc::new(Cell::new(0));
        let count = polls.clone();
        spawn(poll_fn(move |cx| {
            count.set(count.get() + 1);
            if count.get() == 1_000 {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake()).join().unwrap();
            Poll::Pending
        }))
        .await
        .unwrap();
        assert_eq!(polls.get(), 1_000);
    });
}

/// 80 · as in asyncio (`run_coroutine_threadsafe`). Breaks when such a message is
/// put into the inbox without ending the park.
#[test]
fn a_spawn_from_another_thread_always_ends_the_park() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let remote = executor.remote();
        executor.block_on(async {
            let spawns = unblock(move || {
                for round in rounds(5_000) {
                    let answer = remote.spawn(move || async move { round });
                    assert_eq!(answer.recv().unwrap().unwrap(), round);
                }
            });
            spawns.await;
        });
    });
}

/// 80 · as in asyncio (`call_soon_threadsafe` from a callback). The loop takes the messages
/// that are there, and another message may come meanwhile: here from `make` itself, which
/// then makes nothing, so that no task is ready. Breaks when the loop does not check its
/// inbox once more before it sleeps.
#[test]
fn a_message_that_comes_while_the_loop_takes_the_others_is_not_slept_over() {
    on_loop(|| async {
        let (promise, promised) = promise();
        let (first, second) = (glassloop::remote(), glassloop::remote());
        let make = move || -> std::future::Ready<()> {
            drop(second.spawn(async move || promise.set("arrived")));
            panic!("makes no task");
        };
        drop(first.spawn(make));
        assert_eq!(promised.await, Ok("arrived"));
    });
}

// 81 ─────────────────────────────────────────────────────────────────────────

/// Runs `body` next to a task that another thread wakes again and again: each time
/// before its poll is over, so that the loop always finds another wake.
async fn during_a_flood_of_wakes(body: impl Future<Output = ()>) {
    let (calls, receiver) = mpsc::channel::<Waker>();
    let (answers, answered) = mpsc::channel();
    thread::spawn(move || {
        for waker in receiver {
            waker.wake();
            answers.send(()).unwrap();
        }
    });
    let flooded = spawn(poll_fn(move |cx| {
        calls.send(cx.waker().clone()).unwrap();
        answered.recv().unwrap();
        Poll::<()>::Pending
    }));
    body.await;
    flooded.abort();
}

/// 81 · as in asyncio. Breaks when timers fire only when no task is ready.
#[test]
fn a_flood_of_wakes_from_other_threads_does_not_starve_timers() {
    on_loop(|| {
        during_a_flood_of_wakes(async {
            for _ in 0..20 {
                sleep(Duration::from_micros(100)).await;
            }
        })
    });
}

/// 81 · as in asyncio. Breaks when the loop polls for I/O only when no task is ready.
#[test]
fn a_flood_of_wakes_from_other_threads_does_not_starve_io() {
    on_loop(|| during_a_flood_of_wakes(read_twenty_bytes()));
}

/// Sends twenty bytes through a pair of sockets, one after the other.
async fn read_twenty_bytes() {
    use std::io::{Read, Write};

    let (ours, mut theirs) = sockets::std_pair();
    let ours = glassloop::Async::new(ours).unwrap();
    for _ in 0..20 {
        // Waits first, so that the byte comes while the loop is flooded.
        let mut readable = ours.readable();
        assert!(poll_once(&mut readable).await.is_pending());
        theirs.write_all(b"x").unwrap();
        readable.await.unwrap();
        assert_eq!((&mut ours.get_ref()).read(&mut [0]).unwrap(), 1);
    }
}

/// Sends the loop a message which, when it arrives, sends the next one.
fn send_again_and_again(remote: Remote, stop: Arc<AtomicBool>) {
    let next = remote.clone();
    drop(remote.spawn(move || {
        if !stop.load(Ordering::Relaxed) {
            send_again_and_again(next, stop);
        }
        async {}
    }));
}

/// 81 · as in asyncio. The same, deterministic: an inbox that is never empty. Breaks when
/// the loop takes messages until its inbox is empty, not only those that are there now.
#[test]
fn an_inbox_that_is_never_empty_holds_up_neither_timers_nor_tasks() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        send_again_and_again(executor.remote(), stop.clone());
        executor.block_on(async {
            sleep(Duration::from_millis(1)).await;
            turns(10).await;
            spawn(async {}).await.unwrap();
            stop.store(true, Ordering::Relaxed);
        });
    });
}

/// 81 · as above, for descriptors.
#[test]
fn an_inbox_that_is_never_empty_does_not_hold_up_io() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        send_again_and_again(executor.remote(), stop.clone());
        executor.block_on(async {
            read_twenty_bytes().await;
            stop.store(true, Ordering::Relaxed);
        });
    });
}

/// 81 · Breaks when each wake notifies, also while the loop is awake: the next
/// park then ends at once for nothing.
#[test]
fn wakes_that_find_the_loop_awake_cost_no_notification() {
    on_loop(|| async {
        /// How often the loop parks in 50 short sleeps, each after this many wakes.
        async fn parks(wakes: usize) -> u64 {
            let before = stats().parks;
            for _ in 0..50 {
                let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                // The loop is awake meanwhile, since it is in this poll.
                let thread = thread::spawn(move || (0..wakes).for_each(|_| waker.wake_by_ref()));
                thread.join().unwrap();
                turns(2).await;
                sleep(Duration::from_micros(500)).await;
            }
            stats().parks - before
        }
        let (quiet, flooded) = (parks(0).await, parks(100).await);
        assert!(
            flooded < quiet + 25,
            "{quiet} parks without wakes, {flooded} with: a wake that finds the loop awake has \
             left a notification, and the next park is cut short"
        );
    });
}

// 82 ─────────────────────────────────────────────────────────────────────────

/// 82 · as in asyncio, where every coroutine is bound to its loop's thread. Breaks
/// when the other thread makes the future.
#[test]
fn remote_spawn_builds_a_future_that_is_not_send_on_the_loop() {
    within_limit(|| {
        let executor = virtual_executor();
        let remote = executor.remote();
        let sent = thread::spawn(move || {
            remote.spawn(|| {
                let not_send = Rc::new(thread::current().id());
                async move {
                    yield_now().await;
                    (*not_send, thread::current().id())
                }
            })
        });
        let answer = sent.join().unwrap();
        executor.run_until_stalled();
        let (made_on, polled_on) = answer.try_recv().unwrap().unwrap();
        let here = thread::current().id();
        assert_eq!((made_on, polled_on), (here, here), "the loop's thread is this one");
    });
}

/// 82 · as in asyncio. Breaks when the inbox is a stack, or has several lanes.
#[test]
fn remote_spawns_start_in_the_order_in_which_they_were_sent() {
    within_limit(|| {
        let executor = virtual_executor();
        let started = Arc::new(std::sync::Mutex::new(Vec::new()));
        for name in ["a", "b", "c"] {
            let (remote, started) = (executor.remote(), started.clone());
            let send =
                move || remote.spawn(move || async move { started.lock().unwrap().push(name) });
            drop(thread::spawn(send).join().unwrap());
        }
        executor.run_until_stalled();
        assert_eq!(*started.lock().unwrap(), ["a", "b", "c"], "first sent, first started");
    });
}

/// 82 · as in asyncio, whose concurrent future gets the exception. Breaks when only
/// the task's own panics are caught.
#[test]
fn a_panic_while_a_remote_future_is_made_arrives_as_join_error() {
    within_limit(|| {
        let executor = virtual_executor();
        let make = || -> std::future::Ready<()> { panic!("cannot make it") };
        let answer = executor.remote().spawn(make);
        executor.run_until_stalled();
        let error = answer.try_recv().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the task panicked: cannot make it");
        assert_eq!(executor.block_on(async { "usable" }), "usable");
    });
}

/// 82 · as in asyncio. Breaks when the panic just disconnects the receiver.
#[test]
fn a_panic_of_a_remote_task_arrives_as_join_error() {
    within_limit(|| {
        let executor = virtual_executor();
        let answer = executor.remote().spawn(|| async {
            yield_now().await;
            panic!("cannot finish it");
        });
        executor.run_until_stalled();
        let error = answer.try_recv().unwrap().unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.to_string(), "the task panicked: cannot finish it");
    });
}

/// 82 · as in asyncio, whose future may be dropped. Breaks when the task ends because the
/// receiver of its output is dropped.
#[test]
fn a_remote_task_goes_on_when_its_receiver_is_dropped() {
    within_limit(|| {
        let executor = virtual_executor();
        let done = Arc::new(AtomicBool::new(false));
        let flag = done.clone();
        drop(executor.remote().spawn(|| async move {
            turns(3).await;
            flag.store(true, Ordering::Relaxed);
        }));
        executor.run_until_stalled();
        assert!(done.load(Ordering::Relaxed));
    });
}

/// 82 · Breaks when the inbox outlives its loop, and the thread that waits for an answer
/// waits for ever.
#[test]
fn after_the_loops_end_a_remote_spawn_is_disconnected_and_dropped() {
    within_limit(|| {
        let executor = virtual_executor();
        let remote = executor.remote();
        drop(executor);
        let token = Arc::new(());
        let held = token.clone();
        let answer = remote.spawn(move || async move { drop(held) });
        assert!(answer.recv().is_err(), "no answer can come any more");
        assert_eq!(Arc::strong_count(&token), 1, "`make` was neither run nor dropped");
    });
}

/// 82 · as above, for a message that was sent before the loop's end. Breaks when the loop's
/// end does not empty the inbox.
#[test]
fn what_the_loop_did_not_get_to_is_disconnected_and_dropped() {
    within_limit(|| {
        let executor = virtual_executor();
        let remote = executor.remote();
        let token = Arc::new(());
        let held = token.clone();
        let not_made = remote.spawn(move || async move { drop(held) });
        drop(executor);
        assert!(not_made.recv().is_err(), "no answer can come any more");
        assert_eq!(Arc::strong_count(&token), 1, "`make` was neither run nor dropped");
    });
}

/// 45 · has no counterpart in asyncio. Breaks when the loop empties its inbox last: a task
/// that the drop of a message spawns would then never end.
#[test]
fn a_spawn_from_the_drop_of_what_the_loop_did_not_get_to_is_ended_too() {
    thread_local! {
        static SPAWNED: RefCell<Option<glassloop::JoinHandle<()>>> = const { RefCell::new(None) };
    }

    struct SpawnsOnDrop;

    impl Drop for SpawnsOnDrop {
        fn drop(&mut self) {
            SPAWNED.set(Some(spawn(pending())));
        }
    }

    within_limit(|| {
        let executor = Executor::new().unwrap();
        let unreceived = SpawnsOnDrop;
        drop(executor.remote().spawn(move || {
            drop(unreceived);
            async {}
        }));
        drop(executor);
        assert!(SPAWNED.take().unwrap().is_finished(), "the task was left behind by its loop");
    });
}

/// 82 · as above, for a task that had started.
#[test]
fn a_remote_task_that_is_dropped_with_its_loop_disconnects_its_receiver() {
    within_limit(|| {
        let executor = virtual_executor();
        let answer = executor.remote().spawn(pending::<()>);
        executor.run_until_stalled();
        let waiting = thread::spawn(move || answer.recv().is_err());
        drop(executor);
        assert!(waiting.join().unwrap(), "no answer can come any more");
    });
}

// 83 ─────────────────────────────────────────────────────────────────────────

/// Leaves the only waker of a task in `kept`, and returns when the executor is dropped.
fn leave_waker(executor: &Executor, kept: &Rc<RefCell<Option<Waker>>>, trace: OnDrop) {
    let kept = kept.clone();
    drop(executor.spawn(poll_fn(move |cx| {
        let _trace = &trace;
        kept.replace(Some(cx.waker().clone()));
        Poll::<()>::Pending
    })));
    executor.run_until_stalled();
}

/// 83 · Breaks when the waker owns the task, the loop, or a raw pointer to either.
#[test]
fn a_waker_that_outlives_its_executor_is_harmless_and_holds_no_future() {
    within_limit(|| {
        let (log, kept) = (Log::new(), Rc::default());
        let executor = virtual_executor();
        leave_waker(&executor, &kept, OnDrop(log.clone(), "dropped"));
        drop(executor);
        assert_eq!(
            log.take(),
            ["dropped"],
            "the executor's end must drop the future, not the waker"
        );
        let waker = kept.take().unwrap();
        waker.wake_by_ref();
        let elsewhere = waker.clone();
        thread::spawn(move || elsewhere.wake()).join().unwrap();
        drop(waker.clone());
        waker.wake();
    });
}

/// 83 · Breaks when a wake goes to the current loop of the thread, and not to its own.
#[test]
fn a_waker_that_outlives_its_executor_wakes_no_task_of_the_next_one() {
    within_limit(|| {
        let (log, kept) = (Log::new(), Rc::default());
        let first = virtual_executor();
        leave_waker(&first, &kept, OnDrop(log.clone(), "dropped"));
        drop(first);
        let second = virtual_executor();
        // Same slot, same number, another executor.
        let trace = log.clone();
        drop(second.spawn(poll_fn(move |_| {
            trace.add("polled");
            Poll::<()>::Pending
        })));
        second.block_on(async {
            turns(2).await;
            kept.take().unwrap().wake();
            turns(2).await;
        });
        assert_eq!(log.take(), ["dropped", "polled"], "a waker of another executor woke this task");
    });
}

/// 83 · Breaks when the remote's end of the inbox panics after the loop's end is dropped.
#[test]
fn a_remote_that_outlives_its_executor_is_harmless() {
    within_limit(|| {
        let executor = virtual_executor();
        let remote = executor.remote();
        drop(executor);
        thread::spawn(move || {
            let clone = remote.clone();
            drop(remote);
            assert!(clone.spawn(|| async {}).recv().is_err());
        })
        .join()
        .expect("the remote of a loop that was dropped panicked");
    });
}

/// 83 · Breaks when a waker keeps the inbox alive, and the inbox what was sent.
#[test]
fn a_waker_that_outlives_its_executor_keeps_no_message_alive() {
    within_limit(|| {
        let (log, kept) = (Log::new(), Rc::default());
        let executor = virtual_executor();
        leave_waker(&executor, &kept, OnDrop(log.clone(), "dropped"));
        let token = Arc::new(());
        let held = token.clone();
        let remote = executor.remote();
        drop(remote.spawn(move || async move { drop(held) }));
        drop(executor);
        assert!(kept.borrow().is_some(), "the waker is still there");
        assert_eq!(Arc::strong_count(&token), 1, "what was sent to the loop leaks");
    });
}

#[test]
fn a_promise_brings_a_value_from_any_thread() {
    for _ in rounds(1_000) {
        let value = on_loop(|| async {
            let (promise, promised) = promise();
            thread::spawn(move || promise.set(42));
            promised.await
        });
        assert_eq!(value, Ok(42), "no interleaving of set and await may lose the value");
    }
}

#[test]
fn a_promise_that_is_dropped_unset_is_broken() {
    let outcome = on_loop(|| async {
        let (promise, promised) = promise::<u32>();
        thread::spawn(move || drop(promise));
        promised.await
    });
    assert_eq!(outcome, Err(Broken), "the awaiter must learn that no value will come");
}

#[test]
fn a_promise_that_nobody_awaits_returns_the_value() {
    let (promise, promised) = promise();
    drop(promised);
    assert_eq!(promise.set("kept"), Err("kept"));
}

#[test]
fn a_promise_wakes_only_the_newest_waker_it_was_polled_with() {
    let (older, older_waker) = WakeCount::new();
    let (newer, newer_waker) = WakeCount::new();
    let (promise, mut promised) = promise();
    assert!(poll_with(&mut promised, &older_waker).is_pending());
    assert!(poll_with(&mut promised, &newer_waker).is_pending());
    promise.set(()).unwrap();
    assert_eq!((older.wakes(), newer.wakes()), (0, 1));
    assert_eq!(poll_with(&mut promised, &newer_waker), Poll::Ready(Ok(())));
    assert_eq!(poll_with(&mut promised, &newer_waker), Poll::Ready(Err(Broken)), "given once");
}

#[test]
fn a_value_that_nobody_picks_up_is_dropped_with_the_promised() {
    let log = Log::default();
    let (promise, promised) = promise();
    assert!(promise.set(OnDrop(log.clone(), "value")).is_ok());
    assert_eq!(log.take(), [""; 0]);
    drop(promised);
    assert_eq!(log.take(), ["value"]);
}

#[test]
fn a_loop_that_awaits_a_promise_is_not_taken_for_stuck() {
    let value = on_loop(|| async {
        let (promise, promised) = promise();
        let waits = promise_keeper(promise);
        let value = promised.await;
        waits.join().unwrap();
        value
    });
    assert_eq!(value, Ok("late"), "a thread holds the promise, so something can still happen");
}

/// Sets the promise when the loop most likely sleeps.
fn promise_keeper(promise: Promise<&'static str>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let_others_run();
        promise.set("late").unwrap();
    })
}

#[test]
fn a_task_can_hand_out_a_remote_of_its_own_loop() {
    let sum = on_loop(|| async {
        let remote = glassloop::remote();
        let (promise, promised) = promise();
        thread::spawn(move || {
            remote.spawn(move || {
                let not_send = Rc::new(40);
                async move { promise.set(*not_send + 2) }
            })
        });
        promised.await
    });
    assert_eq!(sum, Ok(42));
}

/// 13 · as in asyncio's `add_signal_handler`, which does the same inside. A signal handler
/// must not wake a task: a wake takes memory and locks, and the interrupted code may hold
/// the lock. A handler may write a byte. Breaks when that byte wakes no task.
#[cfg(unix)]
#[test]
fn a_signal_handler_reaches_the_loop_by_a_byte_in_a_pipe() {
    use futures_lite::AsyncReadExt;
    use signal_hook::{consts::SIGUSR2, low_level};

    on_loop(|| async {
        let (signals, handler) = std::os::unix::net::UnixStream::pair().unwrap();
        let registered = low_level::pipe::register(SIGUSR2, handler).unwrap();
        let mut signals = glassloop::Async::new(signals).unwrap();
        let waiting = spawn(async move { signals.read(&mut [0]).await.unwrap() });
        yield_now().await;
        // From another thread, so that the loop may be asleep when the signal comes.
        thread::spawn(|| low_level::raise(SIGUSR2).unwrap());
        assert_eq!(waiting.await.unwrap(), 1);
        low_level::unregister(registered);
    });
}
