//! The raw form: a line of JSON for each event. `docs/trace.md` describes it.

use super::event::{End, Interest, Spot, TraceEvent};
use super::json::{Object, list, microseconds};
use super::record::{Form, Record, TraceHeader};
use super::wait::{WaitReason, What};

/// Writes a trace as lines of JSON.
pub(super) struct Lines;

impl Form for Lines {
    fn begin(&mut self, header: &TraceHeader, text: &mut String) {
        Object::begin(text)
            .raw("glassloop", 1)
            .text("program", &header.program)
            .text("clock", if header.is_virtual { "virtual" } else { "real" })
            .raw("tick_us", microseconds(header.tick_nanoseconds))
            .raw("slots", header.slots)
            .raw("levels", header.levels)
            .end();
        text.push('\n');
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        let mut object = Object::begin(text);
        object.raw("n", record.number).raw("t", microseconds(record.time));
        object.raw("turn", record.turn).text("ev", name(&record.event));
        write_fields(record, &mut object);
        object.end();
        text.push('\n');
    }
}

/// The value of the field `ev`.
pub(super) fn name(event: &TraceEvent<'_>) -> &'static str {
    match event {
        TraceEvent::Spawn { .. } => "spawn",
        TraceEvent::Phase(_) => "phase",
        TraceEvent::Poll { .. } => "poll",
        TraceEvent::Pending { .. } => "pending",
        TraceEvent::End { how, .. } => how.name(),
        TraceEvent::Wake { .. } => "wake",
        TraceEvent::Arm { .. } => "arm",
        TraceEvent::Cascade { .. } => "cascade",
        TraceEvent::Fire { .. } => "fire",
        TraceEvent::Cancel { .. } => "cancel",
        TraceEvent::Watch { want: Interest { read: false, write: false }, .. } => "unwatch",
        TraceEvent::Watch { .. } => "watch",
        TraceEvent::FdReady { .. } => "fdready",
        TraceEvent::Job { .. } => "job",
        TraceEvent::JobDone { .. } => "jobdone",
        TraceEvent::Join { .. } => "join",
        TraceEvent::Park { .. } => "park",
        TraceEvent::Unpark { .. } => "unpark",
        TraceEvent::Out { .. } => "out",
        TraceEvent::Cut { .. } => "cut",
        TraceEvent::LoopEnd => "end",
    }
}

fn write_fields(record: &Record<'_>, object: &mut Object<'_>) {
    match record.event {
        TraceEvent::Spawn { .. }
        | TraceEvent::Poll { .. }
        | TraceEvent::Pending { .. }
        | TraceEvent::End { .. } => {
            write_life(record, object);
        }
        TraceEvent::Arm { .. }
        | TraceEvent::Cascade { .. }
        | TraceEvent::Fire { .. }
        | TraceEvent::Cancel { .. } => {
            write_timer(record, object);
        }
        TraceEvent::Watch { .. } | TraceEvent::FdReady { .. } => write_descriptor(record, object),
        _ => write_other(record, object),
    }
}

/// A task's spawn, polls and end.
fn write_life(record: &Record<'_>, object: &mut Object<'_>) {
    match record.event {
        TraceEvent::Spawn { task, name, at } => {
            object.raw("task", task);
            if let Some(name) = name {
                object.text("name", name);
            }
            object.text("by", record.by).place(at);
        }
        TraceEvent::Poll { task } => {
            object.raw("task", task).raw("k", record.poll);
        }
        TraceEvent::Pending { task, waits } => {
            object.raw("task", task).raw("k", record.poll);
            object.with("waits", |text| list(text, waits, write_wait));
            if let Some(first) = waits.first() {
                object.place(first.at);
            }
        }
        TraceEvent::End { task, how } => write_end(task, how, record.poll, object),
        _ => {}
    }
}

fn write_end(task: u64, how: End<'_>, poll: u64, object: &mut Object<'_>) {
    object.raw("task", task);
    if matches!(how, End::Done | End::Panic(_)) {
        object.raw("k", poll);
    }
    if let End::Panic(text) = how {
        object.text("text", text);
    }
}

fn write_wait(text: &mut String, wait: &WaitReason) {
    let mut object = Object::begin(text);
    object.text("what", wait.what).place(wait.at);
    match wait.what {
        What::Timer(timer) => object.raw("timer", timer),
        What::Readable(fd) | What::Writable(fd) => object.raw("fd", fd),
        What::Job(job) => object.raw("job", job),
        What::EndOf(task) => object.raw("target", task),
        What::Thing(_) | What::Never => &mut object,
    }
    .end();
}

fn write_timer(record: &Record<'_>, object: &mut Object<'_>) {
    match record.event {
        TraceEvent::Arm { timer, deadline, spot } => {
            object.raw("timer", timer);
            write_polled(record, object);
            let deadline = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX);
            object.raw("deadline", microseconds(deadline));
            write_spot(spot, object);
        }
        TraceEvent::Cascade { timer, spot } => write_spot(spot, object.raw("timer", timer)),
        TraceEvent::Fire { timer } | TraceEvent::Cancel { timer } => {
            object.raw("timer", timer);
        }
        _ => {}
    }
}

fn write_spot(spot: Spot, object: &mut Object<'_>) {
    object.raw("level", spot.level).raw("slot", spot.slot);
}

fn write_descriptor(record: &Record<'_>, object: &mut Object<'_>) {
    match record.event {
        TraceEvent::Watch { fd, want } => {
            object.raw("fd", fd);
            if !want.name().is_empty() {
                object.text("want", want.name());
            }
            write_polled(record, object);
        }
        TraceEvent::FdReady { fd, got, tasks } => {
            object.raw("fd", fd).text("got", got.name());
            object.with("tasks", |text| {
                list(text, tasks, |text, task| text.push_str(&task.to_string()))
            });
        }
        _ => {}
    }
}

fn write_other(record: &Record<'_>, object: &mut Object<'_>) {
    match record.event {
        TraceEvent::Phase(phase) => object.text("p", phase.name()),
        TraceEvent::Wake { task, again } => {
            object.raw("task", task).text("by", record.by);
            if again { object.raw("dup", true) } else { object }
        }
        TraceEvent::Job { job, what, at } => {
            write_polled(record, object.raw("job", job));
            object.text("what", what).place(at)
        }
        TraceEvent::JobDone { job, task } => object.raw("job", job).raw("task", task),
        TraceEvent::Join { task, target } => object.raw("task", task).raw("target", target),
        TraceEvent::Park { limit: Some(limit) } => object.raw("us", limit.as_micros()),
        TraceEvent::Unpark { why } => object.text("why", why.name()),
        TraceEvent::Out { text } => {
            write_polled(record, object);
            object.text("text", text)
        }
        TraceEvent::Cut { limit } => object.text("text", format_args!("cut after {limit} events")),
        _ => object,
    };
}

/// The task during whose poll it happened, if it was in a poll.
fn write_polled(record: &Record<'_>, object: &mut Object<'_>) {
    if let Some(task) = record.polled() {
        object.raw("task", task);
    }
}
