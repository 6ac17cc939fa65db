//! Chapter 15: lateness: how late a task was polled after it was due, and what took the time.
//!
//! Only real time makes late. These tests let it pass in a poll that computes until the clock
//! has reached a certain moment. So they know that something was late by a certain time at least,
//! and never by how much at most.

mod support;

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::catch_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use futures_lite::future::{or, poll_once};
use glassloop::sync::Event;
use glassloop::{
    Culprit, Executor, Late, SlowPoll, TaskInfo, interval, join_all, now, sleep, sleep_until,
    spawn, spawn_named, tasks, timeout, yield_now,
};
use support::within_limit;

const MS: Duration = Duration::from_millis(1);
/// How long the culprits compute.
const LONG: Duration = Duration::from_millis(30);

/// Runs a test under the watchdog; up to three times, if the machine stalls. (A task tells its
/// worst delay. A stall that is longer than its culprit computes would be the worst.)
fn unless_the_machine_stalls(test: fn()) {
    let is_ok = |_: &u8| catch_unwind(|| within_limit(test)).is_ok();
    if (1..3).find(is_ok).is_none() {
        within_limit(test);
    }
}

fn watched() -> Executor {
    Executor::builder().real_time().explain(true).build().unwrap()
}

/// Runs `root` on a loop with the real clock that takes notes.
fn on_watched_loop<F: Future>(root: F) -> F::Output {
    watched().block_on(root)
}

/// Computes for that long: meanwhile nothing else runs.
fn compute(time: Duration) {
    compute_until(Instant::now() + time);
}

fn compute_until(end: Instant) {
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn task(name: &str) -> TaskInfo {
    let is_it = |task: &TaskInfo| task.name.as_deref() == Some(name);
    tasks().into_iter().find(is_it).unwrap_or_else(|| panic!("no task {name:?} in\n{}", tasks()))
}

/// How late the task of that name was, or is.
fn late(name: &str) -> Late {
    checked(task(name).late.unwrap_or_else(|| panic!("{name:?} was not late:\n{}", tasks())))
}

/// What is true of each delay.
fn checked(late: Late) -> Late {
    assert!(late.by >= MS, "less than a millisecond is not late: {late}");
    let known: Duration = late.blame.iter().map(|blame| blame.took).sum();
    assert!(known <= late.by, "more is blamed than was late: {late:?}");
    assert_eq!(late.unknown(), late.by - known);
    assert!(late.blame.is_sorted_by(|a, b| a.took >= b.took), "the longest first: {late:?}");
    late
}

/// The share of the tasks for which `is_it` holds, by name and line.
fn share_of(late: &Late, is_it: impl Fn(Option<&str>, u32) -> bool) -> Duration {
    let shares = late.blame.iter().filter(|blame| match &blame.culprit {
        Culprit::Task { name, spawned_at, .. } => is_it(name.as_deref(), spawned_at.line()),
        Culprit::Polls { spawned_at } => {
            let line = spawned_at.filter(|at| at.file() == file!()).map(|at| at.line());
            line.is_some_and(|line| is_it(None, line))
        }
        _ => false,
    });
    shares.map(|blame| blame.took).sum()
}

/// The share of the task of that name.
fn share(late: &Late, culprit: &str) -> Duration {
    share_of(late, |name, _| name == Some(culprit))
}

/// The share of what is not a poll.
fn share_beside(late: &Late, culprit: &Culprit) -> Duration {
    late.blame.iter().filter(|blame| blame.culprit == *culprit).map(|blame| blame.took).sum()
}

/// A task of that name that sleeps for a moment, and then waits for ever. Returns the deadline.
async fn spawn_sleeper(name: &str) -> Instant {
    let deadline = now() + 10 * MS;
    spawn_named(name, async move {
        sleep_until(deadline).await;
        pending::<()>().await;
    })
    .detach();
    yield_now().await;
    deadline
}

/// A task of that name that computes in its first poll, until `end`.
async fn spawn_culprit(name: &str, end: Instant) {
    spawn_named(name, async move { compute_until(end) }).await.unwrap();
}

/// Lets each task that is due have its turn.
async fn turns() {
    for _ in 0..3 {
        yield_now().await;
    }
}

// ── who was late, and who is to blame ────────────────────────────────────────

/// Breaks when lateness is counted from the moment at which the loop fires the timer: the poll
/// that held it up is over by then.
#[test]
fn a_late_timer_says_how_late_it_was_and_whose_poll_took_the_time() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("sleeper").await;
            let line = line!() + 1;
            let report = spawn_named("report", async move { compute_until(deadline + LONG) });
            let id = report.id();
            report.await.unwrap();
            turns().await;
            let late = late("sleeper");
            assert!(late.is_over && late.by >= LONG, "{late}");
            let Culprit::Task { task, name, spawned_at, polled_at } = &late.blame[0].culprit else {
                panic!("a task is to blame: {late}");
            };
            assert_eq!((*task, name.as_deref()), (id, Some("report")), "though it has ended");
            assert_eq!((spawned_at.file(), spawned_at.line()), (file!(), line));
            assert_eq!(*polled_at, None, "it was its first poll");
            assert!(share(&late, "report") >= LONG, "{late}");
        });
    });
}

