//! The form for the terminal: a line for each event, and a column for each task.
//!
//! ```text
//!        ms  phase   root    A      B    event
//!     0.060  ready    :     ###    (1)   poll A #1
//!     0.090  park     :      :      :    park for 20.000 ms at most
//! ```
//!
//! The columns show what is so after the event.

use std::fmt::Write;

use super::event::{Cause, End, Interest, TraceEvent, Unpark};
use super::json::portable;
use super::record::{Form, Record, TraceHeader};
use super::seen::Seen;
use super::wait::{CodeLine, WaitReason, What};

/// How many tasks get a column; others have a line for each of their events, too.
const COLUMNS: usize = 8;
/// How wide a column is at least and at most, and all of them together at most.
const WIDTHS: (usize, usize) = (5, 12);
const WIDTH: usize = 44;
/// How many waits of a task, and how many alike of them, are told one by one.
const TOLD: usize = 3;

const LEGEND: &str = "### is polled, (1) stands first in the ready queue, : waits";

/// Writes a trace for people, line by line.
#[derive(Default)]
pub(super) struct Timeline {
    seen: Seen,
    is_virtual: bool,
    /// The task of each column; none when it has ended.
    columns: Vec<Option<u64>>,
    width: usize,
    /// Tasks that get a column with the next heading.
    newcomers: Vec<u64>,
    phase: &'static str,
    polled: Option<u64>,
    /// The file that lines are told of without its name: the first one.
    file: Option<&'static str>,
}

impl Form for Timeline {
    fn begin(&mut self, header: &TraceHeader, text: &mut String) {
        self.is_virtual = header.is_virtual;
        let clock = if header.is_virtual { "virtual" } else { "real" };
        let _ = writeln!(text, "the loop of {}, on a {clock} clock: {LEGEND}", header.program);
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        self.seen.see(&record.event);
        match record.event {
            // The phase has a column; what is awaited is told with `Pending`.
            TraceEvent::Phase(phase) => return self.phase = phase.name(),
            TraceEvent::Join { .. } => return,
            TraceEvent::Poll { task } => self.polled = Some(task),
            TraceEvent::Pending { .. } => self.polled = None,
            TraceEvent::Park { .. } => self.phase = "park",
            TraceEvent::End { how: End::Drop, .. } | TraceEvent::LoopEnd => self.phase = "end",
            _ => {}
        }
        if let TraceEvent::End { task, .. } = record.event {
            self.free_column(task);
        }
        let is_spawn = matches!(record.event, TraceEvent::Spawn { .. });
        if !is_spawn {
            self.write_heading(text);
        }
        self.write_line(record, text);
        match record.event {
            TraceEvent::Spawn { task, .. } => self.newcomers.push(task),
            // Who looks outside, sleeping or not, does so in the phase `io`.
            TraceEvent::Unpark { .. } => self.phase = "io",
            _ => {}
        }
        self.seen.forget_ended(&record.event);
    }
}

impl Timeline {
    fn free_column(&mut self, task: u64) {
        self.polled = self.polled.filter(|&polled| polled != task);
        self.newcomers.retain(|&newcomer| newcomer != task);
        for column in &mut self.columns {
            *column = column.filter(|&owner| owner != task);
        }
    }

    /// Gives the newcomers columns, as far as there are some.
    fn seat_newcomers(&mut self) -> bool {
        let mut is_seated = false;
        for task in std::mem::take(&mut self.newcomers) {
            match self.columns.iter().position(Option::is_none) {
                Some(free) => self.columns[free] = Some(task),
                None if self.columns.len() < COLUMNS => self.columns.push(Some(task)),
                None => continue,
            }
            is_seated = true;
        }
        is_seated
    }

