//! Builds the programs, runs them in turn, prints the results and writes the report.
//! README.md tells how; `--help` is the short form.

use std::env;
use std::io;
use std::process::ExitCode;

use glassloop_bench::runner::options::{HELP, Options};
use glassloop_bench::runner::{page, report};

fn main() -> ExitCode {
    let options = match Options::read(env::args().skip(1)) {
        Ok(options) => options,
        Err(mistake) => {
            eprintln!("{mistake}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the report could not be made: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let measured = report::measure(options)?;
    if let Some(folder) = report::folder(options) {
        page::write(&measured, &folder)?;
        println!("written: {}", folder.join("benchmarks.md").display());
    }
    Ok(())
}
