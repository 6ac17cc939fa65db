//! Common mistakes of small executors that are written to teach, one test each. Every one
//! of these mistakes was found in a published executor. The test has the name of the
//! promise that the mistake breaks; the chapters test most of these promises in detail.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use glassloop::sync::{Event, Mutex, channel, oneshot};
use glassloop::{JoinHandle, sleep, spawn, stats, yield_now};
use support::{
    Log, OnDrop, WakeCount, on_loop, on_virtual_loop, poll_once, poll_with, sockets, turns,
    virtual_executor, within_limit,
};

/// Trap: the wake is lost, since the task is in no queue while it is polled.
#[test]
fn a_wake_during_the_poll_leads_to_another_poll() {
    within_limit(|| {
        let executor = virtual_executor();
        let polls = Rc::new(Cell::new(0));
        let count = polls.clone();
        let task = executor.spawn(poll_fn(move |cx| {
            count.set(count.get() + 1);
            cx.waker().wake_by_ref();
            if count.get() < 3 { Poll::Pending } else { Poll::Ready(()) }
        }));
        executor.run_until_stalled();
        assert_eq!(polls.get(), 3, "a wake during the poll was lost");
        assert!(task.is_finished());
    });
}

/// Trap: a task that is woken twice is in the run queue twice, and is then "resumed after
/// completion".
#[test]
fn a_task_that_was_woken_twice_is_polled_once() {
    on_virtual_loop(|| async {
        let polls = Rc::new(Cell::new(0));
        let kept = Rc::new(RefCell::new(Waker::noop().clone()));
        let (count, keep) = (polls.clone(), kept.clone());
        let task = spawn(poll_fn(move |cx| {
            count.set(count.get() + 1);
            keep.replace(cx.waker().clone());
            if count.get() < 3 { Poll::Pending } else { Poll::Ready(()) }
        }));
        yield_now().await;
        for expected in [2, 3] {
            kept.borrow().wake_by_ref();
            kept.borrow().wake_by_ref();
            turns(3).await;
            assert_eq!(polls.get(), expected, "a task that was woken twice was queued twice");
        }
        task.await.unwrap();
    });
}

/// Trap: a sleep takes any poll except the first for its end.
#[test]
fn a_sleep_that_is_polled_early_goes_on() {
    on_virtual_loop(|| async {
        let mut sleep = sleep(Duration::from_secs(1));
        for _ in 0..5 {
            assert!(poll_once(&mut sleep).await.is_pending(), "no time has passed");
            yield_now().await;
        }
        let before = glassloop::now();
        sleep.await;
        assert_eq!(glassloop::now() - before, Duration::from_secs(1));
    });
}

/// Trap: a lock or a borrow is held while the future is polled, so that a spawn
/// from inside hangs or panics.
#[test]
fn a_task_may_use_the_loop_while_it_is_polled() {
    on_virtual_loop(|| async {
        let task = spawn(async {
            let inner = spawn(async {
                let innermost = spawn(pending::<()>());
                innermost.abort();
                drop(sleep(Duration::from_secs(1)));
                innermost.await.unwrap_err().is_cancelled()
            });
            inner.await.unwrap() && stats().polls > 0
        });
        assert!(task.await.unwrap());
    });
}

/// Trap: a wake from another thread pushes the task, but does not end the loop's sleep in
/// the system's poller (epoll on Linux, kqueue on macOS, IOCP on Windows).
#[test]
fn a_wake_from_another_thread_ends_the_wait_for_descriptors() {
    on_loop(|| async {
        let (ours, _theirs) = sockets::std_pair();
        let ours = glassloop::Async::new(ours).unwrap();
        let mut never = ours.readable();
        assert!(poll_once(&mut never).await.is_pending());
        for _ in 0..100 {
            wake_from_another_thread().await;
        }
    });
}

