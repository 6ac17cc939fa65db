//! Slow polls: which task blocks the loop? asyncio's debug mode asks the same.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::tree::title;
use crate::task::{Scheduler, TaskId, TaskKey, contain};

/// A poll that took longer than the limit of
/// [`Builder::slow_poll`](crate::Builder::slow_poll): meanwhile nothing else ran.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlowPoll {
    /// The task that was polled.
    pub task: TaskId,
    /// Its name, if it has one; `"root"` for the future of `block_on`.
    pub name: Option<String>,
    /// Where it was spawned; for the root, the call of `block_on`.
    pub spawned_at: &'static Location<'static>,
    /// How long the poll took, by the real clock.
    pub took: Duration,
}

impl fmt::Display for SlowPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, at, took) =
            (title(self.task, self.name.as_deref()), self.spawned_at, self.took);
        write!(
            f,
            "{title} (from {at}) held up the loop for {took:?}: it computed or blocked without \
             an await. Put blocking work into `glassloop::unblock`, and an await into long loops"
        )
    }
}

/// Measures each poll, and calls `report` after each that takes longer than `limit`.
pub(crate) struct SlowPolls {
    pub(super) limit: Duration,
    pub(super) report: Box<dyn Fn(&SlowPoll)>,
}

/// A poll that is being measured.
pub(crate) struct Measured<'a> {
    slow_polls: &'a SlowPolls,
    start: Instant,
    poll: SlowPoll,
}

impl SlowPolls {
    /// The task is about to be polled. Its name and line are looked up now, since the task
    /// may end in this poll.
    #[cold]
    pub(crate) fn start(&self, tasks: &Scheduler, key: TaskKey) -> Option<Box<Measured<'_>>> {
        let task = tasks.find(key)?;
        let poll = SlowPoll {
            task: task.id,
            name: tasks.name(task.id).map(|name| name.to_string()),
            spawned_at: task.spawned_at,
            took: Duration::ZERO,
        };
        Some(Box::new(Measured { slow_polls: self, start: Instant::now(), poll }))
    }
}

impl Measured<'_> {
    /// The poll has ended: reports it, if it took too long.
    #[cold]
    pub(crate) fn end(mut self) {
        self.poll.took = self.start.elapsed();
        if self.poll.took > self.slow_polls.limit {
            // The loop must not end because of a report.
            contain(|| (self.slow_polls.report)(&self.poll));
        }
    }
}
