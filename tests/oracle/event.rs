//! A line of a trace, read into an event. `docs/trace.md` has the format.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// The fields of a trace's first line that the oracle needs.
pub struct Header {
    pub is_virtual: bool,
}

/// One thing that the loop says it has done.
pub struct Event {
    pub number: u64,
    /// In nanoseconds.
    pub time: u64,
    pub turn: u64,
    pub what: What,
}

pub enum What {
    Spawn {
        task: u64,
        by: Cause,
    },
    Phase(Phase),
    Poll {
        task: u64,
        poll: u64,
    },
    Pending {
        task: u64,
        poll: u64,
        waits: Vec<Wait>,
    },
    /// `poll` is absent where the trace does not give it: after an abort or a drop.
    End {
        task: u64,
        how: End,
        poll: Option<u64>,
    },
    Wake {
        task: u64,
        by: Cause,
        again: bool,
    },
    Arm {
        timer: u64,
        task: Option<u64>,
        deadline: u64,
        spot: Spot,
    },
    Cascade {
        timer: u64,
        spot: Spot,
    },
    Fire {
        timer: u64,
    },
    Cancel {
        timer: u64,
    },
    Watch {
        fd: u64,
        want: String,
        task: Option<u64>,
    },
    Unwatch {
        fd: u64,
    },
    FdReady {
        fd: u64,
        got: String,
        tasks: Vec<u64>,
    },
    Job {
        job: u64,
        task: Option<u64>,
    },
    JobDone {
        job: u64,
    },
    Join {
        task: u64,
        target: u64,
    },
    /// In nanoseconds.
    Park {
        limit: Option<u64>,
    },
    Unpark {
        why: String,
    },
    Out {
        task: Option<u64>,
    },
    Cut,
    LoopEnd,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Io,
    Timers,
    Ready,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    Panic,
    Abort,
    Drop,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Task(u64),
    Timer(u64),
    Descriptor(u64),
    Job(u64),
    Thread,
    Start,
}

/// What a leaf future waits for, if that has a number.
pub enum Wait {
    Timer(u64),
    Descriptor(u64),
    Job(u64),
    EndOf(u64),
    Other,
}

/// A slot of the wheel; level -1 is the due-soon list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    pub level: i8,
    pub slot: u64,
}

/// The fields of a JSON object, unread. So numbers keep all of their digits.
struct Fields<'a>(HashMap<&'a str, &'a RawValue>);

type Read<T> = Result<T, String>;

impl Header {
    pub fn read(line: &str) -> Read<Header> {
        let fields = Fields::read(line)?;
        let wheel = ["tick_us", "slots", "levels"].map(|key| fields.raw(key));
        let [tick, slots, levels] = wheel;
        if (fields.raw("glassloop")?, tick?, slots?, levels?) != ("1", "65.536", "64", "8") {
            return Err("the header describes another format, or another wheel".into());
        }
        match &*fields.text("clock")? {
            "real" => Ok(Header { is_virtual: false }),
            "virtual" => Ok(Header { is_virtual: true }),
            other => Err(format!("there is no clock called {other:?}")),
        }
    }
}

impl Event {
    pub fn read(line: &str) -> Read<Event> {
        let fields = Fields::read(line)?;
        Ok(Event {
            number: fields.number("n")?,
            time: fields.nanoseconds("t")?,
            turn: fields.number("turn")?,
            what: What::read(&fields)?,
        })
    }
}

impl What {
    fn read(fields: &Fields<'_>) -> Read<What> {
        let task = || fields.number("task");
        let kind = fields.text("ev")?;
        Ok(match &*kind {
            "spawn" => What::Spawn { task: task()?, by: fields.cause()? },
            "poll" => What::Poll { task: task()?, poll: fields.number("k")? },
            "pending" => {
                let poll = fields.number("k")?;
                What::Pending { task: task()?, poll, waits: fields.waits()? }
            }
            "done" => What::End { task: task()?, how: End::Done, poll: Some(fields.number("k")?) },
            "panic" => {
                What::End { task: task()?, how: End::Panic, poll: Some(fields.number("k")?) }
            }
            "abort" => What::End { task: task()?, how: End::Abort, poll: None },
            "drop" => What::End { task: task()?, how: End::Drop, poll: None },
            "wake" => {
                let again = fields.optional("dup").is_some();
                What::Wake { task: task()?, by: fields.cause()?, again }
            }
            "join" => What::Join { task: task()?, target: fields.number("target")? },
            "arm" | "cascade" | "fire" | "cancel" => What::read_timer(&kind, fields)?,
            "watch" | "unwatch" | "fdready" => What::read_descriptor(&kind, fields)?,
            _ => What::read_other(&kind, fields)?,
        })
    }

    fn read_timer(kind: &str, fields: &Fields<'_>) -> Read<What> {
        let timer = fields.number("timer")?;
        Ok(match kind {
            "arm" => {
                let (task, deadline) = (fields.task()?, fields.nanoseconds("deadline")?);
                What::Arm { timer, task, deadline, spot: fields.spot()? }
            }
            "cascade" => What::Cascade { timer, spot: fields.spot()? },
            "fire" => What::Fire { timer },
            _ => What::Cancel { timer },
        })
    }

    fn read_descriptor(kind: &str, fields: &Fields<'_>) -> Read<What> {
        let fd = fields.number("fd")?;
        Ok(match kind {
            "watch" => What::Watch { fd, want: fields.text("want")?, task: fields.task()? },
            "unwatch" => What::Unwatch { fd },
            _ => {
                let got = fields.text("got")?;
                What::FdReady { fd, got, tasks: fields.numbers("tasks")? }
            }
        })
    }