/// Waits for another thread, which wakes this task at about the time when the loop goes to
/// sleep.
async fn wake_from_another_thread() {
    let (sender, receiver) = mpsc::channel();
    let mut thread = None;
    poll_fn(|cx| match (&thread, receiver.try_recv()) {
        (_, Ok(())) => Poll::Ready(()),
        (Some(_), Err(_)) => Poll::Pending,
        (None, Err(_)) => {
            let (sender, waker) = (sender.clone(), cx.waker().clone());
            thread = Some(thread::spawn(move || {
                sender.send(()).unwrap();
                waker.wake();
            }));
            Poll::Pending
        }
    })
    .await;
    thread.unwrap().join().unwrap();
}

/// Trap: the waker looks its task up, does not find it, and panics.
#[test]
fn waking_a_finished_task_does_nothing() {
    on_virtual_loop(|| async {
        let task = spawn(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        let waker = task.await.unwrap();
        waker.wake_by_ref();
        let elsewhere = waker.clone();
        thread::spawn(move || elsewhere.wake()).join().expect("the wake panicked");
        turns(2).await;
        waker.wake();
        turns(2).await;
    });
}

/// Trap: the run queue has a bound, and a wake that finds it full blocks its own loop, or
/// drops the task.
#[test]
fn any_number_of_tasks_may_be_woken_at_once() {
    within_limit(|| {
        const TASKS: usize = 50_000;
        let executor = virtual_executor();
        let (event, done) = (Rc::new(Event::new()), Rc::new(Cell::new(0)));
        for _ in 0..TASKS {
            let (event, done) = (event.clone(), done.clone());
            drop(executor.spawn(async move {
                event.wait().await;
                done.set(done.get() + 1);
            }));
        }
        executor.run_until_stalled();
        event.set();
        executor.run_until_stalled();
        assert_eq!(done.get(), TASKS, "a wake was dropped, since there were too many");
    });
}

/// Trap: the same, where the wakes come from another thread and the loop is busy.
#[test]
fn any_number_of_tasks_may_be_woken_from_another_thread() {
    on_virtual_loop(|| async {
        const TASKS: usize = 50_000;
        let (sender, receiver) = mpsc::channel();
        let done = Rc::new(Cell::new(0));
        for _ in 0..TASKS {
            let (sender, done) = (sender.clone(), done.clone());
            let mut polled = false;
            drop(spawn(poll_fn(move |cx| {
                if polled {
                    done.set(done.get() + 1);
                    return Poll::Ready(());
                }
                polled = true;
                sender.send(cx.waker().clone()).unwrap();
                Poll::Pending
            })));
        }
        yield_now().await;
        let wakers: Vec<Waker> = receiver.try_iter().collect();
        // The loop handles no wake meanwhile: it waits for the thread.
        thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
        turns(2).await;
        assert_eq!(done.get(), TASKS, "a wake was dropped, since there were too many");
    });
}

/// Trap: the poller has one interest per descriptor, and the last task that waits replaces
/// the interest of the others.
#[test]
fn waiting_to_write_does_not_end_the_wait_to_read() {
    on_loop(|| async {
        let (ours, mut theirs) = sockets::std_pair();
        let ours = Rc::new(glassloop::Async::new(ours).unwrap());
        let reads = ours.clone();
        let reader = spawn(async move { reads.readable().await });
        yield_now().await;
        ours.writable().await.unwrap();
        std::io::Write::write_all(&mut theirs, b"x").unwrap();
        reader.await.unwrap().unwrap();
    });
}

/// Trap: each poll of a sleep pushes one more timer, and none is ever removed.
#[test]
fn a_sleep_has_one_timer_however_often_it_is_polled_and_none_when_it_is_gone() {
    on_virtual_loop(|| async {
        let mut sleep = sleep(Duration::from_secs(1));
        for _ in 0..100 {
            assert!(poll_once(&mut sleep).await.is_pending());
            assert_eq!(stats().timers_armed, 1);
        }
        drop(sleep);
        assert_eq!(stats().timers_armed, 0, "a timeout that is ready must leave no timer");
    });
}

/// Trap: a leaf future keeps the waker of its first poll for ever.
#[test]
fn a_leaf_future_wakes_the_task_that_polled_it_last() {
    /// Polls with one waker, then with another, then lets `cause` happen.
    fn assert_wakes_newest(what: &str, future: impl Future, cause: impl FnOnce()) {
        let mut future = Box::pin(future);
        let (first, first_waker) = WakeCount::new();
        let (newest, newest_waker) = WakeCount::new();
        assert!(poll_with(&mut future, &first_waker).is_pending());
        assert!(poll_with(&mut future, &newest_waker).is_pending());
        cause();
        assert_eq!(
            (first.wakes(), newest.wakes()),
            (0, 1),
            "{what} must wake the task that polled it last"
        );
    }
    on_virtual_loop(|| async {
        let event = Event::new();
        assert_wakes_newest("an event", event.wait(), || event.set());
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        assert_wakes_newest("a mutex", mutex.lock(), || drop(guard));
        let (sender, receiver) = channel::bounded(1);
        assert_wakes_newest("a receive", receiver.recv(), || sender.try_send(1).unwrap());
        assert_wakes_newest("a send", sender.send(2), || {
            assert_eq!(receiver.try_recv(), Ok(1));
        });
        let (sender, receiver) = oneshot::channel();
        assert_wakes_newest("a oneshot", receiver, || sender.send(()).unwrap());
    });
}

/// Trap: the same, for the timer of a sleep that moves from one task to another.
#[test]
fn a_sleep_wakes_the_task_that_polled_it_last() {
    on_virtual_loop(|| async {
        let (first, waker) = WakeCount::new();
        let mut sleeping = sleep(Duration::from_secs(1));
        assert!(poll_with(&mut sleeping, &waker).is_pending());
        spawn(sleeping).await.unwrap();
        assert_eq!(first.wakes(), 0, "the first waker must be dropped");
    });
}

/// Trap: an abort sets a flag that the loop does not check, and the joiner of the task waits
/// for ever.
#[test]
fn the_joiner_of_an_aborted_task_does_not_hang() {
    on_virtual_loop(|| async {
        let task = Rc::new(RefCell::new(spawn(pending::<()>())));
        let joined = task.clone();
        let joiner = spawn(poll_fn(move |cx| Pin::new(&mut *joined.borrow_mut()).poll(cx)));
        yield_now().await;
        task.borrow().abort();
        turns(2).await;
        assert!(joiner.is_finished(), "the joiner of an aborted task hangs");
        assert!(joiner.await.unwrap().unwrap_err().is_cancelled());
    });
}

/// Trap: `block_on` runs until the run queue is empty, although its own future is ready.
#[test]
fn block_on_does_not_wait_for_other_tasks() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let trace = log.clone();
        let endless = executor.spawn(async move {
            for turn in 0.. {
                trace.add(turn);
                yield_now().await;
            }
        });
        executor.block_on(turns(2));
        assert!(!endless.is_finished());
        assert_eq!(log.take(), ["0", "1", "2"]);
    });
}

