//! What a task waits for: the thing, the line, how long, and who holds it.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::tree::title;
use crate::event_loop::EventLoop;
use crate::task::TaskId;
use crate::time::{Timers, wheel::When};
use crate::trace::holds::{self, Hold, HoldKey};
use crate::trace::{ELSEWHERE, Note, What};

pub use crate::trace::Resource;

/// One thing that a task waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitInfo {
    /// The thing.
    pub what: WaitsFor,
    /// The line of the user's program where the wait began. Of a socket or a file that is
    /// used through a trait, the line that opened it; of an awaited task, the line that
    /// spawned it.
    pub since: &'static Location<'static>,
    /// How long the task has waited for it, on the loop's clock.
    pub waited: Duration,
    /// The lock, channel or signal that can give it; or the timer, descriptor or job. `None`
    /// for a task.
    pub resource: Option<Resource>,
    /// Who holds the lock, or the first 16 permits. Known is who took them while the loop took
    /// notes, as for [`tasks`](crate::tasks).
    pub holders: Vec<Holder>,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsFor {
    /// A time that never comes.
    Never,
    /// The time until a timer fires.
    Timer(Duration),
    /// A descriptor of that number, until it can be read from.
    Readable(u64),
    /// A descriptor of that number, until it can be written to.
    Writable(u64),
    /// The end of a task.
    Task(TaskId),
    /// A job on the blocking pool.
    Job,
    /// Something with a name, like "a mutex".
    Other(&'static str),
}

/// Who holds a lock, or a permit of a semaphore.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The task that has taken it. `None`: code outside of the loop's tasks has.
    pub task: Option<TaskId>,
    /// The task's name, if it has one.
    pub name: Option<String>,
    /// The line that has taken it; or the line of the wait to which it was granted.
    pub since: &'static Location<'static>,
    /// How long it has been held, on the loop's clock.
    pub held: Duration,
    /// It was granted to a wait of the task that was not polled since: if the task never
    /// polls that wait again, and keeps it, nobody can have the lock.
    pub is_unpolled: bool,
    /// Whether the task has ended, and has left the guard somewhere.
    has_ended: bool,
}

/// What is needed to describe waits.
pub(super) struct View<'a> {
    pub(super) event_loop: &'a EventLoop,
    deadlines: HashMap<u64, Instant>,
    now: Instant,
}

impl View<'_> {
    pub(super) fn of(event_loop: &EventLoop) -> View<'_> {
        let now = event_loop.timers.clock.now();
        View { event_loop, deadlines: deadlines(&event_loop.timers), now }
    }

    /// Whether a timer of that number will fire.
    pub(super) fn is_armed(&self, timer: u64) -> bool {
        self.deadlines.contains_key(&timer)
    }

    /// The earliest deadline of these timers.
    pub(super) fn earliest_deadline(&self, notes: &[Note]) -> Option<Instant> {
        let deadlines = notes.iter().filter_map(|note| match note.wait.what {
            What::Timer(timer) => self.deadlines.get(&timer),
            _ => None,
        });
        deadlines.min().copied()
    }

    pub(super) fn wait(&self, note: &Note) -> WaitInfo {
        let what = match note.wait.what {
            What::Timer(timer) => {
                // A timer that has fired is due now.
                let deadline = self.deadlines.get(&timer).copied().unwrap_or(self.now);
                WaitsFor::Timer(deadline.saturating_duration_since(self.now))
            }
            What::Readable(fd) => WaitsFor::Readable(fd),
            What::Writable(fd) => WaitsFor::Writable(fd),
            What::EndOf(task) => WaitsFor::Task(TaskId(task)),
            What::EndElsewhere => WaitsFor::Other(ELSEWHERE),
            What::Job(_) => WaitsFor::Job,
            What::Thing(name, ..) => WaitsFor::Other(name),
            What::Never => WaitsFor::Never,
        };
        let resource = note.wait.resource().or_else(|| numbered(note));
        let holds = note.wait.resource().map(|lock| holds::of(lock.number)).unwrap_or_default();
        WaitInfo {
            what,
            since: note.wait.at,
            waited: self.time_since(note.since),
            resource,
            holders: holds.into_iter().filter_map(|(key, hold)| self.holder(key, hold)).collect(),
        }
    }

    pub(super) fn waits(&self, notes: &[Note]) -> Vec<WaitInfo> {
        notes.iter().map(|note| self.wait(note)).collect()
    }

    fn time_since(&self, nanoseconds: u64) -> Duration {
        let now = self.event_loop.timers.clock.nanoseconds_now();
        Duration::from_nanos(now.saturating_sub(nanoseconds))
    }

    fn holder(&self, key: HoldKey, hold: Hold) -> Option<Holder> {
        let EventLoop { id, scheduler, tracer, .. } = self.event_loop;
        let of_this_loop = |&(of, _): &(_, u64)| of == *id;
        let task = hold.task.filter(of_this_loop).map(|(_, task)| TaskId(task));
        let history = task.and_then(|task| tracer.history(task.0));
        let wait = match (&history, key) {
            (Some(history), HoldKey::Granted(leaf)) => history.waits.find(leaf),
            _ => None,
        };
        Some(Holder {
            task,
            name: task.and_then(|task| scheduler.name(task)).map(|name| name.to_string()),
            since: hold.at.or(wait.map(|note| note.wait.at))?,
            held: if task.is_some() { self.time_since(hold.since) } else { Duration::ZERO },
            is_unpolled: wait.is_some(),
            has_ended: task.is_some() && history.is_none(),
        })
    }
}

