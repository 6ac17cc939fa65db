//! The command: reads the arguments, prints the answer.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use glassloop_steps::command::{Color, Error, Request};
use glassloop_steps::paint::Paint;

#[path = "../../../examples/shared/terminal.rs"]
mod terminal;

fn main() -> ExitCode {
    let arguments = env::args_os().skip(1).map(|one| one.to_string_lossy().into_owned());
    let request = Request::parse(&arguments.collect::<Vec<String>>());
    let answer = request.and_then(|request| {
        let paint = paint(&request.color);
        request.answer(paint)
    });
    match answer {
        Ok(text) => print(&text),
        Err(Error::Usage(sentence)) => fail(&sentence, 2),
        Err(Error::Failed(sentence)) => fail(&sentence, 1),
    }
}

fn paint(color: &Color) -> Paint {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => Paint::Colors,
        Color::Auto if io::stdout().is_terminal() && !no_color => Paint::Colors,
        Color::Auto | Color::Never => Paint::Plain,
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        // The reader has seen enough, as `head` has.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&format!("The answer cannot be written: {error}."), 1),
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn fail(sentence: &str, code: u8) -> ExitCode {
    terminal::complain("glassloop-steps", sentence);
    ExitCode::from(code)
}
