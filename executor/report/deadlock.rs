//! The report of a deadlock: what does each stuck task wait for?
//!
//! To find out, each task is polled once more while its leaf futures write notes. A spurious
//! poll is harmless. A future may be ready in this extra poll. It is reported all the same:
//! nothing would have woken its task. (To go on would hide the mistake of a future, or of
//! this crate, behind a delay.)

use super::tree::{Node, Tree, title};
use crate::event_loop::EventLoop;
use crate::task::{Task, TaskId, TaskKey};
use crate::trace::WaitReason;

/// Describes every task of a loop in which nothing can ever happen again. `poll` polls a
/// task once.
pub(crate) fn deadlock(event_loop: &EventLoop, mut poll: impl FnMut(TaskKey)) -> Box<str> {
    let mut tasks = event_loop.scheduler.tasks();
    tasks.sort_by_key(|task| !event_loop.scheduler.is_root(task));
    let notes = &event_loop.scheduler.notes;
    notes.are_of_all.set(true);
    let nodes = event_loop.tracer.untraced(|| {
        let nodes = tasks.into_iter().map(|task| {
            let (id, description) = (task.id, describe(event_loop, &task));
            notes.start();
            poll(task.key());
            node(id, &description, &notes.taken().all())
        });
        nodes.collect::<Vec<Node>>()
    });
    notes.stop();
    format!(
        "deadlock: nothing is ready, and nothing ever will be. No timer is armed, no descriptor \
         awaited, no blocking job out, no `Remote` alive, and no waker is held outside of these \
         stuck futures:\n{}",
        Tree { nodes: &nodes, bullet: "  - " }
    )
    .into()
}

fn describe(event_loop: &EventLoop, task: &Task) -> String {
    if event_loop.scheduler.is_root(task) {
        return format!("the future given to `block_on` at {}", task.spawned_at);
    }
    let name = event_loop.scheduler.name(task.id);
    format!("{}, spawned at {}", title(task.id, name.as_deref()), task.spawned_at)
}

fn node(id: TaskId, description: &str, waits: &[WaitReason]) -> Node {
    let mut what = waits.iter().map(ToString::to_string).collect::<Vec<_>>().join("; and for ");
    if waits.is_empty() {
        what += "something that has kept no waker: nothing can wake it (as with \
                 `std::future::pending`, or a `poll` that was `Pending` without keeping \
                 `cx.waker()`)";
    }
    let awaits = waits.iter().filter_map(WaitReason::awaited_task).map(TaskId);
    Node { id, line: format!("{description}, waits for {what}"), awaits: awaits.collect() }
}