/// Breaks when only timers are due at some moment, and a wake is not.
#[test]
fn a_task_that_was_woken_is_late_by_the_polls_before_its_own() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let event = Rc::new(Event::new());
            let woken = event.clone();
            spawn_named("waiter", async move {
                woken.wait().await;
                pending::<()>().await;
            })
            .detach();
            yield_now().await;
            spawn_named("setter", async move {
                event.set();
                compute(LONG);
            })
            .await
            .unwrap();
            turns().await;
            assert!(share(&late("waiter"), "setter") >= LONG, "{}", tasks());
        });
    });
}

/// Breaks when a spawned task counts as due at its first wake.
#[test]
fn a_task_is_due_from_its_spawn_on() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            spawn_named("new", pending::<()>()).detach();
            compute(LONG);
            turns().await;
            assert!(share(&late("new"), "root") >= LONG, "{}", tasks());
        });
    });
}

/// The line of the spawn says who blocks, but not where. Breaks when the waits before the poll
/// are asked for after it.
#[test]
fn the_blame_names_the_wait_from_which_the_long_poll_went_on() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("sleeper").await;
            let line = line!() + 2;
            let report = spawn_named("report", async move {
                sleep(MS / 10).await;
                compute_until(deadline + LONG);
                // Its next poll is short, and still before that of the sleeper.
                yield_now().await;
                compute(MS / 10);
            });
            report.await.unwrap();
            turns().await;
            let late = late("sleeper");
            let at = late.blame.iter().find_map(|blame| match &blame.culprit {
                Culprit::Task { name, polled_at, .. } if name.as_deref() == Some("report") => {
                    *polled_at
                }
                _ => None,
            });
            let at = at.expect("it went on from its first sleep");
            assert_eq!((at.file(), at.line()), (file!(), line), "{late}");
            assert!(late.to_string().contains(&format!("polled at {at}")), "{late}");
        });
    });
}

/// Breaks when the first culprit, or the last, gets all the blame.
#[test]
fn several_culprits_are_named_each_with_its_share_the_longest_first() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("sleeper").await;
            let spawn_until = |name, end| spawn_named(name, async move { compute_until(end) });
            // Each computes for a time of its own, whatever came before.
            let first = spawn_until("until the deadline", deadline);
            let second = spawn_named("short", async { compute(LONG) });
            let third = spawn_named("long", async { compute(2 * LONG) });
            drop((first.await, second.await, third.await));
            turns().await;
            let late = late("sleeper");
            assert!(late.by >= 3 * LONG, "{late}");
            assert!(share(&late, "short") >= LONG, "{late}");
            assert!(share(&late, "long") >= 2 * LONG, "{late}");
        });
    });
}

