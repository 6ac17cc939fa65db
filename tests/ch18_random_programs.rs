//! Beyond the chapters: random programs.
//!
//! The chapters test each promise by itself. Here proptest makes up programs in a small
//! language (`language.rs`), in which tasks spawn, lock, send, abort and panic in any
//! mixture. Each program runs on the loop (`on_glassloop.rs`), and in an interpreter that
//! was written from the promises alone (`reference/`). Both traces must be the same: what
//! each task did, in which order, in which turn, at which poll, at what time, what was
//! dropped when, and which tasks were stuck at the end. If the traces differ, proptest
//! shrinks the program; what it prints can be pasted into a test below.
//!
//! Each run makes up fresh programs. A longer one:
//!
//! ```text
//! PROPTEST_CASES=100000 cargo test --release --test ch18_random_programs
//! ```

#![allow(unreachable_pub, reason = "the modules of a test are nobody's library")]

mod support;
#[path = "random_programs/language.rs"]
mod language;
#[path = "random_programs/on_glassloop.rs"]
mod on_glassloop;
#[path = "random_programs/programs.rs"]
mod programs;
#[path = "random_programs/reference/mod.rs"]
mod reference;
#[path = "random_programs/trace.rs"]
mod trace;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use language::OnDrop::{ThenNothing, ThenPanic, ThenSpawn};
use language::Statement::*;
use language::{Program, block, program, several};
use programs::Programs;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestError, TestRunner};
use support::{panic_text, within_limit};
use trace::{Entry, Stamp};

/// How many programs a `cargo test` tries.
const CASES: u32 = 10_000;
/// How many programs share one time limit of the watchdog: enough for a busy machine, too.
const WATCHED_CASES: u32 = 250;

/// Runs a program on both sides; the traces must agree.
#[track_caller]
fn agree_on(program: &Program) {
    trace::compare(&reference::run(program), &on_glassloop::run(program));
}

/// The progress of a trial.
#[derive(Debug, Default)]
struct Trial {
    number: usize,
    program: Option<Program>,
}

/// Tries so many programs. The first program that fails is shrunk and reported.
fn try_programs(cases: u32, mut runner: TestRunner, trial: &Mutex<Trial>) -> TestRunner {
    for _ in 0..cases {
        trial.lock().unwrap().number += 1;
        let tree = Programs.new_tree(&mut runner).expect("a program can always be made");
        let tried = on_glassloop::quietly(|| {
            runner.run_one(tree, |program| {
                trial.lock().unwrap().program = Some(program.clone());
                agree_on(&program);
                Ok(())
            })
        });
        let number = trial.lock().unwrap().number;
        match tried {
            Ok(_) => {}
            Err(TestError::Abort(why)) => panic!("proptest gives up: {why}"),
            Err(TestError::Fail(why, program)) => panic!(
                "{why}\nProgram {number} has failed; this is what is left of it:\n\
                 agree_on(&{program:?});"
            ),
        }
    }
    runner
}

/// All chapters at once. Breaks when two rules that hold by themselves do not hold
/// together.
#[test]
fn the_loop_and_the_rules_agree_on_any_program() {
    let is_long_run = env::var_os("PROPTEST_CASES").is_some();
    // No file of old failures: a failure that was found becomes a test of its own.
    let config = Config { failure_persistence: None, max_shrink_time: 8000, ..Config::default() };
    let mut left = if is_long_run { config.cases } else { CASES };
    let mut runner = TestRunner::new(config);
    let trial: Arc<Mutex<Trial>> = Arc::default();
    while left > 0 {
        let (cases, now) = (left.min(WATCHED_CASES), trial.clone());
        let tried = catch_unwind(AssertUnwindSafe(|| {
            within_limit(move || try_programs(cases, runner, &now))
        }));
        runner = tried.unwrap_or_else(|panic| {
            // After a time-out of the watchdog, the program has not been shrunk.
            eprintln!("The last program that ran: {:#?}", trial.lock().unwrap());
            resume_unwind(panic)
        });
        left -= cases;
    }
}

// ── the instrument itself ────────────────────────────────────────────────────

