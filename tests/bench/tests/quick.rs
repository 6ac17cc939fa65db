//! Every workload on a small scale, so that it stays in working order: each checks its own
//! result. And the command lines.
//!
//! A watchdog of its own ends a run that hangs.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use glassloop_bench::runner::figures::MEASUREMENTS;
use glassloop_bench::runner::rows::ROWS;
use glassloop_bench::runner::scales::SCALES;
use glassloop_bench::runtimes::{floor, glassloop, pocket, step_5};

const OURS: &str = env!("CARGO_BIN_EXE_bench-glassloop");
const POCKET: &str = env!("CARGO_BIN_EXE_bench-pocket");
const STEP_5: &str = env!("CARGO_BIN_EXE_bench-step_5");
const FLOOR: &str = env!("CARGO_BIN_EXE_bench-floor");

#[test]
fn every_workload_on_glassloop_gives_the_result_that_it_must() {
    for workload in glassloop::all() {
        runs_small(OURS, workload.name);
    }
}

#[test]
fn every_workload_on_the_pocket_executor_gives_the_result_that_it_must() {
    for workload in pocket::all() {
        runs_small(POCKET, workload.name);
    }
}

#[test]
fn every_workload_on_step_5_gives_the_result_that_it_must() {
    for workload in step_5::all() {
        runs_small(STEP_5, workload.name);
    }
}

#[test]
fn every_workload_on_the_floor_gives_the_result_that_it_must() {
    for workload in floor::all() {
        runs_small(FLOOR, workload.name);
    }
}

#[test]
fn glassloop_can_do_whatever_the_report_asks_for() {
    let known: Vec<_> = glassloop::all().iter().map(|workload| workload.name).collect();
    let asked = ROWS.iter().map(|row| row.workload);
    let asked = asked.chain(MEASUREMENTS.iter().map(|measurement| measurement.workload));
    for workload in asked.chain(SCALES.iter().map(|scale| scale.workload)) {
        assert!(known.contains(&workload), "the report asks for {workload}, which nobody knows");
    }
}

#[test]
fn a_workload_that_does_not_exist_is_named() {
    let output = run(OURS, &["yield2"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("no workload \"yield2\""), "{output:?}");
}

#[test]
fn the_runner_tells_its_options_and_names_mistakes() {
    let runner = env!("CARGO_BIN_EXE_glassloop-bench");
    let help = run(runner, &["--help"]);
    for option in ["--only", "--runtimes", "--rounds", "--divide", "--write"] {
        assert!(text(&help.stdout).contains(option), "{option} is not told");
    }
    let mistake = run(runner, &["--rounds", "none"]);
    assert_eq!(mistake.status.code(), Some(2), "{mistake:?}");
    assert!(text(&mistake.stderr).contains("\"none\" is none"), "{mistake:?}");
}

fn runs_small(program: &str, workload: &str) {
    let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-data");
    let data = data.to_str().expect("the target folder has a plain name");
    let small = ["--operations", "20", "--scale", "10", "--exact", "--data", data];
    let output = run(program, &[&[workload], &small[..]].concat());
    assert!(
        output.status.success(),
        "{workload} did not give the result that it must:\n{}",
        text(&output.stderr)
    );
    let line = text(&output.stdout);
    assert!(line.contains("\"operations\":20,\"cpu_ns\":"), "{workload} printed {line}");
}

/// Runs the program, for a minute at most.
fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be started");
    let begin = Instant::now();
    while child.try_wait().expect("the program can be waited for").is_none() {
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().expect("the program can be ended");
            panic!("{program} {arguments:?} did not end within a minute: a wake was lost");
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().expect("its output can be read")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
