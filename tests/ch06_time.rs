//! Chapter 6: time. When a timer fires, and what a timer may cost.
//!
//! The clock is virtual, except where the clock itself is the subject. Some tests use
//! the timer wheel alone, `glassloop::time::wheel`, which knows no clock at all: its
//! time is a number of nanoseconds.
//!
//! 65 · how late a real sleep is on an idle machine is measured in the benchmarks.
//! A test that asserted it would fail whenever the machine is busy.

mod support;

use std::cell::RefCell;
use std::future::{pending, ready};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_lite::{StreamExt, future};
use glassloop::net::TcpListener;
use glassloop::time::wheel::{Key, Wheel, When};
use glassloop::{
    Executor, Sleep, interval, join_all, now, sleep, sleep_until, spawn, stats, timeout, unblock,
    yield_now,
};
use support::{
    Log, OnDrop, WakeCount, let_others_run, on_loop, on_virtual_loop, panic_text, poll_once,
    poll_with, sockets, turns, within_limit,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// As many timers as a busy server has, and a few more.
const MILLION: u64 = 1_000_000;

/// How many nanoseconds a tick of the wheel has.
const TICK: u64 = 1 << 16;

/// A wheel whose cursor is at `cursor`.
fn wheel_at(cursor: u64) -> Wheel<u64> {
    let mut wheel = Wheel::new();
    wheel.advance(cursor, &mut Vec::new(), |_, _| {});
    wheel
}

/// Moves the wheel's cursor to `time`, and returns the timers that fired.
fn turn<T>(wheel: &mut Wheel<T>, time: u64) -> Vec<T> {
    let mut fired = Vec::new();
    wheel.advance(time, &mut fired, |_, _| {});
    fired.into_iter().map(|(_, carried)| carried).collect()
}

/// Arms a timer on a wheel whose cursor is at `cursor`, and checks that the timer fires at
/// its deadline: not one nanosecond earlier, and not later.
fn fires_exactly_at(deadline: u64, cursor: u64) {
    let mut wheel = wheel_at(cursor);
    wheel.insert(When { deadline, sequence: 1 }, deadline);
    if deadline > cursor + 1 {
        let early = turn(&mut wheel, deadline - 1);
        assert_eq!(early, [], "{deadline} fired early, seen from {cursor}: a slot is not sorted");
    }
    let fired = turn(&mut wheel, deadline);
    assert_eq!(fired, [deadline], "{deadline} was missed, seen from {cursor}");
}

/// 51 · as in asyncio. Breaks when a timer is put into the slot of a tick that is
/// rounded down, and the slot is fired as a whole.
#[test]
fn a_timer_never_fires_early_at_any_tick_up_to_5000() {
    within_limit(|| {
        for tick in 1..=5000 {
            for cursor in [0, 1, 63 * TICK, 64 * TICK - 1, 64 * TICK] {
                fires_exactly_at(cursor + tick * TICK, cursor);
                fires_exactly_at(cursor + tick * TICK + 1, cursor);
                fires_exactly_at(cursor + tick * TICK - 1, cursor);
            }
        }
    });
}

/// 51 · as in asyncio. Breaks when the distance to the cursor chooses the level and the
/// deadline chooses the slot: the two disagree where a digit of the cursor overflows.
#[test]
fn a_timer_never_fires_early_around_the_boundary_of_any_level() {
    within_limit(|| {
        // A digit of the tick has six bits.
        let boundaries: Vec<u64> = (16..64).step_by(6).map(|bits| 1 << bits).collect();
        for cursor in boundaries.iter().flat_map(|tick| [0, tick - 1, *tick, tick + 1]) {
            for ahead in boundaries.iter().flat_map(|ahead| [ahead - 1, *ahead, ahead + 1]) {
                if let Some(deadline) = cursor.checked_add(ahead) {
                    fires_exactly_at(deadline, cursor);
                }
            }
        }
    });
}

/// 51 · as in asyncio. Breaks when a deadline beyond the last level is cut off to
/// fit into it.
#[test]
fn a_timer_never_fires_early_when_its_deadline_is_centuries_away() {
    within_limit(|| {
        let year = YEAR.as_nanos() as u64;
        for years in [1, 2, 10, 100, 292, 500, 584] {
            fires_exactly_at(years * year, 0);
            fires_exactly_at(years * year, year - 1);
        }
        fires_exactly_at(u64::MAX, 0);
        fires_exactly_at(u64::MAX, u64::MAX - 2);
    });
}

/// 51 · as in asyncio. Breaks when the loop rounds the time of its park up, so that it
/// wakes after the deadline.
#[test]
fn a_virtual_sleep_ends_exactly_at_its_deadline_whatever_its_length() {
    on_virtual_loop(|| async {
        let ticks = (1..=5000).map(|tick| tick * TICK);
        let boundaries = (16..58).step_by(6).map(|bits| 1 << bits);
        let lengths = ticks.chain(boundaries).chain([YEAR.as_nanos() as u64]);
        for length in lengths.flat_map(|length| [length - 1, length, length + 1]) {
            let (start, length) = (now(), Duration::from_nanos(length));
            sleep(length).await;
            assert_eq!(now() - start, length, "neither early nor late");
        }
    });
}

/// 51 · as in asyncio. Breaks when a slot with many timers is fired as a whole.
#[test]
fn five_thousand_sleeps_at_once_each_end_exactly_at_their_own_deadline() {
    on_virtual_loop(|| async {
        let start = now();
        let sleep_for = |tick: u64| async move {
            let length = Duration::from_nanos(tick * TICK / 8);
            sleep(length).await;
            assert_eq!(now() - start, length, "neither early nor late");
        };
        join_all((1..=5000).map(sleep_for)).await;
    });
}

/// 51 · as in asyncio. Breaks when the time to sleep is rounded down, to
/// milliseconds for instance.
#[test]
fn a_sleep_on_the_real_clock_never_ends_early() {
    on_loop(|| async {
        for micros in [1, 50, 999, 1_000, 1_001, 2_500] {
            let (start, length) = (Instant::now(), Duration::from_micros(micros));
            sleep(length).await;
            assert!(start.elapsed() >= length, "a sleep of {length:?} took {:?}", start.elapsed());
        }
    });
}

/// 52 · as in asyncio. Breaks when timers fire in the order of creation.
#[test]
fn timers_fire_by_deadline() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let sleep_for = |seconds: u32| {
            let log = log.clone();
            async move {
                sleep(seconds * SECOND).await;
                log.add(seconds);
            }
        };
        let tasks = [3, 1, 4, 2].map(|seconds| spawn(sleep_for(seconds)));
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["1", "2", "3", "4"], "the earliest deadline comes first");
    });
}

