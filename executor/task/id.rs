//! What a task is called.
//!
//! A future lives in one place and never leaves its thread; only its *name*
//! travels: through the run queue, through wakers, to other threads. A name is
//! cheap to copy and harmless to keep: when the task has ended, it names nobody.

use std::fmt;

/// The number of a task, unique within its executor for as long as that lives.
///
/// Numbers are given in the order of the spawns and never used twice, so that a
/// waker which outlives its task can never be taken for a waker of the next one.
/// The future given to [`block_on`](crate::block_on) has a number too: as a rule the
/// first, so that the first task is task 2.
///
/// In asyncio, the nearest relative is the name `Task-4`.
///
/// ```
/// glassloop::block_on(async {
///     let first = glassloop::spawn(async {});
///     let second = glassloop::spawn(async {});
///     assert!(first.id() < second.id());
///     assert!(first.id().to_string().starts_with("task "));
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0)
    }
}

/// Where to find a task, and which one (a *generational index*): the slot of the task
/// table, and the number that the task in that slot must have to be the one that is
/// meant.
///
/// Of the number, the lower half will do, and makes a name one word: after four billion
/// spawns, a waker that is as old might wake another task for nothing, which is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) slot: u32,
    pub(crate) number: u32,
}

impl Name {
    /// The slot of the root future, which is pinned on the stack of `block_on`
    /// and therefore in no slot at all.
    pub(crate) const ROOT: u32 = u32::MAX;

    /// The name of the task with that number, in that slot.
    pub(crate) fn new(id: TaskId, slot: u32) -> Name {
        Name { slot, number: id.0 as u32 }
    }
}
