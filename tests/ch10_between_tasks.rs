//! Chapter 10: between tasks. Locks, signals and queues, for the tasks of one loop.

mod support;

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use glassloop::sync::channel::{RecvError, SendError, TryRecvError, TrySendError};
use glassloop::sync::{Barrier, Condvar, Event, Mutex, Semaphore, WaitGroup, channel, oneshot};
use glassloop::{JoinHandle, TaskGroup, join_all, now, sleep, spawn, timeout, yield_now};
use support::{
    Log, OnDrop, WakeCount, on_virtual_loop, panic_text, poll_once, poll_with, turns,
    virtual_executor, within_limit,
};

/// Runs a test on virtual time with an alarm that fires when no task is ready: then a
/// waiter was forgotten. Without a timer, the loop would search for a deadlock instead,
/// and poll every future once more for its report. A waiter that was never woken would
/// then run on, and the test would not see the lost wake.
fn on_watched_loop<F>(test: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    on_virtual_loop(|| async {
        let (start, year) = (now(), Duration::from_secs(365 * 24 * 3600));
        let result = timeout(year, test()).await;
        // The alarm polls the root as well, and the root may end well after all.
        let too_late = result.is_err() || now() - start >= year;
        assert!(!too_late, "no task was ready: a waiter was granted something, and not woken");
    });
}

/// Spawns one task per name, in this order, and lets each come to its first await.
async fn spawn_each<const N: usize, F>(
    names: [&'static str; N],
    task: impl Fn(&'static str) -> F,
) -> [JoinHandle<F::Output>; N]
where
    F: Future + 'static,
{
    let tasks = names.map(|name| spawn(task(name)));
    yield_now().await;
    tasks
}

// 84 · mutex ─────────────────────────────────────────────────────────────────

/// Locks the mutex, says so in the log, and unlocks it in its next turn.
async fn lock_and_log(mutex: Rc<Mutex<()>>, log: Log, name: &'static str) {
    let _guard = mutex.lock().await;
    log.add(name);
    yield_now().await;
}

/// 84 · as in asyncio. Breaks when the waiters are a set, or a stack.
#[test]
fn a_mutex_is_granted_to_its_waiters_in_the_order_in_which_they_came() {
    on_watched_loop(|| async {
        let (log, mutex) = (Log::new(), Rc::new(Mutex::new(())));
        let guard = mutex.lock().await;
        let waiters =
            spawn_each(["a", "b", "c"], |name| lock_and_log(mutex.clone(), log.clone(), name))
                .await;
        assert!(log.take().is_empty(), "the mutex is locked");
        drop(guard);
        join_all(waiters).await;
        assert_eq!(log.take(), ["a", "b", "c"]);
    });
}

/// 84 · as in asyncio. Breaks when two tasks can hold the lock at once.
#[test]
fn a_mutex_is_held_across_an_await_by_one_task_at_a_time() {
    on_watched_loop(|| async {
        let balance = Rc::new(Mutex::new(0));
        let deposit = |_| {
            let balance = balance.clone();
            async move {
                let mut balance = balance.lock().await;
                let seen = *balance;
                turns(3).await;
                *balance = seen + 10;
            }
        };
        let deposits = spawn_each(["a", "b", "c"], deposit).await;
        join_all(deposits).await;
        assert_eq!(*balance.lock().await, 30, "two tasks held the lock at once");
    });
}

/// 84 · as in asyncio. Breaks when an unlock frees the mutex and wakes a waiter, and
/// another task may lock it before that waiter runs.
#[test]
fn no_task_barges_past_a_task_that_waits_for_a_mutex() {
    on_watched_loop(|| async {
        let (log, mutex) = (Log::new(), Rc::new(Mutex::new(())));
        let guard = mutex.lock().await;
        let [waiter] =
            spawn_each(["waiter"], |name| lock_and_log(mutex.clone(), log.clone(), name)).await;
        drop(guard);
        // The waiter has not run yet, but granted means owned: it has the lock.
        assert!(mutex.try_lock().is_none(), "try_lock barged past the waiter");
        let barger = spawn(lock_and_log(mutex.clone(), log.clone(), "barger"));
        barger.await.unwrap();
        waiter.await.unwrap();
        assert_eq!(log.take(), ["waiter", "barger"]);
    });
}

/// 84 · as in asyncio. Breaks when the lock is granted to a future that was dropped, and
/// stays locked for ever.
#[test]
fn a_cancelled_waiter_of_a_mutex_is_skipped() {
    on_watched_loop(|| async {
        let (log, mutex) = (Log::new(), Rc::new(Mutex::new(())));
        let guard = mutex.lock().await;
        let [a, b, c] =
            spawn_each(["a", "b", "c"], |name| lock_and_log(mutex.clone(), log.clone(), name))
                .await;
        b.abort();
        yield_now().await;
        drop(guard);
        a.await.unwrap();
        c.await.unwrap();
        assert_eq!(log.take(), ["a", "c"]);
    });
}

/// 84 · as in asyncio (`test_cancel_race`). Breaks when a waiter that is cancelled after
/// the lock was granted to it does not pass the lock on.
#[test]
fn a_waiter_that_is_cancelled_after_the_mutex_was_granted_to_it_passes_it_on() {
    on_watched_loop(|| async {
        let (log, mutex) = (Log::new(), Rc::new(Mutex::new(())));
        let guard = mutex.lock().await;
        let [a, b] =
            spawn_each(["a", "b"], |name| lock_and_log(mutex.clone(), log.clone(), name)).await;
        drop(guard);
        a.abort();
        b.await.unwrap();
        assert_eq!(log.take(), ["b"], "the lock was lost with the waiter that never used it");
    });
}

/// 84 · as in asyncio (`test_cancel_release_race`). Breaks when no waiter is left to pass
/// the lock on to, and it stays locked.
#[test]
fn a_mutex_is_free_when_its_only_waiter_is_cancelled_after_it_got_it() {
    on_watched_loop(|| async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        let mut waiter = mutex.lock();
        assert!(poll_once(&mut waiter).await.is_pending());
        drop(guard);
        assert!(mutex.try_lock().is_none(), "handed over");
        drop(waiter);
        assert!(mutex.try_lock().is_some(), "the lock was lost with the waiter");
    });
}

/// 84 · Breaks when a timeout of the lock leaves a waiter behind.
#[test]
fn a_mutex_survives_the_timeout_of_a_waiter() {
    on_watched_loop(|| async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        assert!(timeout(Duration::from_secs(1), mutex.lock()).await.is_err());
        drop(guard);
        assert!(mutex.try_lock().is_some(), "the lock was granted to a waiter that had left");
    });
}

/// 84 · as in asyncio's deque of waiters, which a spurious poll cannot reach. Breaks
/// when each poll of a waiter joins the wait queue once more.
#[test]
fn a_waiter_that_is_polled_again_keeps_its_one_place_in_the_wait_queue() {
    on_watched_loop(|| async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        let mut first = mutex.lock();
        let mut second = mutex.lock();
        for _ in 0..3 {
            assert!(poll_once(&mut first).await.is_pending());
            assert!(poll_once(&mut second).await.is_pending());
        }
        drop(guard);
        assert!(poll_once(&mut second).await.is_pending(), "the first waiter comes first");
        let guard = first.await;
        drop(guard);
        drop(second.await);
        assert!(
            mutex.try_lock().is_some(),
            "a waiter that has the lock is still in the wait queue"
        );
    });
}

