//! How the programs of this folder speak to a terminal: the same in all of them, and no part
//! of what they show. A program takes this file in with `#[path]`.
//!
//! `println!` panics when nobody reads (`| head -1`), and prints a name as it is, also one
//! that moves the cursor. `std::env::args` panics when an argument is no UTF-8. These do not.

#![allow(dead_code, reason = "each program uses its own part of this")]

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code of a command line that cannot be understood.
pub(crate) const MISUSE: u8 = 2;

/// Prints as `print!` does, but an output that cannot be written is no panic.
pub(crate) fn say(text: impl Display) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.to_string().as_bytes()).and_then(|()| stdout.flush());
}

/// Prints one line to stderr.
pub(crate) fn complain(program: &str, what: impl Display) {
    let line = format!("{program}: {}\n", shown(&what.to_string()));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Complains about a command line; returns the exit code.
pub(crate) fn refuse(program: &str, what: impl Display) -> ExitCode {
    complain(program, format_args!("{what}; see --help"));
    ExitCode::from(MISUSE)
}

/// Reads the command line of a program that knows no option but `--help`. Returns the exit
/// code, unless the program shall run.
pub(crate) fn only_help(program: &str, usage: &str) -> Option<ExitCode> {
    let argument = std::env::args_os().nth(1)?;
    Some(match argument.to_str() {
        Some("-h" | "--help") => {
            say(usage);
            ExitCode::SUCCESS
        }
        _ => refuse(program, format_args!("unknown argument {argument:?}")),
    })
}

/// A text as a terminal may see it: a name can hold characters that move the cursor, turn
/// the reading direction round, or worse.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ if misleads(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Whether a character is not seen itself, and changes how others are seen.
pub(crate) fn misleads(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
    )
}
