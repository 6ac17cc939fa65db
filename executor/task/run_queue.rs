//! The run queue: the keys of the tasks that are ready to be polled, first in, first out.
//! asyncio's `_ready`. It knows no futures and no wakers.
//!
//! *A turn is a snapshot*: the loop asks for the length once, at the start of a turn, and
//! polls that many tasks. A task that becomes ready meanwhile goes to the back and waits
//! for the next turn. So a task that wakes itself cannot starve the others.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::id::TaskKey;

/// How many keys the queue keeps room for while the loop sleeps.
const KEPT_CAPACITY: usize = 4096;

/// The run queue of one loop.
#[derive(Default)]
pub(crate) struct RunQueue {
    keys: RefCell<VecDeque<TaskKey>>,
    /// How many times a key was pushed, ever.
    pub(crate) pushed: Cell<u64>,
}

impl RunQueue {
    /// Puts the key of a task at the back of the queue.
    #[inline]
    pub(crate) fn push(&self, key: TaskKey) {
        self.pushed.set(self.pushed.get() + 1);
        self.keys.borrow_mut().push_back(key);
    }

    /// Takes the key at the front of the queue.
    pub(crate) fn pop(&self) -> Option<TaskKey> {
        self.keys.borrow_mut().pop_front()
    }

    /// Gives back the memory that a burst has left behind.
    pub(crate) fn shrink(&self) {
        self.keys.borrow_mut().shrink_to(KEPT_CAPACITY);
    }

    /// How many tasks are in the queue: the size of a turn's snapshot.
    pub(crate) fn len(&self) -> usize {
        self.keys.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