/// 84 · Breaks when a mutex gives out its value in any other way than one by one.
#[test]
fn a_mutex_gives_its_value_back() {
    on_watched_loop(|| async {
        let mut mutex = Mutex::new(1);
        *mutex.lock().await += 1;
        *mutex.get_mut() += 1;
        assert_eq!(mutex.into_inner(), 3);
    });
}

// 84 · semaphore ─────────────────────────────────────────────────────────────

/// Acquires a permit, says so in the log, and gives it back in its next turn.
async fn acquire_and_log(semaphore: Rc<Semaphore>, log: Log, name: &'static str) {
    let _permit = semaphore.acquire().await;
    log.add(format!("{name} in"));
    yield_now().await;
    log.add(format!("{name} out"));
}

/// 84 · as in asyncio. Breaks when the count and the waiters are not one thing.
#[test]
fn a_semaphore_lets_so_many_in_and_no_more() {
    on_watched_loop(|| async {
        let (log, semaphore) = (Log::new(), Rc::new(Semaphore::new(2)));
        let task = |name| acquire_and_log(semaphore.clone(), log.clone(), name);
        join_all(spawn_each(["a", "b", "c", "d"], task).await).await;
        let expected = ["a in", "b in", "a out", "b out", "c in", "d in", "c out", "d out"];
        assert_eq!(log.take(), expected);
        assert_eq!(semaphore.available(), 2, "every permit came back");
    });
}

/// 84 · as in asyncio since 3.11, where this was a bug for years. Breaks when a permit is
/// put back, and the task that runs first takes it.
#[test]
fn no_task_barges_past_a_task_that_waits_for_a_permit() {
    on_watched_loop(|| async {
        let (log, semaphore) = (Log::new(), Rc::new(Semaphore::new(1)));
        let permit = semaphore.acquire().await;
        let task = |name| acquire_and_log(semaphore.clone(), log.clone(), name);
        let [waiter] = spawn_each(["waiter"], task).await;
        drop(permit);
        assert!(semaphore.try_acquire().is_none(), "try_acquire barged past the waiter");
        assert_eq!(semaphore.available(), 0);
        let barger = spawn(acquire_and_log(semaphore.clone(), log.clone(), "barger"));
        barger.await.unwrap();
        waiter.await.unwrap();
        assert_eq!(log.take(), ["waiter in", "waiter out", "barger in", "barger out"]);
    });
}

/// Breaks when making an owned permit puts the borrowed one back, or when the owned permit
/// is never put back.
#[test]
fn an_owned_permit_moves_into_a_task_and_comes_back_with_it() {
    on_virtual_loop(|| async {
        let seats = Rc::new(Semaphore::new(1));
        let seat = seats.acquire_owned().await;
        assert_eq!(seats.available(), 0);
        let waiter = spawn(seats.acquire_owned());
        yield_now().await;
        assert!(!waiter.is_finished(), "a second task got the one permit");
        let guest = spawn(async move { drop(seat) });
        guest.await.unwrap();
        drop(waiter.await.unwrap());
        assert_eq!(seats.available(), 1, "every permit came back");
        drop(seats.acquire_owned());
        assert_eq!(seats.available(), 1, "a future that was never polled takes no permit");
    });
}

/// 84 · as in asyncio. Breaks when a permit is granted to a future that was dropped.
#[test]
fn a_cancelled_waiter_of_a_semaphore_is_skipped() {
    on_watched_loop(|| async {
        let (log, semaphore) = (Log::new(), Rc::new(Semaphore::new(1)));
        let permit = semaphore.acquire().await;
        let task = |name| acquire_and_log(semaphore.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        a.abort();
        yield_now().await;
        drop(permit);
        b.await.unwrap();
        assert_eq!(log.take(), ["b in", "b out"]);
        assert_eq!(semaphore.available(), 1, "no permit is lost, and none is made");
    });
}

/// 84 · as in asyncio. Breaks when the permit is lost with the waiter.
#[test]
fn a_waiter_that_is_cancelled_after_a_permit_was_granted_to_it_passes_it_on() {
    on_watched_loop(|| async {
        let (log, semaphore) = (Log::new(), Rc::new(Semaphore::new(1)));
        let permit = semaphore.acquire().await;
        let task = |name| acquire_and_log(semaphore.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        drop(permit);
        a.abort();
        b.await.unwrap();
        assert_eq!(log.take(), ["b in", "b out"]);
        assert_eq!(semaphore.available(), 1, "no permit is lost, and none is made");
    });
}

// 85 ─────────────────────────────────────────────────────────────────────────

/// 85 · as in asyncio's `async with`. Breaks when a panic poisons or keeps the lock.
#[test]
fn a_guard_or_permit_that_is_dropped_by_a_panic_is_released() {
    on_watched_loop(|| async {
        let (mutex, semaphore) = (Rc::new(Mutex::new(7)), Rc::new(Semaphore::new(1)));
        let (locked, acquired) = (mutex.clone(), semaphore.clone());
        let task = spawn(async move {
            let _guard = locked.lock().await;
            let _permit = acquired.acquire().await;
            panic!("while it holds both");
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(mutex.try_lock().as_deref(), Some(&7), "the panic kept the lock");
        assert_eq!(semaphore.available(), 1, "the panic kept the permit");
    });
}

/// 85 · as in asyncio's `async with`. Breaks when an abort forgets what it holds.
#[test]
fn a_guard_or_permit_that_is_dropped_by_an_abort_is_released() {
    on_watched_loop(|| async {
        let (mutex, semaphore) = (Rc::new(Mutex::new(7)), Rc::new(Semaphore::new(1)));
        let (locked, acquired) = (mutex.clone(), semaphore.clone());
        let task = spawn(async move {
            let _guard = locked.lock().await;
            let _permit = acquired.acquire().await;
            pending::<()>().await;
        });
        yield_now().await;
        assert!(mutex.try_lock().is_none());
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(mutex.try_lock().as_deref(), Some(&7), "the abort kept the lock");
        assert_eq!(semaphore.available(), 1, "the abort kept the permit");
    });
}

// 86 ─────────────────────────────────────────────────────────────────────────

/// Waits for the event, and writes an entry to the log.
async fn wait_and_log(event: Rc<Event>, log: Log, name: &'static str) {
    event.wait().await;
    log.add(name);
}

/// 86 · as in asyncio. Breaks when only one waiter is woken, or in another order.
#[test]
fn setting_an_event_wakes_all_its_waiters_in_order() {
    on_watched_loop(|| async {
        let (log, event) = (Log::new(), Rc::new(Event::new()));
        let task = |name| wait_and_log(event.clone(), log.clone(), name);
        let waiters = spawn_each(["a", "b", "c"], task).await;
        assert!(log.take().is_empty(), "no waiter runs on before the event is set");
        event.set();
        join_all(waiters).await;
        assert_eq!(log.take(), ["a", "b", "c"]);
    });
}

/// 86 · as in asyncio. Breaks when the event is a signal that is used up.
#[test]
fn an_event_stays_set_until_it_is_cleared() {
    on_watched_loop(|| async {
        let event = Event::new();
        assert!(!event.is_set());
        event.set();
        event.wait().await;
        event.wait().await;
        assert!(event.is_set());
        event.clear();
        assert!(!event.is_set());
        assert!(
            poll_once(&mut event.wait()).await.is_pending(),
            "the event is cleared: a new waiter waits"
        );
    });
}

/// 86 · as in asyncio (`test_clear_with_waiters`). Breaks when a woken waiter checks the
/// flag again, and waits again.
#[test]
fn an_event_that_is_set_and_cleared_wakes_all_that_waited() {
    on_watched_loop(|| async {
        let (log, event) = (Log::new(), Rc::new(Event::new()));
        let task = |name| wait_and_log(event.clone(), log.clone(), name);
        let waiters = spawn_each(["a", "b"], task).await;
        event.set();
        event.clear();
        let [late] = spawn_each(["late"], task).await;
        join_all(waiters).await;
        turns(2).await;
        assert_eq!(log.take(), ["a", "b"], "only the tasks that waited at the set run on");
        late.abort();
    });
}

/// 86 · as in asyncio. Breaks when a cancelled waiter stops the wakes of those behind it.
#[test]
fn a_cancelled_waiter_of_an_event_holds_up_no_other_waiter() {
    on_watched_loop(|| async {
        let (log, event) = (Log::new(), Rc::new(Event::new()));
        let task = |name| wait_and_log(event.clone(), log.clone(), name);
        let [a, b, c] = spawn_each(["a", "b", "c"], task).await;
        b.abort();
        yield_now().await;
        event.set();
        // The event has woken this waiter, and it is cancelled before it runs.
        a.abort();
        c.await.unwrap();
        assert_eq!(log.take(), ["c"]);
    });
}

// 87 ─────────────────────────────────────────────────────────────────────────

/// A number under a lock, and the signal that it has changed.
type Shared = Rc<(Mutex<u32>, Condvar)>;

/// Waits for one notification, and writes an entry to the log while it holds the lock.
async fn wait_for_notification(shared: Shared, log: Log, name: &'static str) {
    let (mutex, changed) = &*shared;
    let guard = changed.wait(mutex.lock().await).await;
    assert!(mutex.try_lock().is_none(), "the guard is held again when wait returns");
    log.add(format!("{name} {}", *guard));
}

fn shared() -> Shared {
    Rc::new((Mutex::new(0), Condvar::new()))
}

/// 87 · as in asyncio. Breaks when the waiter keeps the lock: then no task can change what
/// it waits for.
#[test]
fn a_condvar_unlocks_while_it_waits_and_holds_the_guard_again_on_return() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let [waiter] = spawn_each(["waiter"], task).await;
        let mut guard = shared.0.try_lock().expect("unlocked while the waiter waits");
        *guard = 5;
        shared.1.notify_one();
        turns(3).await;
        assert!(!waiter.is_finished(), "notified, but the lock is still held here");
        drop(guard);
        waiter.await.unwrap();
        assert_eq!(log.take(), ["waiter 5"]);
    });
}

/// 87 · as in asyncio. Breaks when a notification wakes all waiters, or the last one.
#[test]
fn notify_one_wakes_one_waiter_at_a_time_in_order() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let waiters = spawn_each(["a", "b", "c"], task).await;
        for expected in ["a 0", "b 0", "c 0"] {
            shared.1.notify_one();
            turns(3).await;
            assert_eq!(log.take(), [expected]);
        }
        join_all(waiters).await;
    });
}

