//! The form for the terminal: a line for each event, and a column for each task.
//!
//! ```text
//!      ms  phase  root   A      B       event
//!    0.06  ready   :     ###    ooo     poll A #1                       queue [B]
//!    0.09  park    :      :      :      park, 20 ms at most
//! ```
//!
//! `###` is being polled, `ooo` stands in the ready queue, `:` waits.

use std::fmt::Write;

use super::event::{Cause, End, Event, Interest};
use super::json::portable;
use super::record::{Form, Header, Record};
use super::seen::Seen;
use super::wait::Wait;

/// How many tasks get a column; others have a line for each of their events, too.
const COLUMNS: usize = 8;
/// How wide a column is at least and at most.
const WIDTHS: (usize, usize) = (5, 12);
/// Where the queue is written, behind the sentence.
const SENTENCE: usize = 44;

/// Writes a trace for people, line by line.
#[derive(Default)]
pub(super) struct Timeline {
    seen: Seen,
    columns: Vec<Column>,
    /// The columns are not those of the last heading.
    is_heading_due: bool,
    phase: &'static str,
    polled: Option<u64>,
}

/// A column: free when its task has ended.
struct Column {
    task: Option<u64>,
    width: usize,
}

impl Form for Timeline {
    fn begin(&mut self, header: &Header, text: &mut String) {
        let clock = if header.is_virtual { "virtual" } else { "real" };
        let _ = writeln!(text, "the loop of {}, on a {clock} clock", header.program);
        self.phase = "";
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        self.seen.see(&record.event);
        match record.event {
            // The phase has a column.
            Event::Phase(phase) => return self.phase = phase.name(),
            Event::Spawn { task, .. } => self.give_column(task),
            Event::Poll { task } => self.polled = Some(task),
            Event::Park { .. } => self.phase = "park",
            _ => {}
        }
        self.write_heading(record, text);
        self.write_line(record, text);
        match record.event {
            Event::Pending { .. } => self.polled = None,
            Event::End { task, .. } => {
                self.polled = None;
                self.free_column(task);
            }
            _ => {}
        }
        self.seen.forget_ended(&record.event);
    }
}

impl Timeline {
    fn give_column(&mut self, task: u64) {
        let width = self.seen.name(task).chars().count().clamp(WIDTHS.0, WIDTHS.1);
        let column = Column { task: Some(task), width };
        match self.columns.iter().position(|column| column.task.is_none()) {
            Some(free) => self.columns[free] = column,
            None if self.columns.len() < COLUMNS => self.columns.push(column),
            None => return,
        }
        self.is_heading_due = true;
    }

    fn free_column(&mut self, task: u64) {
        for column in &mut self.columns {
            column.task = column.task.filter(|&owner| owner != task);
        }
    }

    /// One heading for several spawns in a row.
    fn write_heading(&mut self, record: &Record<'_>, text: &mut String) {
        let is_spawn = matches!(record.event, Event::Spawn { .. });
        if is_spawn || !std::mem::replace(&mut self.is_heading_due, false) {
            return;
        }
        let _ = write!(text, "{:>10}  {:<6}", "ms", "phase");
        for column in &self.columns {
            let name = column.task.map_or_else(String::new, |task| self.seen.name(task));
            let name: String = name.chars().take(column.width).collect();
            let _ = write!(text, " {name:^width$}", width = column.width);
        }
        text.push_str("  event\n");
    }

    fn write_line(&self, record: &Record<'_>, text: &mut String) {
        let milliseconds = record.time as f64 / 1e6;
        let start = text.len();
        let _ = write!(text, "{milliseconds:>10.3}  {:<6}", self.phase);
        for column in &self.columns {
            let mark = column.task.map_or("", |task| self.mark(task));
            let _ = write!(text, " {mark:^width$}", width = column.width);
        }
        let sentence = self.sentence(record);
        let _ = match self.shows_queue(&record.event) {
            true => {
                let queue: Vec<String> = self.seen.queue().collect();
                write!(text, "  {sentence:<SENTENCE$}  queue [{}]", queue.join(", "))
            }
            false => write!(text, "  {sentence}"),
        };
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }

    fn mark(&self, task: u64) -> &'static str {
        match (self.polled == Some(task), self.seen.is_queued(task)) {
            (true, _) => "###",
            (_, true) => "ooo",
            _ => ":",
        }
    }

    fn shows_queue(&self, event: &Event<'_>) -> bool {
        matches!(event, Event::Spawn { .. } | Event::Wake { .. } | Event::Poll { .. })
    }

    fn sentence(&self, record: &Record<'_>) -> String {
        let name = |task| self.seen.name(task);
        match record.event {
            Event::Spawn { task, at, .. } => {
                format!("spawn {} at {}:{}", name(task), portable(at.file()), at.line())
            }
            Event::Poll { task } => format!("poll {} #{}", name(task), record.poll),
            Event::Pending { task, waits } => self.suspended(task, waits),
            Event::End { task, how: End::Panic(text) } => format!("panic {}: {text}", name(task)),
            Event::End { task, how } => format!("{} {}", how.name(), name(task)),
            Event::Wake { task, again } => {
                let again = if again { ", who is in the queue already" } else { "" };
                format!("wake {} ← {}{again}", name(task), self.cause(record.by))
            }
            Event::Join { task, target } => format!("{} awaits {}", name(task), name(target)),
            Event::Out { text } => format!("prints {text:?}"),
            _ => sentence_of_parts(record),
        }
    }

    fn suspended(&self, task: u64, waits: &[Wait]) -> String {
        let waits: Vec<String> = waits.iter().map(|wait| self.wait(wait)).collect();
        match waits.is_empty() {
            true => format!("pending {}", self.seen.name(task)),
            false => format!("pending {}: {}", self.seen.name(task), waits.join("; ")),
        }
    }

    fn wait(&self, wait: &Wait) -> String {
        format!("{} ({}:{})", wait.what, portable(wait.at.file()), wait.at.line())
    }

    fn cause(&self, cause: Cause) -> String {
        match cause {
            Cause::Task(task) => self.seen.name(task),
            other => other.to_string(),
        }
    }
}

/// The events of timers, descriptors, jobs, and of the loop itself.
fn sentence_of_parts(record: &Record<'_>) -> String {
    match record.event {
        Event::Arm { timer, deadline, spot } => {
            let deadline = deadline.as_secs_f64() * 1e3;
            format!(
                "arm timer {timer} for {deadline:.3} ms: level {}, slot {}",
                spot.level, spot.slot
            )
        }
        Event::Cascade { timer, spot } => {
            format!("cascade timer {timer} to level {}, slot {}", spot.level, spot.slot)
        }
        Event::Fire { timer } => format!("fire timer {timer}"),
        Event::Cancel { timer } => format!("cancel timer {timer}"),
        Event::Watch { fd, want: Interest { read: false, write: false } } => {
            format!("unwatch fd {fd}")
        }
        Event::Watch { fd, want } => format!("watch fd {fd} for {}", want.name()),
        Event::FdReady { fd, got, .. } => format!("fd {fd} is ready: {}", got.name()),
        Event::Job { job, .. } => format!("job {job} goes to the pool"),
        Event::JobDone { job, .. } => format!("job {job} is done"),
        Event::Park { limit: None } => "park, until something happens".to_owned(),
        Event::Park { limit: Some(limit) } => format!("park, {limit:.1?} at most"),
        Event::Unpark { why } => format!("unpark: {}", why.name()),
        Event::Cut { limit } => format!("cut: the trace has reached its limit of {limit} events"),
        Event::LoopEnd => "the loop has ended".to_owned(),
        _ => String::new(),
    }
}