/// Breaks when the part of a poll before the deadline is blamed, too.
#[test]
fn only_the_part_of_a_poll_after_the_deadline_is_blamed() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let begin = now();
            let sleeper = spawn_named("sleeper", async move {
                sleep_until(begin + 20 * MS).await;
                pending::<()>().await;
            });
            yield_now().await;
            spawn_culprit("culprit", begin + 20 * MS + LONG).await;
            turns().await;
            let late = late("sleeper");
            assert!(share(&late, "culprit") >= LONG, "{late}");
            assert!(share(&late, "culprit") <= late.by, "{late}");
            drop(sleeper);
        });
    });
}

/// Breaks when the name is looked up after the poll.
#[test]
fn a_culprit_that_has_panicked_or_was_aborted_is_named() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("first").await;
            let panics = spawn_named("panics", async move {
                compute_until(deadline + LONG);
                panic!("as planned");
            });
            assert!(panics.await.is_err());
            turns().await;
            assert!(share(&late("first"), "panics") >= LONG, "{}", tasks());

            /// A slow drop.
            struct ComputesUntil(Instant);
            impl Drop for ComputesUntil {
                fn drop(&mut self) {
                    compute_until(self.0);
                }
            }
            let deadline = spawn_sleeper("second").await;
            let slow = ComputesUntil(deadline + LONG);
            let aborted = spawn_named("aborted", async move {
                let _slow = slow;
                pending::<()>().await;
            });
            aborted.abort();
            assert!(aborted.await.is_err());
            turns().await;
            assert!(share(&late("second"), "aborted") >= LONG, "{}", tasks());

            // The output of a task that nobody joins is dropped after its last poll.
            let deadline = spawn_sleeper("third").await;
            let slow = ComputesUntil(deadline + LONG);
            spawn_named("slow output", async move { slow }).detach();
            turns().await;
            assert!(share(&late("third"), "slow output") >= LONG, "{}", tasks());
        });
    });
}

/// Breaks when only the latest polls are kept, and when each is looked at alone.
#[test]
fn a_long_run_queue_is_blamed_with_the_line_that_spawned_its_tasks() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            const TASKS: u32 = 1_000;
            let line = line!() + 2;
            for _ in 0..TASKS {
                spawn(async { compute(MS / 50) }).detach();
            }
            spawn_named("last", pending::<()>()).detach();
            turns().await;
            let late = late("last");
            assert!(late.by >= TASKS * MS / 50, "{late}");
            // What happens between the polls is the loop's own work.
            let of_line = share_of(&late, |_, spawned_at| spawned_at == line);
            assert!(of_line >= TASKS * MS / 50 / 2, "{late}");
        });
    });
}

/// Breaks when the shares of many different tasks are forgotten.
#[test]
fn the_longest_poll_is_named_however_many_others_come_after_it() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("sleeper").await;
            spawn_named("culprit", async move { compute_until(deadline + LONG) }).detach();
            for n in 0..300 {
                spawn_named(format!("other {n}"), async move { compute(MS / 1000 * (n % 50)) })
                    .detach();
            }
            turns().await;
            assert!(share(&late("sleeper"), "culprit") >= LONG, "{}", late("sleeper"));
        });
    });
}

// ── late by itself, the root, and timers that nobody waits for ───────────────

/// Breaks when only other tasks are blamed.
#[test]
fn a_task_may_be_late_by_its_own_earlier_poll() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let computes = async { compute(LONG + MS) };
            let sleeps = async { sleep(MS).await };
            let both = spawn_named("both", async {
                let wait: Pin<Box<dyn Future<Output = ()>>> = Box::pin(sleeps);
                join_all([wait, Box::pin(computes)]).await;
                late("both")
            });
            let late = checked(both.await.unwrap());
            assert!(share(&late, "both") >= LONG, "{late}");
        });
    });
}

