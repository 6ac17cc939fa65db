//! The proof of a deadlock: when nothing can ever happen again, the loop says so instead of
//! sleeping for ever.
//!
//! On a single thread that can be proved. A loop that is about to park without a time limit
//! can only be woken by
//!
//! - a timer, a descriptor, or a job of the pool: the loop knows all of these;
//! - another thread, through a `Remote`: their number is known;
//! - a waker, wherever it is. The leaf futures of this crate register the *key* of their
//!   task, and only a task, a timer or a descriptor of this loop wakes through a key (or of
//!   another loop on this thread, which stands still meanwhile). All
//!   other wakers of a task share one `Arc`; so if its count says that only the task itself
//!   holds it, no wake can come from outside.
//!
//! So two tasks that wait for each other's mutex are found. And as long as a thread or
//! another crate holds a waker, the loop sleeps: there is no false alarm. (The drop of a
//! waker does not wake the loop. So if the last waker is dropped unused while the loop
//! sleeps, the loop sleeps on, as every other executor does.)
//!
//! The proof costs nothing while anything runs.
//!
//! A large `join_all` polls its children with wakers of its own. The leaf futures of this
//! crate do not keep these either, but a `ChildOf`. And while nothing else has such a waker,
//! the `join_all` does not keep its task's waker.

use super::parts::EventLoop;
use crate::task::Task;

impl EventLoop {
    /// Whether anything outside the loop may still wake a task of it, when no timer is
    /// armed and no descriptor is awaited.
    pub(super) fn may_be_woken(&self) -> bool {
        self.inbox.has_remotes()
            || self.pool.jobs_out() > 0
            || self.is_a_task_held_by_others()
            // Last: each of the others posts its message before it lowers its count.
            || self.inbox.has_messages()
    }

    fn is_a_task_held_by_others(&self) -> bool {
        // A program that waits for a thread comes here at every park. Most likely its
        // waker is that of the same task as the last time, so the search begins there.
        let held = self.scheduler.find_task(self.held_slot.get(), Task::is_held_by_others);
        held.into_iter().for_each(|key| self.held_slot.set(key.slot));
        held.is_some()
    }
}
