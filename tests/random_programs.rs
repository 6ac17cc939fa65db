//! Beyond the chapters: programs that nobody thought of.
//!
//! The chapters test each promise by itself. Here proptest makes up programs in a small
//! language (`language.rs`), in which tasks spawn, lock, send, abort and panic in any
//! mixture. Each one runs on the loop (`on_glassloop.rs`), and in an interpreter that
//! was written from the promises alone (`reference/`). Both traces must be the same:
//! who did what, in which order, in which turn, at which poll, at what time, what was
//! dropped when, and who was stuck at the end. If they differ, proptest shrinks the
//! program; what it prints can be pasted into a test below.
//!
//! A longer run, with fresh programs each time:
//!
//! ```text
//! PROPTEST_CASES=100000 cargo test --release --test random_programs
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

use language::Program;
use programs::Programs;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestError, TestRunner};
use support::within_limit;

/// How many programs a `cargo test` tries, and how many the watchdog gives its time to.
const CASES: u32 = 5000;

/// Runs a program on both sides; they must agree.
#[track_caller]
fn agree_on(program: &Program) {
    trace::compare(&reference::run(program), &on_glassloop::run(program));
}

/// Tries so many programs. The first one that fails is shrunk and told.
fn try_programs(
    cases: u32,
    mut runner: TestRunner,
    running: &Mutex<Option<Program>>,
) -> TestRunner {
    for number in 1..=cases {
        let tree = Programs.new_tree(&mut runner).expect("a program can always be made");
        let tried = on_glassloop::quietly(|| {
            runner.run_one(tree, |program| {
                running.lock().unwrap().replace(program.clone());
                agree_on(&program);
                Ok(())
            })
        });
        match tried {
            Ok(_) => {}
            Err(TestError::Abort(why)) => panic!("proptest gives up: {why}"),
            Err(TestError::Fail(why, program)) => {
                panic!(
                    "{why}\nProgram {number} of {cases} has failed; this is what is left of it:\n\
                     agree_on(&{program:#?});"
                )
            }
        }
    }
    runner
}

/// All chapters at once. Breaks when two rules that hold by themselves do not hold
/// together.
#[test]
fn the_loop_and_the_rules_agree_on_any_program() {
    let is_long_run = env::var_os("PROPTEST_CASES").is_some();
    // No file of old failures: what was found becomes a test by itself.
    let config = Config { failure_persistence: None, max_shrink_time: 8000, ..Config::default() };
    let mut left = if is_long_run { config.cases } else { CASES };
    let mut runner = TestRunner::new(config);
    let running: Arc<Mutex<Option<Program>>> = Arc::default();
    while left > 0 {
        let (cases, now_running) = (left.min(CASES), running.clone());
        let tried = catch_unwind(AssertUnwindSafe(|| {
            within_limit(move || try_programs(cases, runner, &now_running))
        }));
        runner = tried.unwrap_or_else(|panic| {
            // If the watchdog barked, nobody has shrunk it.
            eprintln!("The last program that ran: {:#?}", running.lock().unwrap());
            resume_unwind(panic)
        });
        left -= cases;
    }
}

#[test]
fn zz_stats() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::time::Instant;
    let mut runner = TestRunner::default();
    let strategy = Programs;
    let n: usize = std::env::var("N").map_or(200, |n| n.parse().unwrap());
    let (mut g, mut r, mut l) = (0.0, 0.0, 0.0);
    let (mut lens, mut stuck, mut words) =
        (vec![], 0, std::collections::BTreeMap::<String, usize>::new());
    for _ in 0..n {
        let t = Instant::now();
        let program = strategy.new_tree(&mut runner).unwrap().current();
        g += t.elapsed().as_secs_f64();
        let t = Instant::now();
        let a = reference::run(&program);
        r += t.elapsed().as_secs_f64();
        let t = Instant::now();
        let b = on_glassloop::run(&program);
        l += t.elapsed().as_secs_f64();
        lens.push(b.len());
        stuck += usize::from(a.iter().any(|e| e.what.contains("is stuck")));
        for e in &b {
            let w: String = e
                .what
                .split(' ')
                .map(|w| w.trim_end_matches(|c: char| c.is_ascii_digit() || c == ','))
                .collect::<Vec<_>>()
                .join(" ");
            *words.entry(w).or_default() += 1;
        }
    }
    lens.sort();
    println!(
        "generate {g} reference {r} loop {l}; trace median {} p90 {} max {} sum {}; stuck {stuck} of {n}",
        lens[n / 2],
        lens[n * 9 / 10],
        lens[n - 1],
        lens.iter().sum::<usize>()
    );
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_by_key(|w| std::cmp::Reverse(w.1));
    for (w, c) in words {
        println!("{c:7} {w}");
    }
}

#[test]
fn zz_together() {
    use language::{OnDrop::*, Statement::*, *};
    let hold = || block([Hold(ThenNothing, block([SleepForever]))]);
    agree_on(&program([block([Together(several([hold(), hold()]))])], [block([Yield])]));
}
