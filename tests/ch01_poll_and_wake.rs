//! Chapter 1: poll and wake. When a future is polled, and when it is not.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use glassloop::sync::{Barrier, Condvar, Event, Mutex, Semaphore, WaitGroup, channel, oneshot};
use glassloop::{Executor, sleep, spawn, stats, unblock};
use support::{
    Log, OnDrop, WakeCount, on_loop, on_virtual_loop, poll_once, poll_with, sockets, turns,
    virtual_executor, within_limit,
};

/// A future that never ends, counts its polls, and shows the waker it got.
#[derive(Clone, Default)]
struct Probe {
    polls: Rc<Cell<usize>>,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Probe {
    fn polls(&self) -> usize {
        self.polls.get()
    }

    fn waker(&self) -> Waker {
        self.waker.borrow().clone().expect("the probe has been polled")
    }
}

impl Future for Probe {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.polls.set(self.polls.get() + 1);
        self.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

/// Wakes on another thread, and waits until that is done.
fn wake_on_a_thread(waker: &Waker) {
    thread::scope(|scope| {
        scope.spawn(|| waker.wake_by_ref());
    });
}

// ── 1: lazy ──────────────────────────────────────────────────────────────────

/// 1 · as in asyncio, whose coroutines are as lazy. Breaks when a constructor
/// does some of the work already.
#[test]
fn a_future_does_nothing_until_it_is_polled() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let entry = log.clone();
        let future = async move { entry.add("ran") };
        turns(3).await;
        assert!(log.take().is_empty(), "a future ran that was neither awaited nor spawned");
        future.await;
        assert_eq!(log.take(), ["ran"], "awaiting a future must run it");
    });
}

/// 1 · as in asyncio. Breaks when `sleep` arms its timer in its constructor: then
/// a sleep that is never awaited would hold a place in the wheel.
#[test]
fn a_sleep_that_is_not_polled_arms_no_timer() {
    on_virtual_loop(|| async {
        let _sleep = sleep(Duration::from_secs(1));
        assert_eq!(stats().timers_armed, 0, "the constructor of a sleep must only note the time");
    });
}

/// 1 · as in asyncio. Breaks when `unblock` hands its job over to the pool in its constructor.
#[test]
fn a_blocking_job_that_is_not_polled_is_not_handed_over() {
    on_virtual_loop(|| async {
        let job = unblock(|| ());
        turns(3).await;
        assert_eq!(stats().jobs, 0, "the job must be handed over by the first poll, not before");
        job.await;
        assert_eq!(stats().jobs, 1, "the first poll hands the job over");
    });
}

/// 1 · as in asyncio. Breaks when a leaf future joins the wait queue in its constructor,
/// or, worse, takes the lock or the value there.
#[test]
fn a_lock_or_receive_that_is_not_polled_takes_nothing() {
    on_virtual_loop(|| async {
        let mutex = Mutex::new(());
        let (sender, receiver) = channel::unbounded();
        sender.try_send("value").unwrap();
        let _lock = mutex.lock();
        let _recv = receiver.recv();
        assert!(mutex.try_lock().is_some(), "a future that was never polled locked the mutex");
        assert_eq!(receiver.len(), 1, "a future that was never polled took the value");
    });
}

// ── 2: ready is the end ──────────────────────────────────────────────────────

/// A future that wakes itself in its first poll, is ready in that poll, and must not
/// be polled again.
fn ready_once_and_woken() -> impl Future<Output = ()> {
    let mut ended = false;
    poll_fn(move |cx| {
        assert!(!ended, "a future was polled again after it had returned Ready");
        ended = true;
        cx.waker().wake_by_ref();
        Poll::Ready(())
    })
}

/// 2 · asyncio has no polls to repeat, but a callback runs once there too. Breaks
/// when an ended task stays in the slab, so that its queued wake finds it.
#[test]
fn a_task_is_never_polled_again_after_it_returned_ready() {
    on_virtual_loop(|| async {
        let task = spawn(ready_once_and_woken());
        turns(3).await;
        task.await.expect("the wake from the task's last poll must find no task");
    });
}

/// 2 · Breaks when `block_on` goes on turning while the root's wake is queued.
#[test]
fn the_root_is_never_polled_again_after_it_returned_ready() {
    within_limit(|| {
        let executor = virtual_executor();
        executor.block_on(ready_once_and_woken());
        executor.block_on(turns(3));
    });
}

