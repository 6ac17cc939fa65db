//! The twins: each concept once in asyncio and once on glassloop, in `examples/`.
//! Both sides must print the same file, exactly; and again on virtual time.
//!
//! `GLASSLOOP_TWIN_ROUNDS=20 cargo test --test ch16_twins` runs them 20 times in a row.

#![cfg(unix)]

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use programs::{in_examples, program, python, say_left_out};
use support::within_limit_as;

/// How many twins run at the same time: perhaps more than there are cores, so that they
/// disturb each other.
const AT_ONCE: usize = 4;

/// The twins that need real time: they wait for something outside of their loop (18 and
/// 20: a thread, 23: a signal, 28: another process), or real time must pass while a task
/// spins (29).
const ON_REAL_TIME: [&str; 5] = ["18", "20", "23", "28", "29"];

/// The names of the twins, as in `06_round_robin`. (25 needs a database, so it is in
/// the package `tests/interop`, with a test of its own.)
fn twins() -> Vec<String> {
    let entries = fs::read_dir(in_examples("")).unwrap().map(|entry| entry.unwrap().path());
    let recorded = entries.filter(|path| path.extension().is_some_and(|end| end == "out"));
    let names = recorded.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let mut twins: Vec<_> =
        names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect();
    twins.sort();
    twins
}

fn twins_on_virtual_time() -> Vec<String> {
    let mut twins = twins();
    twins.retain(|name| !ON_REAL_TIME.contains(&&name[..2]));
    twins
}

fn rust_side(name: &str) -> Command {
    program(name)
}

fn rust_side_on_virtual_time(name: &str) -> Command {
    let mut program = program(name);
    program.env("GLASSLOOP_VIRTUAL_TIME", "1");
    program
}

fn python_side(name: &str) -> Command {
    let mut python = python().expect("it was there a moment ago");
    python.arg(in_examples(&format!("{name}.py")));
    python
}

fn python_side_on_virtual_time(name: &str) -> Command {
    let mut python = python().expect("it was there a moment ago");
    python.args(["virtual_clock.py", &format!("{name}.py")]).current_dir(in_examples(""));
    python
}

/// Runs one side of these twins, several at once, in as many rounds as the variable says.
fn expect_all_as_recorded(twins: &[String], side: fn(&str) -> Command) {
    let rounds = std::env::var("GLASSLOOP_TWIN_ROUNDS").map_or(1, |n| n.parse().expect("a number"));
    let next = AtomicUsize::new(0);
    let work = || {
        while let turn = next.fetch_add(1, Ordering::Relaxed)
            && turn < twins.len() * rounds
        {
            let name = twins[turn % twins.len()].clone();
            within_limit_as(&name.clone(), move || expect_recorded(&name, side(&name)));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        // Joined one by one, to keep the text of a worker's panic.
        for worker in workers {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// Runs a program, which must print what is recorded, and nothing to stderr.
fn expect_recorded(name: &str, mut command: Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{name} complains, run by {command:?}:\n{complaints}");
    let printed = String::from_utf8_lossy(&output.stdout);
    let recorded = fs::read_to_string(in_examples(&format!("{name}.out"))).unwrap();
    assert_eq!(printed, recorded, "{command:?} does not print {name}.out");
}

#[test]
fn every_concept_has_its_twins() {
    let twins = twins();
    let numbers: Vec<&str> = twins.iter().map(|name| &name[..2]).collect();
    let expected: Vec<String> = (1..=31).filter(|&n| n != 25).map(|n| format!("{n:02}")).collect();
    assert_eq!(numbers, expected, "one .out file for each number");
    for name in twins {
        for ending in ["rs", "py"] {
            let file = in_examples(&format!("{name}.{ending}"));
            assert!(file.exists(), "{} is missing", file.display());
        }
    }
}

#[test]
fn every_rust_twin_prints_what_is_recorded() {
    expect_all_as_recorded(&twins(), rust_side);
}

#[test]
fn every_rust_twin_prints_the_same_on_virtual_time() {
    expect_all_as_recorded(&twins_on_virtual_time(), rust_side_on_virtual_time);
}

#[test]
fn every_python_twin_prints_what_is_recorded() {
    match python() {
        Some(_) => expect_all_as_recorded(&twins(), python_side),
        None => say_left_out("no CPython 3.12 or newer; the Python twins were not run"),
    }
}

#[test]
fn every_python_twin_prints_the_same_on_virtual_time() {
    if python().is_some() {
        expect_all_as_recorded(&twins_on_virtual_time(), python_side_on_virtual_time);
    }
}
