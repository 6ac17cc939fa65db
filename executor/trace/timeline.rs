//! The form for the terminal: a line for each event, and a column for each task.
//!
//! ```text
//!        ms  phase   root    A      B    event
//!     0.060  ready    :     ###    (1)   poll A #1
//!     0.090  park     :      :      :    park for 20.000 ms at most
//! ```
//!
//! The columns show the state after the event.

use std::fmt::Write;
use std::time::Duration;

use super::event::{End, Phase, Spot, TraceEvent, Unpark};
use super::json::portable;
use super::record::{Form, Record, TraceHeader};
use super::resource::CodeLine;
use super::state::TraceState;
use super::wait::{ELSEWHERE, WaitReason, What};

/// How many tasks get a column. The events of the others have a line, too.
const COLUMNS: usize = 8;
/// The least and the largest width of a column, and the largest width of all columns.
const WIDTHS: (usize, usize) = (5, 12);
const WIDTH: usize = 44;
/// How many groups of waits, and how many waits of a group, a line names one by one.
const NAMED: usize = 3;

const LEGEND: &str = "### is polled, (1) is first in the run queue, : waits";

/// Writes a trace for people, line by line.
#[derive(Default)]
pub(super) struct Timeline {
    state: TraceState,
    is_virtual: bool,
    /// The task of each column; `None` when the task has ended.
    columns: Vec<Option<u64>>,
    width: usize,
    /// Tasks that get a column with the next heading.
    newcomers: Vec<u64>,
    phase: &'static str,
    polled: Option<u64>,
    /// The file whose lines are written without its name: the first file of the trace.
    file: Option<&'static str>,
}

impl Form for Timeline {
    fn begin(&mut self, header: &TraceHeader, text: &mut String) {
        self.is_virtual = header.is_virtual;
        let clock = if header.is_virtual { "virtual" } else { "real" };
        let _ = writeln!(text, "the loop of {}, on a {clock} clock: {LEGEND}", header.program);
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        self.state.apply(&record.event);
        self.enter_phase(&record.event);
        match record.event {
            // The phase has a column, and `pending` names the awaited task.
            TraceEvent::Phase(_) | TraceEvent::Join { .. } => return,
            TraceEvent::Poll { task } => self.polled = Some(task),
            TraceEvent::Pending { .. } => self.polled = None,
            TraceEvent::End { task, .. } => self.free_column(task),
            _ => {}
        }
        match record.event {
            // Several spawns in a row need one heading, which comes after them.
            TraceEvent::Spawn { task, .. } => self.newcomers.push(task),
            _ => self.write_heading(text),
        }
        self.write_line(record, text);
        if let TraceEvent::Unpark { .. } = record.event {
            // The events that have ended the sleep follow in the same part of the turn.
            self.phase = Phase::Io.name();
        }
        self.state.forget_ended(&record.event);
    }
}

impl Timeline {
    fn enter_phase(&mut self, event: &TraceEvent<'_>) {
        self.phase = match event {
            TraceEvent::Phase(phase) => phase.name(),
            TraceEvent::Park { .. } => "park",
            TraceEvent::End { how: End::Drop, .. } | TraceEvent::LoopEnd => "end",
            _ => self.phase,
        };
    }

    fn free_column(&mut self, task: u64) {
        self.polled = self.polled.filter(|&polled| polled != task);
        self.newcomers.retain(|&newcomer| newcomer != task);
        for column in &mut self.columns {
            *column = column.filter(|&owner| owner != task);
        }
    }

    /// Gives columns to the newcomers, as far as there are free ones. Returns whether a
    /// newcomer got one.
    fn add_columns(&mut self) -> bool {
        let mut is_added = false;
        for task in std::mem::take(&mut self.newcomers) {
            match self.columns.iter().position(Option::is_none) {
                Some(free) => self.columns[free] = Some(task),
                None if self.columns.len() < COLUMNS => self.columns.push(Some(task)),
                None => continue,
            }
            is_added = true;
        }
        is_added
    }

