//! Circles: tasks that wait for each other while others run. (When nothing runs any more, the
//! report of a deadlock shows them too.)
//!
//! A task *can go on without others* if anything else than a task may wake it: a timer, a
//! descriptor, a job, a signal, a channel, or a waker that others hold. All
//! tasks that wait for such a task, and only for such tasks, may go on one day. What is left
//! are tasks each of which waits for others of the rest: among them are circles.
//!
//! Whom does a task wait for? For the task whose end it awaits; and for the tasks that have
//! taken the lock or the permits that it wants. A guard that can move to another task (an
//! `OwnedPermit`) proves nothing. Nor does one lock of which nobody knows who has taken it.
//!
//! So no circle is reported of tasks that can still go on. One thing is beyond its sight: the
//! guard of a lock that lives for ever (in a `Box::leak`) can also be sent to another task.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::tasks::{TaskInfo, Tasks};
use super::waits::{View, WaitInfo};
use crate::event_loop::EventLoop;
use crate::task::{Progress, Task, TaskId, contain};
use crate::trace::{Waits, What};

/// Tasks each of which waits for the next one, and the last one for the first: none of them
/// can go on. See [`Tasks::circles`].
///
/// (To abort one of them, or to drop the executor, ends the circle.)
#[derive(Clone, Debug)]
pub struct Circle(Vec<TaskInfo>);

impl Circle {
    /// The tasks, each of which waits for the next one, and the last one for the first.
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.0
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.len() {
            1 => "a task waits for itself, and cannot go on:",
            _ => {
                "a circle: each of these tasks waits for the next one, and the last one for \
                  the first, so none of them can go on:"
            }
        })?;
        for task in &self.0 {
            write!(f, "\n  - {task}")?;
        }
        Ok(())
    }
}

impl Tasks {
    /// The circles among the tasks: who waits for whom, and cannot go on. Known only where the
    /// loop takes notes ([`tasks`](crate::tasks)).
    ///
    /// No circle is shown of tasks that can still go on: if a task waits for several things,
    /// all of them must lead into the circle. A semaphore counts if all its permits, 16 at
    /// most, are known to be held by `Permit`s.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use glassloop::{Executor, sync::Mutex, spawn, tasks, yield_now};
    ///
    /// let executor = Executor::builder().on_circle(|_| ()).explain(true).build()?;
    /// executor.block_on(async {
    ///     let (left, right) = (Rc::new(Mutex::new(())), Rc::new(Mutex::new(())));
    ///     for [first, second] in [[left.clone(), right.clone()], [right, left]] {
    ///         spawn(async move {
    ///             let _first = first.lock().await;
    ///             yield_now().await;
    ///             let _second = second.lock().await;
    ///         }).detach();
    ///     }
    ///     yield_now().await;
    ///     yield_now().await;
    ///     assert_eq!(tasks().circles()[0].tasks().len(), 2);
    /// });
    /// # std::io::Result::Ok(())
    /// ```
    pub fn circles(&self) -> Vec<Circle> {
        let stuck = self.stuck();
        let mut seen = HashSet::new();
        stuck.keys().filter_map(|id| circle_from(*id, &stuck, &mut seen)).collect()
    }

    /// The tasks that cannot go on, in order, by what is taken away from all: first those that
    /// can go on without others, then those that wait for one of these, and so on.
    fn stuck(&self) -> BTreeMap<TaskId, &TaskInfo> {
        let mut waiters: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
        let mut stuck = BTreeMap::new();
        for task in &self.0 {
            for blocker in task.blockers.iter().flatten() {
                waiters.entry(*blocker).or_default().push(task.id);
            }
            task.blockers.is_some().then(|| stuck.insert(task.id, task));
        }
        let known = waiters.keys().copied().chain(self.0.iter().map(|task| task.id));
        let mut moving: Vec<TaskId> = known.filter(|id| !stuck.contains_key(id)).collect();
        while let Some(id) = moving.pop() {
            let freed = waiters.remove(&id).unwrap_or_default();
            moving.extend(freed.into_iter().filter(|id| stuck.remove(id).is_some()));
        }
        stuck
    }
}

