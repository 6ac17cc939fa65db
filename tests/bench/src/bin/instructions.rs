//! Counts instructions per operation, and fails when one rose.
//!
//! ```text
//! cargo run --release -p glassloop-bench --bin instructions               compare
//! cargo run --release -p glassloop-bench --bin instructions -- --record   write the file
//! ```
//!
//! Time drifts with the machine; the number of instructions does not. Each workload runs
//! under `valgrind --tool=callgrind` at two sizes, and what counts is the difference: so
//! the start of the program and of the loop drop out.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use glassloop_bench::runner::{build, peers};

/// A count may rise by so much; code that merely moved does not reach it.
const ALLOWED: f64 = 1.05;

/// What is counted: a workload, its scale if it is not the usual one, the smaller of the
/// two sizes.
struct Count {
    name: &'static str,
    workload: &'static str,
    scale: Option<u64>,
    operations: u64,
}

const fn count(name: &'static str, workload: &'static str, operations: u64) -> Count {
    Count { name, workload, scale: None, operations }
}

const COUNTS: &[Count] = &[
    count("spawn_batch", "spawn_batch", 20_000),
    count("yield1", "yield1", 50_000),
    count("yield1000", "yield1000", 50_000),
    count("ping_pong", "ping_pong", 20_000),
    count("ping_pong_async_channel", "ping_pong_async_channel", 10_000),
    count("timer_cancel", "timer_cancel", 20_000),
    count("timer_cancel_all", "timer_cancel_all", 20_000),
    count("timer_fire", "timer_fire", 20_000),
];

fn main() -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("left out: valgrind is not installed, so no instructions are counted");
        return ExitCode::SUCCESS;
    }
    let program = match build::build(peers::PEERS[0]) {
        Ok(program) => program,
        Err(reason) => return fail(&format!("bench-glassloop {reason}")),
    };
    let counted: Result<Vec<_>, String> =
        COUNTS.iter().map(|count| Ok((count.name, per_operation(&program, count)?))).collect();
    match counted {
        Ok(counted) if env::args().any(|argument| argument == "--record") => record(&counted),
        Ok(counted) => compare(&counted),
        Err(reason) => fail(&reason),
    }
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("{reason}");
    ExitCode::FAILURE
}

/// The instructions that one operation more takes.
fn per_operation(program: &Path, count: &Count) -> Result<f64, String> {
    let few = instructions(program, count, count.operations)?;
    let many = instructions(program, count, 2 * count.operations)?;
    Ok((many - few) / count.operations as f64)
}

/// The instructions of one whole run.
fn instructions(program: &Path, count: &Count, operations: u64) -> Result<f64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([count.workload, "--exact", "--operations", &operations.to_string()])
        .args(count.scale.iter().flat_map(|scale| ["--scale".into(), scale.to_string()]))
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let collected = collected.and_then(|(_, number)| number.trim().parse().ok());
    collected.filter(|_| output.status.success()).ok_or(format!("{}: {text}", count.name))
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

/// The version of the compiler and the kind of machine: with others, the counts differ.
fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    format!("{}, {}", version.unwrap_or("rustc unknown".into()), env::consts::ARCH)
}

fn record(counted: &[(&str, f64)]) -> ExitCode {
    let mut text = format!("{}\n", compiler());
    for (name, number) in counted {
        text += &format!("{name} {number:.1}\n");
        println!("{name:25}{number:10.1} instructions per operation: recorded");
    }
    match fs::write(file(), text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{} cannot be written: {error}", file().display())),
    }
}

fn compare(counted: &[(&str, f64)]) -> ExitCode {
    let text = fs::read_to_string(file()).unwrap_or_default();
    let same_compiler = text.lines().next() == Some(&compiler());
    if !same_compiler {
        eprintln!("the record was made with {:?}: no comparison", text.lines().next());
    }
    let mut risen = false;
    for &(name, number) in counted {
        print!("{name:25}{number:10.1} instructions per operation");
        if let Some(before) = recorded(&text, name).filter(|_| same_compiler) {
            let too_many = number > before * ALLOWED;
            print!(", recorded {before:.1}, {:+.1} %", (number / before - 1.0) * 100.0);
            print!("{}", if too_many { ": ROSE by more than 5 %" } else { "" });
            risen |= too_many;
        }
        println!();
    }
    if risen { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn recorded(text: &str, name: &str) -> Option<f64> {
    text.lines().skip(1).find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
