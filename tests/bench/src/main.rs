//! Builds the programs, runs them in turn, prints the results and writes the report.
//! README.md tells how; `--help` is the short form.

use std::env;
use std::io;
use std::process::ExitCode;

use glassloop_bench::runner::options::{HELP, Options};
use glassloop_bench::runner::{page, report};

#[path = "../../../examples/shared/terminal.rs"]
mod terminal;

fn main() -> ExitCode {
    let words = env::args_os().skip(1).map(|word| word.into_string());
    let options = match words.collect::<Result<Vec<_>, _>>() {
        Ok(words) => Options::read(words.into_iter()),
        Err(word) => Err(format!("{word:?} is no UTF-8")),
    };
    match options {
        Err(mistake) => terminal::refuse("glassloop-bench", mistake),
        Ok(options) if options.help => {
            terminal::say(format_args!("{HELP}\n"));
            ExitCode::SUCCESS
        }
        Ok(options) => match run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let why = format_args!("the report could not be made: {error}");
                terminal::complain("glassloop-bench", why);
                ExitCode::FAILURE
            }
        },
    }
}

fn run(options: &Options) -> io::Result<()> {
    let measured = report::measure(options)?;
    if let Some(folder) = report::folder(options) {
        page::write(&measured, &folder)?;
        let page = folder.join("benchmarks.md");
        terminal::say(format_args!("written: {}\n", terminal::shown(&page.to_string_lossy())));
    }
    Ok(())
}