/// The text of a trace, on both sides. Breaks when both sides are wrong in the same way, or
/// write nothing.
#[test]
fn a_trace_says_what_happened_in_which_turn_at_which_poll_and_at_what_time() {
    let holds_it = block([Lock(0, block([Sleep(2)]))]);
    let wants_it = block([Lock(0, block([]))]);
    let root = block([Sleep(1), Abort(0), JoinEveryone, Wait(0)]);
    let program = program([holds_it, wants_it], [root]);
    let expected = [
        "1·1·0ns      t0 locked m0",
        "2·4·1ms      root 0 slept for 1 ms",
        "2·4·1ms      root 0 aborted t0: true",
        "3·4·1ms      body of t0 dropped",
        "4·5·1ms      t1 locked m0",
        "4·5·1ms      t1 ends with v1",
        "4·5·1ms      body of t1 dropped",
        "4·6·1ms      root 0 joined t0: cancelled",
        "4·6·1ms      root 0 joined t1: v1",
        "4·6·1ms      v1 dropped",
        "             body of root 0 dropped",
        "             root 0 is stuck: an event",
    ];
    within_limit(move || {
        agree_on(&program);
        let trace = reference::run(&program);
        assert_eq!(trace.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    });
}

/// Breaks when the comparison lets something through; then no test here would ever fail.
#[test]
fn a_trace_that_differs_in_anything_is_no_good() {
    let program = program([], [block([Yield])]);
    let promised = reference::run(&program);
    trace::compare(&promised, &promised);
    let what_if = |change: fn(&mut Vec<Entry>)| {
        let mut happened = promised.clone();
        change(&mut happened);
        let text = panic_text(|| trace::compare(&promised, &happened));
        assert!(text.contains("does not follow its rules"), "{text}");
    };
    fn stamp(happened: &mut [Entry]) -> &mut Stamp {
        happened[1].stamp.as_mut().expect("it happened inside the loop")
    }
    what_if(|happened| drop(happened.pop()));
    what_if(|happened| happened.push(happened[0].clone()));
    what_if(|happened| happened.swap(0, 1));
    what_if(|happened| happened[1].what.push('!'));
    what_if(|happened| happened[1].stamp = None);
    what_if(|happened| stamp(happened).turn += 1);
    what_if(|happened| stamp(happened).poll += 1);
    what_if(|happened| stamp(happened).at += Duration::from_nanos(1));
}

/// Breaks when the random programs do too little: then the traces agree, and prove nothing.
#[test]
fn made_up_programs_do_everything_that_the_language_has() {
    let everything = [
        "is here",
        "yielded",
        "slept for",
        "snoozed for",
        "ticks",
        "spawned t",
        "aborted t",
        "joined t",
        "cancelled",
        "panicked by t",
        "panicked by the drop",
        "hands over to t",
        "detaches t",
        "asks if it has finished: Some(true)",
        "was in time",
        "was too late",
        "has done all",
        "joined a group: Ok",
        "joined a group: Err",
        "sent v",
        "tried to send v",
        "full, v",
        "closed, v",
        "received v",
        "empty",
        "finds c0 closed",
        "has no sender of c",
        "has no receiver of c",
        "delivered v",
        "nobody, v",
        "was given v",
        "broken",
        "locked m0 and waits",
        "was notified by k",
        "locked m0 at once",
        "finds m0 locked",
        "has a permit of s",
        "finds no permit",
        "is past e",
        "is past b",
        "the leader",
        "has waited for the count",
        "root 1 ends",
        "the end joined t",
        "root 0 panicked: root",
        "stuck: a mutex",
        "stuck: a semaphore's permit",
        "stuck: an event",
        "stuck: a barrier",
        "stuck: a condition variable",
        "stuck: a wait group",
        "stuck: room in a channel",
        "stuck: a value from a channel",
        "stuck: a oneshot's value",
        "stuck: the end of t",
        "stuck: the end of a child",
        "stuck: a time that never comes",
    ];
    within_limit(move || {
        let traces = (0..3000).flat_map(|seed| reference::run(&programs::made_of(seed)));
        let mut missing = everything.to_vec();
        for entry in traces {
            missing.retain(|what| !entry.what.contains(what));
        }
        assert!(missing.is_empty(), "no program came to do this: {missing:?}");
    });
}

// ── programs that are worth keeping ──────────────────────────────────────────
//
// Each is the smallest program that shows a mistake which is easily made, and which random
// programs find late.

#[track_caller]
fn agree_on_this(program: Program) {
    within_limit(move || agree_on(&program));
}

/// 84, 89 · Breaks when a receive that was woken and then aborted keeps its wake.
#[test]
fn of_two_receivers_the_second_gets_the_value_if_the_first_is_aborted_when_woken() {
    let receiver = || block([Receive(0)]);
    let root = block([Send(0), JoinEveryone]);
    agree_on_this(program([receiver(), receiver(), block([Abort(0)])], [root]));
}

/// 84, 89 · Breaks when a send that was woken and then aborted keeps its wake.
#[test]
fn of_two_senders_the_second_gets_the_space_if_the_first_is_aborted_when_woken() {
    let first = block([Send(0), Send(0)]);
    let root = block([Receive(0), JoinEveryone]);
    agree_on_this(program([first, block([Send(0)]), block([Abort(0)])], [root]));
}

/// 89 · Breaks when a receive that is over passes on a wake that it has used.
#[test]
fn of_three_receivers_two_values_wake_only_two() {
    let receiver = || block([Receive(2)]);
    let root = block([Send(2), Send(2), JoinEveryone]);
    agree_on_this(program([receiver(), receiver(), receiver()], [root]));
}

/// 89 · Breaks when only a receive from a full channel wakes a sender.
#[test]
fn two_values_received_at_once_make_space_for_two_senders() {
    let sender = || block([Send(1)]);
    let receiver = block([Receive(1), Receive(1)]);
    let tasks = [sender(), sender(), sender(), sender(), receiver];
    agree_on_this(program(tasks, [block([JoinEveryone])]));
}

/// 89 · Breaks when a receiver that was woken in vain does not wait again.
#[test]
fn a_receiver_that_finds_its_value_gone_waits_on() {
    let closer = block([Sleep(1), Close(0)]);
    let root = block([TrySend(0), Receive(0), JoinEveryone]);
    agree_on_this(program([block([Receive(0)]), closer], [root]));
}

/// 87 · Breaks when a wait passes its notification on only before it was polled, and not
/// when it is in the mutex's wait queue.
#[test]
fn a_notified_task_that_is_aborted_while_it_waits_for_the_lock_passes_its_notification_on() {
    let waiter = || block([LockAndWait { mutex: 0, condvar: 0, then: block([]) }]);
    let holds_the_lock = block([NotifyOne(0), Yield, Yield, Abort(0), Yield]);
    let notifier = block([Lock(0, holds_the_lock)]);
    agree_on_this(program([waiter(), waiter(), notifier], [block([JoinEveryone])]));
}

/// 86 · Breaks when a waiter that was woken checks the flag once more.
#[test]
fn an_event_that_is_set_and_cleared_in_one_turn_releases_all_its_waiters() {
    let waiter = block([Wait(0)]);
    agree_on_this(program([waiter, block([Set(0), Clear(0)])], [block([JoinEveryone])]));
}

/// 84 · Breaks when an unlock leaves the mutex free until the next waiter runs.
#[test]
fn a_task_that_unlocks_and_locks_again_at_once_goes_to_the_end_of_the_wait_queue() {
    let greedy = block([Lock(0, block([Yield])), Lock(0, block([]))]);
    let modest = block([Yield, Lock(0, block([]))]);
    agree_on_this(program([modest, greedy], [block([JoinEveryone])]));
}

/// 8, 9 · Breaks when a handle drops its joiner only when it returns the outcome.
#[test]
fn who_gave_up_joining_a_group_is_not_woken_by_its_children() {
    let child = (block([]), true);
    let hasty = block([Within(Some(0), block([Group(several([child]))])), JoinEveryone]);
    let other = block([Within(Some(1), block([Await(0)]))]);
    agree_on_this(program([other], [hasty]));
}

/// 91 · Breaks when a waiter that was woken checks the count once more.
#[test]
fn who_has_waited_for_a_count_does_not_wait_for_what_was_added_since() {
    let counted = block([Count(block([Yield])), Count(block([Sleep(1)]))]);
    agree_on_this(program([counted, block([AwaitCount])], [block([JoinEveryone])]));
}

/// 92 · Breaks when a group is left at its first failure.
#[test]
fn a_group_that_has_failed_is_left_only_when_the_last_child_has_been_dropped() {
    let first = (block([Yield]), true);
    let fails = (block([Yield]), false);
    let last = (block([SleepForever]), true);
    agree_on_this(program([], [block([Group(several([first, fails, last]))])]));
}

/// 8 · Breaks when a leaf future keeps the waker of its first poll.
#[test]
fn who_takes_over_a_half_done_wait_is_woken_in_its_place() {
    let half_done = |wait| block([HandOver(block([wait])), SleepForever]);
    let joined = block([SleepForever]);
    let tasks = [joined, half_done(Sleep(1)), half_done(Wait(0)), half_done(Join(0))];
    let root = block([Sleep(2), Set(0), Sleep(1), Abort(0), Sleep(1)]);
    agree_on_this(program(tasks, [root]));
}

/// 93 · Breaks when the unfinished futures of a `join_all` are dropped in another order.
#[test]
fn what_is_left_of_a_join_all_is_dropped_in_the_order_of_the_arguments() {
    let part = || block([Hold(ThenNothing, block([Yield]))]);
    let together = Together(several([part(), part()]));
    agree_on_this(program([], [block([Within(Some(0), block([together]))])]));
}

/// 30, 32, 45 · Breaks when a task survives the loop that was spawned by a drop at its end.
#[test]
fn a_task_that_is_spawned_by_the_drop_of_a_leftover_is_dropped_with_it() {
    let leftover = block([Hold(ThenSpawn(block([Say])), block([SleepForever]))]);
    agree_on_this(program([leftover.clone(), leftover], [block([Yield])]));
}

/// 43, 48, 85 · Breaks when a panic in a drop prevents the drops after it.
#[test]
fn a_panic_in_a_drop_releases_what_is_held_around_it() {
    let held = block([Hold(ThenPanic, block([Acquire(0, block([SleepForever]))]))]);
    let holder = block([Lock(0, held)]);
    let root = block([Yield, Abort(0), Lock(0, block([Acquire(0, block([]))])), Join(0)]);
    agree_on_this(program([holder], [root]));
}