/// 87 · as in asyncio. Breaks when the notification reaches later waiters, too.
#[test]
fn notify_all_wakes_all_waiters_in_order() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let waiters = spawn_each(["a", "b", "c"], task).await;
        shared.1.notify_all();
        let [late] = spawn_each(["late"], task).await;
        join_all(waiters).await;
        turns(3).await;
        assert_eq!(log.take(), ["a 0", "b 0", "c 0"]);
        late.abort();
    });
}

/// 87 · as in asyncio. Breaks when a condvar remembers notifications as a
/// semaphore does permits.
#[test]
fn a_notification_without_a_waiter_is_forgotten() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        shared.1.notify_one();
        shared.1.notify_all();
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let [waiter] = spawn_each(["waiter"], task).await;
        turns(3).await;
        assert!(!waiter.is_finished(), "a notification from before the wait was delivered");
        waiter.abort();
    });
}

/// 87 · as in asyncio. Breaks when a notification goes to a waiter that has left.
#[test]
fn a_cancelled_waiter_of_a_condvar_is_skipped() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        a.abort();
        yield_now().await;
        shared.1.notify_one();
        b.await.unwrap();
        assert_eq!(log.take(), ["b 0"]);
    });
}

/// 87 · as in asyncio since 3.13. Breaks when the notification is lost with a waiter that
/// is cancelled before it runs.
#[test]
fn a_waiter_that_is_cancelled_after_its_notification_passes_it_on() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        shared.1.notify_one();
        a.abort();
        b.await.unwrap();
        assert_eq!(log.take(), ["b 0"], "the notification was lost");
    });
}