/// 52 · deliberately not as in asyncio, whose heap leaves the order open. Breaks when
/// the order is that of the first polls, or that of a heap.
#[test]
fn equal_deadlines_fire_in_the_order_of_creation() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let deadline = now() + SECOND;
        let sleeps = ["a", "b", "c", "d"].map(|name| (name, sleep_until(deadline)));
        // The last sleep is polled, and so armed, first.
        let tasks = sleeps.into_iter().rev().map(|(name, sleep)| {
            let log = log.clone();
            spawn(async move {
                sleep.await;
                log.add(name);
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["a", "b", "c", "d"], "the call of `sleep` counts, not the poll");
    });
}

/// 52 · Breaks when timers that come due together are sorted by the deadline alone, or when
/// each timer is searched for among the others: that would not end within the limit.
#[test]
fn a_million_timers_of_one_deadline_fire_in_the_order_of_creation() {
    within_limit(|| {
        let deadline = HOUR.as_nanos() as u64;
        let mut wheel = Wheel::new();
        // The sleep that was created last is armed first.
        for sequence in (0..MILLION).rev() {
            wheel.insert(When { deadline, sequence }, sequence);
        }
        let fired = turn(&mut wheel, deadline);
        let in_order = fired.iter().copied().eq(0..MILLION);
        assert!(in_order, "all of them, in order; but {} have fired", fired.len());
    });
}

/// 21 · as in asyncio. Breaks when the tasks of one burst of timers run again and again
/// before the loop polls for I/O.
#[test]
fn a_hundred_thousand_timers_that_come_due_at_once_do_not_hold_up_a_socket() {
    use futures_lite::{AsyncReadExt, AsyncWriteExt};

    /// Records no wait reasons: for so many tasks they take a debug build some seconds.
    fn on_plain_loop(root: impl Future<Output = ()>) {
        let builder = Executor::builder().virtual_time().explain(false);
        builder.build().unwrap().block_on(root);
    }

    let root = || async {
        let (mut near, mut far) = sockets::pair();
        let reader = spawn(async move {
            far.read_exact(&mut [0]).await.unwrap();
            stats().turns
        });
        let deadline = now() + HOUR;
        let writer = spawn(async move {
            sleep_until(deadline).await;
            near.write_all(b"x").await.unwrap();
            stats().turns
        });
        for _ in 0..100_000 {
            let burst = spawn(async move {
                sleep_until(deadline).await;
                turns(3).await;
            });
            burst.detach();
        }
        let (written, read) = (writer.await.unwrap(), reader.await.unwrap());
        assert_eq!(read - written, 1, "the byte must be read one turn after it came");
    };
    within_limit(move || on_plain_loop(root()));
}