// ── 3 to 7: wakes ────────────────────────────────────────────────────────────

/// Spawns a task that calls `wake` in its first poll, and returns how often it
/// was polled after some turns.
async fn polls_if_the_first_one_calls(wake: fn(&Waker)) -> usize {
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    let future = poll_fn(move |cx| {
        count.set(count.get() + 1);
        if count.get() == 1 {
            wake(cx.waker());
        }
        Poll::<()>::Pending
    });
    drop(spawn(future));
    turns(5).await;
    polls.get()
}

/// 3 · `yield_now` depends on this. Breaks when the flag `queued` is cleared after the
/// poll instead of before it: the wake finds the flag set, and does not push the task.
#[test]
fn a_wake_during_the_tasks_own_poll_polls_it_exactly_once_more() {
    on_virtual_loop(|| async {
        let polls = polls_if_the_first_one_calls(Waker::wake_by_ref).await;
        assert_eq!(polls, 2, "1: the wake was lost; more: it was counted again and again");
    });
}

/// 3 · Breaks as the test above, for a wake that comes through the inbox.
#[test]
fn a_wake_from_another_thread_during_the_poll_polls_it_exactly_once_more() {
    on_virtual_loop(|| async {
        let polls = polls_if_the_first_one_calls(wake_on_a_thread).await;
        assert_eq!(polls, 2, "1: the wake was lost; more: it was counted again and again");
    });
}

/// 4 · like setting an asyncio future's result, which wakes once. Breaks when a wake
/// pushes the task although it is in the run queue already.
#[test]
fn any_number_of_wakes_before_the_poll_cause_one_poll() {
    on_virtual_loop(|| async {
        let probe = Probe::default();
        drop(spawn(probe.clone()));
        turns(1).await;
        for _ in 0..5 {
            probe.waker().wake();
        }
        turns(3).await;
        assert_eq!(probe.polls(), 2, "one poll after the spawn, one for all five wakes");
    });
}

/// 4 · Breaks when each poll has a waker of its own, which does not know whether a waker of
/// an earlier poll has queued the task.
#[test]
fn wakers_of_different_polls_together_cause_one_poll() {
    on_virtual_loop(|| async {
        let probe = Probe::default();
        drop(spawn(probe.clone()));
        turns(1).await;
        let of_the_first_poll = probe.waker();
        of_the_first_poll.wake_by_ref();
        turns(1).await;
        of_the_first_poll.wake();
        probe.waker().wake();
        turns(3).await;
        assert_eq!(probe.polls(), 3, "one poll for the wakers of both polls");
    });
}

/// 4 · Breaks when each wake from another thread sends a message of its own to the
/// inbox.
#[test]
fn any_number_of_wakes_from_another_thread_cause_one_poll() {
    on_virtual_loop(|| async {
        let probe = Probe::default();
        drop(spawn(probe.clone()));
        turns(1).await;
        for _ in 0..5 {
            wake_on_a_thread(&probe.waker());
        }
        turns(3).await;
        assert_eq!(probe.polls(), 2, "one poll after the spawn, one for all five wakes");
    });
}

/// 4 · Breaks when a wake through the inbox does not know that a wake on the loop's own
/// thread has queued the task.
#[test]
fn wakes_from_here_and_from_another_thread_together_cause_one_poll() {
    on_virtual_loop(|| async {
        let probe = Probe::default();
        drop(spawn(probe.clone()));
        turns(1).await;
        probe.waker().wake();
        wake_on_a_thread(&probe.waker());
        turns(3).await;
        assert_eq!(probe.polls(), 2, "one poll after the spawn, one for both wakes");
    });
}

/// 5 · as in asyncio, where a done future ignores its old callbacks. Many small executors
/// break here, with "polled after completion".
#[test]
fn a_wake_after_completion_is_a_no_op() {
    on_virtual_loop(|| async {
        let mut first = true;
        let (sender, receiver) = mpsc::channel();
        let task = spawn(poll_fn(move |cx| {
            assert!(first, "a wake has polled a task that had ended");
            first = false;
            sender.send(cx.waker().clone()).unwrap();
            Poll::Ready(())
        }));
        task.await.unwrap();
        let waker = receiver.recv().unwrap();
        let polls = stats().polls;
        waker.wake_by_ref();
        turns(2).await;
        wake_on_a_thread(&waker);
        turns(2).await;
        assert_eq!(stats().polls - polls, 4, "only the root must be polled");
    });
}