/// 87 · as in asyncio since 3.13. Breaks when a waiter counts as notified as soon
/// as it has left the condvar's wait queue, although it still waits for the lock.
#[test]
fn a_waiter_that_is_cancelled_while_it_locks_again_passes_its_notification_on() {
    on_watched_loop(|| async {
        let (log, shared) = (Log::new(), shared());
        let task = |name| wait_for_notification(shared.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        let guard = shared.0.lock().await;
        shared.1.notify_one();
        // The notification has arrived; now the waiter waits for the lock.
        turns(2).await;
        a.abort();
        yield_now().await;
        drop(guard);
        b.await.unwrap();
        assert_eq!(log.take(), ["b 0"], "the notification was lost");
        assert!(shared.0.try_lock().is_some(), "the lock was lost");
    });
}

/// 87 · deliberately not as in asyncio, which locks again first: a future that is dropped
/// cannot wait for a lock. Breaks when the drop leaves the mutex locked.
#[test]
fn a_cancelled_wait_leaves_the_mutex_unlocked() {
    on_watched_loop(|| async {
        let (mutex, changed) = &*shared();
        let mut never_polled = pin!(Some(changed.wait(mutex.lock().await)));
        assert!(mutex.try_lock().is_none(), "nothing is unlocked before the first poll");
        never_polled.set(None);
        assert!(mutex.try_lock().is_some(), "dropped without a poll");

        let mut waiting = Box::pin(changed.wait(mutex.lock().await));
        assert!(poll_once(&mut waiting).await.is_pending());
        drop(waiting);
        assert!(mutex.try_lock().is_some(), "dropped while waiting");
    });
}

// 88 ─────────────────────────────────────────────────────────────────────────

/// 88 · as in asyncio. Breaks when the last task to arrive waits as well.
#[test]
fn the_last_to_arrive_at_a_barrier_releases_all() {
    on_watched_loop(|| async {
        let (log, barrier) = (Log::new(), Rc::new(Barrier::new(3)));
        let task = |name| {
            let (log, barrier) = (log.clone(), barrier.clone());
            async move {
                barrier.wait().await;
                log.add(name);
            }
        };
        let early = spawn_each(["a", "b"], task).await;
        turns(3).await;
        assert!(log.take().is_empty(), "two of three have arrived");
        let last = spawn_each(["c"], task).await;
        join_all(early.into_iter().chain(last)).await;
        // The last task does not wait at all; the others run on in their order.
        assert_eq!(log.take(), ["c", "a", "b"]);
    });
}

/// 88 · deliberately not as in asyncio, whose `wait` gives each task a number.
/// Breaks when all tasks of a round are its leader, or none is.
#[test]
fn exactly_one_task_is_the_leader_of_a_barrier_each_time() {
    on_watched_loop(|| async {
        let barrier = Barrier::new(3);
        for round in 0..3 {
            let results = join_all((0..3).map(|_| barrier.wait())).await;
            let leaders = results.iter().filter(|result| result.is_leader()).count();
            assert_eq!(leaders, 1, "in round {round}");
        }
    });
}

/// 88 · as in asyncio. Breaks when a quick task that arrives again is counted in the round
/// before.
#[test]
fn a_barrier_is_reusable_by_the_same_tasks() {
    on_watched_loop(|| async {
        let (log, barrier) = (Log::new(), Rc::new(Barrier::new(2)));
        let task = |name| {
            let (log, barrier) = (log.clone(), barrier.clone());
            async move {
                for round in 0..3 {
                    barrier.wait().await;
                    log.add(format!("{name}{round}"));
                }
            }
        };
        join_all(spawn_each(["a", "b"], task).await).await;
        let mut log = log.take();
        for round in log.chunks_mut(2) {
            round.sort();
        }
        assert_eq!(log, ["a0", "b0", "a1", "b1", "a2", "b2"], "no task is a round ahead");
    });
}

/// 88 · as in asyncio. Breaks when an arrival that was taken back still counts.
#[test]
fn a_cancelled_wait_takes_its_arrival_at_the_barrier_back() {
    on_watched_loop(|| async {
        let barrier = Barrier::new(2);
        let mut cancelled = barrier.wait();
        assert!(poll_once(&mut cancelled).await.is_pending());
        drop(cancelled);
        let mut first = barrier.wait();
        assert!(
            poll_once(&mut first).await.is_pending(),
            "only one task has arrived: the other has left"
        );
        assert!(barrier.wait().await.is_leader());
        assert!(!first.await.is_leader());
    });
}

/// 88 · Breaks when the released task leaves the wait queue a second time, or counts as an
/// arrival of the next round.
#[test]
fn a_task_that_is_cancelled_after_the_barrier_released_it_leaves_no_trace() {
    on_watched_loop(|| async {
        let barrier = Barrier::new(2);
        let mut released = barrier.wait();
        assert!(poll_once(&mut released).await.is_pending());
        assert!(barrier.wait().await.is_leader());
        drop(released);
        let mut first = barrier.wait();
        assert!(poll_once(&mut first).await.is_pending(), "the next round begins without arrivals");
        assert!(barrier.wait().await.is_leader());
        first.await;
    });
}

/// 88 · as in asyncio (`ValueError`). Breaks when the mistake shows as a hang.
#[test]
fn a_barrier_for_zero_tasks_panics_clearly() {
    on_watched_loop(|| async {
        let text = panic_text(|| Barrier::new(0));
        assert!(text.contains("Barrier::new") && text.contains("at least 1"), "{text}");
        assert!(text.contains(file!()), "it names the line of the caller: {text}");
    });
}

// 89 ─────────────────────────────────────────────────────────────────────────

/// Receives one value, and says so in the log.
async fn receive_and_log(receiver: channel::Receiver<u32>, log: Log, name: &'static str) {
    match receiver.recv().await {
        Ok(value) => log.add(format!("{name} {value}")),
        Err(RecvError) => log.add(format!("{name} closed")),
    }
}

/// 89 · as in asyncio. Breaks when the queue is a stack.
#[test]
fn a_channel_gives_out_values_in_the_order_in_which_they_were_sent() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let other = sender.clone();
        for n in 0..3 {
            sender.send(n * 2).await.unwrap();
            other.send(n * 2 + 1).await.unwrap();
        }
        assert_eq!((receiver.len(), receiver.is_empty()), (6, false));
        for n in 0..6 {
            assert_eq!(receiver.recv().await, Ok(n));
        }
        assert!(receiver.is_empty());
    });
}

/// 89 · as in asyncio (`Queue(2)`). Breaks when a bound is only a wish.
#[test]
fn a_send_to_a_full_channel_waits_until_there_is_space() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::bounded(2));
        let trace = log.clone();
        let producer = spawn(async move {
            for n in 0..4 {
                sender.send(n).await.unwrap();
                trace.add(format!("sent {n}"));
            }
        });
        turns(5).await;
        assert_eq!(log.take(), ["sent 0", "sent 1"], "the channel holds two");
        assert_eq!(receiver.recv().await, Ok(0));
        turns(5).await;
        assert_eq!(log.take(), ["sent 2"], "there is space for one value");
        assert_eq!(receiver.recv().await, Ok(1));
        producer.await.unwrap();
    });
}

/// 89 · as in asyncio. Breaks when the waiting senders are a set.
#[test]
fn senders_that_wait_send_in_the_order_in_which_they_came() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        for n in 1..4 {
            let sender = sender.clone();
            drop(spawn(async move { sender.send(n).await.unwrap() }));
        }
        yield_now().await;
        for n in 0..4 {
            assert_eq!(receiver.recv().await, Ok(n));
        }
    });
}

/// 89 · as in asyncio. Breaks when the waiting receivers are a set, or when every
/// send wakes all of them.
#[test]
fn receivers_that_wait_are_woken_in_the_order_in_which_they_came() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::unbounded());
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let receivers = spawn_each(["a", "b", "c"], task).await;
        for n in 0..3 {
            sender.send(n).await.unwrap();
        }
        join_all(receivers).await;
        assert_eq!(log.take(), ["a 0", "b 1", "c 2"]);
    });
}

/// 89 · as in asyncio. Nothing is reserved for a receiver that was woken. Breaks when the
/// receiver expects a value, or when a receiver that finds none is not woken again.
#[test]
fn a_receiver_that_was_woken_tries_again_and_may_find_nothing() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::unbounded());
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let [woken] = spawn_each(["woken"], task).await;
        sender.send(1).await.unwrap();
        assert_eq!(receiver.try_recv(), Ok(1), "the task that is running may be quicker");
        turns(3).await;
        assert!(!woken.is_finished(), "no value was left for the receiver; it waits again");
        sender.send(2).await.unwrap();
        woken.await.unwrap();
        assert_eq!(log.take(), ["woken 2"]);
    });
}

/// 89 · as in asyncio. The same on the other side.
#[test]
fn a_sender_that_was_woken_tries_again_and_may_find_no_space() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        let slow = sender.clone();
        let woken = spawn(async move { slow.send(2).await });
        yield_now().await;
        assert_eq!(receiver.try_recv(), Ok(0));
        sender.try_send(1).expect("the task that is running may be quicker");
        turns(3).await;
        assert!(!woken.is_finished(), "no space was left for the sender; it waits again");
        assert_eq!(receiver.recv().await, Ok(1));
        assert_eq!(receiver.recv().await, Ok(2));
        woken.await.unwrap().unwrap();
    });
}

/// 89 · as in asyncio (`test_get_cancel_drop_one_pending_reader`). Breaks when the
/// wake goes to a receiver that has left.
#[test]
fn a_cancelled_receiver_is_skipped() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::unbounded());
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        a.abort();
        yield_now().await;
        sender.send(1).await.unwrap();
        b.await.unwrap();
        assert_eq!(log.take(), ["b 1"]);
    });
}

