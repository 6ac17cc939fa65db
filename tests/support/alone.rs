//! A test in a process of its own, for a test that would harm other tests: a limit that is
//! too low, a system that fails, a crash.
//!
//! The new process runs the same test once more. There the test finds that it is alone, and
//! runs its scenario:
//!
//! ```text
//!   the test ─▶ alone ── starts ─▶ launcher, test binary, --exact, the test's name
//!                 ▲                                    │
//!              passed?                                 ▼
//!                 └─────────────── the test ─▶ alone ─▶ scenario
//! ```

use std::env;
use std::process::{Command, Output, Stdio};
use std::thread;

use super::within_limit;

/// Set in the process of its own.
const ALONE: &str = "GLASSLOOP_TEST_ALONE";

/// What starts a program that this system cannot start itself: an emulator.
const RUNNER: &str = "GLASSLOOP_TEST_RUNNER";

/// This test program, as a command.
pub fn this_program() -> Command {
    let program = env::current_exe().expect("the path of this test");
    let Ok(runner) = env::var(RUNNER) else { return Command::new(program) };
    let mut words = runner.split_whitespace();
    let mut command = Command::new(words.next().expect("the name of the emulator"));
    command.args(words).arg(program);
    command
}

/// A launcher: a shell that prepares the process with `preparation`.
pub fn shell(preparation: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{preparation}; exec \"$0\" \"$@\"")]);
    shell
}

/// Runs `scenario` in a new process, which must pass. `launcher` starts it: a command
/// whose last arguments are another command.
pub fn alone(launcher: Command, scenario: impl FnOnce() + Send + 'static) {
    let Some(output) = output_alone(launcher, scenario) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "in its own process:\n{text}\n{errors}");
    assert!(text.contains("1 passed"), "the scenario has not run: {text}\n{errors}");
}

/// The same for a process that need not pass: returns how it ended and what it printed;
/// `None` in the new process itself.
pub fn output_alone(
    mut launcher: Command,
    scenario: impl FnOnce() + Send + 'static,
) -> Option<Output> {
    if is_alone() {
        watched(scenario);
        return None;
    }
    let name = thread::current().name().expect("libtest names a test's thread").to_owned();
    let program = this_program();
    launcher
        .arg(program.get_program())
        .args(program.get_args())
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .stdin(Stdio::null());
    let output = within_limit(move || launcher.output());
    Some(output.expect("the launcher can be started"))
}

/// Runs `scenario` here, in the process of its own.
pub fn watched(scenario: impl FnOnce() + Send + 'static) {
    // Where no thread can be started, there can be no watchdog either.
    match thread::Builder::new().spawn(|| ()) {
        Ok(_) => within_limit(scenario),
        Err(_) => scenario(),
    }
}

/// Whether this is the process of its own.
pub fn is_alone() -> bool {
    env::var_os(ALONE).is_some()
}