/// 6 · Breaks when a task's key is its slot in the slab and nothing more.
#[test]
fn a_stale_waker_never_polls_the_task_that_took_its_slot() {
    on_virtual_loop(|| async {
        // Ends by itself: an abort would leave the flag `queued` set, and so hide the fault.
        let old = spawn(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        let stale: Waker = old.await.unwrap();
        let new = Probe::default();
        drop(spawn(new.clone()));
        turns(1).await;
        stale.wake_by_ref();
        turns(2).await;
        wake_on_a_thread(&stale);
        turns(2).await;
        assert_eq!(new.polls(), 1, "a key must hold more than a slot: a number never reused");
    });
}

/// 6 · Breaks when a waker's memory is reused while a clone of the waker still exists.
#[test]
fn a_stale_waker_does_not_swallow_the_next_tasks_wake() {
    on_virtual_loop(|| async {
        let old = Probe::default();
        let task = spawn(old.clone());
        turns(1).await;
        task.abort();
        turns(1).await;
        let new = Probe::default();
        drop(spawn(new.clone()));
        turns(1).await;
        let (stale, fresh) = (old.waker(), new.waker());
        assert!(!stale.will_wake(&fresh), "two tasks share one waker");
        stale.wake();
        fresh.wake();
        turns(2).await;
        assert_eq!(new.polls(), 2, "the wake of the new task was lost");
    });
}

/// 6 · The root is in no slot, but it has a key too. Breaks when every root has the
/// same key.
#[test]
fn a_waker_of_an_earlier_root_never_polls_a_later_one() {
    within_limit(|| {
        let executor = virtual_executor();
        let waker = executor.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        let mut polls = 0;
        let own = Event::new();
        let mut wait = own.wait();
        drop(executor.spawn(async move {
            waker.wake_by_ref();
            turns(3).await;
        }));
        executor.block_on(async {
            let mut sleep = sleep(Duration::from_secs(1));
            poll_fn(|cx| {
                polls += 1;
                let _ = Pin::new(&mut wait).poll(cx);
                Pin::new(&mut sleep).poll(cx)
            })
            .await;
        });
        assert_eq!(polls, 2, "one first poll, one for the sleep, none for the stale waker");
    });
}

/// 7 · as in asyncio. Breaks when a wake accesses a future that has been dropped.
#[test]
fn a_wake_of_an_aborted_task_is_a_no_op() {
    on_virtual_loop(|| async {
        let probe = Probe::default();
        let task = spawn(probe.clone());
        turns(1).await;
        let waker = probe.waker();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        waker.wake_by_ref();
        wake_on_a_thread(&waker);
        turns(3).await;
        assert_eq!(probe.polls(), 1, "an aborted task was polled");
    });
}

/// 7 · Breaks when a waker points into the executor.
#[test]
fn a_wake_of_a_task_dropped_with_its_executor_is_a_no_op() {
    within_limit(|| {
        let executor = virtual_executor();
        let probe = Probe::default();
        drop(executor.spawn(probe.clone()));
        executor.run_until_stalled();
        let waker = probe.waker();
        drop(executor);
        waker.wake_by_ref();
        wake_on_a_thread(&waker);
        assert_eq!(probe.polls(), 1, "a dropped task was polled");
    });
}

/// 7 · Breaks when a wake that a finished loop has not handled reaches another loop
/// of the same thread.
#[test]
fn a_wake_of_another_loops_task_does_not_disturb_this_loop() {
    within_limit(|| {
        let (first, second) = (virtual_executor(), virtual_executor());
        let (here, there) = (Probe::default(), Probe::default());
        drop(first.spawn(here.clone()));
        drop(second.spawn(there.clone()));
        first.run_until_stalled();
        second.run_until_stalled();
        let waker = here.waker();
        second.block_on(async move { waker.wake() });
        second.run_until_stalled();
        assert_eq!((here.polls(), there.polls()), (1, 1), "no task of this loop was woken");
        first.run_until_stalled();
        assert_eq!(here.polls(), 2, "the wake must reach its own loop, as soon as that runs");
    });
}

// ── 8: the newest waker ──────────────────────────────────────────────────────

/// Polls `leaf` with a first waker and then with a second one, waits for `cause`,
/// which makes the leaf future ready, and checks which of the two wakers was woken.
async fn expect_only_the_newest_waker<F>(mut leaf: F, cause: impl Future<Output = ()>)
where
    F: Future + Unpin,
{
    let (first, first_waker) = WakeCount::new();
    let (second, second_waker) = WakeCount::new();
    assert!(poll_with(&mut leaf, &first_waker).is_pending(), "not ready without its cause");
    assert!(poll_with(&mut leaf, &second_waker).is_pending(), "not ready without its cause");
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1, "the future keeps a waker that was replaced");
    cause.await;
    assert_eq!(first.wakes(), 0, "the future woke the task that polled it first, not last");
    assert_eq!(second.wakes(), 1, "the future must wake the task that polled it last");
    assert!(poll_with(&mut leaf, &second_waker).is_ready(), "woken, but not ready");
}

