//! What a task is called: its number for people, and its key inside the loop.

use std::fmt;

/// The number of a task, unique within its executor for as long as that lives.
///
/// Numbers are given in the order of the spawns and never used twice.
/// The future given to [`block_on`](crate::block_on) has a number too: as a rule the
/// first, so that the first spawned task is task 2.
///
/// In asyncio, the nearest relative is the task's name, as in `Task-4`.
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

/// Inside the loop, a task is a number: the slot of the task table in which it is, and a
/// *generation* that tells it from the tasks that were in this slot before.
///
/// The run queue, the timer wheel and the wait queues hold keys, not tasks. A key is two
/// small numbers: it can be copied, owns nothing, and may be kept for ever. When the task
/// has ended, its key finds no task.
///
/// The generation is the lower half of the task's number. So a key that is four billion
/// spawns old may wake another task; that task is polled once for nothing, which every
/// future must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}