    /// One heading for several spawns in a row.
    fn write_heading(&mut self, text: &mut String) {
        if !self.seat_newcomers() {
            return;
        }
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|task| task.map_or(String::new(), |t| self.seen.name(t)))
            .collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let room = (WIDTH / names.len()).saturating_sub(1);
        self.width = longest.min(room).clamp(WIDTHS.0, WIDTHS.1);
        let _ = write!(text, "{:>10}  {:<6}", "ms", "phase");
        for name in names {
            let _ = write!(text, " {:^width$}", shortened(&name, self.width), width = self.width);
        }
        text.push_str("  event\n");
    }

    fn write_line(&mut self, record: &Record<'_>, text: &mut String) {
        let _ = write!(text, "{:>10}  {:<6}", milliseconds(record.time), self.phase);
        for column in &self.columns {
            let mark = column.map_or(String::new(), |task| self.mark(task));
            let _ = write!(text, " {mark:^width$}", width = self.width);
        }
        let _ = writeln!(text, "  {}", self.sentence(record));
    }

    fn mark(&self, task: u64) -> String {
        match self.seen.place_in_queue(task) {
            _ if self.polled == Some(task) => "###".to_owned(),
            Some(place) => format!("({place})"),
            None => ":".to_owned(),
        }
    }

    fn sentence(&mut self, record: &Record<'_>) -> String {
        let name = |task| self.seen.name(task);
        match record.event {
            TraceEvent::Spawn { task, at, .. } => {
                format!("spawn {} at {}", name(task), self.place(at))
            }
            TraceEvent::Poll { task } => format!("poll {} #{}", name(task), record.poll),
            TraceEvent::Pending { task, waits } => self.suspended(task, waits),
            TraceEvent::End { task, how: End::Panic(text) } => {
                format!("panic {}: {text}", name(task))
            }
            TraceEvent::End { task, how } => format!("{} {}", how.name(), name(task)),
            TraceEvent::Wake { task, again } => {
                let again = if again { ", who is in the queue already" } else { "" };
                format!("wake {} ← {}{again}", name(task), self.cause(record.by))
            }
            TraceEvent::Job { job, at, .. } => {
                format!("job {job} goes to the pool ({})", self.place(at))
            }
            TraceEvent::Out { text } => format!("prints {text:?}"),
            TraceEvent::Unpark { why: Unpark::Timeout } if self.is_virtual => {
                "unpark: timeout (the clock jumps)".to_owned()
            }
            _ => sentence_of_parts(record),
        }
    }

    /// The first place is told in full, those in the same file by their line alone.
    fn place(&mut self, at: CodeLine) -> String {
        let is_first = self.file.is_none();
        match *self.file.get_or_insert(at.file()) == at.file() {
            true if !is_first => format!("line {}", at.line()),
            _ => format!("{}:{}", portable(at.file()), at.line()),
        }
    }

    fn suspended(&mut self, task: u64, waits: &[WaitReason]) -> String {
        let mut told = format!("pending {}", self.seen.name(task));
        if waits.is_empty() {
            told += match self.seen.place_in_queue(task) {
                Some(_) => ": it was woken meanwhile",
                None => ": in a future that is not glassloop's",
            };
        }
        let alike = |a: &WaitReason, b: &WaitReason| kind(a.what) == kind(b.what) && a.at == b.at;
        let groups: Vec<&[WaitReason]> = waits.chunk_by(alike).collect();
        for (index, group) in groups.iter().take(TOLD).enumerate() {
            told += if index == 0 { ": " } else { "; " };
            told += &self.group(group);
        }
        if groups.len() > TOLD {
            let _ = write!(told, "; and {} more", groups.len() - TOLD);
        }
        told
    }

    /// Waits of one kind and place: `timers 1, 2 (line 7)`.
    fn group(&mut self, waits: &[WaitReason]) -> String {
        let first = waits[0];
        let kind = if waits.len() == 1 { kind(first.what).0 } else { kind(first.what).1 };
        let which = waits.iter().take(TOLD).filter_map(|wait| self.which(wait.what));
        let which: Vec<String> = which.collect();
        let mut told = match which.is_empty() {
            true if waits.len() == 1 => kind.to_owned(),
            true => format!("{kind} ×{}", waits.len()),
            false => format!("{kind} {}", which.join(", ")),
        };
        if !which.is_empty() && waits.len() > TOLD {
            let _ = write!(told, " and {} more", waits.len() - TOLD);
        }
        match first.what {
            // The place is that of its spawn, which was told then.
            What::EndOf(_) => told,
            _ => format!("{told} ({})", self.place(first.at)),
        }
    }

    /// Which of its kind is waited for.
    fn which(&self, what: What) -> Option<String> {
        match what {
            What::Thing(_) | What::Never => None,
            What::Timer(number) | What::Job(number) => Some(number.to_string()),
            What::Readable(fd) | What::Writable(fd) => Some(fd.to_string()),
            What::EndOf(task) => Some(self.seen.name(task)),
        }
    }

    fn cause(&self, cause: Cause) -> String {
        match cause {
            Cause::Task(task) => self.seen.name(task),
            other => other.to_string(),
        }
    }
}

/// What is waited for, if it is one, and if they are many. Waits of the same kind are told
/// together.
fn kind(what: What) -> (&'static str, &'static str) {
    match what {
        What::Thing(name) => (name, name),
        What::Never => ("a time that never comes", "a time that never comes"),
        What::Timer(_) => ("timer", "timers"),
        What::Readable(_) => ("reading from fd", "reading from fds"),
        What::Writable(_) => ("writing to fd", "writing to fds"),
        What::Job(_) => ("job", "jobs"),
        What::EndOf(_) => ("the end of", "the ends of"),
    }
}

/// A name in so many letters: its end tells `worker 1` from `worker 2`.
fn shortened(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    match letters.len() > width {
        true => letters[..width - 2].iter().chain(&['…']).chain(letters.last()).collect(),
        false => name.to_owned(),
    }
}

fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3}", nanoseconds as f64 / 1e6)
}

/// The events of timers, descriptors, jobs, and of the loop itself.
fn sentence_of_parts(record: &Record<'_>) -> String {
    match record.event {
        TraceEvent::Arm { timer, deadline, spot } => {
            let deadline = deadline.as_secs_f64() * 1e3;
            let (level, slot) = (spot.level, spot.slot);
            format!("arm timer {timer}, due at {deadline:.3} ms (level {level}, slot {slot})")
        }
        TraceEvent::Cascade { timer, spot } => {
            format!("cascade timer {timer} to level {}, slot {}", spot.level, spot.slot)
        }
        TraceEvent::Fire { timer } => format!("fire timer {timer}"),
        TraceEvent::Cancel { timer } => format!("cancel timer {timer}"),
        TraceEvent::Watch { fd, want: Interest { read: false, write: false } } => {
            format!("unwatch fd {fd}")
        }
        TraceEvent::Watch { fd, want } => format!("watch fd {fd} for {}", want.name()),
        TraceEvent::FdReady { fd, got, .. } => format!("fd {fd} is ready: {}", got.name()),
        TraceEvent::JobDone { job, .. } => format!("job {job} is done"),
        TraceEvent::Park { limit: None } => "park, until something happens".to_owned(),
        TraceEvent::Park { limit: Some(limit) } => {
            format!("park for {:.3} ms at most", limit.as_secs_f64() * 1e3)
        }
        TraceEvent::Unpark { why } => format!("unpark: {}", why.name()),
        TraceEvent::Cut { limit } => {
            format!("cut: the trace has reached its limit of {limit} events")
        }
        TraceEvent::LoopEnd => "the loop has ended".to_owned(),
        _ => String::new(),
    }
}
