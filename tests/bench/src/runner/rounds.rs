//! Lets the programs take turns: A B C A B C …
//!
//! A machine is not equally fast all the time. What is compared lies close together in
//! time, so a ratio is taken within a round, and only then over the rounds.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::peers::UNIT;
use super::result::Outcome;
use crate::statistics::Spread;

/// A runtime and its program.
pub struct Runner {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    workloads: Vec<String>,
}

/// How long one run may take. A wake that is lost would take for ever.
#[derive(Clone, Copy)]
pub struct TimeLimit(pub Duration);

impl Default for TimeLimit {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

impl Runner {
    /// Asks the program what it can do; `Err` says why it cannot tell.
    pub fn new(
        name: &'static str,
        program: PathBuf,
        arguments: Vec<String>,
    ) -> Result<Self, String> {
        let output = Command::new(&program).args(&arguments).output();
        let output = output.map_err(|error| format!("does not start ({error})"))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(text.lines().last().unwrap_or("does not start").to_string());
        }
        // It tells its workloads, one in a line; uvloop proves in this way that it is there.
        let workloads = String::from_utf8_lossy(&output.stdout);
        let workloads = workloads.lines().map(str::to_string).collect();
        Ok(Self { name, program, arguments, workloads })
    }

    /// Whether its runtime has what this workload takes.
    pub fn can(&self, workload: &str) -> bool {
        self.workloads.iter().any(|name| name == workload)
    }

    /// Runs a workload once; `Err` says what went wrong.
    fn run(&self, workload: &str, more: &[String], limit: TimeLimit) -> Result<Outcome, String> {
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(workload)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.map_err(|error| format!("it does not start ({error})"))?;
        let (output, errors) = wait(child, limit)?;
        Outcome::read(&output).ok_or_else(|| reason(&errors))
    }
}

/// What it wrote to its two outputs, which are short enough to stay in their pipes.
fn wait(mut child: Child, limit: TimeLimit) -> Result<(String, String), String> {
    let begin = Instant::now();
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if begin.elapsed() > limit.0 {
            // It may have ended in between; that it hung is told in any case.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it did not end within {} s", limit.0.as_secs()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let (mut output, mut errors) = (String::new(), String::new());
    let read = child.stdout.take().map(|mut pipe| pipe.read_to_string(&mut output));
    let read_errors = child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut errors));
    match (read, read_errors) {
        (Some(Ok(_)), Some(Ok(_))) => Ok((output, errors)),
        _ => Err("its output is no text".into()),
    }
}

/// The message of the panic, or whatever it said last.
fn reason(errors: &str) -> String {
    let mut lines = errors.lines().skip_while(|line| !line.contains("panicked at"));
    let message = lines.nth(1).or_else(|| errors.lines().last());
    let message: String =
        message.unwrap_or("it ended without a result").chars().take(120).collect();
    format!("it failed: {message}")
}

/// The outcomes of one workload, in each round, by runtime.
#[derive(Default, Clone, Debug)]
pub struct Rounds {
    rounds: Vec<BTreeMap<&'static str, Outcome>>,
}

impl Rounds {
    /// Runs one workload on all that can do it. The second value says who failed, and how.
    pub fn run(
        workload: &str,
        runners: &[Runner],
        rounds: usize,
        more: &[String],
        limit: TimeLimit,
    ) -> (Self, Vec<String>) {
        let mut able: Vec<&Runner> = runners.iter().filter(|runner| runner.can(workload)).collect();
        let (mut result, mut failures) = (Self::default(), vec![]);
        for _ in 0..rounds {
            let mut round = BTreeMap::new();
            // Whoever failed does not try again.
            able.retain(|runner| match runner.run(workload, more, limit) {
                Ok(outcome) => round.insert(runner.name, outcome).is_none(),
                Err(reason) => {
                    failures.push(format!("{workload} on {}: {reason}", runner.name));
                    false
                }
            });
            result.rounds.push(round);
        }
        (result, failures)
    }

    /// A number of `runtime`, over the rounds.
    pub fn values(
        &self,
        runtime: &str,
        number: impl Fn(&Outcome) -> Option<f64>,
    ) -> Option<Spread> {
        let outcomes = self.rounds.iter().filter_map(|round| round.get(runtime));
        Spread::of(&outcomes.filter_map(number).collect::<Vec<_>>())
    }

    /// Processor time of `runtime` as a multiple of the unit's in the same round, over the
    /// rounds.
    pub fn ratio(&self, runtime: &str) -> Option<Spread> {
        let ratios = self
            .rounds
            .iter()
            .filter_map(|round| Some(round.get(runtime)?.cpu()? / round.get(UNIT)?.cpu()?));
        Spread::of(&ratios.collect::<Vec<_>>())
    }

    /// A number that is the same for whoever has it.
    pub fn any(&self, name: &str) -> Option<f64> {
        self.rounds.iter().flat_map(BTreeMap::values).find_map(|outcome| outcome.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(tokio: f64, ours: f64) -> BTreeMap<&'static str, Outcome> {
        let outcome = |time: f64| {
            Outcome::read(&format!("{{\"cpu_ns_per_operation\":{time}}}")).expect("an object")
        };
        BTreeMap::from([("tokio", outcome(tokio)), ("glassloop", outcome(ours))])
    }

    #[test]
    fn a_ratio_is_taken_within_its_round_and_only_then_the_median() {
        // The machine was ten times slower in the second round, for both.
        let rounds =
            Rounds { rounds: vec![round(10.0, 5.0), round(100.0, 50.0), round(10.0, 6.0)] };
        assert_eq!(rounds.ratio("glassloop").map(|spread| spread.median), Some(0.5));
    }

    #[test]
    fn without_the_unit_there_is_no_ratio() {
        let mut alone = round(1.0, 2.0);
        alone.remove("tokio");
        assert_eq!(Rounds { rounds: vec![alone] }.ratio("glassloop"), None);
    }

    #[test]
    fn the_reason_of_a_failure_is_the_message_of_the_panic() {
        let errors = "thread 'main' panicked at src/x.rs:1:2:\neach byte came, once\nnote: …";
        assert_eq!(reason(errors), "it failed: each byte came, once");
    }
}
