//! The command line.

use std::process::{Command, Output};

/// Runs the command with arguments that have no spaces in them.
fn run(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassloop-steps"));
    let output = command.args(arguments.split_whitespace()).env_remove("NO_COLOR").output();
    output.expect("the command can be started")
}

fn stdout(arguments: &str) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the answer is UTF-8")
}

/// The error, after a check of the exit code.
fn error(arguments: &str, code: i32) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(code), "the exit code of {arguments:?}");
    assert!(output.stdout.is_empty(), "an error must not go to the standard output");
    String::from_utf8(output.stderr).expect("the error is UTF-8")
}

#[test]
fn one_number_stands_for_the_step_and_the_one_before() {
    assert_eq!(stdout("3"), stdout("2 3"));
    assert_ne!(stdout("3"), stdout("4"));
}

#[test]
fn without_a_word_all_steps_are_listed() {
    assert!(stdout("").contains("files — the pocket executor"), "{}", stdout(""));
    let list = stdout(&format!("--folder={FIXTURE}"));
    let second = list.lines().find(|line| line.starts_with("   2  a bell that can be dropped "));
    let cells: Vec<&str> = second.expect("step 2 is listed").split_whitespace().skip(7).collect();
    // Lines of code, lines more than step 1, items: new, changed, gone, the same.
    assert_eq!(cells, ["26", "+4", "2", "1", "1", "4"]);
    assert!(list.contains("The flaws: a_typo, loud_end"), "{list}");
}

#[test]
fn there_are_no_colors_unless_they_are_wanted() {
    let flaw = format!("flaw loud_end --folder={FIXTURE}");
    for arguments in ["", "2", "3", "4", "5", "6", "7", "8", &flaw] {
        assert!(!stdout(&format!("{arguments} --color=never")).contains('\x1b'), "{arguments}");
        assert!(!stdout(arguments).contains('\x1b'), "a pipe is no terminal: {arguments}");
    }
}

#[test]
fn colors_change_nothing_but_the_colors() {
    let colored = stdout("3 --color=always");
    let codes = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"];
    for code in codes {
        assert!(colored.contains(code), "{code:?} is missing");
    }
    for (sign, code) in [('-', "\x1b[31m"), ('+', "\x1b[32m"), (' ', "\x1b[2m")] {
        let begin = format!("{code}{sign} ");
        assert!(colored.contains(&begin), "no line begins with {begin:?}");
    }
    let plain = codes.iter().fold(colored, |text, code| text.replace(code, ""));
    assert_eq!(plain, stdout("3"));
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_is() {
    assert!(error("99", 1).contains("There is no step 99. Write a number from 1 to "));
    assert!(error("2 99", 1).contains("no step 99"));
    assert!(error("99 2", 1).contains("no step 99"));
    assert!(error("0", 1).contains("There is no step 0."));
    assert!(error("1", 1).contains("no step before step 1: read examples/steps/step_1.rs"));
    let no_flaw = error(&format!("flaw missing --folder={FIXTURE}"), 1);
    assert!(no_flaw.contains("no flaw `missing`. The flaws are: a_typo, loud_end."), "{no_flaw}");
    // The file that names them is none of them.
    let no_flaw = error("flaw mod", 1);
    assert!(no_flaw.contains("no flaw `mod`") && !no_flaw.contains(", mod,"), "{no_flaw}");
    let typo = error(&format!("flaw a_typo --folder={FIXTURE}"), 1);
    assert!(typo.contains("`a_typo` cannot be shown: there is no `Bell::wring`"), "{typo}");
    assert!(error("--folder=nowhere", 1).contains("no step_1.rs in nowhere"));
}

#[test]
fn what_cannot_be_understood_is_an_error_that_says_what_to_write() {
    assert!(error("two", 2).contains("`two` is not the number of a step. Write `2 3` or `3`."));
    assert!(error("1 2 3", 2).contains("one step or two"));
    assert!(error("flaw", 2).contains("`flaw NAME`"));
    assert!(error("3 --color=blue", 2).contains("`--color=never`"));
    assert!(error("3 --color always", 2).contains("`--color=always`"));
    assert!(error("--colour=never", 2).contains("no option `--colour=never`"));
    assert!(error("two", 2).contains("--help"));
}

#[test]
fn the_help_names_each_command_and_option() {
    let help = stdout("--help");
    for word in ["-- 3", "-- 2 5", "flaw NAME", "--color=", "--folder=", "--help", "NO_COLOR"] {
        assert!(help.contains(word), "{word} is missing");
    }
    assert_eq!(help, stdout("-h nonsense of four words"));
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
