//! Circles: tasks that wait for each other while others run. (When nothing runs any more, the
//! report of a deadlock shows them too.)
//!
//! A task *can go on without others* if anything else than a task may wake it: a timer, a
//! descriptor, a job, a signal, a channel, or a waker that others hold. All
//! tasks that wait for such a task, and only for such tasks, may go on one day. What is left
//! are tasks each of which waits for others of the rest: among them are circles.
//!
//! Whom does a task wait for? For the task whose end it awaits; and for the tasks that have
//! taken the lock or the permits that it wants. What can move to another task proves nothing: an
//! `OwnedPermit`; what `try_lock` has given, wherever that is; and what a boxed future holds, for a
//! box can be sent. (The boxes of a `join_all` and of a `timeout` cannot.) So it counts where in memory the
//! future lies that took the lock: inside of its task or not. Nor does a lock prove
//! anything of which nobody knows who has taken it.
//!
//! So no circle is reported of tasks that can still go on. One thing is beyond its sight: the
//! guard of a lock that lives for ever (in a `Box::leak`), which can be sent by itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::tasks::{TaskInfo, Tasks};
use super::waits::{Resource, View};
use crate::event_loop::EventLoop;
use crate::task::{Progress, Task, TaskId, contain};
use crate::trace::holds::{self, HoldKey};
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
    /// most, are known to be held by `Permit`s. What `try_lock` has given, and what a boxed future
    /// holds, does not count, since it may be sent to another task. (One thing the loop does not see:
    /// that the guard of a leaked lock is sent.)
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
        // If it waits for itself and for others (of one semaphore), they are a circle together.
        let blockers = task.blockers.as_ref()?;
        at = *blockers.iter().find(|id| **id != at).or(blockers.first())?;
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
        blockers(self.event_loop, waits, |timer| self.is_armed(timer))
    }
}

/// The tasks without which a task that waits for this cannot go on.
fn blockers(
    event_loop: &EventLoop,
    waits: &Waits,
    is_armed: impl Fn(u64) -> bool,
) -> Option<Vec<TaskId>> {
    let mut blockers = Vec::new();
    waits.try_each(|note| {
        match note.wait.what {
            What::Timer(timer) if is_armed(timer) => return None,
            // It has woken the task, which has not polled it since.
            What::Timer(_) => {}
            What::EndOf(task) => blockers.push(TaskId(task)),
            _ => blockers.extend(holders_that_stay(event_loop, note.wait.resource()?)?),
        }
        Some(())
    })?;
    (!blockers.is_empty()).then_some(blockers)
}

/// The tasks that hold the resource, if they hold all of it, and none of it can be anywhere
/// else.
fn holders_that_stay(event_loop: &EventLoop, resource: Resource) -> Option<Vec<TaskId>> {
    let holds = holds::of(resource.number);
    let is_all = holds.first().is_some_and(|(_, hold)| hold.of == holds.len());
    let holders = holds.iter().map(|(key, hold)| {
        let (of, task) = hold.task?;
        let stays = match key {
            HoldKey::Taken(_) => !hold.may_move,
            HoldKey::Granted(leaf) => event_loop
                .tracer
                .with_waits(task, |waits| waits.find(*leaf))
                .flatten()
                .is_some_and(|note| !note.wait.may_move()),
        };
        (of == event_loop.id && stays).then_some(TaskId(task))
    });
    holders.collect::<Option<Vec<_>>>().filter(|_| is_all)
}

/// Reports the circles of a loop that takes notes: each once, when it has closed.
pub(crate) struct CircleWatch {
    report: Box<dyn Fn(&Circle)>,
    /// The tasks of the circles that were there at the last report, and how often each had been
    /// polled: a task that was polled since is in another circle.
    reported: RefCell<HashMap<TaskId, Option<u64>>>,
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
    if begun.is_empty() || !may_have_closed(event_loop, begun) {
        return;
    }
    let CircleWatch { report, reported } = &event_loop.circles;
    let circles = Tasks::of(event_loop).circles();
    let now = circles.iter().flat_map(Circle::tasks).map(|task| (task.id, task.polls)).collect();
    let before = reported.replace(now);
    let is_new = |task: &TaskInfo| before.get(&task.id) != Some(&task.polls);
    for circle in circles.iter().filter(|circle| circle.tasks().iter().any(is_new)) {
        // The loop must not end because of a report.
        contain(|| report(circle));
    }
}

/// The same, unless nothing is ready: then the loop proves first that it is not stuck as a whole.
pub(crate) fn report_circles_of_busy(event_loop: &EventLoop) {
    if !event_loop.scheduler.run_queue.is_empty() {
        report_closed_circles(event_loop);
    }
}

/// Whether one of the tasks seems to wait only for tasks that cannot go on either, by the notes
/// alone: this is done in every turn, and so must not look at all tasks. A task that waits for a
/// circle which was reported closes no other, unless it waits for itself.
fn may_have_closed(event_loop: &EventLoop, begun: Vec<u64>) -> bool {
    let reported = event_loop.circles.reported.borrow();
    let mut left = MOST;
    let blockers = |id: TaskId| {
        event_loop.tracer.with_waits(id.0, |waits| blockers(event_loop, waits, |_| false))?
    };
    begun.into_iter().map(TaskId).any(|task| {
        let (mut reached, mut next) = (HashSet::from([task]), vec![task]);
        let (mut is_closed, mut is_known) = (false, false);
        while let Some(id) = next.pop() {
            left = left.saturating_sub(1);
            let Some(blockers) = blockers(id).filter(|_| left > 0) else { return false };
            is_closed |= blockers.contains(&task);
            is_known |= reported.contains_key(&id);
            next.extend(blockers.into_iter().filter(|id| reached.insert(*id)));
        }
        is_closed || !is_known
    })
}
