//! Stuck: when nothing can ever happen again, say so instead of sleeping for ever.
//!
//! On a single thread that can be proved. A loop about to park without end can
//! only be woken by
//!
//! - a timer, a descriptor, or a blocking job: it knows all of these;
//! - another thread, through a `Remote`: it counts them;
//! - a waker, wherever that is. The wakers of a task are the owners of its header,
//!   and how many of them lie in the crate's own locks, channels and joins is
//!   counted there. Those can only be woken by a task of this loop, and none of
//!   these will run. If there are no others, no waker can come from outside.
//!
//! So two tasks that wait for each other's mutex are found; and as long as some
//! thread or some other crate holds a waker, the loop sleeps: no false alarm. (A
//! waker that is dropped unused while the loop sleeps does not wake it. Then it
//! sleeps on, as every other executor would have from the start.)
//!
//! The proof costs nothing while anything runs. What the stuck tasks wait for is
//! found out only then, by polling each once more, while the leaves take notes. A
//! spurious poll is harmless. Should one be ready after all, then it had waited
//! without keeping a waker; it is stuck all the same, since no wake led there. (To
//! go on would hide the mistake of a future, or of this crate, behind a delay.)
//!
//! One limit: a large `join_all` wraps the wakers of its children, and what may
//! hold such a wrapper is not counted. Its task is taken to be held outside.

use std::cell::Cell;

use super::parts::Parts;
use super::root::Root;
use super::tree::{Node, Tree};
use crate::task::{Task, TaskId};
use crate::trace::Wait;

/// The check, and what it remembers.
#[derive(Default)]
pub(super) struct StuckCheck {
    /// The slot of the task that could be woken from outside when we looked last.
    last_witness: Cell<u32>,
}

impl StuckCheck {
    /// Returns if a wake may still come from outside.
    ///
    /// # Panics
    /// With a report on every stuck task, if none can.
    pub(super) fn check(&self, parts: &Parts, root: &mut Root<'_>) {
        if !self.may_be_woken(parts, root) {
            panic!("{}", parts.glass.unseen(|| report(parts, root)));
        }
    }

    /// Whether anything outside the loop could wake a task of it.
    fn may_be_woken(&self, parts: &Parts, root: &Root<'_>) -> bool {
        parts.mailbox.has_remotes()
            || parts.pool.jobs_out() > 0
            || root.is_held_outside()
            || self.is_task_held_outside(parts)
            // Last: who is not counted any more has left a message before.
            || parts.has_messages()
    }

    fn is_task_held_outside(&self, parts: &Parts) -> bool {
        // A program that waits for a thread comes here at every park. Its waker is
        // most likely where it was the last time, so that is where the search begins.
        let from = self.last_witness.get();
        let witness = parts.scheduler.find_task(from, Task::is_held_outside);
        if let Some(name) = witness {
            self.last_witness.set(name.slot);
        }
        witness.is_some()
    }
}

/// Asks everybody what they wait for.
fn report(parts: &Parts, root: &mut Root<'_>) -> String {
    parts.running.take_notes();
    root.poll(&parts.scheduler);
    let who = format!("the future given to `block_on` at {}", root.called_at);
    let mut nodes = vec![node(root.id, &who, &parts.running.notes(root.held_inside()))];

    for task in parts.scheduler.tasks() {
        parts.running.take_notes();
        parts.scheduler.poll(task.name());
        let label = task.label().map(|label| format!(" {label:?}"));
        let who =
            format!("{}{}, spawned at {}", task.id(), label.unwrap_or_default(), task.spawned_at);
        nodes.push(node(task.id(), &who, &parts.running.notes(task.held_inside())));
    }
    parts.running.stop_notes();
    format!(
        "deadlock: nothing is ready, and nothing ever will be. No timer is armed, no descriptor \
         awaited, no blocking job out, no `Remote` alive, and no waker is held outside of these \
         stuck futures:\n{}",
        Tree { nodes: &nodes, bullet: "  - " }
    )
}

fn node(id: TaskId, who: &str, waits: &[Wait]) -> Node {
    let what: Vec<String> = waits.iter().map(ToString::to_string).collect();
    let what = match what.is_empty() {
        true => "something that has kept no waker: nothing can wake it (as with \
                 `std::future::pending`, or a `poll` that was `Pending` without keeping \
                 `cx.waker()`)"
            .to_owned(),
        false => what.join("; and for "),
    };
    let awaits = waits.iter().filter_map(|wait| wait.awaited_task()).map(TaskId);
    Node { id, line: format!("{who}, waits for {what}"), awaits: awaits.collect() }
}