/// The task computes past a deadline, and then sees by the clock that it has come: the timer
/// never fires. Breaks when only timers that fire are late.
#[test]
fn a_timer_that_is_found_due_in_the_poll_that_held_it_up_was_late() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let both = spawn_named("both", async {
                let deadline = now() + LONG;
                let computes = async {
                    sleep(MS).await;
                    compute_until(deadline + LONG);
                };
                let sleeps = async { sleep_until(deadline).await };
                let computes: Pin<Box<dyn Future<Output = ()>>> = Box::pin(computes);
                join_all([computes, Box::pin(sleeps)]).await;
                late("both")
            });
            let of_both = checked(both.await.unwrap());
            let late_enough = share(&of_both, "both") >= LONG;
            assert!(late_enough && of_both.is_over, "{of_both}");
            let limit = spawn_named("limit", async {
                let deadline = now() + LONG;
                let limited = timeout(LONG, async {
                    sleep(MS).await;
                    compute_until(deadline + LONG);
                    pending::<()>().await;
                });
                assert!(limited.await.is_err());
                late("limit")
            });
            let late = checked(limit.await.unwrap());
            assert!(share(&late, "limit") >= LONG, "{late}");
        });
    });
}

/// Breaks when the future of `block_on` is no task like the others.
#[test]
fn the_root_may_be_late_and_may_be_to_blame() {
    unless_the_machine_stalls(|| {
        let executor = watched();
        executor.spawn(async { compute(LONG) }).detach();
        let line = line!() - 1;
        executor.block_on(async {
            let of_line = share_of(&late("root"), |_, spawned_at| spawned_at == line);
            assert!(of_line >= LONG, "{}", tasks());
            let deadline = spawn_sleeper("sleeper").await;
            compute_until(deadline + LONG);
            turns().await;
            assert!(share(&late("sleeper"), "root") >= LONG, "{}", tasks());
        });
    });
}

/// Breaks when each tick is compared with the tick before it.
#[test]
fn the_ticks_of_an_interval_are_late_like_any_timer() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            spawn_named("beat", async {
                let mut beat = interval(2 * MS);
                loop {
                    beat.tick().await;
                }
            })
            .detach();
            yield_now().await;
            spawn_named("culprit", async { compute(LONG + 2 * MS) }).await.unwrap();
            turns().await;
            assert!(share(&late("beat"), "culprit") >= LONG, "{}", tasks());
        });
    });
}

/// Breaks when only a wake by the task's own key counts as one of the timer.
#[test]
fn a_timer_that_is_awaited_through_any_combinator_is_late_from_its_deadline_on() {
    struct Forward(Waker);
    impl Wake for Forward {
        fn wake(self: Arc<Self>) {
            self.0.wake_by_ref();
        }
    }
    /// Polls a sleep with a waker of its own, as many combinators do.
    async fn wrapped(deadline: Instant) {
        let mut sleep = Box::pin(sleep_until(deadline));
        poll_fn(|cx| {
            let waker = Waker::from(Arc::new(Forward(cx.waker().clone())));
            sleep.as_mut().poll(&mut Context::from_waker(&waker))
        })
        .await;
    }
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = now() + 10 * MS;
            let wait_for_ever = |name, wait: Pin<Box<dyn Future<Output = ()>>>| {
                spawn_named(name, async {
                    wait.await;
                    pending::<()>().await;
                })
                .detach();
            };
            let children = (0..300).map(move |_| sleep_until(deadline));
            wait_for_ever("large", Box::pin(async { drop(join_all(children).await) }));
            wait_for_ever("or", Box::pin(or(sleep_until(deadline), pending())));
            wait_for_ever(
                "limit",
                Box::pin(async move {
                    let limit = deadline.saturating_duration_since(now());
                    assert!(timeout(limit, pending::<()>()).await.is_err());
                }),
            );
            wait_for_ever("wrapped", Box::pin(wrapped(deadline)));
            turns().await;
            spawn_culprit("culprit", deadline + LONG + MS).await;
            turns().await;
            for name in ["large", "or", "limit", "wrapped"] {
                assert!(share(&late(name), "culprit") >= LONG, "{name}: {}", tasks());
            }
        });
    });
}

