//! The form for trace viewers: Chrome's trace events, which Perfetto shows as well.
//!
//! | here | there |
//! |---|---|
//! | the loop, and each task | a thread |
//! | a poll, a phase, a park | a slice of that thread, from `B` to `E` |
//! | a wake | an arrow, from `s` to `f` at the poll that it leads to |
//! | an armed timer, a watched descriptor, a job | a span of its own, from `b` to `e` |
//! | the length of the queue, the armed timers | a counter, `C` |
//! | a line of output, an event of a descriptor | a mark, `i` or `n` |
//!
//! The array is open at its end until the loop has ended; the viewers do not mind.

use std::collections::HashMap;

use super::event::{End, Event, Interest};
use super::json::{Object, microseconds};
use super::record::{Form, Header, Record};
use super::seen::Seen;

/// The thread on which the loop itself is shown.
const LOOP: u64 = 0;
/// Between two events on a clock that stands still: viewers drop slices of no length.
const APART: u64 = 1000;

/// Writes a trace for `chrome://tracing` and ui.perfetto.dev.
#[derive(Default)]
pub(super) struct Chrome {
    seen: Seen,
    is_virtual: bool,
    /// The last event's time there, in nanoseconds.
    last: u64,
    /// What the loop's thread shows at present.
    is_loop_busy: bool,
    /// The number of the wake that each queued task was queued by.
    arrows: HashMap<u64, u64>,
    counters: (usize, usize),
}

impl Form for Chrome {
    fn begin(&mut self, header: &Header, text: &mut String) {
        self.is_virtual = header.is_virtual;
        text.push_str("[\n");
        self.metadata(text, "process_name", LOOP, &header.program);
        self.metadata(text, "thread_name", LOOP, "loop");
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        let apart = if self.is_virtual { APART } else { 1 };
        self.last = record.time.max(self.last + apart);
        self.seen.see(&record.event);
        self.write_slices(record, text);
        self.write_spans(record, text);
        self.write_marks(record, text);
        self.write_counters(text);
        self.seen.forget_ended(&record.event);
    }

    fn end(&mut self, text: &mut String) {
        // The last comma stands before something.
        Object::begin(text).text("ph", "M").text("name", "end").raw("pid", 1).end();
        text.push_str("\n]\n");
    }
}

impl Chrome {
    /// Polls, phases, parks: what happens on the threads.
    fn write_slices(&mut self, record: &Record<'_>, text: &mut String) {
        match record.event {
            Event::Spawn { task, .. } => {
                self.metadata(text, "thread_name", task, &self.seen.name(task));
            }
            Event::Phase(phase) => self.begin_on_loop(text, phase.name()),
            Event::Park { .. } => self.begin_on_loop(text, "park"),
            Event::Unpark { .. } | Event::LoopEnd => self.end_on_loop(text),
            Event::Poll { task } => {
                let name = format!("poll {}", record.poll);
                self.event(text, "B", task, &name, "poll", |_| {});
                if let Some(arrow) = self.arrows.remove(&task) {
                    self.event(text, "f", task, "wake", "wake", |object| {
                        object.raw("id", arrow).text("bp", "e");
                    });
                }
            }
            Event::Pending { task, waits } => {
                let waits: Vec<String> = waits.iter().map(ToString::to_string).collect();
                self.end_poll(text, task, &waits.join("; "));
            }
            // These two end outside of a poll.
            Event::End { how: End::Abort | End::Drop, .. } => {}
            Event::End { task, how } => self.end_poll(text, task, how.name()),
            _ => {}
        }
    }

    fn begin_on_loop(&mut self, text: &mut String, name: &str) {
        self.end_on_loop(text);
        self.event(text, "B", LOOP, name, "loop", |_| {});
        self.is_loop_busy = true;
    }

    fn end_on_loop(&mut self, text: &mut String) {
        if std::mem::replace(&mut self.is_loop_busy, false) {
            self.event(text, "E", LOOP, "", "loop", |_| {});
        }
    }

    fn end_poll(&self, text: &mut String, task: u64, outcome: &str) {
        self.event(text, "E", task, "", "poll", |object| {
            object.with("args", |text| Object::begin(text).text("then", outcome).end());
        });
    }

    /// Timers, descriptors, jobs: what is under way beside the threads.
    fn write_spans(&self, record: &Record<'_>, text: &mut String) {
        match record.event {
            Event::Arm { timer, .. } => self.span(text, "b", "timer", timer),
            Event::Fire { timer } | Event::Cancel { timer } => self.span(text, "e", "timer", timer),
            Event::Watch { fd, want: Interest { read: false, write: false } } => {
                self.span(text, "e", "fd", fd);
            }
            Event::Watch { fd, .. } => self.span(text, "b", "fd", fd),
            Event::FdReady { fd, .. } => self.span(text, "n", "fd", fd),
            Event::Job { job, .. } => self.span(text, "b", "job", job),
            Event::JobDone { job, .. } => self.span(text, "e", "job", job),
            _ => {}
        }
    }

    fn span(&self, text: &mut String, phase: &str, kind: &str, number: u64) {
        let name = format!("{kind} {number}");
        self.event(text, phase, LOOP, &name, kind, |object| {
            // A plain `id` would land in Perfetto's "Global Legacy Events".
            object.with("id2", |text| Object::begin(text).text("local", &name).end());
        });
    }

    /// Wakes and output.
    fn write_marks(&mut self, record: &Record<'_>, text: &mut String) {
        match record.event {
            Event::Wake { task, again: false } => {
                self.arrows.insert(task, record.number);
                let from = record.polled().unwrap_or(LOOP);
                self.event(text, "s", from, "wake", "wake", |object| {
                    object.raw("id", record.number);
                });
            }
            Event::End { task, .. } => drop(self.arrows.remove(&task)),
            Event::Out { text: line } => {
                let on = record.polled().unwrap_or(LOOP);
                self.event(text, "i", on, line, "out", |object| {
                    object.text("s", "t");
                });
            }
            _ => {}
        }
    }

    fn write_counters(&mut self, text: &mut String) {
        let counters = (self.seen.queue_len(), self.seen.timers());
        let before = std::mem::replace(&mut self.counters, counters);
        for (name, now, before) in
            [("ready queue", counters.0, before.0), ("armed timers", counters.1, before.1)]
        {
            if now != before {
                self.event(text, "C", LOOP, name, "counter", |object| {
                    object.with("args", |text| Object::begin(text).raw("count", now).end());
                });
            }
        }
    }

    fn event(
        &self,
        text: &mut String,
        phase: &str,
        thread: u64,
        name: &str,
        category: &str,
        more: impl FnOnce(&mut Object<'_>),
    ) {
        let mut object = Object::begin(text);
        object
            .text("ph", phase)
            .raw("ts", microseconds(self.last))
            .raw("pid", 1)
            .raw("tid", thread);
        object.text("name", name).text("cat", category);
        more(&mut object);
        object.end();
        text.push_str(",\n");
    }

    fn metadata(&self, text: &mut String, what: &str, thread: u64, name: &str) {
        let mut object = Object::begin(text);
        object.text("ph", "M").raw("pid", 1).raw("tid", thread).text("name", what);
        object.with("args", |text| Object::begin(text).text("name", name).end());
        object.end();
        text.push_str(",\n");
    }
}