/// 54 · asyncio raises OverflowError from a delay that is too long. Breaks when the
/// deadline is computed by `now + duration`, which panics.
#[test]
fn a_sleep_of_duration_max_never_ends() {
    on_virtual_loop(|| async {
        let mut forever = sleep(Duration::MAX);
        assert!(poll_once(&mut forever).await.is_pending());
        sleep(500 * YEAR).await;
        assert!(poll_once(&mut forever).await.is_pending(), "for ever is longer than that");
    });
}

/// 54 · no counterpart in asyncio. Breaks when "never" is a deadline in the wheel.
#[test]
fn a_sleep_that_never_ends_costs_no_timer() {
    on_virtual_loop(|| async {
        let mut forever =
            [sleep(Duration::MAX), sleep(600 * YEAR), sleep_until(now() + 600 * YEAR)];
        for sleep in &mut forever {
            assert!(poll_once(sleep).await.is_pending());
        }
        assert_eq!(stats().timers_armed, 0, "what never fires need not be armed");
    });
}

/// No counterpart in asyncio. Breaks when a turn works through the wheel though no timer is due.
#[test]
fn a_wheel_with_nothing_due_is_skipped_and_with_something_due_is_not() {
    within_limit(|| {
        let mut wheel = wheel_at(0);
        wheel.insert(When { deadline: 100_000_000, sequence: 0 }, 0);
        assert_eq!(turn(&mut wheel, 1), []);
        assert!(wheel.skip_to(2), "nothing is due for a long time");
        assert!(!wheel.skip_to(100_000_000), "it is due now");
        assert_eq!(turn(&mut wheel, 100_000_000), [0]);
        assert!(wheel.skip_to(u64::MAX - 1), "the wheel is empty");
    });
}

/// 54 · no counterpart in asyncio. Breaks when a deadline beyond the wheel is cut off
/// to fit into it.
#[test]
fn a_deadline_past_the_wheel_does_not_fire_early() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let far = 600 * YEAR;
        let mut sleep_far = sleep(far);
        assert!(poll_once(&mut sleep_far).await.is_pending());
        for years in [1, 100, 300] {
            sleep(years * YEAR).await;
            log.add(format!("{years} years: {:?}", poll_once(&mut sleep_far).await));
        }
        let trace = ["1 years: Pending", "100 years: Pending", "300 years: Pending"];
        assert_eq!(log.take(), trace, "600 years have not passed");
    });
}

/// 54 · no counterpart in asyncio. Breaks when `timeout` or `interval` add to an `Instant`
/// without a check for overflow.
#[test]
fn a_timeout_or_an_interval_of_duration_max_does_not_panic() {
    on_virtual_loop(|| async {
        assert_eq!(timeout(Duration::MAX, sleep(SECOND)).await, Ok(()));
        let mut beat = interval(Duration::MAX);
        beat.tick().await;
        assert!(timeout(YEAR, beat.tick()).await.is_err(), "the second tick never comes");
    });
}

/// 55 · deliberately not as in asyncio, where every sleep yields. Breaks when a sleep
/// always arms its timer first.
#[test]
fn a_past_deadline_is_ready_at_its_first_poll() {
    on_virtual_loop(|| async {
        let early = now();
        sleep(SECOND).await;
        let mut past = sleep_until(early);
        assert_eq!(poll_once(&mut past).await, Poll::Ready(()));
        let mut present = sleep_until(now());
        assert_eq!(poll_once(&mut present).await, Poll::Ready(()), "now is due");
    });
}

/// 55 · deliberately not as in asyncio, whose `sleep(0)` is our `yield_now`. Breaks
/// when a sleep always arms its timer first.
#[test]
fn sleep_zero_does_not_yield_but_yield_now_does() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let other = log.clone();
        let task = spawn(async move { other.add("other") });
        sleep(Duration::ZERO).await;
        log.add("after sleep(ZERO)");
        yield_now().await;
        log.add("after yield_now");
        task.await.unwrap();
        assert_eq!(log.take(), ["after sleep(ZERO)", "other", "after yield_now"]);
    });
}

/// 56 · as in asyncio, where cancelling the sleep cancels its handle. Breaks when a
/// dropped sleep leaves its timer in the wheel.
#[test]
fn dropping_a_sleep_removes_its_timer_at_once() {
    on_virtual_loop(|| async {
        let mut sleeps: Vec<Sleep> = (1..=10_000).map(|n| sleep(n * SECOND)).collect();
        for sleep in &mut sleeps {
            assert!(poll_once(sleep).await.is_pending());
        }
        assert_eq!(stats().timers_armed, 10_000);
        drop(sleeps);
        assert_eq!(stats().timers_armed, 0, "a dropped sleep leaves nothing behind");
    });
}