/// 8 · Breaks when the first poll arms the timer, and later polls do not replace its waker.
#[test]
fn a_sleep_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let leaf = sleep(Duration::from_secs(1));
        expect_only_the_newest_waker(leaf, sleep(Duration::from_secs(1))).await;
    });
}

/// 8 · Breaks when the task keeps a list of joiners, or only the first one.
#[test]
fn a_join_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        expect_only_the_newest_waker(spawn(async {}), turns(1)).await;
    });
}

/// 8 · Breaks when a waiter in the mutex's wait queue keeps its first waker.
#[test]
fn a_lock_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        expect_only_the_newest_waker(mutex.lock(), async { drop(guard) }).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn an_acquire_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire().await;
        expect_only_the_newest_waker(semaphore.acquire(), async { drop(permit) }).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn an_events_wait_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let event = Event::new();
        expect_only_the_newest_waker(event.wait(), async { event.set() }).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn a_condvars_wait_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let leaf = condvar.wait(mutex.lock().await);
        expect_only_the_newest_waker(leaf, async { condvar.notify_one() }).await;
    });
}

/// 8 · Breaks when a second poll is taken for a second arrival.
#[test]
fn a_barriers_wait_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let barrier = Barrier::new(2);
        let cause = async { assert!(barrier.wait().await.is_leader()) };
        expect_only_the_newest_waker(barrier.wait(), cause).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn a_receive_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let cause = async { sender.try_send(()).unwrap() };
        expect_only_the_newest_waker(receiver.recv(), cause).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn a_send_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(1).unwrap();
        let cause = async { assert_eq!(receiver.try_recv(), Ok(1)) };
        expect_only_the_newest_waker(sender.send(2), cause).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn a_oneshot_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let (sender, receiver) = oneshot::channel();
        expect_only_the_newest_waker(receiver, async { sender.send(()).unwrap() }).await;
    });
}

/// 8 · Breaks as for the lock.
#[test]
fn a_wait_group_wakes_only_the_newest_waker() {
    on_virtual_loop(|| async {
        let group = WaitGroup::new();
        let work = group.add();
        expect_only_the_newest_waker(group.wait(), async { drop(work) }).await;
    });
}

/// 8 · Breaks when the job keeps the waker of the poll that submitted it.
#[test]
fn a_blocking_job_wakes_only_the_newest_waker() {
    within_limit(|| {
        // With one thread, the second job is done after the first.
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(async {
            let (release, released) = mpsc::channel();
            let leaf = unblock(move || released.recv().unwrap());
            let cause = async {
                release.send(()).unwrap();
                unblock(|| ()).await;
            };
            expect_only_the_newest_waker(leaf, cause).await;
        });
    });
}

/// 8 · Breaks when a descriptor's list of waiters grows with each poll.
#[test]
fn a_wait_for_a_descriptor_wakes_only_the_newest_waker() {
    use std::io::Write;

    on_loop(|| async {
        let (near, mut far) = sockets::std_pair();
        let near = glassloop::Async::new(near).unwrap();
        let cause = async {
            far.write_all(b"x").unwrap();
            // Woken by the same event.
            near.readable().await.unwrap();
        };
        expect_only_the_newest_waker(near.readable(), cause).await;
    });
}

// ── 9: spurious polls ────────────────────────────────────────────────────────