/// 89 · as in asyncio. Breaks when the wake is lost with the receiver that got it: then the
/// channel has a value, and a receiver waits for one.
#[test]
fn a_receiver_that_is_cancelled_after_its_wake_passes_it_on() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::unbounded());
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let [a, b] = spawn_each(["a", "b"], task).await;
        sender.send(1).await.unwrap();
        a.abort();
        b.await.unwrap();
        assert_eq!(log.take(), ["b 1"]);
    });
}

/// 89 · as in asyncio. Breaks when a value is taken out of the channel by the wake.
#[test]
fn a_cancelled_receive_loses_no_value() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let mut cancelled = receiver.recv();
        assert!(poll_once(&mut cancelled).await.is_pending());
        sender.send(1).await.unwrap();
        drop(cancelled);
        assert_eq!(receiver.try_recv(), Ok(1));
    });
}

/// 89 · as in asyncio. Breaks when a cancelled sender stays in the wait queue.
#[test]
fn a_cancelled_send_blocks_no_other_sender_and_its_value_is_not_sent() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        let task = |name| {
            let sender = sender.clone();
            async move { sender.send(if name == "a" { 1 } else { 2 }).await }
        };
        let [a, b] = spawn_each(["a", "b"], task).await;
        a.abort();
        yield_now().await;
        assert_eq!(receiver.recv().await, Ok(0));
        b.await.unwrap().unwrap();
        assert_eq!(receiver.try_recv(), Ok(2));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

/// 89 · as in asyncio. Breaks when the free space is lost with the sender that was woken
/// for it.
#[test]
fn a_sender_that_is_cancelled_after_its_wake_passes_it_on() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        let task = |name| {
            let sender = sender.clone();
            async move { sender.send(if name == "a" { 1 } else { 2 }).await }
        };
        let [a, b] = spawn_each(["a", "b"], task).await;
        assert_eq!(receiver.recv().await, Ok(0));
        a.abort();
        b.await.unwrap().unwrap();
        assert_eq!(receiver.try_recv(), Ok(2));
    });
}

/// 89 · as in asyncio (`Queue.shutdown`, 3.13). Breaks when close drops what is in
/// the channel.
#[test]
fn a_closed_channel_gives_out_what_is_in_it_and_then_errors() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        sender.send(1).await.unwrap();
        assert!(receiver.close(), "this call closed it");
        assert!(!sender.close(), "the channel was closed already");
        assert!(sender.is_closed() && receiver.is_closed());
        assert_eq!(sender.send(2).await, Err(SendError(2)), "the value comes back");
        assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
        assert_eq!(receiver.recv().await, Ok(1));
        assert_eq!(receiver.recv().await, Err(RecvError));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    });
}

/// 89 · as in asyncio (`Queue.shutdown`, 3.13). Breaks when close only affects later calls,
/// and not the tasks that wait already.
#[test]
fn closing_a_channel_wakes_all_waiters() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::bounded(1));
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let receivers = spawn_each(["a", "b"], task).await;
        sender.close();
        join_all(receivers).await;
        assert_eq!(log.take(), ["a closed", "b closed"]);

        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        let waiting = spawn(async move { sender.send(1).await });
        yield_now().await;
        receiver.close();
        assert_eq!(waiting.await.unwrap(), Err(SendError(1)), "the value comes back");
    });
}

/// 89 · has no counterpart in asyncio, whose queue has no ends. Breaks when the
/// halves are counted wrongly, or a drop wakes no task.
#[test]
fn receivers_see_that_the_last_sender_is_gone() {
    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::unbounded());
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let [waiting] = spawn_each(["waiting"], task).await;
        let clone = sender.clone();
        drop(sender);
        turns(2).await;
        assert!(!waiting.is_finished(), "there is one sender left");
        drop(clone);
        waiting.await.unwrap();
        assert_eq!(log.take(), ["waiting closed"]);
    });
}

/// 89 · has no counterpart in asyncio. Breaks when a producer fills a channel without
/// receivers, or waits for ever for space in it.
#[test]
fn senders_see_that_the_last_receiver_is_gone() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        let waiting = sender.clone();
        let waiting = spawn(async move { waiting.send(1).await });
        let clone = receiver.clone();
        drop(receiver);
        turns(2).await;
        assert!(!waiting.is_finished(), "there is one receiver left");
        drop(clone);
        assert_eq!(waiting.await.unwrap(), Err(SendError(1)));
        assert!(sender.is_closed());
        assert!(sender.is_empty(), "values that no receiver can get are dropped");
    });
}

/// 89 · as in asyncio, whose queues had no other end before 3.13.
#[test]
fn a_channel_can_be_ended_by_a_none() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let consumer = spawn(async move {
            let mut sum = 0;
            while let Ok(Some(n)) = receiver.recv().await {
                sum += n;
            }
            sum
        });
        for value in [Some(1), Some(2), None] {
            sender.send(value).await.unwrap();
        }
        assert_eq!(consumer.await.unwrap(), 3);
    });
}

/// 89 · has no counterpart in asyncio. Breaks when the stream does not end, or
/// stays in the wait queue when it is dropped.
#[test]
fn a_receiver_is_a_stream_that_ends_when_the_channel_does() {
    use futures_lite::StreamExt;

    on_watched_loop(|| async {
        let (sender, mut receiver) = channel::unbounded();
        let producer = spawn(async move {
            for n in 0..3 {
                sender.send(n).await.unwrap();
                yield_now().await;
            }
        });
        let mut received = Vec::new();
        while let Some(n) = receiver.next().await {
            received.push(n);
        }
        assert_eq!(received, [0, 1, 2]);
        producer.await.unwrap();
    });
}

/// 89 · has no counterpart in asyncio. Breaks when a stream that is dropped keeps
/// the wake that was meant for a value.
#[test]
fn a_stream_that_is_dropped_after_its_wake_passes_it_on() {
    use futures_lite::StreamExt;

    on_watched_loop(|| async {
        let (log, (sender, receiver)) = (Log::new(), channel::unbounded());
        let mut stream = receiver.clone();
        assert!(poll_once(&mut stream.next()).await.is_pending());
        let task = |name| receive_and_log(receiver.clone(), log.clone(), name);
        let [behind] = spawn_each(["behind"], task).await;
        sender.send(1).await.unwrap();
        drop(stream);
        behind.await.unwrap();
        assert_eq!(log.take(), ["behind 1"]);
    });
}

/// 89 · deliberately not as in asyncio, where 0 means "no bound". Breaks when the
/// mistake shows as a hang.
#[test]
fn a_channel_without_capacity_panics_clearly() {
    on_watched_loop(|| async {
        let text = panic_text(|| channel::bounded::<()>(0));
        assert!(text.contains("channel::bounded") && text.contains("at least 1"), "{text}");
        assert!(text.contains(file!()), "it names the line of the caller: {text}");
    });
}

/// 89 · as in asyncio (`QueueFull`, `QueueEmpty`).
#[test]
fn try_send_and_try_recv_never_wait() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        sender.try_send("a").unwrap();
        assert_eq!(sender.try_send("b"), Err(TrySendError::Full("b")));
        assert_eq!(receiver.try_recv(), Ok("a"));
    });
}