/// Breaks when an overdue timer counts as late, whether or not anybody still waits for it.
#[test]
fn a_timer_that_is_cancelled_or_put_off_while_it_is_overdue_makes_nobody_late() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            spawn_named("gives up", async {
                let mut given_up = Box::pin(sleep(MS));
                let mut put_off = Box::pin(sleep(MS));
                assert!(poll_once(&mut given_up).await.is_none());
                assert!(poll_once(&mut put_off).await.is_none());
                compute(LONG);
                drop(given_up);
                put_off.as_mut().get_mut().reset(now() + Duration::from_secs(3600));
                let late = task("gives up").late;
                let is_blamed = |late| share(&late, "gives up") > Duration::ZERO;
                assert!(!late.is_some_and(is_blamed), "{}", tasks());
                put_off.await;
            })
            .detach();
            turns().await;
            let late = task("gives up").late;
            let is_blamed = |late| share(&late, "gives up") > Duration::ZERO;
            assert!(!late.is_some_and(is_blamed), "{}", tasks());
        });
    });
}

/// Who awaits a sleep after its deadline came late to it, and the loop did not. Breaks when each
/// deadline in the past is late.
#[test]
fn a_deadline_that_had_passed_before_it_was_awaited_is_not_late() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let begin = now();
            compute(LONG);
            turns().await;
            let passes = spawn_named("passes", async move {
                let recent = now();
                compute(LONG);
                sleep_until(recent).await;
                let mut armed = Box::pin(sleep(Duration::from_secs(3600)));
                assert!(poll_once(&mut armed).await.is_none());
                armed.as_mut().get_mut().reset(begin);
                assert!(task("passes").late.is_none_or(|late| late.by < LONG));
                yield_now().await;
                task("passes").late
            });
            assert!(passes.await.unwrap().is_none_or(|late| late.by < LONG));
        });
    });
}

// ── what is still late ───────────────────────────────────────────────────────

/// Breaks when lateness is told only after the late poll.
#[test]
fn what_is_late_at_the_moment_says_by_how_much_so_far() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("sleeper").await;
            spawn_named("new", pending::<()>()).detach();
            compute_until(deadline + LONG);
            for name in ["sleeper", "new"] {
                let late = late(name);
                assert!(!late.is_over && share(&late, "root") >= LONG, "{late}");
            }
            assert!(tasks()[0].late.as_ref().is_none_or(|late| late.is_over), "the root runs");
            let text = task("sleeper").to_string();
            assert!(text.contains("; is ") && text.contains("ms late: "), "{text}");
            turns().await;
            assert!(late("sleeper").is_over && late("new").is_over);
            let text = task("sleeper").to_string();
            assert!(text.contains("; was ") && text.contains("ms late: "), "{text}");
        });
    });
}

/// Breaks when a short delay takes the place of a long one.
#[test]
fn a_task_tells_its_worst_delay_and_not_its_latest() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            spawn_named("victim", async {
                loop {
                    yield_now().await;
                }
            })
            .detach();
            turns().await;
            for time in [2 * LONG, LONG] {
                spawn(async move { compute(time) }).await.unwrap();
                turns().await;
            }
            assert!(late("victim").by >= 2 * LONG, "{}", tasks());
        });
    });
}

// ── what is not a poll ───────────────────────────────────────────────────────

/// Breaks when the time of the messages is blamed on the task that was polled before.
#[test]
fn messages_of_other_threads_are_blamed_for_the_time_that_they_take() {
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let deadline = spawn_sleeper("sleeper").await;
            drop(glassloop::remote().spawn(move || {
                compute_until(deadline + LONG);
                async {}
            }));
            turns().await;
            let late = late("sleeper");
            assert!(share_beside(&late, &Culprit::Messages) >= LONG, "{late}");
        });
    });
}