/// Polls `leaf` for no reason, waits for `cause`, which makes the leaf future ready, and
/// polls it again.
async fn expect_harmless_spurious_polls<F>(mut leaf: F, cause: impl Future<Output = ()>)
where
    F: Future + Unpin,
{
    for _ in 0..5 {
        let poll = poll_once(&mut leaf).await;
        assert!(poll.is_pending(), "the future took a spurious poll for its cause");
    }
    cause.await;
    assert!(poll_once(&mut leaf).await.is_ready(), "the future missed its cause");
}

/// 9 · Breaks when the sleep takes its second poll for the expiry.
#[test]
fn a_sleep_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let leaf = sleep(Duration::from_secs(1));
        expect_harmless_spurious_polls(leaf, sleep(Duration::from_secs(1))).await;
    });
}

/// 9 · Breaks when each poll arms a timer of its own.
#[test]
fn spurious_polls_of_a_sleep_arm_one_timer() {
    on_virtual_loop(|| async {
        let mut leaf = sleep(Duration::from_secs(1));
        for _ in 0..5 {
            assert!(poll_once(&mut leaf).await.is_pending());
        }
        assert_eq!(stats().timers_armed, 1, "a sleep that is polled again must move its timer");
    });
}

/// 9 · Breaks when the second poll of a handle is taken for the end of the task.
#[test]
fn a_join_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        expect_harmless_spurious_polls(spawn(async {}), turns(1)).await;
    });
}

/// 9 · Breaks when a waiter takes its place in the wait queue for the granted lock.
#[test]
fn a_lock_is_not_granted_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        expect_harmless_spurious_polls(mutex.lock(), async { drop(guard) }).await;
    });
}

/// 9 · Breaks as for the lock.
#[test]
fn a_permit_is_not_granted_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire().await;
        expect_harmless_spurious_polls(semaphore.acquire(), async { drop(permit) }).await;
        assert_eq!(semaphore.available(), 1, "the one permit must be available again");
    });
}

/// 9 · Breaks as for the lock.
#[test]
fn an_events_wait_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let event = Event::new();
        expect_harmless_spurious_polls(event.wait(), async { event.set() }).await;
    });
}

/// 9 · Breaks as for the lock; or when each poll unlocks the mutex again.
#[test]
fn a_condvars_wait_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let leaf = condvar.wait(mutex.lock().await);
        expect_harmless_spurious_polls(leaf, async { condvar.notify_one() }).await;
    });
}

/// 9 · Breaks when each poll counts as one more arrival.
#[test]
fn a_barrier_is_not_opened_by_spurious_polls() {
    on_virtual_loop(|| async {
        let barrier = Barrier::new(2);
        let cause = async { assert!(barrier.wait().await.is_leader()) };
        expect_harmless_spurious_polls(barrier.wait(), cause).await;
    });
}

/// 9 · Breaks as for the lock.
#[test]
fn a_receive_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let cause = async { sender.try_send(()).unwrap() };
        expect_harmless_spurious_polls(receiver.recv(), cause).await;
    });
}

/// 9 · Breaks as for the lock; or when each poll sends the value once more.
#[test]
fn a_send_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(1).unwrap();
        let cause = async { assert_eq!(receiver.try_recv(), Ok(1)) };
        expect_harmless_spurious_polls(sender.send(2), cause).await;
        assert_eq!(receiver.try_recv(), Ok(2), "the value must be sent");
        assert!(receiver.try_recv().is_err(), "the value must be sent once");
    });
}

/// 9 · Breaks as for the lock.
#[test]
fn a_oneshot_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let (sender, receiver) = oneshot::channel();
        expect_harmless_spurious_polls(receiver, async { sender.send(()).unwrap() }).await;
    });
}

/// 9 · Breaks as for the lock.
#[test]
fn a_wait_group_is_not_ended_by_a_spurious_poll() {
    on_virtual_loop(|| async {
        let group = WaitGroup::new();
        let work = group.add();
        expect_harmless_spurious_polls(group.wait(), async { drop(work) }).await;
    });
}

