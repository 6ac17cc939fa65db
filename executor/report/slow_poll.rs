//! Slow polls: which task blocks the loop? asyncio's debug mode asks the same.

use std::cmp::Reverse;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::tasks::{TaskInfo, Tasks};
use super::tree::title;
use crate::event_loop::EventLoop;
use crate::task::{TaskId, TaskKey, contain};

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
    /// The tasks that are late when the poll ends, the latest first: in the run queue, or with a
    /// timer that is due. [`TaskInfo::late`] says by how much, and how much of that is this
    /// task's. Empty if the poll took less than 1 ms.
    pub made_late: Vec<TaskInfo>,
}

impl fmt::Display for SlowPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (task, at, took) = (title(self.task, self.name.as_deref()), self.spawned_at, self.took);
        write!(
            f,
            "{task} (from {at}) held up the loop for {took:?}: it computed or blocked without \
             an await. Put blocking work into `glassloop::unblock`, and an await into long loops"
        )?;
        let late = self.made_late.iter().filter_map(|task| Some((task, task.late.as_ref()?)));
        for (index, (task, late)) in late.take(PRINTED).enumerate() {
            let before = if index == 0 { ". Late by now: " } else { "; " };
            write!(f, "{before}{} is {late}", title(task.id, task.name.as_deref()))?;
        }
        match self.made_late.len().saturating_sub(PRINTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// How many of the late tasks are printed.
const PRINTED: usize = 3;

/// Measures each poll, and calls `report` after each that takes longer than `limit`.
pub(crate) struct SlowPolls {
    pub(super) limit: Duration,
    pub(super) report: Box<dyn Fn(&SlowPoll)>,
}

/// A poll that is being measured.
pub(crate) struct Measured<'a> {
    slow_polls: &'a SlowPolls,
    event_loop: &'a EventLoop,
    start: Instant,
    poll: SlowPoll,
}

impl SlowPolls {
    /// The task is about to be polled. Its name and line are looked up now, since the task
    /// may end in this poll.
    #[cold]
    pub(crate) fn start<'a>(
        &'a self,
        event_loop: &'a EventLoop,
        key: TaskKey,
    ) -> Option<Box<Measured<'a>>> {
        let task = event_loop.scheduler.find(key)?;
        let poll = SlowPoll {
            task: task.id,
            name: event_loop.scheduler.name(task.id).map(|name| name.to_string()),
            spawned_at: task.spawned_at,
            took: Duration::ZERO,
            made_late: Vec::new(),
        };
        Some(Box::new(Measured { slow_polls: self, event_loop, start: Instant::now(), poll }))
    }
}

impl Measured<'_> {
    /// The poll has ended: reports it, if it took too long.
    #[cold]
    pub(crate) fn end(mut self) {
        self.poll.took = self.start.elapsed();
        if self.poll.took > self.slow_polls.limit {
            // The report's time is not the task's.
            self.event_loop.tracer.reporting();
            self.poll.made_late = self.made_late();
            // The loop must not end because of a report.
            contain(|| (self.slow_polls.report)(&self.poll));
        }
    }

    /// The tasks that are late now, the latest first.
    fn made_late(&self) -> Vec<TaskInfo> {
        // A shorter poll makes nobody late, and to list all tasks takes time.
        if self.poll.took < Duration::from_millis(1) {
            return Vec::new();
        }
        let mut tasks: Vec<TaskInfo> = Tasks::of(self.event_loop).into_iter().collect();
        tasks.retain(|task| task.late.as_ref().is_some_and(|late| !late.is_over));
        tasks.sort_by_key(|task| Reverse(task.late.as_ref().map(|late| late.by)));
        tasks
    }
}
