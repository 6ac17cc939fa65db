//! Lets the programs take turns: A B C A B C …
//!
//! A machine is not equally fast all the time. What is compared lies close together in
//! time, so a ratio is taken within a round, and only then over the rounds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::peers::UNIT;
use super::result::Outcome;
use crate::statistics::Spread;

/// A runtime and its program.
pub struct Runner {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// What it can do.
    pub workloads: Vec<String>,
}

impl Runner {
    /// Asks the program what it can do.
    pub fn new(
        name: &'static str,
        program: PathBuf,
        arguments: Vec<String>,
    ) -> Result<Self, String> {
        let output = Command::new(&program).args(&arguments).output();
        let output = output.map_err(|error| format!("does not start ({error})"))?;
        let workloads =
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect();
        Ok(Self { name, program, arguments, workloads })
    }

    /// Runs a workload once; `None`, and a word on stderr, if it failed.
    pub fn run(&self, workload: &str, data: &Path, more: &[String]) -> Option<Outcome> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(workload).arg("--data").arg(data).args(more);
        let output = command.output().ok()?;
        let outcome = Outcome::read(&String::from_utf8_lossy(&output.stdout));
        if !output.status.success() || outcome.is_none() {
            let text = String::from_utf8_lossy(&output.stderr);
            eprintln!("left out: {workload} on {}: it failed\n{}", self.name, text.trim());
            return None;
        }
        outcome
    }
}

/// The outcomes of one workload, in each round, by runtime.
#[derive(Default, Clone, Debug)]
pub struct Rounds {
    pub rounds: Vec<BTreeMap<&'static str, Outcome>>,
}

impl Rounds {
    /// Runs one workload on all that can do it.
    pub fn run(
        workload: &str,
        runners: &[Runner],
        rounds: usize,
        data: &Path,
        more: &[String],
    ) -> Self {
        let mut able: Vec<&Runner> = runners.iter().collect();
        able.retain(|runner| runner.workloads.iter().any(|name| name == workload));
        let mut result = Self::default();
        for _ in 0..rounds {
            let mut round = BTreeMap::new();
            // Whoever failed does not try again.
            able.retain(|runner| {
                let outcome = runner.run(workload, data, more);
                outcome.map(|outcome| round.insert(runner.name, outcome)).is_some()
                    || round.contains_key(runner.name)
            });
            result.rounds.push(round);
        }
        result
    }

    /// A number of `runtime`, over the rounds.
    pub fn values(&self, runtime: &str, number: impl Fn(&Outcome) -> f64) -> Option<Spread> {
        let rounds = self.rounds.iter();
        Spread::of(&rounds.filter_map(|round| round.get(runtime).map(&number)).collect::<Vec<_>>())
    }

    /// A number of `runtime` as a multiple of the unit's in the same round, over the rounds.
    pub fn ratio(&self, runtime: &str, number: impl Fn(&Outcome) -> f64) -> Option<Spread> {
        let ratios = self
            .rounds
            .iter()
            .filter_map(|round| Some(number(round.get(runtime)?) / number(round.get(UNIT)?)));
        Spread::of(&ratios.collect::<Vec<_>>())
    }
}
