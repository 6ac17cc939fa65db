//! The trace as an oracle: reads a trace of the form `.jsonl` and follows it with a model
//! of the loop, which never runs anything. What the model could not have done, the real
//! loop must not have done either.
//!
//! ```text
//!                     ┌─ steps        numbers, time, turns, parts of a turn, sleeps
//!   line ──▶ event ──▶├─ tasks        the run queue, and each task's life
//!                     ├─ timers       the wheel: the slot of each timer
//!                     ├─ descriptors  what the poller was asked
//!                     ├─ jobs         what the pool was given
//!                     └─ causes       why is each task woken?
//! ```
//!
//! The oracle shares no code with the executor: each rule is written a second time here,
//! from the documentation (`docs/architecture.md`, and the head of
//! `executor/time/wheel.rs`).

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this")]

mod causes;
mod descriptors;
mod event;
mod jobs;
mod steps;
mod tasks;
mod timers;
pub mod traced;

use std::collections::BTreeMap;
use std::fmt;

use event::{Event, Header, What};

/// What a good trace contains, for tests that must know that something is in it.
#[derive(Debug, Default)]
pub struct Account {
    /// How many events of each kind there are.
    pub events: BTreeMap<&'static str, usize>,
    /// How many events have a wait reason: "task 3 waits for timer 5", and so on.
    pub waits: usize,
}

impl Account {
    pub fn count(&self, kind: &str) -> usize {
        self.events.get(kind).copied().unwrap_or(0)
    }
}

/// The event that broke a rule, and the rule.
#[derive(Debug)]
pub struct Complaint {
    /// The number of the event; 0: the header, or the end of the trace.
    pub event: u64,
    pub sentence: String,
    /// The lines of the trace around the event.
    around: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Complaint { event, sentence, around } = self;
        write!(f, "event {event} of the trace breaks a rule: {sentence}\n{around}")
    }
}

/// A rule that is broken, in a sentence.
pub type Checked = Result<(), String>;

/// The model of the loop that follows the trace.
struct Oracle {
    steps: steps::Steps,
    tasks: tasks::Tasks,
    timers: timers::Timers,
    descriptors: descriptors::Descriptors,
    jobs: jobs::Jobs,
    causes: causes::Causes,
}

/// Reads a whole trace.
///
/// # Errors
/// With the first event that breaks a rule.
pub fn check(trace: &str) -> Result<Account, Complaint> {
    // A program that was killed may have cut off its last line.
    let whole = trace.rfind('\n').map_or("", |end| &trace[..end]);
    let lines: Vec<&str> = whole.lines().collect();
    let mut account = Account::default();
    let mut oracle = None;
    for (index, line) in lines.iter().enumerate() {
        let checked = match &mut oracle {
            None => Header::read(line).map(|header| oracle = Some(Oracle::new(header))),
            Some(oracle) => follow(oracle, line, &mut account),
        };
        checked.map_err(|sentence| complaint(&lines, index, sentence))?;
    }
    match oracle {
        Some(_) => Ok(account),
        None => Err(complaint(&lines, 0, "there is not even a header".into())),
    }
}

fn follow(oracle: &mut Oracle, line: &str, account: &mut Account) -> Checked {
    let event = Event::read(line)?;
    oracle.see(&event)?;
    *account.events.entry(event.what.kind()).or_default() += 1;
    if let What::Pending { waits, .. } = &event.what {
        account.waits += waits.len();
    }
    Ok(())
}

fn complaint(lines: &[&str], at: usize, sentence: String) -> Complaint {
    let shown = at.saturating_sub(8)..lines.len().min(at + 3);
    let mark = |index| if index == at { ">" } else { " " };
    let around = shown.map(|index| format!("{} {}\n", mark(index), lines[index])).collect();
    Complaint { event: at as u64, sentence, around }
}

impl Oracle {
    fn new(header: Header) -> Oracle {
        Oracle {
            steps: steps::Steps::new(header.is_virtual),
            tasks: tasks::Tasks::default(),
            timers: timers::Timers::new(header.is_virtual),
            descriptors: descriptors::Descriptors::default(),
            jobs: jobs::Jobs::default(),
            causes: causes::Causes::default(),
        }
    }

    /// Each part sees each event. The parts that other parts ask come first.
    fn see(&mut self, event: &Event) -> Checked {
        self.steps.see(event)?;
        self.causes.see(event, &self.tasks, &mut self.jobs)?;
        self.jobs.see(event)?;
        self.tasks.see(event)?;
        self.timers.see(event, &self.tasks, &self.jobs)?;
        self.descriptors.see(event, &self.tasks)?;
        self.waits_are_true(event)
    }

    /// The thing for which a task waits, by its wait reason, must exist.
    fn waits_are_true(&self, event: &Event) -> Checked {
        let What::Pending { task, waits, .. } = &event.what else { return Ok(()) };
        for wait in waits {
            let what = match *wait {
                event::Wait::Timer(timer) if !self.timers.is_armed(timer) => {
                    format!("timer {timer}, which is not armed")
                }
                event::Wait::Descriptor(fd) if !self.descriptors.is_watched(fd) => {
                    format!("descriptor {fd}, which the poller was not asked to watch")
                }
                event::Wait::Job(job) if !self.jobs.exists(job) => {
                    format!("job {job}, which was never handed out")
                }
                event::Wait::EndOf(target) if !self.tasks.exists(target) => {
                    format!("the end of task {target}, which was never spawned")
                }
                _ => continue,
            };
            return Err(format!("task {task} says that it waits for {what}"));
        }
        Ok(())
    }
}