/// 9 · Breaks when each poll submits the job once more.
#[test]
fn a_blocking_job_is_not_ended_by_a_spurious_poll() {
    within_limit(|| {
        // With one thread, the second job is done after the first.
        let executor = Executor::builder().blocking_threads(1).build().unwrap();
        executor.block_on(async {
            let (release, released) = mpsc::channel();
            let leaf = unblock(move || released.recv().unwrap());
            let cause = async {
                release.send(()).unwrap();
                unblock(|| ()).await;
            };
            expect_harmless_spurious_polls(leaf, cause).await;
            assert_eq!(stats().jobs, 2, "the polls have submitted the job more than once");
        });
    });
}

/// 9 · Breaks when the second poll is taken for the event.
#[test]
fn a_wait_for_a_descriptor_is_not_ended_by_a_spurious_poll() {
    use std::io::Write;

    on_loop(|| async {
        let (near, mut far) = sockets::std_pair();
        let near = glassloop::Async::new(near).unwrap();
        let cause = async {
            far.write_all(b"x").unwrap();
            // Woken by the same event.
            near.readable().await.unwrap();
        };
        expect_harmless_spurious_polls(near.readable(), cause).await;
    });
}

/// 9 · Breaks when each poll joins the wait queue anew: then the waiter loses its place;
/// or a second time: then a lock that is granted to the first place is lost.
#[test]
fn a_spurious_poll_keeps_the_place_in_the_wait_queue() {
    on_virtual_loop(|| async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        let (mut early, mut late) = (mutex.lock(), mutex.lock());
        assert!(poll_once(&mut early).await.is_pending());
        assert!(poll_once(&mut late).await.is_pending());
        assert!(poll_once(&mut early).await.is_pending());
        drop(guard);
        assert!(poll_once(&mut late).await.is_pending(), "the first waiter comes first");
        let Poll::Ready(guard) = poll_once(&mut early).await else {
            panic!("the first waiter has lost its place by a spurious poll");
        };
        drop(guard);
        assert!(poll_once(&mut late).await.is_ready(), "the lock was granted to a second place");
    });
}

// ── 10: the root ─────────────────────────────────────────────────────────────

