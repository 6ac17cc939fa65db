//! Counts instructions and system calls per operation, of glassloop and of two of the steps,
//! and fails when a count rose.
//!
//! ```text
//! cargo run --release -p glassloop-bench --bin instructions               compare
//! cargo run --release -p glassloop-bench --bin instructions -- --record   write the file
//! ```
//!
//! Time drifts with the machine; the number of instructions does not. Each workload runs
//! under `valgrind --tool=callgrind` at two sizes, and what counts is the difference: so
//! the start of the program and of the loop drop out. `strace` counts the system calls in
//! the same way, since what the kernel does is in no count of instructions.
//!
//! The table of the pocket executor in docs/performance.md is made of these counts: a test
//! (tests/pocket_table.rs) compares the two.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use glassloop_bench::runner::peers::OURS;
use glassloop_bench::runner::{build, calls, peers};
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::pocket::Pocket;
use glassloop_bench::runtimes::step_5::Step5;

const POCKET: &str = Pocket::NAME;
const STEP_5: &str = Step5::NAME;

/// A count may rise by so much; code that merely moved does not reach it.
const ALLOWED: f64 = 1.05;

/// And by so much of a system call: memory that grows takes one now and then.
const ALLOWED_CALLS: f64 = 0.02;

/// A workload on one runtime, and the smaller of the two sizes.
struct Count {
    runtime: &'static str,
    workload: &'static str,
    operations: u64,
    instrument: Instrument,
}

#[derive(Clone, Copy, PartialEq)]
enum Instrument {
    Callgrind,
    Strace,
}

const fn count(runtime: &'static str, workload: &'static str, operations: u64) -> Count {
    Count { runtime, workload, operations, instrument: Instrument::Callgrind }
}

const fn calls(runtime: &'static str, workload: &'static str, operations: u64) -> Count {
    Count { runtime, workload, operations, instrument: Instrument::Strace }
}

/// What depends on how many there are is counted with as many on each runtime. An echo
/// jitters by some five instructions, and by hundredths of a system call; `timer_fire` by three
/// in a hundred, since the time decides how many turns the timers take.
const COUNTS: &[Count] = &[
    count(OURS, "spawn_batch", 20_000),
    count(OURS, "yield1", 50_000),
    count(OURS, "yield1000", 50_000),
    count(OURS, "ping_pong", 20_000),
    count(OURS, "ping_pong_async_channel", 10_000),
    count(OURS, "timer_cancel", 20_000),
    count(OURS, "timer_cancel_all", 20_000),
    count(OURS, "timer_fire", 20_000),
    count(OURS, "echo_1", 2_000),
    count(POCKET, "spawn_batch", 20_000),
    count(POCKET, "yield1", 5_000),
    count(POCKET, "yield1000", 50_000),
    count(POCKET, "ping_pong", 2_000),
    count(POCKET, "timer_cancel", 20_000),
    count(POCKET, "timer_cancel_all", 20_000),
    count(POCKET, "timer_fire", 20_000),
    count(POCKET, "echo_1", 2_000),
    count(STEP_5, "timer_cancel", 20_000),
    count(STEP_5, "timer_cancel_all", 20_000),
    calls(OURS, "spawn_batch", 10_000),
    calls(OURS, "yield1", 500),
    calls(OURS, "yield1000", 10_000),
    calls(OURS, "ping_pong", 500),
    calls(OURS, "timer_cancel", 10_000),
    calls(OURS, "timer_cancel_all", 10_000),
    calls(OURS, "echo_1", 500),
    calls(POCKET, "spawn_batch", 10_000),
    calls(POCKET, "yield1", 500),
    calls(POCKET, "yield1000", 10_000),
    calls(POCKET, "ping_pong", 500),
    calls(POCKET, "timer_cancel", 10_000),
    calls(POCKET, "timer_cancel_all", 10_000),
    calls(POCKET, "echo_1", 500),
];

impl Count {
    /// What the record calls it.
    fn name(&self) -> String {
        let runtime = if self.runtime == OURS { "" } else { &format!("{}/", self.runtime) };
        let calls = if self.instrument == Instrument::Strace { "/calls" } else { "" };
        format!("{runtime}{}{calls}", self.workload)
    }

