//! What a loop does: one event for each thing that is worth a sentence.
//!
//! An event says what happened, in numbers and in lines of the user's program. The
//! [recorder](super::recorder) adds when it happened, in which turn, and why: it knows the
//! events before.

use std::fmt;
use std::time::Duration;

use super::resource::CodeLine;
use super::wait::WaitReason;

/// One thing that the loop, or a part of it, has done.
///
/// Tasks, timers and jobs are numbers here, unique within the loop. A descriptor is the
/// number that the system gave it.
#[derive(Clone, Copy)]
pub(crate) enum TraceEvent<'a> {
    /// A task was made, and is at the back of the run queue.
    Spawn { task: u64, name: Option<&'a str>, at: CodeLine },
    /// The loop begins a part of its turn.
    Phase(Phase),
    /// The task is taken from the front of the run queue and polled.
    Poll { task: u64 },
    /// The poll of the task has returned `Pending`; the task waits in these leaves.
    Pending { task: u64, waits: &'a [WaitReason] },
    /// The task has ended.
    End { task: u64, how: End<'a> },
    /// The task's waker was called. `again`: the task is in the run queue already.
    Wake { task: u64, again: bool },

    /// A timer was put into the wheel. Its deadline is on the loop's clock.
    Arm { timer: u64, deadline: u64, spot: Spot },
    /// The wheel's cursor has reached the timer's slot, and the timer moves to a finer slot.
    Cascade { timer: u64, spot: Spot },
    /// The timer's deadline has come.
    Fire { timer: u64 },
    /// The timer was taken out of the wheel before its deadline.
    Cancel { timer: u64 },

    /// The system's poller was asked to report these directions of the descriptor, and no
    /// others: `r`, `w` or `rw`.
    Watch { fd: u64, want: &'static str },
    /// The system's poller was asked to report nothing more of the descriptor.
    Unwatch { fd: u64 },
    /// The system's poller has reported these directions. `tasks` waited for them.
    FdReady { fd: u64, got: &'static str, tasks: &'a [u64] },

    /// A blocking job was given to the pool.
    Job { job: u64, what: &'a str, at: CodeLine },
    /// The loop has noticed that the job is done.
    JobDone { job: u64, task: u64 },

    /// The task awaits the end of another task.
    Join { task: u64, target: u64 },

    /// No task is ready: the loop sleeps, for `limit` at most.
    Park { limit: Option<Duration> },
    /// The loop's sleep has ended.
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

/// A timer's level and slot in the wheel. Level -1: no slot, for the cursor has reached
/// the timer's tick already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) level: i8,
    pub(crate) slot: u8,
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

/// What the loop was doing when an event happened, and so the cause of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The task was being polled, or dropped.
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