/// 56 · as in asyncio. Breaks when a cancellation searches for its timer among the others: a
/// million cancellations would not end within the limit.
#[test]
fn a_million_timers_are_cancelled_without_a_search() {
    within_limit(|| {
        // One deadline: all of them share one slot of the wheel.
        let deadline = HOUR.as_nanos() as u64;
        let mut wheel = Wheel::new();
        let insert = |sequence| wheel.insert(When { deadline, sequence }, ());
        let keys: Vec<Key> = (0..MILLION).map(insert).collect();
        // Starts in the middle, so that neither end of the slot is quick to find.
        for sequence in (0..MILLION).map(|n| (n + MILLION / 2) % MILLION) {
            let when = When { deadline, sequence };
            assert!(wheel.remove(keys[sequence as usize], when).is_some());
        }
        assert!(wheel.is_empty());
    });
}

/// 56 · as in asyncio. Breaks when the loop stores the earliest deadline and does not
/// compute it again after a cancellation.
#[test]
fn dropping_the_earliest_sleep_lets_the_loop_sleep_until_the_next_one() {
    on_virtual_loop(|| async {
        let mut first = sleep(SECOND);
        assert!(poll_once(&mut first).await.is_pending());
        drop(first);
        let before = stats().turns;
        sleep(HOUR).await;
        let turns = stats().turns - before;
        assert_eq!(turns, 1, "one park, one turn: nothing must wake the loop before");
    });
}

/// 56 · no counterpart in asyncio. Breaks when the waker stays in the wheel.
#[test]
fn dropping_a_sleep_drops_the_waker_that_it_kept() {
    on_virtual_loop(|| async {
        let (count, waker) = WakeCount::new();
        let mut sleep = sleep(HOUR);
        assert!(poll_with(&mut sleep, &waker).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 2, "the sleep keeps one waker");
        drop(sleep);
        assert_eq!(Arc::strong_count(&count), 1, "a dropped sleep drops its waker");
    });
}

/// 57 · as the contract of `Future::poll` has it. Breaks when only the first waker
/// is kept: after a `select`, the wrong task would be woken.
#[test]
fn polling_a_sleep_with_another_waker_moves_the_wake_to_it() {
    on_virtual_loop(|| async {
        let (old, old_waker) = WakeCount::new();
        let (new, new_waker) = WakeCount::new();
        let mut moved = sleep(SECOND);
        assert!(poll_with(&mut moved, &old_waker).is_pending());
        assert!(poll_with(&mut moved, &new_waker).is_pending());
        assert_eq!(stats().timers_armed, 1, "a second poll does not arm a second timer");
        sleep(2 * SECOND).await;
        assert_eq!((old.wakes(), new.wakes()), (0, 1), "only the newest waker is woken");
    });
}

/// 57 · as in asyncio. Breaks when a sleep takes any poll for the end of its wait.
#[test]
fn polling_a_sleep_too_often_does_not_end_it() {
    on_virtual_loop(|| async {
        let (start, mut sleep) = (now(), sleep(SECOND));
        for _ in 0..100 {
            assert!(poll_once(&mut sleep).await.is_pending(), "no time has passed yet");
        }
        sleep.await;
        assert_eq!(now() - start, SECOND);
    });
}

/// 57 · asyncio has `Handle.cancel` and a new `call_at`. Breaks when the old timer
/// stays in the wheel.
#[test]
fn a_sleep_that_is_reset_ends_at_its_new_deadline_and_comes_last_among_equals() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let start = now();
        let mut reset = sleep(SECOND);
        assert!(poll_once(&mut reset).await.is_pending());
        let equal = sleep(3 * SECOND);
        reset.reset(start + 3 * SECOND);
        let tasks = [("reset", reset), ("equal", equal)].map(|(name, sleep)| {
            let log = log.clone();
            spawn(async move {
                sleep.await;
                log.add(format!("{name} after {:?}", now() - start));
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["equal after 3s", "reset after 3s"]);
    });
}

/// 58 · as in asyncio. Breaks when the cursor jumps over slots without firing them, or
/// fires slot by slot without sorting.
#[test]
fn a_far_jump_of_the_clock_fires_all_due_timers_in_order() {
    within_limit(|| {
        let mut wheel = Wheel::new();
        let minute = 60_000_000_000;
        // 600 minutes in a mixed order: 7 has no divisor in common with 600.
        for n in 0..600 {
            let deadline = (n * 7 % 600 + 1) * minute;
            wheel.insert(When { deadline, sequence: n }, deadline);
        }
        let due: Vec<u64> = (1..=500).map(|n| n * minute).collect();
        assert_eq!(turn(&mut wheel, 500 * minute), due, "after a suspend of 500 minutes");
        assert_eq!(wheel.len(), 100, "the rest is still armed");
    });
}