/// 10 · as in asyncio, where the main coroutine is a task like the others. Breaks
/// when the loop polls the root once per turn, "to see whether it is done".
#[test]
fn the_root_is_polled_only_when_it_was_woken() {
    within_limit(|| {
        let executor = virtual_executor();
        let root = Probe::default();
        let (seen, ended) = (root.clone(), Rc::new(Cell::new(false)));
        let end = ended.clone();
        drop(executor.spawn(async move {
            turns(10).await;
            end.set(true);
            seen.waker().wake();
        }));
        let mut future = root.clone();
        executor.block_on(poll_fn(|cx| {
            let _ = Pin::new(&mut future).poll(cx);
            if ended.get() { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(root.polls(), 2, "the root is polled at the start and when it is woken");
    });
}

// ── 11 to 13: threads ────────────────────────────────────────────────────────

/// 11 · Breaks when the loop clears the flag of a wake with a plain store: a store does
/// not synchronise with the waking thread, and the poll may read old data. (A test
/// cannot provoke that on every machine; the loom model does.)
#[test]
fn the_poll_sees_what_another_thread_wrote_before_its_wake() {
    const ROUNDS: usize = 2_000;

    on_loop(|| async {
        let written = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(AtomicUsize::new(0));
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let (written_there, seen_there) = (written.clone(), seen.clone());
        let thread = thread::spawn(move || {
            for round in 1..=ROUNDS {
                // Relaxed, so that the wake alone can order the two.
                written_there.store(round, Ordering::Relaxed);
                waker.wake_by_ref();
                while seen_there.load(Ordering::Relaxed) < round {
                    thread::yield_now();
                }
            }
        });
        // If a poll read old data, or did not happen, the thread would wait for
        // ever, and no other wake would come.
        poll_fn(|_| {
            let round = written.load(Ordering::Relaxed);
            seen.store(round, Ordering::Relaxed);
            if round == ROUNDS { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        thread.join().unwrap();
    });
}

/// 12 · Breaks when the loop relies on the thread's park token: a task that parks
/// its own thread (a blocking channel does) takes the token away. Then this hangs.
#[test]
fn a_park_inside_a_poll_does_not_steal_the_loops_wake() {
    on_loop(|| async {
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            if polls > 10 {
                return Poll::Ready(());
            }
            wake_on_a_thread(cx.waker());
            // Takes the thread's only token, which may be the one that was for the loop.
            thread::current().unpark();
            thread::park();
            Poll::Pending
        })
        .await;
    });
}

/// 12 · Breaks when the loop takes the end of its sleep for a wake.
#[test]
fn an_unpark_inside_a_poll_is_not_taken_for_a_wake() {
    on_loop(|| async {
        let wakes = Arc::new(AtomicUsize::new(0));
        let count = wakes.clone();
        let (to_thread, wakers) = mpsc::channel::<Waker>();
        let thread = thread::spawn(move || {
            for waker in wakers {
                count.fetch_add(1, Ordering::SeqCst);
                waker.wake();
            }
        });
        let mut polls = 0;
        poll_fn(|cx| {
            assert!(polls <= wakes.load(Ordering::SeqCst), "a poll without a wake");
            polls += 1;
            if polls > 10 {
                return Poll::Ready(());
            }
            // This token is still set at the loop's next park.
            thread::current().unpark();
            to_thread.send(cx.waker().clone()).unwrap();
            Poll::Pending
        })
        .await;
        drop(to_thread);
        thread.join().unwrap();
    });
}

/// 13 · Breaks when a waker's count is not atomic.
#[test]
fn wakers_may_be_cloned_woken_and_dropped_on_any_thread() {
    on_loop(|| async {
        let mut threads = Vec::new();
        poll_fn(|cx| {
            if threads.len() == 4 {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            threads.push(thread::spawn(move || {
                for _ in 0..1_000 {
                    drop(waker.clone());
                }
                waker.wake();
            }));
            Poll::Pending
        })
        .await;
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Sends, through a channel, the thread on which it is dropped.
struct DropThread(mpsc::Sender<thread::ThreadId>);

impl Drop for DropThread {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

/// 13 · Breaks when a waker owns its task, as an `Arc<Task>` does: the last waker then
/// drops the future, on the thread where that waker happens to be.
#[test]
fn a_future_is_never_dropped_by_a_waker_on_another_thread() {
    within_limit(|| {
        let (sender, dropped_on) = mpsc::channel();
        let executor = virtual_executor();
        let probe = Probe::default();
        let future = probe.clone();
        let task = executor.spawn(async move {
            let _not_send = (Rc::new(()), DropThread(sender));
            future.await;
        });
        executor.run_until_stalled();
        // The only waker there is, apart from the loop's own.
        let waker = probe.waker.take().unwrap();
        task.abort();
        drop((task, executor));
        thread::spawn(move || drop(waker)).join().unwrap();
        let here = thread::current().id();
        let dropped_on: Vec<_> = dropped_on.into_iter().collect();
        assert_eq!(dropped_on, [here], "the future must be dropped once, on the loop's thread");
    });
}

/// 13 · Breaks as the test above: the thread that wakes must neither poll nor drop the future.
#[test]
fn a_wake_from_another_thread_polls_and_drops_nothing_there() {
    on_loop(|| async {
        let log = Log::new();
        let (entry, probe) = (OnDrop(log.clone(), "dropped"), Probe::default());
        let future = probe.clone();
        let task = spawn(async move {
            let _entry = entry;
            future.await;
        });
        turns(1).await;
        wake_on_a_thread(&probe.waker());
        assert_eq!(probe.polls(), 1, "polled by the waking thread");
        turns(2).await;
        assert_eq!(probe.polls(), 2, "polled by the loop");
        task.abort();
        assert!(log.take().is_empty(), "an abort drops nothing before the task's turn");
        turns(2).await;
        assert_eq!(log.take(), ["dropped"], "dropped by the loop");
    });
}

/// 57 · Breaks when a leaf future takes every waker of this crate for the waker of the task
/// that is being polled.
#[test]
fn a_leaf_future_that_is_polled_with_the_waker_of_another_task_wakes_the_other_task() {
    on_virtual_loop(|| async {
        let probe = Probe::default();
        let other = spawn(probe.clone());
        turns(1).await;
        let others_waker = probe.waker.borrow().clone().expect("it was polled");
        let (sender, mut receiver) = oneshot::channel();
        assert!(poll_with(&mut receiver, &others_waker).is_pending());
        sender.send(()).unwrap();
        turns(1).await;
        assert_eq!(probe.polls.get(), 2, "the task whose waker was given must be woken");
        other.abort();
    });
}
