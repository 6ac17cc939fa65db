//! The form for trace viewers: Chrome's trace events, which Perfetto shows as well.
//!
//! | here | there |
//! |---|---|
//! | the loop, and each task | a thread |
//! | a poll, a phase, a park | a slice of that thread, from `B` to `E` |
//! | a wake, a spawn | an arrow, from `s` to `f` at the poll that it leads to |
//! | an armed timer, a watched descriptor, a job | a span, from `b` to `e` |
//! | the length of the run queue, the armed timers | a counter, `C` |
//! | a line of output, an event of a descriptor | a mark, `i` or `n` |
//!
//! The array is not closed until the loop has ended; the viewers accept that.

use std::collections::{BTreeMap, HashMap};

use super::event::{Phase, TraceEvent};
use super::json::{Object, microseconds};
use super::record::{Form, Record, TraceHeader};
use super::state::TraceState;

/// The process, and the thread that shows the loop itself. A thread with the number of its
/// process is the main thread. (Perfetto takes a thread 0 for the system's.)
const LOOP: u64 = 1;
/// The threads of the tasks have the numbers after this one.
const TASKS: u64 = 1000;
/// Nanoseconds between two events at the same virtual time: viewers drop slices of no length.
const APART: u64 = 1000;
/// What is between two objects of the array.
const NEXT: &str = ",\n";