/// 58 · as in asyncio. Breaks when the cursor moves tick by tick: this test would take
/// centuries.
#[test]
fn a_far_jump_of_the_clock_costs_what_the_timers_do_and_not_what_the_ticks_do() {
    within_limit(|| {
        let century = 100 * YEAR.as_nanos() as u64;
        for _ in 0..1000 {
            let mut wheel = Wheel::new();
            for n in 1..=5 {
                wheel.insert(When { deadline: n * century, sequence: n }, n);
            }
            assert_eq!(turn(&mut wheel, 3 * century), [1, 2, 3]);
            assert_eq!(turn(&mut wheel, u64::MAX), [4, 5]);
        }
    });
}

thread_local! {
    /// Sleeps that a waker of another crate can reach.
    static WITHIN_REACH: RefCell<Vec<Sleep>> = const { RefCell::new(Vec::new()) };
}

/// A waker of another crate that cancels and creates timers when it is woken.
struct Meddler;

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        WITHIN_REACH.take();
        let mut new = sleep(SECOND);
        assert!(poll_with(&mut new, Waker::noop()).is_pending());
        WITHIN_REACH.set(vec![new]);
    }
}

/// 59 · as in asyncio. Breaks when the wheel is still borrowed while it wakes.
#[test]
fn a_wake_by_the_wheel_may_cancel_and_create_timers() {
    on_virtual_loop(|| async {
        let (count, waker) = WakeCount::new();
        let mut first = sleep(SECOND);
        assert!(poll_with(&mut first, &Waker::from(Arc::new(Meddler))).is_pending());
        let mut cancelled = sleep(2 * SECOND);
        assert!(poll_with(&mut cancelled, &waker).is_pending());
        WITHIN_REACH.set(vec![cancelled]);
        sleep(HOUR).await;
        assert_eq!(count.wakes(), 0, "the first timer's wake has cancelled the second timer");
        let mut created = WITHIN_REACH.take();
        assert_eq!(
            poll_once(&mut created[0]).await,
            Poll::Ready(()),
            "the wake has made a third timer"
        );
    });
}

/// A waker of another crate that cancels and creates timers when it is dropped.
struct MeddlesAtTheEnd;

impl Wake for MeddlesAtTheEnd {
    fn wake(self: Arc<Self>) {}
}

impl Drop for MeddlesAtTheEnd {
    fn drop(&mut self) {
        Arc::new(Meddler).wake();
    }
}

/// 59 · as in asyncio. Breaks when a waker is dropped while the wheel is borrowed: it
/// may be the last owner of anything.
#[test]
fn a_drop_by_the_wheel_may_cancel_and_create_timers() {
    on_virtual_loop(|| async {
        for end in ["fired", "dropped", "polled with another waker"] {
            let (count, waker) = WakeCount::new();
            let mut first = sleep(SECOND);
            let at_the_end = Waker::from(Arc::new(MeddlesAtTheEnd));
            assert!(poll_with(&mut first, &at_the_end).is_pending());
            drop(at_the_end);
            let mut cancelled = sleep(2 * SECOND);
            assert!(poll_with(&mut cancelled, &waker).is_pending());
            WITHIN_REACH.set(vec![cancelled]);
            match end {
                "fired" => sleep(SECOND).await,
                "dropped" => drop(first),
                _ => assert!(poll_with(&mut first, Waker::noop()).is_pending()),
            }
            sleep(HOUR).await;
            assert_eq!(count.wakes(), 0, "{end}: the waker's drop has cancelled the second timer");
            let mut created = WITHIN_REACH.take();
            let poll = poll_once(&mut created[0]).await;
            assert_eq!(poll, Poll::Ready(()), "{end}: and has made a third one");
        }
    });
}

/// 60 · as in asyncio. Breaks when late timers fire in the order of their slots.
#[test]
fn late_timers_fire_in_the_order_of_their_deadlines_and_none_is_lost() {
    within_limit(|| {
        let mut wheel = wheel_at(1000 * TICK);
        for (sequence, deadline) in [(1, 900), (2, 2000), (3, 0), (4, 1001), (5, 900), (6, 5000)] {
            wheel.insert(When { deadline: deadline * TICK, sequence }, sequence);
        }
        let fired = turn(&mut wheel, 6000 * TICK);
        assert_eq!(fired, [3, 1, 5, 4, 2, 6], "by deadline, then in the order of creation");
        assert!(wheel.is_empty());
    });
}

