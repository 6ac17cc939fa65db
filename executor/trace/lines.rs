//! The raw form: a line of JSON for each event. `docs/trace.md` describes it.

use super::event::{End, TraceEvent};
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
            .end_with("\n");
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        let mut object = Object::begin(text);
        object.raw("n", record.number).raw("t", microseconds(record.time));
        object.raw("turn", record.turn);
        write_event(record, &mut object).end_with("\n");
    }
}

/// Writes the field `ev` and those after it. This function writes the events of a task's
/// life, and leaves the other events to the functions below.
fn write_event<'a, 'b>(record: &Record<'_>, object: &'a mut Object<'b>) -> &'a mut Object<'b> {
    let k = record.poll;
    match record.event {
        TraceEvent::Spawn { task, name, at } => {
            object.text("ev", "spawn").raw("task", task).text_if("name", name);
            object.text("by", record.by).code_line(at)
        }
        TraceEvent::Poll { task } => object.text("ev", "poll").raw("task", task).raw("k", k),
        TraceEvent::Pending { task, waits } => {
            object.text("ev", "pending").raw("task", task).raw("k", k);
            object.with("waits", |text| list(text, waits, write_wait));
            if let Some(first) = waits.first() { object.code_line(first.at) } else { object }
        }
        TraceEvent::End { task, how: End::Panic(text) } => {
            object.text("ev", "panic").raw("task", task).raw("k", k).text("text", text)
        }
        TraceEvent::End { task, how } => {
            let k = (how == End::Done).then_some(k);
            object.text("ev", how.name()).raw("task", task).raw_if("k", k)
        }
        TraceEvent::Wake { task, again } => {
            object.text("ev", "wake").raw("task", task).text("by", record.by);
            object.raw_if("dup", again.then_some(true))
        }
        _ => write_timer(record, object),
    }
}

fn write_wait(text: &mut String, wait: &WaitReason) {
    let mut object = Object::begin(text);
    object.text("what", wait.what).code_line(wait.at);
    match wait.what {
        What::Timer(timer) => object.raw("timer", timer),
        What::Readable(fd) | What::Writable(fd) => object.raw("fd", fd),
        What::Job(job) => object.raw("job", job),
        What::EndOf(task) => object.raw("target", task),
        What::Thing(..) | What::Never | What::EndElsewhere => &mut object,
    }
    .end();
}

fn write_timer<'a, 'b>(record: &Record<'_>, object: &'a mut Object<'b>) -> &'a mut Object<'b> {
    match record.event {
        TraceEvent::Arm { timer, deadline, spot } => {
            object.text("ev", "arm").raw("timer", timer).raw_if("task", record.polled());
            object.raw("deadline", microseconds(deadline));
            object.raw("level", spot.level).raw("slot", spot.slot)
        }
        TraceEvent::Cascade { timer, spot } => {
            object.text("ev", "cascade").raw("timer", timer);
            object.raw("level", spot.level).raw("slot", spot.slot)
        }
        TraceEvent::Fire { timer } => object.text("ev", "fire").raw("timer", timer),
        TraceEvent::Cancel { timer } => object.text("ev", "cancel").raw("timer", timer),
        _ => write_source(record, object),
    }
}

/// Descriptors and jobs. `task` is the task that was being polled, if there was one.
fn write_source<'a, 'b>(record: &Record<'_>, object: &'a mut Object<'b>) -> &'a mut Object<'b> {
    let task = record.polled();
    match record.event {
        TraceEvent::Watch { fd, want } => {
            object.text("ev", "watch").raw("fd", fd).text("want", want).raw_if("task", task)
        }
        TraceEvent::Unwatch { fd } => {
            object.text("ev", "unwatch").raw("fd", fd).raw_if("task", task)
        }
        TraceEvent::FdReady { fd, got, tasks } => {
            object.text("ev", "fdready").raw("fd", fd).text("got", got);
            object.with("tasks", |text| list(text, tasks, |text, task| *text += &task.to_string()))
        }
        TraceEvent::Job { job, what, at } => {
            object.text("ev", "job").raw("job", job).raw_if("task", task);
            object.text("what", what).code_line(at)
        }
        TraceEvent::JobDone { job, task } => {
            object.text("ev", "jobdone").raw("job", job).raw("task", task)
        }
        _ => write_other(record, object),
    }
}

fn write_other<'a, 'b>(record: &Record<'_>, object: &'a mut Object<'b>) -> &'a mut Object<'b> {
    match record.event {
        TraceEvent::Phase(phase) => object.text("ev", "phase").text("p", phase.name()),
        TraceEvent::Join { task, target } => {
            object.text("ev", "join").raw("task", task).raw("target", target)
        }
        TraceEvent::Park { limit } => {
            object.text("ev", "park").raw_if("us", limit.map(|limit| limit.as_micros()))
        }
        TraceEvent::Unpark { why } => object.text("ev", "unpark").text("why", why.name()),
        TraceEvent::Out { text } => {
            object.text("ev", "out").raw_if("task", record.polled()).text("text", text)
        }
        TraceEvent::Cut { limit } => {
            object.text("ev", "cut").text("text", format_args!("cut after {limit} events"))
        }
        // The loop's end. Every other event is above.
        _ => object.text("ev", "end"),
    }
}
