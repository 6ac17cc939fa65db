//! Twin 25, which needs a database: both sides must print the same file, exactly.
//!
//! `GLASSLOOP_TWIN_ROUNDS=20 cargo test -p glassloop-interop` runs it 20 times in a row.

#[path = "../../support/programs.rs"]
mod programs;
#[path = "../../support/mod.rs"]
mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use programs::{in_examples, program, python, say_left_out};
use support::within_limit_as;

const NAME: &str = "25_web_and_db";

/// How many of one side run at the same time, so that they get into each other's way.
const AT_ONCE: usize = 4;

fn rust_side() -> Command {
    program(NAME)
}

fn rust_side_on_virtual_time() -> Command {
    let mut program = program(NAME);
    program.env("GLASSLOOP_VIRTUAL_TIME", "1");
    program
}

fn python_side() -> Command {
    let mut python = python().expect("it was there a moment ago");
    python.arg(in_examples(&format!("{NAME}.py")));
    python
}

/// Runs one side, several at once, in as many rounds as the variable says.
fn expect_as_recorded(side: fn() -> Command) {
    let rounds = std::env::var("GLASSLOOP_TWIN_ROUNDS").map_or(1, |n| n.parse().expect("a number"));
    for _ in 0..rounds {
        let run = move || within_limit_as(NAME, move || expect_recorded(side()));
        let runs: Vec<_> = (0..AT_ONCE).map(|_| thread::spawn(run)).collect();
        for run in runs {
            run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    }
}

/// Runs a program, which must print what is recorded, and nothing to stderr.
fn expect_recorded(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{command:?} complains:\n{complaints}");
    let printed = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    let recorded = fs::read_to_string(in_examples(&format!("{NAME}.out"))).unwrap();
    let recorded = recorded.replace("\r\n", "\n");
    assert_eq!(printed, recorded, "{command:?} does not print {NAME}.out");
}

#[test]
fn the_rust_side_prints_what_is_recorded() {
    expect_as_recorded(rust_side);
}

#[test]
fn the_rust_side_prints_the_same_on_virtual_time() {
    expect_as_recorded(rust_side_on_virtual_time);
}

/// Its drops print too: a panic there, during another one, would abort the process.
#[test]
fn a_reader_that_has_gone_is_no_panic() {
    within_limit_as(NAME, || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output =
            rust_side().stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    });
}

#[test]
fn the_python_side_prints_what_is_recorded() {
    match python() {
        Some(_) => expect_as_recorded(python_side),
        None => say_left_out("no CPython 3.12 or newer; twin 25's Python side was not run"),
    }
}
