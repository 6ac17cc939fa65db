//! What a leaf waits for, in words: for the report on a program that is stuck.

use std::fmt;
use std::panic::Location;

use super::id::TaskId;

/// What a leaf waits for, and the line that created the leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) what: What,
    pub(crate) at: &'static Location<'static>,
}

/// What a leaf waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Something with a name, like "a mutex".
    Thing(&'static str),
    /// The end of another task, which was spawned at the given line.
    EndOf(TaskId),
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Thing(name) => write!(f, "{name}, since {}", self.at),
            What::EndOf(task) => write!(f, "the end of {task}, spawned at {}", self.at),
        }
    }
}