/// 60 · as in asyncio. Breaks when a loop that was blocked fires its timers in the
/// order of their creation.
#[test]
fn timers_that_came_due_while_a_task_held_up_the_loop_fire_by_deadline() {
    on_loop(|| async {
        let log = Log::new();
        let sleeper = |start: Instant, millis: u64| {
            let log = log.clone();
            async move {
                sleep_until(start + Duration::from_millis(millis)).await;
                log.add(millis);
            }
        };
        let tasks = loop {
            let start = now();
            let tasks = [60, 20, 40].map(|millis| spawn(sleeper(start, millis)));
            yield_now().await;
            if stats().timers_armed == 3 {
                break tasks;
            }
            // The machine was so busy that a sleep was due before it was armed: try again.
            join_all(tasks).await;
            log.take();
        };
        let late = Instant::now() + Duration::from_millis(61);
        while Instant::now() < late {
            std::hint::spin_loop();
        }
        join_all(tasks).await;
        assert_eq!(log.take(), ["20", "40", "60"], "by deadline, however late");
    });
}

/// 61 · as in asyncio. Breaks when the limit is polled before the future.
#[test]
fn a_future_that_is_ready_together_with_the_deadline_beats_the_timeout() {
    on_virtual_loop(|| async {
        assert_eq!(timeout(SECOND, sleep(SECOND)).await, Ok(()));
        let late = timeout(SECOND, ready(7));
        sleep(2 * SECOND).await;
        assert_eq!(late.await, Ok(7), "the limit has long passed, but the future is ready");
    });
}

/// 61 · as in asyncio. Breaks when the future is dropped only with the `Timeout`, after
/// the caller has got the result.
#[test]
fn the_future_in_a_timeout_is_dropped_before_the_caller_sees_elapsed() {
    on_virtual_loop(|| async {
        let log = Log::new();
        let guard = OnDrop(log.clone(), "dropped");
        let slow = async move {
            let _guard = guard;
            pending::<()>().await;
        };
        let mut limited = timeout(SECOND, slow);
        let result = future::poll_fn(|cx| std::pin::Pin::new(&mut limited).poll(cx)).await;
        assert!(result.is_err());
        log.add("the caller goes on");
        assert_eq!(log.take(), ["dropped", "the caller goes on"]);
    });
}

/// 61 · as in asyncio. Breaks when the outer timeout checks its own limit first.
#[test]
fn the_inner_of_two_nested_timeouts_with_the_same_limit_fires_first() {
    on_virtual_loop(|| async {
        let nested = timeout(SECOND, timeout(SECOND, pending::<()>())).await;
        let inner = nested.expect("the future of the outer timeout is ready");
        assert!(inner.is_err(), "the inner timeout has elapsed");
    });
}

/// 56, 61 · as in asyncio. Breaks when the timer of the limit is dropped only with the
/// future: a deadlock would be found only when that timer fires.
#[test]
fn a_timeout_that_is_over_leaves_no_timer_behind_though_it_is_kept() {
    on_virtual_loop(|| async {
        let mut limited = timeout(SECOND, yield_now());
        assert!(poll_once(&mut limited).await.is_pending());
        assert_eq!(stats().timers_armed, 1);
        assert_eq!((&mut limited).await, Ok(()));
        assert_eq!(stats().timers_armed, 0, "a timeout that is ready must drop its timer");
    });
}

/// 61 · deliberately not as in asyncio's `wait_for`, whose limit starts when the coroutine
/// is awaited. Breaks when the limit is computed at the first poll.
#[test]
fn the_limit_of_a_timeout_runs_from_the_call() {
    on_virtual_loop(|| async {
        let start = now();
        let limited = timeout(2 * SECOND, pending::<()>());
        sleep(SECOND).await;
        assert!(limited.await.is_err());
        assert_eq!(now() - start, 2 * SECOND);
    });
}

/// 62 · as in asyncio. A cooperative executor cannot interrupt a computation. Breaks when
/// the timeout checks its limit before it polls the future.
#[test]
fn a_timeout_around_code_that_never_awaits_never_fires() {
    on_loop(|| async {
        let limit = Duration::from_millis(1);
        let computation = async {
            let begun = now();
            while now() - begun <= limit {
                std::hint::spin_loop();
            }
            "the result"
        };
        assert_eq!(timeout(limit, computation).await, Ok("the result"));
    });
}

