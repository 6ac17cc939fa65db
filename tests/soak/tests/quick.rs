//! The soak on a small scale, so that it stays in working order; and its command line.
//!
//! The program needs no watchdog from outside: it has one of its own, which ends it when
//! it hangs and says what it hangs on.

use std::process::{Command, Output};

#[test]
fn a_small_soak_finds_everything_as_it_must_be() {
    let output =
        soak(&["--seconds", "4", "--sockets", "200", "--tasks", "20000", "--wakes", "20000"]);
    let table = text(&output.stdout);
    assert!(
        output.status.success(),
        "a promise was broken under load:\n{table}{}",
        text(&output.stderr)
    );
    for load in ["TCP connections", "sleeping tasks", "tasks in the storm", "files", "blocking"] {
        assert!(table.contains(load), "{load} has no line in the table:\n{table}");
    }
    assert!(!table.contains("WRONG"), "exit code 0, and yet:\n{table}");
}

#[test]
fn help_names_every_option() {
    let output = soak(&["--help"]);
    assert!(output.status.success(), "{output:?}");
    for option in ["--seconds", "--sockets", "--tasks", "--wakes", "--fronts", "--seed"] {
        assert!(text(&output.stdout).contains(option), "{option} is missing");
    }
}

#[test]
fn a_mistake_in_the_command_is_named_and_nothing_runs() {
    for (arguments, named) in [
        (["--second", "4"], "there is no option \"--second\""),
        (["--seconds", "four"], "--seconds takes a whole number, and \"four\" is none"),
        (["--seconds", "1"], "--seconds takes a number from 2 to 3600, not 1"),
        (["--seconds", "4000"], "--seconds takes a number from 2 to 3600, not 4000"),
        (["--seed", "-3"], "--seed takes a whole number, and \"-3\" is none"),
    ] {
        let output = soak(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(text(&output.stderr).contains(named), "{arguments:?}: {output:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
    let output = soak(&["--tasks"]);
    assert!(text(&output.stderr).contains("--tasks needs a number after it"), "{output:?}");
}

fn soak(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_glassloop-soak"));
    program.args(arguments).output().expect("the soak can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