// 90 ─────────────────────────────────────────────────────────────────────────

/// 90 · as in asyncio (`Future.set_result`). Breaks when the value is there and the
/// receiver is not woken.
#[test]
fn a_oneshot_gives_its_value_to_the_receiver_that_waits() {
    on_watched_loop(|| async {
        let (sender, receiver) = oneshot::channel();
        let receiver = spawn(receiver);
        yield_now().await;
        sender.send("the value").unwrap();
        assert_eq!(receiver.await.unwrap(), Ok("the value"));
    });
}

/// 90 · as in asyncio. Breaks when the end of the sender is taken for the end of
/// the value.
#[test]
fn a_oneshot_keeps_its_value_until_it_is_received() {
    on_watched_loop(|| async {
        let (sender, receiver) = oneshot::channel();
        sender.send("the value").unwrap();
        turns(2).await;
        assert_eq!(receiver.await, Ok("the value"));
    });
}

/// 90 · deliberately not as in asyncio, where such a future is awaited for ever.
#[test]
fn a_oneshot_whose_sender_is_dropped_gives_closed() {
    on_watched_loop(|| async {
        let (sender, receiver) = oneshot::channel::<()>();
        let receiver = spawn(receiver);
        yield_now().await;
        drop(sender);
        assert_eq!(receiver.await.unwrap(), Err(oneshot::Closed));
    });
}

/// 90 · deliberately not as in asyncio (`InvalidStateError`). Breaks when the value
/// is swallowed.
#[test]
fn a_oneshot_whose_receiver_is_dropped_returns_the_value() {
    on_watched_loop(|| async {
        let (sender, receiver) = oneshot::channel();
        assert!(!sender.is_closed());
        drop(receiver);
        assert!(sender.is_closed());
        assert_eq!(sender.send("the value"), Err("the value"));
    });
}

/// 90 · Breaks when a value that was never received outlives both halves.
#[test]
fn a_oneshots_value_is_dropped_with_the_receiver_that_is_cancelled() {
    on_watched_loop(|| async {
        let log = Log::new();
        let (sender, mut receiver) = oneshot::channel();
        assert!(poll_once(&mut receiver).await.is_pending());
        assert!(sender.send(OnDrop(log.clone(), "dropped")).is_ok());
        assert!(log.take().is_empty());
        drop(receiver);
        assert_eq!(log.take(), ["dropped"]);
    });
}

// 91 ─────────────────────────────────────────────────────────────────────────

/// 91 · as in asyncio (`Queue.join`). Breaks when the first guard releases.
#[test]
fn a_wait_group_waits_for_every_guard() {
    on_watched_loop(|| async {
        let (log, group) = (Log::new(), WaitGroup::new());
        for (name, seconds) in [("slow", 2), ("quick", 1)] {
            let (guard, trace) = (group.add(), log.clone());
            drop(spawn(async move {
                let _guard = guard;
                sleep(Duration::from_secs(seconds)).await;
                trace.add(name);
            }));
        }
        group.wait().await;
        assert_eq!(log.take(), ["quick", "slow"]);
        group.wait().await; // there is nothing to wait for now
    });
}

/// 91 · deliberately not as in asyncio, where `task_done` is a call that a
/// cancelled task does not make. Breaks when only the good end counts.
#[test]
fn a_wait_group_counts_a_guard_that_is_dropped_by_an_abort_or_a_panic() {
    on_watched_loop(|| async {
        let group = WaitGroup::new();
        let (first, second) = (group.add(), group.add());
        let aborted = spawn(async move {
            let _guard = first;
            pending::<()>().await;
        });
        let panics = spawn(async move {
            let _guard = second;
            yield_now().await;
            panic!("while it holds the guard");
        });
        yield_now().await;
        aborted.abort();
        group.wait().await;
        assert!(panics.is_finished() && aborted.is_finished());
    });
}

/// 91 · as in asyncio. Breaks when only one waiter is woken.
#[test]
fn a_wait_group_wakes_all_its_waiters_in_order() {
    on_watched_loop(|| async {
        let (log, group) = (Log::new(), WaitGroup::new());
        let guard = group.add();
        let task = |name| {
            let (group, log) = (group.clone(), log.clone());
            async move {
                group.wait().await;
                log.add(name);
            }
        };
        let [a, b, c] = spawn_each(["a", "b", "c"], task).await;
        b.abort();
        yield_now().await;
        drop(guard);
        a.await.unwrap();
        c.await.unwrap();
        assert_eq!(log.take(), ["a", "c"], "in order, and without the one that was cancelled");
    });
}

/// 91 · as in asyncio (`Queue.join`). Breaks when the woken waiter checks the count again,
/// and also waits for work that was added later.
#[test]
fn a_wait_group_does_not_wait_for_what_is_added_after_the_wake() {
    on_watched_loop(|| async {
        let group = WaitGroup::new();
        let guard = group.add();
        let waiting = group.clone();
        let waiter = spawn(async move { waiting.wait().await });
        yield_now().await;
        drop(guard);
        let _later = group.add();
        waiter.await.unwrap();
    });
}

// 92 ─────────────────────────────────────────────────────────────────────────

/// Ends well or badly after so many seconds. Writes its name to the log when it is
/// dropped, sooner or later.
async fn child(
    seconds: u64,
    trace: OnDrop,
    result: Result<u64, &'static str>,
) -> Result<u64, &'static str> {
    let _trace = trace;
    sleep(Duration::from_secs(seconds)).await;
    result
}

/// 92 · as in asyncio. Breaks when the outputs come in the order of the ends.
#[test]
fn a_task_group_gives_the_outputs_in_spawn_order_when_all_have_ended() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::new();
        group.spawn(child(3, OnDrop(log.clone(), "a"), Ok(3)));
        group.spawn(child(1, OnDrop(log.clone(), "b"), Ok(1)));
        group.spawn(child(2, OnDrop(log.clone(), "c"), Ok(2)));
        assert_eq!(group.join().await, Ok(vec![3, 1, 2]));
        assert_eq!(log.take(), ["b", "c", "a"]);
        assert_eq!(TaskGroup::<(), ()>::new().join().await, Ok(vec![]), "nothing to wait for");
    });
}

/// 92 · as in asyncio (`test_children_complete_on_child_error`). Breaks when join
/// leaves with the error while others are still running.
#[test]
fn the_first_error_aborts_the_others_and_join_waits_until_they_have_ended() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::new();
        group.spawn(child(3, OnDrop(log.clone(), "slow"), Ok(3)));
        group.spawn(child(1, OnDrop(log.clone(), "fails"), Err("the first error")));
        group.spawn(child(2, OnDrop(log.clone(), "would fail later"), Err("the second error")));
        let before = now();
        assert_eq!(group.join().await, Err("the first error"));
        log.add("joined");
        assert_eq!(now() - before, Duration::from_secs(1), "at once, not at the end");
        assert_eq!(log.take(), ["fails", "slow", "would fail later", "joined"]);
    });
}

