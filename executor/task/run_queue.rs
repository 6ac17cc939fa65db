//! The ready queue: the names of the tasks that want to be polled, first come
//! first served. It knows no futures and no wakers.
//!
//! *A turn is a snapshot*: the loop asks for the length once, at the start of a
//! turn, and polls that many. What becomes ready meanwhile goes to the back and
//! waits for the next turn. So a task that wakes itself cannot starve the others.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::id::Name;
use crate::trace::{Event, Glass};

/// How many names the queue keeps room for while the loop sleeps.
const ROOMY: usize = 4096;

/// The queue of one loop, to be pushed to on the loop's own thread only.
pub(crate) struct RunQueue {
    ready: RefCell<VecDeque<Name>>,
    pushed: Cell<u64>,
    pub(crate) glass: Glass,
}

impl RunQueue {
    pub(crate) fn new(glass: Glass) -> RunQueue {
        RunQueue { ready: RefCell::default(), pushed: Cell::new(0), glass }
    }

    /// A task was woken. `again`: it stands in the line already.
    #[inline]
    pub(crate) fn note_wake(&self, name: impl FnOnce() -> Name, again: bool) {
        self.glass.emit(move || Event::Wake { task: name().number.into(), again });
    }

    /// Puts a task at the back of the line.
    pub(crate) fn push(&self, name: Name) {
        self.pushed.set(self.pushed.get() + 1);
        self.ready.borrow_mut().push_back(name);
    }

    /// Takes the task at the front of the line.
    pub(crate) fn pop(&self) -> Option<Name> {
        self.ready.borrow_mut().pop_front()
    }

    /// The line, from the front to the back.
    pub(crate) fn names(&self) -> Vec<Name> {
        self.ready.borrow().iter().copied().collect()
    }

    /// Gives back the memory that a burst has left behind.
    pub(crate) fn shrink(&self) {
        self.ready.borrow_mut().shrink_to(ROOMY);
    }

    /// How many are waiting: the size of a turn's snapshot.
    pub(crate) fn len(&self) -> usize {
        self.ready.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many times a task was put into the line, ever.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed.get()
    }
}
