//! Builds the programs, runs them in turn, prints the ratios and writes the report.
//! README.md tells how; `--help` is the short form.

use std::env;
use std::process::ExitCode;

use glassloop_bench::runner::options::{HELP, Options};
use glassloop_bench::runner::peers::PEERS;
use glassloop_bench::runner::rounds::{Rounds, Runner};
use glassloop_bench::runner::{build, rows, table};

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
    let runners = runners(&options);
    let names: Vec<&str> = runners.iter().map(|runner| runner.name).collect();
    // Removed with everything in it when this ends.
    let data = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("no temporary folder: {error}");
            return ExitCode::FAILURE;
        }
    };
    for row in rows::ROWS.iter().filter(|row| options.takes_workload(row.workload)) {
        let more = ["--divide".into(), options.divide.to_string()];
        let rounds = Rounds::run(row.workload, &runners, options.rounds, data.path(), &more);
        table::print(row.workload, &rounds, &names);
    }
    ExitCode::SUCCESS
}

/// Every runtime that was asked for and is there; of the others it says why they are not.
fn runners(options: &Options) -> Vec<Runner> {
    let mut runners = vec![];
    for &peer in PEERS.iter().filter(|peer| options.takes_runtime(peer.name)) {
        let runner = build::build(peer).and_then(|program| Runner::new(peer.name, program, vec![]));
        match runner {
            Ok(runner) => runners.push(runner),
            Err(reason) => eprintln!("left out: {}: {reason}", peer.name),
        }
    }
    runners
}
