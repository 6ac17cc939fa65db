//! Which children of a large combinator were woken. `join_all` has one of these if it has so
//! many children that it must not poll all of them when one was woken.
//!
//! Each child is polled with a waker of its own, which adds the child's index to the list
//! and wakes the parent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use crate::task::{ChildList, ContainedWaker};

/// The list. A lock, because any thread may wake a child.
pub(super) struct WokenList(Mutex<WokenState>);

struct WokenState {
    indices: Vec<usize>,
    /// For each child, whether its index is in `indices`.
    listed: Vec<bool>,
    parent: Option<ContainedWaker>,
}

impl WokenList {
    /// Every child is in the list, so that the first poll of the parent polls all.
    pub(super) fn new(count: usize) -> Arc<WokenList> {
        let (indices, listed) = ((0..count).collect(), vec![true; count]);
        Arc::new(WokenList(Mutex::new(WokenState { indices, listed, parent: None })))
    }

    fn lock(&self) -> MutexGuard<'_, WokenState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the waker of the parent, a clone that was made before: clones and drops of a
    /// foreign waker may run any code, and a wake of a child takes the same lock.
    pub(super) fn set_parent(&self, newest: Option<ContainedWaker>) {
        let mut state = self.lock();
        let old = std::mem::replace(&mut state.parent, newest);
        // Release the lock before the drop, for the same reason.
        drop(state);
        drop(old);
    }

    /// Takes the children to poll. `listed` is cleared before the polls: a wake during a
    /// poll must list its child again.
    pub(super) fn take(&self) -> Vec<usize> {
        let mut state = self.lock();
        let indices = std::mem::take(&mut state.indices);
        indices.iter().for_each(|&index| state.listed[index] = false);
        indices
    }
}

impl ChildList for WokenList {
    fn add(&self, index: usize) -> Option<ContainedWaker> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.listed[index], true) {
            return None;
        }
        state.indices.push(index);
        // Take the waker, do not clone it: one wake is enough until the parent is polled.
        state.parent.take()
    }
}

/// The waker of one child, for other threads and the futures of other crates. Whoever has
/// one also owns the list. (A leaf future of this crate does not keep it.)
pub(super) struct ChildWaker {
    pub(super) index: usize,
    pub(super) list: Arc<WokenList>,
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The lock is released by now: the wake may run any code.
        self.list.add(self.index).into_iter().for_each(ContainedWaker::wake);
    }
}