/// 92 · as in asyncio (`test_cancel_children_on_child_error`). Breaks when errors
/// are only handled by `join`.
#[test]
fn an_error_aborts_the_others_though_nobody_joins_yet() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::new();
        group.spawn(child(1, OnDrop(log.clone(), "fails"), Err("the error")));
        group.spawn(child(9, OnDrop(log.clone(), "slow"), Ok(9)));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(log.take(), ["fails", "slow"]);
        // Too late: the group has failed already.
        group.spawn(child(9, OnDrop(log.clone(), "too late"), Ok(9)));
        yield_now().await;
        assert_eq!(log.take(), ["too late"]);
        assert_eq!(group.join().await, Err("the error"));
    });
}

/// 92 · as in asyncio, where leaving the block by an exception cancels. Breaks when
/// the children are detached, as handles are.
#[test]
fn dropping_a_task_group_aborts_all_its_children() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::new();
        group.spawn(child(1, OnDrop(log.clone(), "a"), Ok(1)));
        group.spawn(child(2, OnDrop(log.clone(), "b"), Ok(2)));
        yield_now().await;
        drop(group);
        assert!(log.take().is_empty(), "an abort is a request");
        yield_now().await;
        assert_eq!(log.take(), ["a", "b"]);
    });
}

/// 92 · as in asyncio. Breaks when the join has taken the group apart.
#[test]
fn dropping_a_join_that_was_started_aborts_all_children() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::new();
        group.spawn(child(1, OnDrop(log.clone(), "done by then"), Ok(1)));
        group.spawn(child(9, OnDrop(log.clone(), "a"), Ok(9)));
        group.spawn(child(9, OnDrop(log.clone(), "b"), Ok(9)));
        assert!(timeout(Duration::from_secs(2), group.join()).await.is_err());
        yield_now().await;
        assert_eq!(log.take(), ["done by then", "a", "b"]);
    });
}

/// 92 · as in asyncio, whose `ExceptionGroup` holds it. Breaks when the panic stays
/// in the child's handle, which no caller can reach.
#[test]
fn a_childs_panic_aborts_the_others_and_resumes_in_join() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::<u64, &str>::new();
        group.spawn(child(9, OnDrop(log.clone(), "slow"), Ok(9)));
        group.spawn(async { panic!("a child fails") });
        let trace = log.clone();
        let joined = spawn(async move {
            let _ = group.join().await;
            trace.add("never");
        });
        let error = joined.await.unwrap_err();
        assert_eq!(error.to_string(), "the task panicked: a child fails");
        assert_eq!(log.take(), ["slow"]);
    });
}

/// 92 · as in asyncio. Breaks when a group is a future that runs its children.
#[test]
fn the_children_of_a_group_run_without_a_join() {
    on_watched_loop(|| async {
        let log = Log::new();
        let mut group = TaskGroup::new();
        let trace = log.clone();
        group.spawn(async move {
            sleep(Duration::from_secs(1)).await;
            trace.add("ended");
            Ok::<_, ()>(())
        });
        sleep(Duration::from_secs(2)).await;
        assert_eq!(log.take(), ["ended"]);
        drop(group);
    });
}

// 93 ─────────────────────────────────────────────────────────────────────────

/// Sleeps, says so in the log, and returns how long.
async fn sleep_and_log(seconds: u64, log: Log) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    log.add(seconds);
    seconds
}

/// 93 · as in asyncio (`gather`). Breaks when the outputs come as they are done, or
/// when the futures run one after another. Few and many take different ways.
#[test]
fn join_all_gives_outputs_in_argument_order_whatever_the_order_of_the_ends() {
    on_watched_loop(|| async {
        for count in [3, 100] {
            let log = Log::new();
            let before = now();
            let futures = (1..=count).rev().map(|seconds| sleep_and_log(seconds, log.clone()));
            let outputs = join_all(futures).await;
            assert!(outputs.into_iter().eq((1..=count).rev()), "the order of the arguments");
            let ends: Vec<String> = (1..=count).map(|seconds| seconds.to_string()).collect();
            assert_eq!(log.take(), ends, "the order of the ends is their own");
            assert_eq!(now() - before, Duration::from_secs(count), "all at once");
        }
        assert!(join_all(Vec::<std::future::Ready<()>>::new()).await.is_empty());
    });
}

/// 93 · as in asyncio, which cancels them. Breaks when the futures are spawned.
#[test]
fn dropping_a_join_all_drops_all_its_futures() {
    on_watched_loop(|| async {
        for count in [2, 100] {
            let log = Log::new();
            let futures = (0..count).map(|_| {
                let trace = OnDrop(log.clone(), "dropped");
                async move {
                    let _trace = trace;
                    pending::<()>().await;
                }
            });
            let mut all = join_all(futures);
            assert!(poll_once(&mut all).await.is_pending());
            assert!(log.take().is_empty());
            drop(all);
            assert_eq!(log.take().len(), count);
        }
    });
}

/// 93 · Breaks when one wake polls every child: a thousand children then cost a
/// million polls.
#[test]
fn a_large_join_all_polls_only_the_children_that_were_woken() {
    on_watched_loop(|| async {
        let polled = Rc::new(RefCell::new(Vec::new()));
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..1000).map(|_| oneshot::channel::<()>()).unzip();
        let futures = receivers.into_iter().enumerate().map(|(index, mut receiver)| {
            let polled = polled.clone();
            poll_fn(move |cx| {
                polled.borrow_mut().push(index);
                std::pin::Pin::new(&mut receiver).poll(cx).map(drop)
            })
        });
        let all = spawn(join_all(futures));
        yield_now().await;
        assert!(polled.take().into_iter().eq(0..1000), "at first, each child is polled once");
        let mut senders: Vec<_> = senders.into_iter().map(Some).collect();
        for woken in [42, 7] {
            senders[woken].take().unwrap().send(()).unwrap();
            yield_now().await;
            assert_eq!(polled.take(), [woken], "only the child that was woken");
        }
        drop(senders);
        assert_eq!(all.await.unwrap().len(), 1000);
    });
}

/// 93 · Breaks when a child that is done is polled along with the others.
#[test]
fn join_all_never_polls_a_child_again_that_is_done() {
    on_watched_loop(|| async {
        let log = Log::new();
        let ready_at_once = |log: Log| {
            Box::pin(poll_fn(move |_| {
                log.add("polled");
                Poll::Ready(())
            })) as std::pin::Pin<Box<dyn Future<Output = ()>>>
        };
        let slow = Box::pin(turns(5)) as std::pin::Pin<Box<dyn Future<Output = ()>>>;
        join_all([ready_at_once(log.clone()), slow]).await;
        assert_eq!(log.take(), ["polled"]);
    });
}

// waits that are given up ───────────────────────────────────────────────────

/// 89 · as in asyncio, whose `Queue` passes a wake on only if there is a value. Breaks when
/// a receive that was woken in vain wakes the next one in vain, which then loses its place.
#[test]
fn a_receive_that_is_given_up_passes_nothing_on_when_there_is_nothing() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let ((first, waker_of_first), (second, waker_of_second)) =
            (WakeCount::new(), WakeCount::new());
        let (mut gives_up, mut waits) = (receiver.recv(), receiver.recv());
        assert!(poll_with(&mut gives_up, &waker_of_first).is_pending());
        assert!(poll_with(&mut waits, &waker_of_second).is_pending());
        sender.try_send(1).unwrap();
        assert_eq!(receiver.try_recv(), Ok(1), "the task that is running was quicker");
        drop(gives_up);
        assert_eq!((first.wakes(), second.wakes()), (1, 0), "there is no value to wake for");
    });
}