    fn unit(&self) -> &'static str {
        match self.instrument {
            Instrument::Callgrind => "instructions",
            Instrument::Strace => "system calls",
        }
    }

    /// As many digits as tell something.
    fn digits(&self) -> usize {
        match self.instrument {
            Instrument::Callgrind => 1,
            Instrument::Strace => 3,
        }
    }

    /// How many are too many, if there were so many before.
    fn limit(&self, before: f64) -> f64 {
        match self.instrument {
            Instrument::Callgrind => before * ALLOWED,
            Instrument::Strace => before * ALLOWED + ALLOWED_CALLS,
        }
    }

    /// How many one operation more takes.
    fn per_operation(&self, program: &Path) -> Result<f64, String> {
        let few = self.run(program, self.operations)?;
        let many = self.run(program, 2 * self.operations)?;
        Ok((many - few) / self.operations as f64)
    }

    /// How many one whole run takes.
    fn run(&self, program: &Path, operations: u64) -> Result<f64, String> {
        let mut command = match self.instrument {
            Instrument::Callgrind => Command::new("valgrind"),
            Instrument::Strace => Command::new("strace"),
        };
        match self.instrument {
            Instrument::Callgrind => {
                command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            }
            Instrument::Strace => command.args(calls::ARGUMENTS),
        };
        command.arg(program);
        command.args([self.workload, "--exact", "--operations", &operations.to_string()]);
        let output = command.output().map_err(|error| format!("{}: {error}", self.name()))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let number = match self.instrument {
            Instrument::Callgrind => collected(&text),
            Instrument::Strace => calls::total(&text),
        };
        number.filter(|_| output.status.success()).ok_or(format!("{}: {text}", self.name()))
    }
}

/// The number in valgrind's last words.
fn collected(text: &str) -> Option<f64> {
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    collected.and_then(|(_, number)| number.trim().parse().ok())
}

fn main() -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("left out: valgrind is not installed, so no instructions are counted");
        return ExitCode::SUCCESS;
    }
    match (count_all(), env::args_os().any(|argument| argument == "--record")) {
        (Ok(counted), true) => record(&counted),
        (Ok(counted), false) => compare(&counted),
        (Err(reason), _) => fail(&reason),
    }
}

/// Each count that the tools here can make, with its number.
fn count_all() -> Result<Vec<(&'static Count, f64)>, String> {
    let mut programs = BTreeMap::new();
    for runtime in [OURS, POCKET, STEP_5] {
        let program = build::build(peers::find(runtime).unwrap_or(peers::SORTED_MAP));
        let program = program.map_err(|reason| format!("bench-{runtime} {reason}"))?;
        programs.insert(runtime, program);
    }
    let traces = calls::strace_works(&programs[OURS]);
    if !traces {
        eprintln!("left out: strace is missing or may not trace, so no system calls are counted");
    }
    let possible = |count: &&Count| traces || count.instrument == Instrument::Callgrind;
    let possible = COUNTS.iter().filter(possible);
    possible.map(|count| Ok((count, count.per_operation(&programs[count.runtime])?))).collect()
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("{reason}");
    ExitCode::FAILURE
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

fn record(counted: &[(&Count, f64)]) -> ExitCode {
    if counted.len() < COUNTS.len() {
        return fail("nothing is recorded: the table in docs/performance.md takes all counts");
    }
    let mut text = format!("{}\n", compiler());
    for (count, number) in counted {
        let (name, digits) = (count.name(), count.digits());
        text += &format!("{name} {number:.digits$}\n");
        println!("{name:30}{number:10.digits$} {} per operation: recorded", count.unit());
    }
    match fs::write(file(), text) {
        Ok(()) => {
            println!("`cargo test -p glassloop-bench --test pocket_table` compares the page");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&format!("{} cannot be written: {error}", file().display())),
    }
}

fn compare(counted: &[(&Count, f64)]) -> ExitCode {
    let text = fs::read_to_string(file()).unwrap_or_default();
    let same_compiler = text.lines().next() == Some(&compiler());
    if !same_compiler {
        eprintln!("the record was made with {:?}: no comparison", text.lines().next());
    }
    let mut risen = false;
    for &(count, number) in counted {
        let (name, digits) = (count.name(), count.digits());
        print!("{name:30}{number:10.digits$} {} per operation", count.unit());
        if let Some(before) = recorded(&text, &name).filter(|_| same_compiler) {
            let too_many = number > count.limit(before);
            print!(", recorded {before:.digits$}");
            // Of next to nothing, a share says nothing.
            if before > 0.1 {
                print!(", {:+.1} %", (number / before - 1.0) * 100.0);
            }
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