    fn write_heading(&mut self, text: &mut String) {
        if !self.add_columns() {
            return;
        }
        let name = |task: &Option<u64>| task.map_or(String::new(), |task| self.state.name(task));
        let names: Vec<String> = self.columns.iter().map(name).collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let available = (WIDTH / names.len()).saturating_sub(1);
        self.width = longest.min(available).clamp(WIDTHS.0, WIDTHS.1);
        let names = names.iter().map(|name| shortened(name, self.width));
        self.write_row(text, ("ms", "phase"), names, "event");
    }

    fn write_line(&mut self, record: &Record<'_>, text: &mut String) {
        let sentence = self.sentence(record);
        let time = format!("{:.3}", record.time as f64 / 1e6);
        let marks = self.columns.iter().map(|task| task.map_or(String::new(), |t| self.mark(t)));
        self.write_row(text, (&time, self.phase), marks, &sentence);
    }

    fn write_row(
        &self,
        text: &mut String,
        (time, phase): (&str, &str),
        columns: impl Iterator<Item = String>,
        event: &str,
    ) {
        let _ = write!(text, "{time:>10}  {phase:<6}");
        for column in columns {
            let _ = write!(text, " {column:^width$}", width = self.width);
        }
        let _ = writeln!(text, "  {event}");
    }

    fn mark(&self, task: u64) -> String {
        match self.state.place_in_queue(task) {
            _ if self.polled == Some(task) => "###".to_owned(),
            Some(place) => format!("({place})"),
            None => ":".to_owned(),
        }
    }

    /// What happened, in words. This function describes the events of tasks, and the events
    /// whose words depend on what came before.
    fn sentence(&mut self, record: &Record<'_>) -> String {
        let name = |task| self.state.name(task);
        match record.event {
            TraceEvent::Spawn { task, at, .. } => {
                format!("spawn {} at {}", name(task), self.code_line(at))
            }
            TraceEvent::Poll { task } => format!("poll {} #{}", name(task), record.poll),
            TraceEvent::Pending { task, waits } => self.pending(task, waits),
            TraceEvent::End { task, how: End::Panic(text) } => {
                format!("panic {}: {text}", name(task))
            }
            TraceEvent::End { task, how } => format!("{} {}", how.name(), name(task)),
            TraceEvent::Wake { task, again } => {
                let again = if again { ", who is in the queue already" } else { "" };
                let by = record.polled().map_or_else(|| record.by.to_string(), name);
                format!("wake {} ← {by}{again}", name(task))
            }
            TraceEvent::Job { job, at, .. } => {
                format!("job {job} goes to the pool ({})", self.code_line(at))
            }
            TraceEvent::Out { text } => format!("prints {text:?}"),
            TraceEvent::Unpark { why: Unpark::Timeout } if self.is_virtual => {
                "unpark: timeout (the clock jumps)".to_owned()
            }
            event => sentence_of_parts(event),
        }
    }

    /// The first line of code with its file, and later lines in the same file without.
    fn code_line(&mut self, at: CodeLine) -> String {
        if self.file == Some(at.file()) {
            return format!("line {}", at.line());
        }
        self.file = self.file.or(Some(at.file()));
        format!("{}:{}", portable(at.file()), at.line())
    }

    fn pending(&mut self, task: u64, waits: &[WaitReason]) -> String {
        let name = self.state.name(task);
        if waits.is_empty() {
            return match self.state.place_in_queue(task) {
                Some(_) => format!("pending {name}: it was woken meanwhile"),
                None => format!("pending {name}: in a future that is not glassloop's"),
            };
        }
        let alike = |a: &WaitReason, b: &WaitReason| kind(a.what) == kind(b.what) && a.at == b.at;
        let groups = waits.chunk_by(alike);
        let more = groups.clone().count().saturating_sub(NAMED);
        let mut parts: Vec<String> = groups.take(NAMED).map(|group| self.group(group)).collect();
        if more > 0 {
            parts.push(format!("and {more} more"));
        }
        format!("pending {name}: {}", parts.join("; "))
    }

