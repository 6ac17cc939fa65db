//! What a leaf future waits for, in words and numbers: for the trace, for the list of
//! tasks, and for the report of a deadlock.

use std::fmt;

use super::resource::{CodeLine, Resource};

/// What a leaf waits for, and the line that created the leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitReason {
    pub(crate) what: What,
    pub(crate) at: CodeLine,
}

/// What a leaf waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// Something that a resource can give, like "room in a channel"; and whether the future that
    /// waits cannot leave its task.
    Thing(&'static str, Resource, bool),
    /// A time that never comes.
    Never,
    /// The timer of that number.
    Timer(u64),
    /// A descriptor, until it can be read from.
    Readable(u64),
    /// A descriptor, until it can be written to.
    Writable(u64),
    /// A job of the blocking pool.
    Job(u64),
    /// The end of the task of that number. The line is that of the task's spawn.
    EndOf(u64),
    /// The end of a task of another loop.
    EndElsewhere,
}

/// How reports name what cannot be named by a number.
pub(crate) const ELSEWHERE: &str = "the end of a task of another loop";

impl WaitReason {
    /// Whether the future that waits may leave its task.
    pub(crate) fn may_move(&self) -> bool {
        !matches!(self.what, What::Thing(_, _, true))
    }

    /// The lock, channel or signal that is waited for.
    pub(crate) fn resource(&self) -> Option<Resource> {
        match self.what {
            What::Thing(_, resource, _) => Some(resource),
            _ => None,
        }
    }

    /// The number of the task whose end the leaf waits for.
    pub(crate) fn awaited_task(&self) -> Option<u64> {
        match self.what {
            What::EndOf(task) => Some(task),
            _ => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Thing(name, ..) => f.write_str(name),
            What::Never => f.write_str("a time that never comes"),
            What::Timer(timer) => write!(f, "timer {timer}"),
            What::Readable(fd) => write!(f, "descriptor {fd} to be readable"),
            What::Writable(fd) => write!(f, "descriptor {fd} to be writable"),
            What::Job(job) => write!(f, "blocking job {job}"),
            What::EndOf(task) => write!(f, "the end of task {task}"),
            What::EndElsewhere => f.write_str(ELSEWHERE),
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = if let What::EndOf(_) | What::EndElsewhere = self.what {
            "spawned at"
        } else {
            "since"
        };
        write!(f, "{}, {since} {}", self.what, self.at)
    }
}