/// Goes from a stuck task to one that it waits for, and on, until it comes to a task for the
/// second time: the circle. `None` if it comes to a task that was `seen` before.
fn circle_from(
    start: TaskId,
    stuck: &BTreeMap<TaskId, &TaskInfo>,
    seen: &mut HashSet<TaskId>,
) -> Option<Circle> {
    let mut way: Vec<&TaskInfo> = Vec::new();
    let mut at = start;
    while seen.insert(at) {
        let task = stuck[&at];
        way.push(task);
        at = *task.blockers.as_ref()?.first()?;
    }
    let begin = way.iter().position(|task| task.id == at)?;
    Some(Circle(way[begin..].iter().map(|task| (*task).clone()).collect()))
}

impl View<'_> {
    /// The tasks without which `task`, which has these waits, cannot go on; `None` if it can go
    /// on without others.
    pub(super) fn blockers(&self, task: &Task, waits: &Waits) -> Option<Vec<TaskId>> {
        let is_suspended = task.progress.get() == Progress::Suspended && !task.queued.get();
        if !is_suspended || task.is_held_by_others() {
            return None;
        }
        let mut blockers = Vec::new();
        for note in waits.all().iter().chain(&waits.left_behind()) {
            match note.wait.what {
                // It has woken the task, which has not polled it since.
                What::Timer(timer) if !self.is_armed(timer) => {}
                What::EndOf(task) => blockers.push(TaskId(task)),
                _ => blockers.extend(holders_that_stay(&self.wait(note))?),
            }
        }
        (!blockers.is_empty()).then_some(blockers)
    }
}

/// The tasks that hold what is waited for, if they hold all of it, and none of it can be
/// anywhere else.
fn holders_that_stay(wait: &WaitInfo) -> Option<Vec<TaskId>> {
    let is_all = !wait.holders.is_empty() && wait.holders.len() == wait.permits;
    let holders = wait.holders.iter().map(|holder| holder.task.filter(|_| !holder.may_move));
    holders.collect::<Option<Vec<_>>>().filter(|_| is_all)
}

/// Reports the circles of a loop that takes notes: each once, when it has closed.
pub(crate) struct CircleWatch {
    report: Box<dyn Fn(&Circle)>,
    reported: RefCell<HashSet<TaskId>>,
}

impl CircleWatch {
    pub(super) fn new(report: Box<dyn Fn(&Circle)>) -> CircleWatch {
        CircleWatch { report, reported: RefCell::default() }
    }
}

impl Default for CircleWatch {
    fn default() -> CircleWatch {
        CircleWatch::new(Box::new(|circle| eprintln!("glassloop: {circle}")))
    }
}

/// How many tasks are looked at, at most, when tasks have begun to wait for each other. (What
/// is not found then, a later call of [`Tasks::circles`] or the report of a deadlock finds.)
const MOST: usize = 1 << 12;

/// Reports the circles that have closed since the last call. They close when a task begins to
/// wait for a lock or for the end of a task.
pub(crate) fn report_closed_circles(event_loop: &EventLoop) {
    let begun = event_loop.tracer.take_new_waits();
    if begun.is_empty() || !is_any_stuck(event_loop, begun) {
        return;
    }
    let CircleWatch { report, reported } = &event_loop.circles;
    for circle in Tasks::of(event_loop).circles() {
        let mut is_new = true;
        for task in circle.tasks() {
            is_new &= reported.borrow_mut().insert(task.id);
        }
        if is_new {
            // The loop must not end because of a report.
            contain(|| report(&circle));
        }
    }
}

/// The same, unless nothing is ready: then the loop proves first that it is not stuck as a whole.
pub(crate) fn report_circles_of_busy(event_loop: &EventLoop) {
    if !event_loop.scheduler.run_queue.is_empty() {
        report_closed_circles(event_loop);
    }
}

/// Whether one of the tasks waits only for tasks that cannot go on either.
fn is_any_stuck(event_loop: &EventLoop, begun: Vec<u64>) -> bool {
    let view = View::of(event_loop);
    let tasks = event_loop.scheduler.tasks();
    let tasks: HashMap<TaskId, _> = tasks.into_iter().map(|task| (task.id, task)).collect();
    let mut left = MOST;
    let blockers = |id: &TaskId| {
        let history = event_loop.tracer.history(id.0)?;
        view.blockers(tasks.get(id)?, &history.waits)
    };
    begun.into_iter().map(TaskId).any(|task| {
        let (mut reached, mut next) = (HashSet::from([task]), vec![task]);
        while let Some(id) = next.pop() {
            left = left.saturating_sub(1);
            let Some(blockers) = blockers(&id).filter(|_| left > 0) else { return false };
            next.extend(blockers.into_iter().filter(|id| reached.insert(*id)));
        }
        true
    })
}