/// 63 · asyncio has no interval. Breaks when the first tick comes after a period.
#[test]
fn the_first_tick_of_an_interval_comes_at_once() {
    on_virtual_loop(|| async {
        let start = now();
        let mut beat = interval(SECOND);
        assert_eq!(poll_once(&mut beat.tick()).await, Poll::Ready(start));
    });
}

/// 63 · asyncio has no interval. Breaks when the next tick is counted from the end
/// of the work instead of from the last tick.
#[test]
fn an_interval_does_not_drift() {
    on_virtual_loop(|| async {
        let start = now();
        let mut beat = interval(SECOND);
        for count in 0..100 {
            let scheduled = beat.tick().await;
            assert_eq!(scheduled - start, count * SECOND, "the tick is scheduled for this moment");
            assert_eq!(now(), scheduled, "the tick comes at the moment for which it is scheduled");
            sleep(SECOND / 3).await;
        }
    });
}

/// 63 · asyncio has no interval. Breaks when missed ticks are skipped, or when the
/// interval starts anew after them.
#[test]
fn the_ticks_that_were_missed_follow_at_once() {
    on_virtual_loop(|| async {
        let (log, start) = (Log::new(), now());
        let mut beat = interval(SECOND);
        beat.tick().await;
        sleep(SECOND * 7 / 2).await;
        for _ in 0..5 {
            let scheduled = beat.tick().await;
            log.add(format!("{:?} at {:?}", scheduled - start, now() - start));
        }
        let trace = ["1s at 3.5s", "2s at 3.5s", "3s at 3.5s", "4s at 4s", "5s at 5s"];
        assert_eq!(log.take(), trace, "the missed ticks come one after another, at once");
    });
}

/// 63 · asyncio has no interval. Breaks when a tick is counted when its wait begins.
#[test]
fn a_tick_that_was_cancelled_is_not_lost() {
    on_virtual_loop(|| async {
        let start = now();
        let mut beat = interval(SECOND);
        beat.tick().await;
        assert!(timeout(SECOND / 2, beat.tick()).await.is_err());
        assert_eq!(beat.tick().await - start, SECOND);
    });
}

/// 63 · asyncio has no interval. Breaks when the period is not checked: an interval of zero
/// would never let time pass.
#[test]
fn an_interval_with_a_period_of_zero_panics() {
    on_virtual_loop(|| async {
        let text = panic_text(|| interval(Duration::ZERO));
        assert!(text.contains("a period of zero"), "the text must say what is wrong: {text}");
    });
}

/// 63 · asyncio has no interval.
#[test]
fn an_interval_knows_its_period() {
    on_virtual_loop(|| async { assert_eq!(interval(HOUR).period(), HOUR) });
}

/// 64 · asyncio has no virtual time. Breaks when the clock is moved in every turn.
#[test]
fn virtual_time_stands_still_while_anything_is_ready() {
    on_virtual_loop(|| async {
        let start = now();
        let mut next = sleep(Duration::from_nanos(1));
        assert!(poll_once(&mut next).await.is_pending());
        for _ in 0..1000 {
            yield_now().await;
        }
        assert_eq!(now(), start, "a task was ready all the time");
        assert!(poll_once(&mut next).await.is_pending());
    });
}

/// 64 · asyncio has no virtual time. Breaks when the clock jumps while a job of the pool
/// runs: the timeout of every blocking call would elapse at once.
#[test]
fn virtual_time_stands_still_while_a_blocking_job_is_out() {
    on_virtual_loop(|| async {
        let start = now();
        let job = unblock(let_others_run);
        assert_eq!(timeout(HOUR, job).await, Ok(()), "an hour passed while the job ran");
        assert_eq!(now(), start);
    });
}

/// 64 · asyncio has no virtual time. Breaks when an awaited descriptor holds up the
/// clock.
#[test]
fn in_virtual_time_the_timeout_of_an_accept_comes() {
    on_virtual_loop(|| async {
        let start = now();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(timeout(HOUR, listener.accept()).await.is_err(), "no client ever connects");
        assert_eq!(now() - start, HOUR);
    });
}

/// 64 · asyncio has no virtual time. Breaks when the clock jumps before the loop has polled
/// for I/O: every timeout would elapse before a byte is read.
#[test]
fn virtual_time_never_jumps_over_bytes_between_two_sockets_of_the_loop() {
    use futures_lite::{AsyncReadExt, AsyncWriteExt};

    on_virtual_loop(|| async {
        let start = now();
        let (mut near, mut far) = sockets::pair();
        let echo = spawn(async move {
            let mut byte = [0];
            while let Ok(Ok(1)) = timeout(HOUR, far.read(&mut byte)).await {
                far.write_all(&byte).await.unwrap();
            }
        });
        for sent in 0..200 {
            near.write_all(&[sent]).await.unwrap();
            let mut byte = [0];
            timeout(HOUR, near.read_exact(&mut byte)).await.expect("the byte is there").unwrap();
            assert_eq!(byte, [sent]);
        }
        assert_eq!(now(), start, "no time passes while bytes are on their way");
        drop(near);
        echo.await.unwrap();
    });
}

