//! `tasks`: which tasks does the loop have, and what does each wait for? asyncio's
//! `all_tasks`, and the tree of its `pstree`.

use std::fmt;
use std::ops::Deref;
use std::panic::Location;

use super::late::Late;
use super::tree::{Node, Tree, title};
use super::waits::{View, WaitInfo};
use crate::current;
use crate::event_loop::{EventLoop, Executor};
use crate::task::{Progress, Task, TaskId};
use crate::trace::Waits;

/// Every task of the current loop that has not ended, and what each waits for. Printed, a
/// tree of the tasks that await each other. asyncio's `all_tasks`, and
/// `python -m asyncio pstree`.
///
/// What a task waits for, and how late it was, is known only if the loop keeps notes of it: in
/// a debug build, when the loop is traced, and when it was made with
/// [`Builder::explain`](crate::Builder::explain) or
/// [`Builder::slow_poll`](crate::Builder::slow_poll).
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// use std::time::Duration;
/// use glassloop::{TaskState, WaitsFor, sleep, spawn_named, yield_now};
///
/// let executor = glassloop::Executor::builder().explain(true).build()?;
/// executor.block_on(async {
///     let _fetch = spawn_named("fetch", sleep(Duration::from_secs(2)));
///     yield_now().await;
///     let tasks = glassloop::tasks();
///     println!("{tasks}");
///     assert_eq!(tasks[1].name.as_deref(), Some("fetch"));
///     assert_eq!(tasks[1].state, TaskState::Waiting);
///     assert!(matches!(tasks[1].waits[0].what, WaitsFor::Timer(_)));
/// });
/// # std::io::Result::Ok(())
/// ```
#[track_caller]
pub fn tasks() -> Tasks {
    Tasks::of(&current::expect("`glassloop::tasks`"))
}

/// A task, as it is at the moment. See [`tasks`](crate::tasks).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its number.
    pub id: TaskId,
    /// Its name, if it has one; `"root"` for the future of `block_on`.
    pub name: Option<String>,
    /// The line that spawned it; for the root, the call of `block_on`.
    pub spawned_at: &'static Location<'static>,
    /// What it does at the moment.
    pub state: TaskState,
    /// How often it was polled; `None` if the loop keeps no notes
    /// ([`Builder::explain`](crate::Builder::explain)).
    pub polls: Option<u64>,
    /// What it waits for. Empty if it does not wait, if the loop keeps no notes, or if it
    /// waits for something that is not of this crate.
    pub waits: Vec<WaitInfo>,
    /// What it has polled before, but not in its last poll, and has not dropped either (as
    /// far as the loop can see). If such a future holds a lock, nobody gets it: the future
    /// cannot go on while its task does not poll it.
    pub left_behind: Vec<WaitInfo>,
    /// The tasks without which it cannot go on; `None` if it may go on without.
    pub(super) blockers: Option<Vec<TaskId>>,
    /// How late it is at the moment, by 1 ms at least; otherwise how late it was at worst, if it
    /// ever was. `None` if the loop keeps no notes.
    pub late: Option<Late>,
}

/// What a task does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// In the run queue.
    Ready,
    /// Being polled: the task that calls `tasks`.
    Running,
    /// Suspended until something wakes it.
    Waiting,
}

/// The tasks of a loop at one moment, in the order in which they were spawned. Printed, it
/// is a tree: under each task are the tasks that it awaits.
///
/// ```text
/// task 1 "root", from src/main.rs:4, polled once: waits for the end of task 2
/// └─ task 2 "fetch", from src/main.rs:5, polled once: waits for a timer, in 30ms, since src/main.rs:9: timer 0
/// task 3 "spin", from src/main.rs:6, polled 7 times: running; was 5.1ms late: 5.0ms of them task 2 "fetch", from src/main.rs:5
/// ```
#[derive(Clone, Debug)]
pub struct Tasks(pub(super) Vec<TaskInfo>);

impl Deref for Tasks {
    type Target = [TaskInfo];

    fn deref(&self) -> &[TaskInfo] {
        &self.0
    }
}

impl IntoIterator for Tasks {
    type Item = TaskInfo;
    type IntoIter = std::vec::IntoIter<TaskInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Executor {
    /// Every task that has not ended, and what it waits for. See [`tasks`](crate::tasks).
    pub fn tasks(&self) -> Tasks {
        Tasks::of(&self.event_loop)
    }
}

impl Tasks {
    pub(super) fn of(event_loop: &EventLoop) -> Tasks {
        let view = View::of(event_loop);
        Tasks(event_loop.scheduler.tasks().iter().map(|task| view.task(task)).collect())
    }
}

impl View<'_> {
    fn task(&self, task: &Task) -> TaskInfo {
        let state = match task.progress.get() {
            Progress::Running => TaskState::Running,
            _ if task.queued.get() => TaskState::Ready,
            _ => TaskState::Waiting,
        };
        let history = self.event_loop.tracer.history(task.id.0);
        let polls = history.as_ref().map(|history| history.polls);
        let waits = history.map(|history| history.waits).unwrap_or_default();
        TaskInfo {
            id: task.id,
            name: self.event_loop.scheduler.name(task.id).map(|name| name.to_string()),
            spawned_at: task.spawned_at,
            state,
            polls,
            late: self.late(task.id, &waits),
            waits: self.waits(&waits.all()),
            left_behind: self.waits(&waits.left_behind()),
            blockers: self.blockers(task, &waits),
        }
    }

    fn late(&self, task: TaskId, waits: &Waits) -> Option<Late> {
        let deadline = self.earliest_deadline(&waits.all());
        let deadline = deadline.map(|at| self.event_loop.timers.clock.nanoseconds(at));
        self.event_loop.tracer.delay(task.0, deadline).map(Late::new)
    }
}

impl fmt::Display for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<Node> = self.iter().map(TaskInfo::node).collect();
        Tree { nodes: &nodes, bullet: "" }.fmt(f)
    }
}

impl TaskInfo {
    fn node(&self) -> Node {
        let awaits = self.waits.iter().filter_map(WaitInfo::awaited_task).collect();
        Node { id: self.id, line: self.to_string(), awaits }
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, from {}", title(self.id, self.name.as_deref()), self.spawned_at)?;
        match self.polls {
            Some(0) => f.write_str(", never polled")?,
            Some(1) => f.write_str(", polled once")?,
            Some(polls) => write!(f, ", polled {polls} times")?,
            None => {}
        }
        let waits: Vec<String> = self.waits.iter().map(ToString::to_string).collect();
        match self.state {
            TaskState::Ready => f.write_str(": ready")?,
            TaskState::Running => f.write_str(": running")?,
            TaskState::Waiting if waits.is_empty() => f.write_str(": waits")?,
            TaskState::Waiting => write!(f, ": waits for {}", waits.join("; and for "))?,
        }
        f.write_str(&left_behind_text(&self.left_behind))?;
        match &self.late {
            Some(late) if !late.is_over => write!(f, "; is {late}"),
            Some(late) => write!(f, "; was {late}"),
            None => Ok(()),
        }
    }
}

/// What a line says of futures that the task no longer polls.
pub(super) fn left_behind_text(left_behind: &[WaitInfo]) -> String {
    let Some(first) = left_behind.first() else { return String::new() };
    let others = match left_behind.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("; it no longer polls a future that waits for {first}{others}")
}