/// Trap: `block_on` returns when no task is ready, although its own future is not.
#[test]
fn block_on_does_not_return_before_its_own_future() {
    within_limit(|| {
        let executor = virtual_executor();
        let output = executor.block_on(async {
            sleep(Duration::from_secs(1)).await; // nothing is ready for a while
            wake_from_another_thread().await; // and no timer is armed
            "done"
        });
        assert_eq!(output, "done");
    });
}

/// Trap: the run queue is a stack, and a task that wakes itself stays on top.
#[test]
fn a_task_that_wakes_itself_lets_the_others_run() {
    on_virtual_loop(|| async {
        let selfish = spawn(async {
            loop {
                yield_now().await;
            }
        });
        let log = Log::new();
        let trace = log.clone();
        let modest = spawn(async move {
            for turn in 0..3 {
                trace.add(turn);
                yield_now().await;
            }
        });
        modest.await.unwrap();
        assert_eq!(log.take(), ["0", "1", "2"]);
        drop(selfish);
    });
}

/// Trap: a panic in a task unwinds through the loop and ends it.
#[test]
fn a_panic_of_one_task_does_not_end_the_loop() {
    on_virtual_loop(|| async {
        let panics = spawn(async { panic!("on its own") });
        let other = spawn(async {
            turns(3).await;
            "unharmed"
        });
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(other.await.unwrap(), "unharmed");
    });
}

