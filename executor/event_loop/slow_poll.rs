//! Which task holds up the loop? asyncio's debug mode asks the same.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::task::TaskId;

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
        let name = self.name.as_ref().map(|name| format!(" {name:?}"));
        write!(
            f,
            "{}{} (from {}) held up the loop for {:?}: it computed or blocked without \
             an await. Put blocking work into `glassloop::unblock`, and an await into long loops",
            self.task,
            name.unwrap_or_default(),
            self.spawned_at,
            self.took
        )
    }
}

/// Measures polls, if it was asked to.
#[derive(Default)]
pub(super) struct SlowPolls {
    watch: Option<Watch>,
}

struct Watch {
    limit: Duration,
    report: Box<dyn Fn(&SlowPoll)>,
}

impl SlowPolls {
    pub(super) fn watch(limit: Duration, report: impl Fn(&SlowPoll) + 'static) -> SlowPolls {
        let report = Box::new(report);
        SlowPolls { watch: Some(Watch { limit, report }) }
    }

    /// Calls `poll`, and reports if it took too long. `who` is asked before, since
    /// the task may have ended by then; it is not asked at all without a watch.
    #[inline]
    pub(super) fn measure(&self, who: impl FnOnce() -> Option<Who>, poll: impl FnOnce()) {
        match &self.watch {
            None => poll(),
            Some(watch) => watch.measure(who(), poll),
        }
    }
}

impl Watch {
    #[cold]
    fn measure(&self, who: Option<Who>, poll: impl FnOnce()) {
        let start = Instant::now();
        poll();
        let took = start.elapsed();
        if let Some((task, name, spawned_at)) = who
            && took > self.limit
        {
            (self.report)(&SlowPoll { task, name, spawned_at, took });
        }
    }
}

/// A task's number, name, and the line that spawned it.
pub(super) type Who = (TaskId, Option<String>, &'static Location<'static>);