/// Breaks when the loop counts the time in which the program does not run it as its own.
#[test]
fn a_loop_that_did_not_run_is_why_its_tasks_are_late() {
    unless_the_machine_stalls(|| {
        let executor = watched();
        executor.block_on(async {
            spawn_sleeper("sleeper").await;
        });
        executor.spawn(pending::<()>()).detach();
        compute(LONG + 10 * MS);
        let check = |is_over| {
            for task in executor.tasks() {
                let late = checked(task.late.expect("it is late"));
                assert!(share_beside(&late, &Culprit::Stopped) >= LONG, "{late}");
                assert_eq!(late.is_over, is_over);
            }
        };
        check(false);
        executor.run_until_stalled();
        check(true);
    });
}

/// A waker of another crate may take any time. Breaks when what is not known is blamed on
/// somebody.
#[test]
fn the_rest_is_not_known_and_nobody_is_blamed_for_it() {
    struct Computes;
    impl Wake for Computes {
        fn wake(self: Arc<Self>) {
            compute(LONG + MS);
        }
    }
    unless_the_machine_stalls(|| {
        on_watched_loop(async {
            let begin = now();
            let waker = Waker::from(Arc::new(Computes));
            let mut foreign = Box::pin(sleep_until(begin + 4 * MS));
            assert!(foreign.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            spawn_named("sleeper", async move {
                sleep_until(begin + 5 * MS).await;
                pending::<()>().await;
            })
            .detach();
            sleep_until(begin + 5 * MS).await;
            turns().await;
            let late = late("sleeper");
            assert!(late.unknown() >= LONG, "{late}");
            assert!(late.to_string().contains("ms not known"), "{late}");
        });
    });
}

/// Time passes while a task computes, but not on the clock by which it is due. Breaks when the
/// real clock is read.
#[test]
fn on_a_virtual_clock_nothing_is_late() {
    unless_the_machine_stalls(|| {
        let executor = Executor::builder().virtual_time().slow_poll(MS).build().unwrap();
        executor.block_on(async {
            spawn_named("sleeper", async {
                sleep(MS).await;
                sleep(Duration::from_secs(3600)).await;
                pending::<()>().await;
            })
            .detach();
            yield_now().await;
            compute(LONG);
            assert!(tasks().iter().all(|task| task.late.is_none()), "{}", tasks());
            sleep(Duration::from_secs(7200)).await;
            assert!(tasks().iter().all(|task| task.late.is_none()), "{}", tasks());
        });
    });
}

/// Breaks when the release build pays for it.
#[test]
fn a_loop_that_is_not_watched_tells_nothing_of_lateness() {
    unless_the_machine_stalls(|| {
        let executor = Executor::builder().real_time().explain(false).build().unwrap();
        executor.block_on(async {
            spawn_named("new", pending::<()>()).detach();
            compute(LONG);
            turns().await;
            assert!(tasks().iter().all(|task| task.late.is_none()), "{}", tasks());
        });
    });
}

// ── the report of a slow poll ────────────────────────────────────────────────

/// Runs `root` on a loop that measures its polls, then the tasks that it has left. Returns the
/// report about the task "culprit", which is polled once. The loop takes no other notes than it
/// needs for that.
fn slow_poll_of_the_culprit<F: Future>(root: F) -> SlowPoll {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let sink = reports.clone();
    let report = move |slow: &SlowPoll| sink.borrow_mut().push(slow.clone());
    let builder = Executor::builder().real_time().explain(false);
    let executor = builder.on_slow_poll(4 * MS, report).build().unwrap();
    executor.block_on(root);
    executor.run_until_stalled();
    let is_it = |slow: &SlowPoll| slow.name.as_deref() == Some("culprit");
    reports.take().into_iter().find(is_it).expect("the report")
}

/// asyncio says how long a callback took, and not who waited. Breaks when only tasks in the run
/// queue count: the timers have not fired yet.
#[test]
fn a_slow_poll_names_the_tasks_that_are_late_by_then_and_its_share_of_it() {
    unless_the_machine_stalls(|| {
        let slow = slow_poll_of_the_culprit(async {
            let deadline = spawn_sleeper("sleeper").await;
            spawn_named("culprit", async move { compute_until(deadline + LONG) }).detach();
            spawn_named("new", async {}).detach();
        });
        for name in ["sleeper", "new"] {
            let mut made_late = slow.made_late.iter();
            let task = made_late.find(|task| task.name.as_deref() == Some(name));
            let late = checked(task.expect("is late").late.clone().expect("says how late"));
            assert!(!late.is_over && share(&late, "culprit") >= LONG, "{late}");
            assert!(slow.to_string().contains(&format!("{name:?} is ")), "{slow}");
        }
        let by = slow.made_late.iter().map(|task| task.late.as_ref().unwrap().by);
        assert!(by.is_sorted_by(|a, b| a >= b), "the latest first");
    });
}

/// Breaks when a report grows with the number of the tasks.
#[test]
fn printed_a_slow_poll_names_three_late_tasks_and_counts_the_others() {
    unless_the_machine_stalls(|| {
        let slow = slow_poll_of_the_culprit(async {
            spawn_named("culprit", async { compute(LONG) }).detach();
            for n in 0..10 {
                spawn_named(format!("new {n}"), async {}).detach();
            }
        });
        assert_eq!(slow.made_late.len(), 10);
        let text = slow.to_string();
        assert_eq!(text.matches("ms late: ").count(), 3, "{text}");
        assert!(text.ends_with("; and 7 more"), "{text}");
    });
}

/// Breaks when the text about the late tasks is there without one.
#[test]
fn a_slow_poll_that_made_nobody_late_says_nothing_of_it() {
    unless_the_machine_stalls(|| {
        let slow = slow_poll_of_the_culprit(async {
            spawn_named("late before", pending::<()>()).detach();
            compute(LONG);
            turns().await;
            assert!(late("late before").is_over);
            spawn_named("culprit", async { compute(LONG) }).detach();
        });
        assert!(slow.made_late.is_empty());
        assert!(!slow.to_string().contains("ate by now"), "{slow}");
    });
}

/// To list many tasks takes time. Breaks when a timer is due for as long as it was when the list
/// was begun: seen from a later moment, its deadline is later then.
#[test]
fn a_long_list_of_tasks_does_not_move_the_deadline_of_the_last() {
    unless_the_machine_stalls(|| {
        let slow = slow_poll_of_the_culprit(async {
            for _ in 0..2_000 {
                spawn(pending::<()>()).detach();
            }
            yield_now().await;
            let deadline = spawn_sleeper("sleeper").await;
            spawn_named("culprit", async move { compute_until(deadline + LONG) }).detach();
        });
        let mut made_late = slow.made_late.iter();
        let sleeper = made_late.find(|task| task.name.as_deref() == Some("sleeper"));
        let late = checked(sleeper.expect("is late").late.clone().expect("says how late"));
        assert!(share(&late, "culprit") >= LONG, "{late}");
    });
}

/// Breaks when the callback is measured as a part of the poll.
#[test]
fn the_time_of_a_report_is_not_blamed_on_the_poll_that_it_is_about() {
    unless_the_machine_stalls(|| {
        let report = |_: &SlowPoll| compute(LONG);
        let builder = Executor::builder().real_time().on_slow_poll(4 * MS, report);
        builder.build().unwrap().block_on(async {
            spawn_named("culprit", async { compute(5 * MS) }).detach();
            spawn_named("new", pending::<()>()).detach();
            turns().await;
            assert!(late("new").unknown() >= LONG, "{}", tasks());
        });
    });
}