/// Trap: the loop sleeps by `thread::park`, and user code that parks and unparks
/// the same thread takes the token that was meant for the loop.
#[test]
fn a_park_token_that_is_taken_by_a_task_loses_no_wake() {
    on_loop(|| async {
        for _ in 0..100 {
            let mut woken = false;
            poll_fn(|cx| {
                if woken {
                    return Poll::Ready(());
                }
                woken = true;
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake()).join().unwrap();
                // Takes the token, if the wake has left one.
                thread::park_timeout(Duration::ZERO);
                Poll::Pending
            })
            .await;
        }
    });
}

/// Trap: the same the other way round. The loop takes the park token that a task has left
/// for an event.
#[test]
fn a_park_token_that_is_left_by_a_task_wakes_no_task() {
    on_loop(|| async {
        let start = glassloop::now();
        let mut nap = sleep(Duration::from_millis(5));
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            thread::current().unpark();
            Pin::new(&mut nap).poll(cx)
        })
        .await;
        // On a busy machine the deadline may have passed before the first poll.
        assert!(polls <= 2, "{polls} polls: once to begin with, once at the deadline, no more");
        assert!(glassloop::now() - start >= Duration::from_millis(5));
    });
}

/// Trap: a task whose handle is dropped is never dropped itself, and neither is what it
/// holds.
#[test]
fn a_detached_task_is_dropped_when_it_ends_or_with_its_loop() {
    within_limit(|| {
        let log = Log::new();
        let executor = virtual_executor();
        let (ends, stays) =
            (OnDrop(log.clone(), "at its end"), OnDrop(log.clone(), "at the loop's"));
        drop(executor.spawn(async move { drop(ends) }));
        drop(executor.spawn(async move {
            let _stays = stays;
            pending::<()>().await;
        }));
        executor.run_until_stalled();
        assert_eq!(log.take(), ["at its end"]);
        assert_eq!(executor.stats().tasks_alive, 1);
        drop(executor);
        assert_eq!(log.take(), ["at the loop's"]);
    });
}

/// How often the loop parks in twenty sleeps that are not a whole number of milliseconds.
async fn parks_in_twenty_sleeps() -> u64 {
    let before = stats().parks;
    for _ in 0..20 {
        sleep(Duration::from_micros(1_700)).await;
    }
    stats().parks - before
}

/// Trap: the time until the next deadline is rounded down to milliseconds, and the
/// loop spins through the rest with a timeout of zero.
#[test]
fn the_loop_does_not_spin_before_a_deadline() {
    on_loop(|| async {
        let parks = parks_in_twenty_sleeps().await;
        assert!(parks <= 100, "{parks} parks for 20 sleeps: the loop wakes too early and spins");
    });
}

/// Trap: the same in the poller, whose own timeout has whole milliseconds.
#[test]
fn the_loop_does_not_spin_before_a_deadline_while_it_awaits_a_descriptor() {
    on_loop(|| async {
        let (ours, _theirs) = sockets::std_pair();
        let ours = glassloop::Async::new(ours).unwrap();
        let mut never = ours.readable();
        assert!(poll_once(&mut never).await.is_pending());
        let parks = parks_in_twenty_sleeps().await;
        assert!(parks <= 100, "{parks} parks for 20 sleeps: the loop wakes too early and spins");
    });
}

/// Trap: the number of a task that has ended is given to the next one, and an old
/// waker or handle hits the wrong task.
#[test]
fn a_new_task_is_never_taken_for_one_that_has_ended() {
    on_virtual_loop(|| async {
        let old: JoinHandle<Waker> = spawn(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        yield_now().await;
        assert!(old.is_finished());

        let log = Log::new();
        let trace = log.clone();
        let new = spawn(poll_fn(move |_| {
            trace.add("polled");
            Poll::<()>::Pending
        }));
        assert_ne!(old.id(), new.id());
        yield_now().await;

        old.abort();
        let waker = old.await.unwrap();
        waker.wake_by_ref();
        thread::spawn(move || waker.wake()).join().unwrap();
        turns(3).await;
        assert!(!new.is_finished());
        assert_eq!(log.take(), ["polled"], "an old waker reached the new task");
    });
}
