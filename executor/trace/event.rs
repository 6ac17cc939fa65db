//! What a loop can be seen to do: one event for each thing that is worth a sentence.
//!
//! An event says what happened, in numbers and in the user's lines. When it happened,
//! in which turn, and why, is added by the [recorder](super::recorder), which knows
//! what came before.

use std::fmt;
use std::time::Duration;

use super::wait::{CodeLine, WaitReason};

/// One thing that the loop, or a part of it, has done.
///
/// Tasks, timers and jobs are numbers here, unique within the loop. A descriptor is the
/// number that the system gave it.
#[derive(Clone, Copy)]
pub(crate) enum TraceEvent<'a> {
    /// A task was made, and stands at the back of the ready queue.
    Spawn { task: u64, name: Option<&'a str>, at: CodeLine },
    /// The loop begins a part of its turn.
    Phase(Phase),
    /// The task is taken from the front of the ready queue and polled.
    Poll { task: u64 },
    /// Its poll has returned `Pending`; it waits in these leaves.
    Pending { task: u64, waits: &'a [WaitReason] },
    /// The task has ended.
    End { task: u64, how: End<'a> },
    /// The task's waker was called. `again`: it stood in the queue already.
    Wake { task: u64, again: bool },

    /// A timer was laid into the wheel; its deadline is on the loop's clock.
    Arm { timer: u64, deadline: Duration, spot: Spot },
    /// The hand has reached the timer's slot, and it lies more finely now.
    Cascade { timer: u64, spot: Spot },
    /// The timer's deadline has come.
    Fire { timer: u64 },
    /// The timer was taken out of the wheel before its deadline.
    Cancel { timer: u64 },

    /// The poller was asked to report this of the descriptor; neither: nothing more.
    Watch { fd: u64, want: Interest },
    /// The poller has reported this. `tasks` waited for it.
    FdReady { fd: u64, got: Interest, tasks: &'a [u64] },

    /// A blocking job was given to the pool.
    Job { job: u64, what: &'a str, at: CodeLine },
    /// The loop has noticed that the job is done.
    JobDone { job: u64, task: u64 },

    /// The task awaits the end of another.
    Join { task: u64, target: u64 },

    /// Nothing is ready: the loop sleeps, so long at most.
    Park { limit: Option<Duration> },
    /// Its sleep has ended.
    Unpark { why: Unpark },

    /// The program has printed a line.
    Out { text: &'a str },
    /// The trace has reached its limit.
    Cut { limit: u64 },
    /// The loop has ended.
    LoopEnd,
}

/// The three parts of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Io,
    Timers,
    Ready,
}

/// How a task has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End<'a> {
    /// With its output.
    Done,
    /// By a panic, with this text.
    Panic(&'a str),
    /// By `JoinHandle::abort`.
    Abort,
    /// Its future was dropped when the loop ended.
    Drop,
}

/// Where a timer lies in the wheel: in no slot when the hand has reached its tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) level: i8,
    pub(crate) slot: u8,
}

/// Reading, writing, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// Why a sleep of the loop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unpark {
    Timeout,
    Fd,
    Job,
    Message,
    Other,
}

/// What made something happen: whatever the loop was at when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// This task, while it was polled, or dropped.
    Task(u64),
    Timer(u64),
    Fd(u64),
    Job(u64),
    /// Another thread, or code outside of the loop.
    Thread,
    /// The call of `block_on`.
    Start,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Phase::Io => "io",
            Phase::Timers => "timers",
            Phase::Ready => "ready",
        }
    }
}

impl End<'_> {
    pub(super) fn name(self) -> &'static str {
        match self {
            End::Done => "done",
            End::Panic(_) => "panic",
            End::Abort => "abort",
            End::Drop => "drop",
        }
    }
}

impl Unpark {
    pub(super) fn name(self) -> &'static str {
        match self {
            Unpark::Timeout => "timeout",
            Unpark::Fd => "fd",
            Unpark::Job => "job",
            Unpark::Message => "thread",
            Unpark::Other => "other",
        }
    }
}

impl Interest {
    pub(super) fn name(self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "rw",
            (true, false) => "r",
            (false, true) => "w",
            (false, false) => "",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Task(task) => write!(f, "task {task}"),
            Cause::Timer(timer) => write!(f, "timer {timer}"),
            Cause::Fd(fd) => write!(f, "fd {fd}"),
            Cause::Job(job) => write!(f, "job {job}"),
            Cause::Thread => f.write_str("thread"),
            Cause::Start => f.write_str("start"),
        }
    }
}