/// 64 · asyncio has no virtual time. Breaks when the loop really sleeps: this test
/// would take a day.
#[test]
fn twenty_four_virtual_hours_pass_in_no_time() {
    on_virtual_loop(|| async {
        let start = now();
        let mut beat = interval(Duration::from_secs(60));
        for _ in 0..=24 * 60 {
            beat.tick().await;
        }
        assert_eq!(now() - start, 24 * HOUR);
    });
}

/// 64 · asyncio has no virtual time. Breaks when any part reads the real clock.
#[test]
fn virtual_time_takes_the_same_course_each_time() {
    let run = || {
        on_virtual_loop(|| async {
            let (log, start) = (Log::new(), now());
            let player = |n: u32| {
                let log = log.clone();
                async move {
                    for step in 1..20_u32 {
                        sleep(Duration::from_millis(u64::from(n * step * 37 % 11))).await;
                        log.add(format!("{n}.{step} at {:?}", now() - start));
                    }
                }
            };
            join_all((1..=7).map(|n| spawn(player(n)))).await;
            log.take()
        })
    };
    let first = run();
    assert_eq!(first.len(), 7 * 19);
    assert_eq!(first, run(), "the same program must give the same trace");
}

#[test]
fn an_interval_is_a_stream_of_its_ticks() {
    let ticks = on_virtual_loop(|| async {
        let start = now();
        let ticks = interval(Duration::from_secs(1)).map(|tick| tick - start);
        ticks.take(3).collect::<Vec<_>>().await
    });
    assert_eq!(ticks, [0, 1, 2].map(Duration::from_secs));
}

#[test]
fn the_error_of_a_timeout_names_the_limit() {
    let elapsed =
        on_virtual_loop(|| async { timeout(Duration::from_millis(200), pending::<()>()).await });
    let error = std::io::Error::from(elapsed.unwrap_err());
    assert_eq!(error.to_string(), "the time limit of 200ms has elapsed");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

/// In a process of its own, since all tests of this process share the environment.
#[test]
fn the_environment_can_make_every_clock_virtual_but_that_of_a_builder_which_says_real() {
    const NAME: &str =
        "the_environment_can_make_every_clock_virtual_but_that_of_a_builder_which_says_real";
    if std::env::var_os("GLASSLOOP_VIRTUAL_TIME").is_none() {
        let mut alone = support::alone::this_program();
        alone.args(["--exact", NAME, "--nocapture"]).env("GLASSLOOP_VIRTUAL_TIME", "1");
        let output = within_limit(move || alone.output().unwrap());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
        return;
    }
    within_limit(|| {
        glassloop::block_on(async { sleep(Duration::from_secs(24 * 3600)).await });
        let real = Executor::builder().real_time().build().unwrap();
        let before = Instant::now();
        real.block_on(async { sleep(Duration::from_millis(20)).await });
        assert!(before.elapsed() >= Duration::from_millis(20), "a real sleep is never early");
    });
}

/// Breaks when a sleep that is ready leaves its timer in the wheel, to wake its task later
/// for nothing.
#[test]
fn a_sleep_that_is_ready_before_its_timer_fires_takes_the_timer_out() {
    within_limit(|| {
        let executor = Executor::builder().virtual_time().build().unwrap();
        executor.block_on(async {
            let mut sleep = glassloop::sleep(Duration::from_secs(60));
            assert!(support::poll_once(&mut sleep).await.is_pending());
            sleep.reset(glassloop::now());
            assert_eq!(glassloop::stats().timers_armed, 1, "armed for the new deadline");
            assert!(support::poll_once(&mut sleep).await.is_ready());
            assert_eq!(glassloop::stats().timers_armed, 0, "{sleep:?}");
        });
    });
}

/// 61 · Breaks when the docs of `sleep_until` promise more: the two clocks drift apart.
#[test]
fn on_virtual_time_a_deadline_of_the_real_clock_has_passed_as_soon_as_the_loop_has_slept() {
    on_virtual_loop(|| async {
        sleep(HOUR).await;
        let before = now();
        sleep_until(Instant::now() + SECOND).await;
        assert_eq!(now(), before, "an hour ahead, the loop has no reason to wait");
        sleep_until(now() + SECOND).await;
        assert_eq!(now(), before + SECOND);
    });
}