/// What the system or the loop has numbered. The line that made it is the line of the wait.
fn numbered(note: &Note) -> Option<Resource> {
    let (kind, number) = match note.wait.what {
        What::Timer(timer) => ("timer", timer),
        What::Readable(fd) | What::Writable(fd) => ("descriptor", fd),
        What::Job(job) if job > 0 => ("job", job),
        _ => return None,
    };
    Some(Resource { kind, number, name: None, made_at: note.wait.at })
}

/// The deadline of each armed timer, by its number.
fn deadlines(timers: &Timers) -> HashMap<u64, Instant> {
    let wheel = timers.wheel.borrow();
    let deadline = |when: When| timers.clock.instant(when.deadline);
    wheel.armed().filter_map(|when| Some((when.sequence, deadline(when)?))).collect()
}

/// How many holders are named.
const NAMED: usize = 3;

impl fmt::Display for WaitInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            WaitsFor::Never => What::Never.fmt(f)?,
            WaitsFor::Timer(rest) => write!(f, "a timer, in {rest:?}")?,
            WaitsFor::Readable(fd) => What::Readable(fd).fmt(f)?,
            WaitsFor::Writable(fd) => What::Writable(fd).fmt(f)?,
            // The tree has a line about the task, which says where it was spawned.
            WaitsFor::Task(task) => return write!(f, "the end of {task}"),
            WaitsFor::Job => f.write_str("a blocking job")?,
            WaitsFor::Other(name) => f.write_str(name)?,
        }
        write!(f, ", since {}", self.since)?;
        self.fmt_resource(f)
    }
}

impl WaitInfo {
    /// The task whose end is waited for.
    pub(super) fn awaited_task(&self) -> Option<TaskId> {
        match self.what {
            WaitsFor::Task(task) => Some(task),
            _ => None,
        }
    }

    /// How long, which resource, and who holds it.
    fn fmt_resource(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(resource) = &self.resource else { return Ok(()) };
        write!(f, "{}: {resource}", For(self.waited))?;
        if resource.made_at != self.since {
            write!(f, ", made at {}", resource.made_at)?;
        }
        for holder in self.holders.iter().take(NAMED) {
            write!(f, ", {holder}")?;
        }
        match self.holders.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { since, held, .. } = self;
        let who = match self.task {
            Some(task) => title(task, self.name.as_deref()),
            None => "code outside of the tasks".to_owned(),
        };
        match (self.is_unpolled, self.has_ended) {
            (true, _) => {
                write!(f, "granted to {who}, whose wait since {since} was not polled since")
            }
            (_, true) => write!(f, "held since {since} by {who}, which has ended"),
            _ => write!(f, "held by {who} since {since}{}", For(*held)),
        }
    }
}

/// A time in brackets, if it is a millisecond or more.
struct For(Duration);

impl fmt::Display for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Duration::from_millis(self.0.as_millis().try_into().unwrap_or(u64::MAX)) {
            Duration::ZERO => Ok(()),
            time => write!(f, " ({time:?})"),
        }
    }
}