    fn read_other(kind: &str, fields: &Fields<'_>) -> Read<What> {
        Ok(match kind {
            "phase" => What::Phase(match &*fields.text("p")? {
                "io" => Phase::Io,
                "timers" => Phase::Timers,
                "ready" => Phase::Ready,
                other => return Err(format!("no part of a turn is called {other:?}")),
            }),
            "job" => What::Job { job: fields.number("job")?, task: fields.task()? },
            "jobdone" => What::JobDone { job: fields.number("job")? },
            "park" => {
                let limit = fields.optional("us").map(|_| fields.nanoseconds("us"));
                What::Park { limit: limit.transpose()? }
            }
            "unpark" => What::Unpark { why: fields.text("why")? },
            "out" => What::Out { task: fields.task()? },
            "cut" => What::Cut,
            "end" => What::LoopEnd,
            other => return Err(format!("there is no event {other:?}")),
        })
    }

    /// The name of the event in the trace.
    pub fn kind(&self) -> &'static str {
        match self {
            What::Spawn { .. } => "spawn",
            What::Phase(_) => "phase",
            What::Poll { .. } => "poll",
            What::Pending { .. } => "pending",
            What::End { how: End::Done, .. } => "done",
            What::End { how: End::Panic, .. } => "panic",
            What::End { how: End::Abort, .. } => "abort",
            What::End { how: End::Drop, .. } => "drop",
            What::Wake { .. } => "wake",
            What::Arm { .. } => "arm",
            What::Cascade { .. } => "cascade",
            What::Fire { .. } => "fire",
            What::Cancel { .. } => "cancel",
            What::Watch { .. } => "watch",
            What::Unwatch { .. } => "unwatch",
            What::FdReady { .. } => "fdready",
            What::Job { .. } => "job",
            What::JobDone { .. } => "jobdone",
            What::Join { .. } => "join",
            What::Park { .. } => "park",
            What::Unpark { .. } => "unpark",
            What::Out { .. } => "out",
            What::Cut => "cut",
            What::LoopEnd => "end",
        }
    }
}

impl Wait {
    fn read(fields: &Fields<'_>) -> Read<Wait> {
        let number = |key| fields.optional(key).map(|_| fields.number(key)).transpose();
        let numbers = (number("timer")?, number("fd")?, number("job")?, number("target")?);
        Ok(match numbers {
            (Some(timer), ..) => Wait::Timer(timer),
            (_, Some(fd), ..) => Wait::Descriptor(fd),
            (_, _, Some(job), _) => Wait::Job(job),
            (.., Some(target)) => Wait::EndOf(target),
            _ => Wait::Other,
        })
    }
}

impl<'a> Fields<'a> {
    fn read(line: &'a str) -> Read<Fields<'a>> {
        serde_json::from_str(line).map(Fields).map_err(|error| format!("no JSON: {error}"))
    }

    fn optional(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(|value| value.get())
    }

    fn raw(&self, key: &str) -> Read<&'a str> {
        self.optional(key).ok_or_else(|| format!("the field {key:?} is missing"))
    }

    fn number(&self, key: &str) -> Read<u64> {
        let raw = self.raw(key)?;
        raw.parse().map_err(|_| format!("{key:?} is {raw}, and no whole number"))
    }

    /// A number of microseconds, with up to three decimals, exactly.
    fn nanoseconds(&self, key: &str) -> Read<u64> {
        let raw = self.raw(key)?;
        let (whole, decimals) = raw.split_once('.').unwrap_or((raw, ""));
        let digits = format!("{whole}{decimals:0<3}");
        digits.parse().map_err(|_| format!("{key:?} is {raw}, and no time"))
    }

    fn text(&self, key: &str) -> Read<String> {
        let raw = self.raw(key)?;
        serde_json::from_str(raw).map_err(|_| format!("{key:?} is {raw}, and no text"))
    }

    fn numbers(&self, key: &str) -> Read<Vec<u64>> {
        let raw = self.raw(key)?;
        serde_json::from_str(raw).map_err(|_| format!("{key:?} is {raw}, and no list of numbers"))
    }

    fn waits(&self) -> Read<Vec<Wait>> {
        let raw = self.raw("waits")?;
        let list: Vec<HashMap<&str, &RawValue>> =
            serde_json::from_str(raw).map_err(|_| format!("\"waits\" is {raw}"))?;
        list.into_iter().map(|wait| Wait::read(&Fields(wait))).collect()
    }

    fn task(&self) -> Read<Option<u64>> {
        self.optional("task").map(|_| self.number("task")).transpose()
    }

    fn spot(&self) -> Read<Spot> {
        let raw = self.raw("level")?;
        let level = raw.parse().map_err(|_| format!("\"level\" is {raw}"))?;
        Ok(Spot { level, slot: self.number("slot")? })
    }

    fn cause(&self) -> Read<Cause> {
        let text = self.text("by")?;
        let (kind, number) = text.split_once(' ').unwrap_or((&text, "0"));
        let number = number.parse().map_err(|_| format!("no cause reads {text:?}"))?;
        Ok(match kind {
            "task" => Cause::Task(number),
            "timer" => Cause::Timer(number),
            "fd" => Cause::Descriptor(number),
            "job" => Cause::Job(number),
            "thread" => Cause::Thread,
            "start" => Cause::Start,
            _ => return Err(format!("no cause reads {text:?}")),
        })
    }
}