/// 89 · as in asyncio. The same on the other side: there is no space to pass on.
#[test]
fn a_send_that_is_given_up_passes_nothing_on_when_there_is_no_space() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::bounded(1);
        sender.try_send(0).unwrap();
        let ((first, waker_of_first), (second, waker_of_second)) =
            (WakeCount::new(), WakeCount::new());
        let (mut gives_up, mut waits) = (sender.send(1), sender.send(2));
        assert!(poll_with(&mut gives_up, &waker_of_first).is_pending());
        assert!(poll_with(&mut waits, &waker_of_second).is_pending());
        assert_eq!(receiver.try_recv(), Ok(0));
        sender.try_send(3).expect("the task that is running was quicker");
        drop(gives_up);
        assert_eq!((first.wakes(), second.wakes()), (1, 0), "there is no space to wake for");
    });
}

/// 89 · as in asyncio (`Queue.qsize`, `Queue.empty`; `is_shutdown` is hidden there).
#[test]
fn both_halves_of_a_channel_know_how_much_is_in_it_and_whether_it_is_closed() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        assert!(!sender.is_closed() && !receiver.is_closed());
        assert!(sender.is_empty() && receiver.is_empty());
        sender.try_send(1).unwrap();
        sender.try_send(2).unwrap();
        assert_eq!((sender.len(), receiver.len()), (2, 2));
        assert!(!sender.is_empty() && !receiver.is_empty());
        assert!(sender.close(), "it was open");
        assert!(!receiver.close(), "it is closed already");
        assert!(sender.is_closed() && receiver.is_closed());
        assert_eq!((sender.len(), receiver.len()), (2, 2), "what was sent is still there");
    });
}

/// 90 · deliberately not as in asyncio. Breaks when the end of the sender only wakes a
/// receiver that waits already: a later receiver would wait for ever.
#[test]
fn a_oneshot_whose_sender_is_gone_before_it_is_awaited_gives_closed() {
    on_watched_loop(|| async {
        let (sender, receiver) = oneshot::channel::<()>();
        drop(sender);
        assert_eq!(receiver.await, Err(oneshot::Closed));
    });
}

/// 91 · as in asyncio. Breaks when a wait that is dropped keeps its place.
#[test]
fn a_wait_for_a_group_that_is_given_up_is_not_woken() {
    on_watched_loop(|| async {
        let group = WaitGroup::new();
        let guard = group.add();
        let (count, waker) = WakeCount::new();
        let mut gives_up = group.wait();
        assert!(poll_with(&mut gives_up, &waker).is_pending());
        drop(gives_up);
        drop(guard);
        assert_eq!(count.wakes(), 0, "the wait was dropped, and must not be woken");
    });
}

/// 92 · no counterpart in asyncio, where nothing goes on after the loop. Breaks when the
/// children that the loop's end has dropped are taken for children that failed.
#[test]
fn a_join_that_outlives_the_loop_of_its_group_says_so() {
    within_limit(|| {
        let executor = virtual_executor();
        let mut group = TaskGroup::<(), ()>::new();
        let mut joining = Box::pin(async {
            group.spawn(pending());
            group.join().await
        });
        let line = line!() - 2;
        executor.block_on(async { assert!(poll_once(&mut joining).await.is_pending()) });
        drop(executor);
        let text = panic_text(|| poll_with(&mut joining, Waker::noop()));
        assert!(text.contains("a task group was dropped by its loop"), "{text}");
        assert!(text.contains(&format!("{}:{line}:", file!())), "names the join: {text}");
    });
}

// the order of things ───────────────────────────────────────────────────────

/// 89 · as in asyncio, where a `get` belongs to one task. Breaks when a receive tries only
/// after its wake: the task that polls it now may be another one than the task that is woken.
#[test]
fn a_receive_that_is_polled_while_it_waits_takes_a_value_that_is_there() {
    on_watched_loop(|| async {
        let (sender, receiver) = channel::unbounded();
        let (mut first, mut second) = (receiver.recv(), receiver.recv());
        assert!(poll_once(&mut first).await.is_pending());
        assert!(poll_once(&mut second).await.is_pending());
        sender.try_send(1).unwrap();
        let polled = poll_once(&mut second).await;
        assert_eq!(polled, Poll::Ready(Ok(1)), "the first was woken, but the value is not its own");
        assert!(poll_once(&mut first).await.is_pending());
    });
}

/// 87 · as in asyncio, which passes the notification on before it unlocks. Breaks when the
/// wait for the lock is dropped before the notification is passed on.
#[test]
fn a_notified_wait_that_is_dropped_passes_its_notification_on_before_the_lock() {
    struct Named(&'static str, std::sync::mpsc::Sender<&'static str>);
    impl std::task::Wake for Named {
        fn wake(self: std::sync::Arc<Self>) {
            self.1.send(self.0).unwrap();
        }
    }

    on_watched_loop(|| async {
        let (trace, woken) = std::sync::mpsc::channel();
        let waker = |name| Waker::from(std::sync::Arc::new(Named(name, trace.clone())));
        let (mutex, changed) = &*shared();
        let mut dropped = Box::pin(changed.wait(mutex.lock().await));
        assert!(poll_with(&mut dropped, &waker("dropped")).is_pending());
        let mut notified = Box::pin(changed.wait(mutex.lock().await));
        assert!(poll_with(&mut notified, &waker("notified")).is_pending());
        let guard = mutex.lock().await;
        changed.notify_one();
        assert!(poll_with(&mut dropped, &waker("dropped")).is_pending(), "it waits for the lock");
        let mut locks = mutex.lock();
        assert!(poll_with(&mut locks, &waker("locks")).is_pending());
        drop(guard);
        drop(dropped);
        drop((notified, locks));
        let order: Vec<_> = woken.try_iter().collect();
        assert_eq!(order, ["dropped", "dropped", "notified", "locks"]);
    });
}

/// 89 · no counterpart in asyncio. Breaks when the last receiver closes the channel before
/// its stream has left the queue: its task is woken for nothing.
#[test]
fn the_last_receiver_does_not_wake_its_own_stream_when_it_is_dropped() {
    use futures_lite::StreamExt;

    on_watched_loop(|| async {
        let (_sender, mut receiver) = channel::unbounded::<()>();
        let (count, waker) = WakeCount::new();
        assert!(poll_with(&mut receiver.next(), &waker).is_pending());
        drop(receiver);
        assert_eq!(count.wakes(), 0, "nobody waits any more");
    });
}

/// No counterpart in asyncio, where a loop has a thread of its own. Breaks when a wake looks
/// for the task in the loop that runs, and not in the loop of the task.
#[test]
fn a_send_in_one_loop_wakes_the_task_of_another_loop_on_the_same_thread() {
    within_limit(|| {
        let (first, second) = (virtual_executor(), virtual_executor());
        let (sender, receiver) = oneshot::channel();
        let task = first.spawn(receiver);
        first.block_on(turns(2)); // the task waits now, and its loop stands still
        drop(virtual_executor()); // a loop that ends takes no other one along
        second.block_on(async move {
            sender.send("a parcel").expect("the receiver is there");
            turns(2).await;
        });
        assert_eq!(first.block_on(task).unwrap(), Ok("a parcel"));
    });
}