/// Writes a trace for `chrome://tracing` and ui.perfetto.dev.
#[derive(Default)]
pub(super) struct Chrome {
    state: TraceState,
    is_virtual: bool,
    /// The time of the last event in the viewer, in nanoseconds.
    last: u64,
    /// Whether a slice of the loop's thread is open.
    is_loop_busy: bool,
    /// The last poll of a task, and its outcome. The slice stays open while the task's end
    /// wakes other tasks: an arrow can only begin in a slice.
    ending: Option<(u64, &'static str)>,
    /// For each task in the run queue, the number of the event that pushed the task there.
    arrows: HashMap<u64, u64>,
    /// The spans that are open, by their kinds and numbers, and their names.
    spans: BTreeMap<(&'static str, u64), String>,
    /// The task that is being polled.
    polled: Option<u64>,
    /// The values that the counters show.
    counts: [usize; 2],
}

impl Form for Chrome {
    fn begin(&mut self, header: &TraceHeader, text: &mut String) {
        self.is_virtual = header.is_virtual;
        text.push_str("[\n");
        self.metadata(text, "process_name", LOOP, &header.program);
        self.metadata(text, "thread_name", LOOP, "loop");
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        let is_part_of_end = matches!(record.event, TraceEvent::Wake { .. })
            && record.polled() == self.ending.map(|(task, _)| task);
        if !is_part_of_end {
            self.end_ending(text);
        }
        self.last = record.time.max(self.next_time());
        self.state.apply(&record.event);
        self.write_slices(record, text);
        self.write_spans(record, text);
        self.write_marks(record, text);
        self.write_counters(text);
        self.state.forget_ended(&record.event);
    }

    fn end(&mut self, text: &mut String) {
        self.last = self.next_time();
        self.end_ending(text);
        if let Some(task) = self.polled {
            self.end_poll(text, task, "");
        }
        self.end_on_loop(text);
        while let Some(((kind, number), name)) = self.spans.pop_first() {
            self.span(text, "e", (kind, number), &name);
        }
        // After the last comma there must be an object.
        Object::begin(text).text("ph", "M").text("name", "end").raw("pid", LOOP).end_with("\n]\n");
    }
}

impl Chrome {
    fn next_time(&self) -> u64 {
        self.last + if self.is_virtual { APART } else { 1 }
    }

    /// Polls, phases, parks: what happens on the threads.
    fn write_slices(&mut self, record: &Record<'_>, text: &mut String) {
        match record.event {
            TraceEvent::Spawn { task, .. } => {
                self.metadata(text, "thread_name", TASKS + task, &self.state.name(task));
            }
            TraceEvent::Phase(phase) => self.begin_on_loop(text, phase.name()),
            TraceEvent::Park { .. } => self.begin_on_loop(text, "park"),
            // The events that have ended the sleep follow in the same part of the turn.
            TraceEvent::Unpark { .. } => self.begin_on_loop(text, Phase::Io.name()),
            TraceEvent::LoopEnd => self.end_on_loop(text),
            TraceEvent::Poll { task } => self.begin_poll(text, task, record.poll),
            TraceEvent::Pending { task, waits } => {
                let waits: Vec<String> = waits.iter().map(ToString::to_string).collect();
                self.end_poll(text, task, &waits.join("; "));
            }
            // A task may also end outside of a poll.
            TraceEvent::End { task, how } if self.polled == Some(task) => {
                self.ending = Some((task, how.name()));
            }
            _ => {}
        }
    }

    fn begin_on_loop(&mut self, text: &mut String, name: &str) {
        self.end_on_loop(text);
        self.event(text, "B", LOOP, name, "loop").end_with(NEXT);
        self.is_loop_busy = true;
    }

    fn end_on_loop(&mut self, text: &mut String) {
        if std::mem::replace(&mut self.is_loop_busy, false) {
            self.event(text, "E", LOOP, "", "loop").end_with(NEXT);
        }
    }

    fn begin_poll(&mut self, text: &mut String, task: u64, number: u64) {
        self.polled = Some(task);
        self.event(text, "B", TASKS + task, &format!("poll {number}"), "poll").end_with(NEXT);
        if let Some(arrow) = self.arrows.remove(&task) {
            let mut end = self.event(text, "f", TASKS + task, "wake", "wake");
            end.raw("id", arrow).text("bp", "e").end_with(NEXT);
        }
    }

    fn end_ending(&mut self, text: &mut String) {
        if let Some((task, outcome)) = self.ending.take() {
            self.last += 1;
            self.end_poll(text, task, outcome);
        }
    }

    fn end_poll(&mut self, text: &mut String, task: u64, outcome: &str) {
        self.polled = None;
        let mut end = self.event(text, "E", TASKS + task, "", "poll");
        end.with("args", |text| Object::begin(text).text("then", outcome).end()).end_with(NEXT);
    }

    /// Timers, descriptors, jobs: what goes on beside the threads.
    fn write_spans(&mut self, record: &Record<'_>, text: &mut String) {
        // Spans of the same name share a row: a task has one row for its timers.
        let of_task = |kind: &str| match record.polled() {
            Some(task) => format!("{kind} of {}", self.state.name(task)),
            None => kind.to_owned(),
        };
        match record.event {
            TraceEvent::Arm { timer, .. } => self.open(text, ("timer", timer), of_task("timer")),
            TraceEvent::Fire { timer } | TraceEvent::Cancel { timer } => {
                self.close(text, ("timer", timer))
            }
            TraceEvent::Unwatch { fd } => self.close(text, ("fd", fd)),
            TraceEvent::Watch { fd, .. } => self.open(text, ("fd", fd), format!("fd {fd}")),
            // A hang-up is also reported of a descriptor that is not watched any more.
            TraceEvent::FdReady { fd, .. } if self.spans.contains_key(&("fd", fd)) => {
                self.span(text, "n", ("fd", fd), &format!("fd {fd}"));
            }
            TraceEvent::Job { job, .. } => self.open(text, ("job", job), of_task("job")),
            TraceEvent::JobDone { job, .. } => self.close(text, ("job", job)),
            _ => {}
        }
    }

    /// Opens a span, unless it is open already: a descriptor that is watched for another
    /// direction from now on keeps its span.
    fn open(&mut self, text: &mut String, which: (&'static str, u64), name: String) {
        if !self.spans.contains_key(&which) {
            self.span(text, "b", which, &name);
            self.spans.insert(which, name);
        }
    }

    fn close(&mut self, text: &mut String, which: (&'static str, u64)) {
        if let Some(name) = self.spans.remove(&which) {
            self.span(text, "e", which, &name);
        }
    }

    fn span(&self, text: &mut String, phase: &str, (kind, number): (&str, u64), name: &str) {
        let mut event = self.event(text, phase, LOOP, name, kind);
        // A plain `id` would land in Perfetto's "Global Legacy Events".
        let local = format!("{kind} {number}");
        event.with("id2", |text| Object::begin(text).text("local", local).end());
        event.with("args", |text| Object::begin(text).raw(kind, number).end()).end_with(NEXT);
    }

    /// Wakes and output.
    fn write_marks(&mut self, record: &Record<'_>, text: &mut String) {
        match record.event {
            TraceEvent::Wake { task, again: false } => self.begin_arrow(record, task, text),
            TraceEvent::Spawn { task, .. } => self.begin_arrow(record, task, text),
            TraceEvent::End { task, .. } => drop(self.arrows.remove(&task)),
            TraceEvent::Out { text: line } => {
                let on = self.polled.map_or(LOOP, |task| TASKS + task);
                self.event(text, "i", on, line, "out").text("s", "t").end_with(NEXT);
            }
            _ => {}
        }
    }

    /// An arrow to the task's next poll, from the slice in which the task was pushed to the
    /// run queue.
    fn begin_arrow(&mut self, record: &Record<'_>, task: u64, text: &mut String) {
        let from = match (self.polled, self.is_loop_busy) {
            (Some(polled), _) => TASKS + polled,
            (None, true) => LOOP,
            // Outside of the loop there is no slice.
            (None, false) => return,
        };
        self.arrows.insert(task, record.number);
        self.event(text, "s", from, "wake", "wake").raw("id", record.number).end_with(NEXT);
    }

    fn write_counters(&mut self, text: &mut String) {
        let counts = self.state.counts();
        let before = std::mem::replace(&mut self.counts, counts);
        for (index, name) in ["run queue", "armed timers"].into_iter().enumerate() {
            let count = counts[index];
            if count != before[index] {
                let mut event = self.event(text, "C", LOOP, name, "counter");
                let args = |text: &mut String| Object::begin(text).raw("count", count).end();
                event.with("args", args).end_with(NEXT);
            }
        }
    }

    /// Begins an event; the caller adds what only events of its phase have.
    fn event<'t>(
        &self,
        text: &'t mut String,
        phase: &str,
        thread: u64,
        name: &str,
        category: &str,
    ) -> Object<'t> {
        let mut event = Object::begin(text);
        event.text("ph", phase).raw("ts", microseconds(self.last));
        event.raw("pid", LOOP).raw("tid", thread).text("name", name).text("cat", category);
        event
    }

    fn metadata(&self, text: &mut String, what: &str, thread: u64, name: &str) {
        let mut object = Object::begin(text);
        object.text("ph", "M").raw("pid", LOOP).raw("tid", thread).text("name", what);
        object.with("args", |text| Object::begin(text).text("name", name).end()).end_with(NEXT);
    }
}