    /// Waits of one kind, for leaves of one line: `timers 1, 2 (line 7)`.
    fn group(&mut self, waits: &[WaitReason]) -> String {
        let (first, count) = (waits[0], waits.len());
        let (singular, plural) = kind(first.what);
        let kind = if count == 1 { singular } else { plural };
        let which = waits.iter().take(NAMED).filter_map(|wait| self.which(wait.what));
        let which: Vec<String> = which.collect();
        let text = match (which.is_empty(), which.join(", ")) {
            (true, _) if count == 1 => kind.to_owned(),
            (true, _) => format!("{kind} ×{count}"),
            (false, which) if count > NAMED => format!("{kind} {which} and {} more", count - NAMED),
            (false, which) => format!("{kind} {which}"),
        };
        match first.what {
            // The line is that of the awaited task's spawn, which has an event of its own.
            What::EndOf(_) => text,
            _ => format!("{text} ({})", self.code_line(first.at)),
        }
    }

    /// Which timer, descriptor, job or task is waited for.
    fn which(&self, what: What) -> Option<String> {
        match what {
            What::Thing(..) | What::Never | What::EndElsewhere => None,
            What::Timer(number) | What::Job(number) => Some(number.to_string()),
            What::Readable(fd) | What::Writable(fd) => Some(fd.to_string()),
            What::EndOf(task) => Some(self.state.name(task)),
        }
    }
}

/// The kind of a wait, in the singular and in the plural. A line has waits of one kind
/// together.
fn kind(what: What) -> (&'static str, &'static str) {
    match what {
        What::Thing(name, ..) => (name, name),
        What::Never => ("a time that never comes", "a time that never comes"),
        What::Timer(_) => ("timer", "timers"),
        What::Readable(_) => ("reading from fd", "reading from fds"),
        What::Writable(_) => ("writing to fd", "writing to fds"),
        What::Job(_) => ("job", "jobs"),
        What::EndOf(_) => ("the end of", "the ends of"),
        What::EndElsewhere => (ELSEWHERE, ELSEWHERE),
    }
}

/// A name in at most `width` letters. Its last letter distinguishes `worker 1` from
/// `worker 2`.
fn shortened(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    match letters.len() > width {
        true => letters[..width - 2].iter().chain(&['…']).chain(letters.last()).collect(),
        false => name.to_owned(),
    }
}

/// The same for the events of timers, descriptors, jobs, and of the loop itself.
fn sentence_of_parts(event: TraceEvent<'_>) -> String {
    match event {
        TraceEvent::Arm { timer, deadline, spot: Spot { level, slot } } => {
            let deadline = in_ms(Duration::from_nanos(deadline));
            format!("arm timer {timer}, due at {deadline} (level {level}, slot {slot})")
        }
        TraceEvent::Cascade { timer, spot: Spot { level, slot } } => {
            format!("cascade timer {timer} to level {level}, slot {slot}")
        }
        TraceEvent::Fire { timer } => format!("fire timer {timer}"),
        TraceEvent::Cancel { timer } => format!("cancel timer {timer}"),
        TraceEvent::Unwatch { fd } => format!("unwatch fd {fd}"),
        TraceEvent::Watch { fd, want } => format!("watch fd {fd} for {want}"),
        TraceEvent::FdReady { fd, got, .. } => format!("fd {fd} is ready: {got}"),
        TraceEvent::JobDone { job, .. } => format!("job {job} is done"),
        TraceEvent::Park { limit: None } => "park, until something happens".to_owned(),
        TraceEvent::Park { limit: Some(limit) } => format!("park for {} at most", in_ms(limit)),
        TraceEvent::Unpark { why } => format!("unpark: {}", why.name()),
        TraceEvent::Cut { limit } => {
            format!("cut: the trace has reached its limit of {limit} events")
        }
        TraceEvent::LoopEnd => "the loop has ended".to_owned(),
        _ => String::new(),
    }
}

fn in_ms(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}
