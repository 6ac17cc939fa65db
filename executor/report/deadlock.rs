//! The report of a deadlock: what does each stuck task wait for?
//!
//! To find out, each task is polled once more while its leaf futures write notes. A spurious
//! poll is harmless. A future may be ready in this extra poll. It is reported all the same:
//! nothing would have woken its task. (To go on would hide the mistake of a future, or of
//! this crate, behind a delay.)

use std::fmt;

use super::circles::Circle;
use super::tasks::{Tasks, left_behind_text};
use super::tree::{Node, Tree, title};
use super::waits::{View, WaitInfo, WaitsFor};
use crate::event_loop::EventLoop;
use crate::task::{Task, TaskId, TaskKey};

/// Describes every task of a loop in which nothing can ever happen again. `poll` polls a
/// task once.
pub(crate) fn deadlock(event_loop: &EventLoop, mut poll: impl FnMut(TaskKey)) -> Box<str> {
    let mut tasks = event_loop.scheduler.tasks();
    tasks.sort_by_key(|task| !event_loop.scheduler.is_root(task));
    let circles = Tasks::of(event_loop).circles();
    let (notes, view) = (&event_loop.scheduler.notes, View::of(event_loop));
    notes.are_of_all.set(true);
    let nodes = event_loop.tracer.untraced(|| {
        let nodes = tasks.into_iter().map(|task| {
            let (id, description) = (task.id, describe(event_loop, &task));
            let history = event_loop.tracer.history(id.0);
            let before = history.map(|history| history.waits).unwrap_or_default();
            notes.start(event_loop.timers.clock.nanoseconds_now(), before);
            poll(task.key());
            let waits = notes.taken();
            node(id, &description, &view.waits(&waits.all()), &view.waits(&waits.left_behind()))
        });
        nodes.collect::<Vec<Node>>()
    });
    notes.stop();
    text(&nodes, &circles).into()
}

fn text(nodes: &[Node], circles: &[Circle]) -> String {
    format!(
        "deadlock: nothing is ready, and nothing ever will be. No timer is armed, no descriptor \
         awaited, no blocking job out, no `Remote` alive, and no waker is held outside of these \
         stuck futures:\n{}{}",
        Tree { nodes, bullet: "  - " },
        circles.iter().map(|circle| format!("\n{circle}")).collect::<String>()
    )
}

fn describe(event_loop: &EventLoop, task: &Task) -> String {
    if event_loop.scheduler.is_root(task) {
        return format!("the future given to `block_on` at {}", task.spawned_at);
    }
    let name = event_loop.scheduler.name(task.id);
    format!("{}, spawned at {}", title(task.id, name.as_deref()), task.spawned_at)
}

fn node(id: TaskId, description: &str, waits: &[WaitInfo], left_behind: &[WaitInfo]) -> Node {
    let mut what = waits.iter().map(|wait| Stuck(wait).to_string()).collect::<Vec<_>>();
    if waits.is_empty() {
        what.push(
            "something that has kept no waker: nothing can wake it (as with \
             `std::future::pending`, or a `poll` that was `Pending` without keeping `cx.waker()`)"
                .to_owned(),
        );
    }
    let awaits = waits.iter().filter_map(WaitInfo::awaited_task).collect();
    let line = format!(
        "{description}, waits for {}{}",
        what.join("; and for "),
        left_behind_text(left_behind)
    );
    Node { id, line, awaits }
}

/// A wait of a stuck task: the same text, and of an awaited task the line that spawned it.
struct Stuck<'a>(&'a WaitInfo);

impl fmt::Display for Stuck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.what {
            WaitsFor::Task(task) => write!(f, "the end of {task}, spawned at {}", self.0.since),
            _ => self.0.fmt(f),
        }
    }
}
