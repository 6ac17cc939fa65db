//! Everything that was measured.

use super::calls;
use super::figures::{MEASUREMENTS, Measurement};
use super::machine::Machine;
use super::options::Options;
use super::peers::PEERS;
use super::python;
use super::rounds::{Rounds, Runner, TimeLimit};
use super::rows::{ROWS, Row};
use super::scales::{SCALES, Scale};
use super::{build, table};

/// What the page tells.
pub struct Report {
    pub machine: Machine,
    pub rounds: usize,
    pub divide: u64,
    /// Those that took part, in the order of the columns.
    pub runtimes: Vec<&'static str>,
    pub rows: Vec<(Row, Rounds)>,
    pub figures: Vec<(&'static Measurement, Rounds)>,
    pub scales: Vec<(&'static Scale, Vec<(u64, Rounds)>)>,
    /// System calls per round trip, by runtime.
    pub calls: Vec<(&'static str, f64)>,
    /// What did not take part, and why.
    pub left_out: Vec<String>,
}

/// Measures all that was asked for, and prints each result as it comes.
pub fn measure(options: &Options) -> std::io::Result<Report> {
    let mut left_out = vec![];
    let runners = runners(options, &mut left_out);
    let runtimes: Vec<_> = runners.iter().map(|runner| runner.name).collect();
    // Removed with everything in it at the end.
    let data = tempfile::tempdir()?;
    let mut session = Session { options, runners, data: data.path().into(), left_out };
    Ok(Report {
        machine: Machine::look(&runtimes),
        rounds: options.rounds,
        divide: options.divide,
        runtimes,
        rows: session.rows(),
        figures: session.figures(),
        scales: session.scales(),
        calls: session.calls(),
        left_out: session.left_out,
    })
}

/// Every runtime that was asked for and is there; of the others it says why they are not.
fn runners(options: &Options, left_out: &mut Vec<String>) -> Vec<Runner> {
    let peers = PEERS.iter().filter(|peer| options.takes_runtime(peer.name));
    let built = peers.map(|&peer| {
        let runner = build::build(peer).and_then(|program| Runner::new(peer.name, program, vec![]));
        (peer.name, runner)
    });
    let pythons = python::NAMES.into_iter().filter(|name| options.takes_runtime(name));
    let mut runners = vec![];
    for (name, runner) in built.chain(pythons.map(|name| (name, python::runner(name)))) {
        match runner {
            Ok(runner) => runners.push(runner),
            Err(reason) => note(left_out, format!("{name}: {reason}")),
        }
    }
    runners
}

fn note(left_out: &mut Vec<String>, text: String) {
    eprintln!("left out: {text}");
    left_out.push(text);
}

/// What is the same for all measurements.
struct Session<'a> {
    options: &'a Options,
    runners: Vec<Runner>,
    data: std::path::PathBuf,
    left_out: Vec<String>,
}

impl Session<'_> {
    fn run(&mut self, workload: &str, scale: Option<u64>) -> Rounds {
        let mut more = vec!["--data".into(), self.data.to_string_lossy().into_owned()];
        more.extend(["--divide".into(), self.options.divide.to_string()]);
        more.extend(scale.iter().flat_map(|scale| ["--scale".into(), scale.to_string()]));
        let (rounds, failures) =
            Rounds::run(workload, &self.runners, self.options.rounds, &more, TimeLimit::default());
        for failure in failures {
            note(&mut self.left_out, failure);
        }
        rounds
    }

    fn rows(&mut self) -> Vec<(Row, Rounds)> {
        let mut rows = vec![];
        for row in ROWS.iter().filter(|row| self.options.takes_workload(row.workload)) {
            let rounds = self.run(row.workload, None);
            table::print_ratios(row.workload, &rounds, &self.runners);
            rows.push((*row, rounds));
        }
        rows
    }

    fn figures(&mut self) -> Vec<(&'static Measurement, Rounds)> {
        let mut figures = vec![];
        for measurement in MEASUREMENTS {
            if self.options.takes_workload(measurement.workload) {
                // A trial is small in every respect.
                let scale = measurement.scale.map(|scale| scale / self.options.divide);
                let rounds = self.run(measurement.workload, scale);
                table::print_figures(measurement, &rounds, &self.runners);
                figures.push((measurement, rounds));
            }
        }
        figures
    }

    fn scales(&mut self) -> Vec<(&'static Scale, Vec<(u64, Rounds)>)> {
        let mut scales = vec![];
        for scale in SCALES.iter().filter(|scale| self.options.takes_workload(scale.workload)) {
            scales.push((scale, self.points(scale)));
        }
        scales
    }

    fn points(&mut self, scale: &Scale) -> Vec<(u64, Rounds)> {
        let mut points: Vec<(u64, Rounds)> = vec![];
        let most = (100_000 / self.options.divide).max(10);
        for &point in scale.points.iter().filter(|&&point| point <= most) {
            let rounds = self.run(scale.workload, Some(point));
            // A workload that cannot go so far says how far it went.
            let reached = rounds.any("connections").map_or(point, |number| number as u64);
            if points.last().is_some_and(|(last, _)| *last == reached) {
                let text = format!("{} beyond {reached}: open files are limited", scale.workload);
                note(&mut self.left_out, text);
                break;
            }
            table::print_ratios(&format!("{} {reached}", scale.workload), &rounds, &self.runners);
            points.push((reached, rounds));
        }
        points
    }

    fn calls(&mut self) -> Vec<(&'static str, f64)> {
        if !self.options.takes_workload("system_calls") {
            return vec![];
        }
        let able = self.runners.iter().filter(|runner| runner.can("echo_1"));
        let counted = able.filter(|runner| !python::NAMES.contains(&runner.name));
        let calls: Vec<_> = counted
            .filter_map(|runner| Some((runner.name, calls::per_round_trip(runner)?)))
            .collect();
        if calls.is_empty() {
            note(&mut self.left_out, "system calls: strace is missing or may not trace".into());
        }
        for (name, calls) in &calls {
            println!("system calls per round trip, {name}: {calls:.1}");
        }
        calls
    }
}

/// The folder of the report, if it is to be written.
pub fn folder(options: &Options) -> Option<std::path::PathBuf> {
    let usual = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    options.write.clone().or_else(|| (!options.is_selection()).then(usual))
}
