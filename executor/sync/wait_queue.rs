//! The queue of the waiters of one lock, signal or channel. The waiter that comes
//! first is granted first.
//!
//! To *grant* means: take the first waiter out of the queue, and wake its task.
//!
//! ```text
//!             push()             grant_first(), grant_all()
//!   (no key) ───────▶ in the queue ────────────────▶ granted
//!                           │                           │
//!                           └──────── remove() ─────────┴──▶ (no key)
//! ```
//!
//! Each waiter gets a key, which is higher than all keys before it, so the queue is in
//! the order of the keys. A waiter whose key is below the first key in the queue was
//! granted: the queue need not remember it.
//!
//! All this takes a few steps, however long the queue is, with one exception. A waiter
//! that leaves from the middle (a cancelled wait) is found by binary search, and the
//! waiters on the shorter side of it move up by one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::task::RegisteredWaker;

/// The key of a waiter. A queue gives each key once only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaiterKey(pub(super) u64);

/// The queue. It wakes and drops wakers only after it has released its borrow of
/// `waiters`: a waker of another executor may call anything, also this queue.
#[derive(Default)]
pub(super) struct WaitQueue {
    waiters: RefCell<VecDeque<(WaiterKey, RegisteredWaker)>>,
    next_key: Cell<u64>,
}

impl WaitQueue {
    /// How many waiters are in the queue.
    pub(super) fn len(&self) -> usize {
        self.waiters.borrow().len()
    }

    /// Whether the waiter was granted: its key is below the first key in the queue.
    pub(super) fn is_granted(&self, key: WaiterKey) -> bool {
        self.waiters.borrow().front().is_none_or(|(first, _)| key < *first)
    }

    /// The key that the next waiter gets.
    pub(super) fn next_key(&self) -> WaiterKey {
        WaiterKey(self.next_key.get())
    }

    /// Adds a waiter at the back of the queue.
    pub(super) fn push(&self, waker: RegisteredWaker) -> WaiterKey {
        let key = self.next_key();
        self.next_key.set(key.0 + 1);
        self.waiters.borrow_mut().push_back((key, waker));
        key
    }

    /// Replaces the waker of a waiter, if it is still in the queue. The old waker is
    /// dropped at the end, when the borrow has ended.
    pub(super) fn set_waker(&self, key: WaiterKey, mut newest: RegisteredWaker) {
        if let Some(at) = self.position(key) {
            std::mem::swap(&mut self.waiters.borrow_mut()[at].1, &mut newest);
        }
    }

    /// Removes a waiter, if it is still in the queue.
    pub(super) fn remove(&self, key: WaiterKey) {
        let removed = self.position(key).map(|at| self.waiters.borrow_mut().remove(at));
        // Here the borrow has ended.
        drop(removed);
    }

    /// Where the waiter is in the queue; `None` if it was granted.
    fn position(&self, key: WaiterKey) -> Option<usize> {
        self.waiters.borrow().binary_search_by_key(&key, |(key, _)| *key).ok()
    }

    /// Takes the first waiter out of the queue. The caller wakes it.
    pub(super) fn pop_first(&self) -> Option<(WaiterKey, RegisteredWaker)> {
        self.waiters.borrow_mut().pop_front()
    }

    /// Grants the first waiter. Returns `false` if the queue is empty.
    pub(super) fn grant_first(&self) -> bool {
        self.pop_first().map(|(_, waker)| waker.wake()).is_some()
    }

    /// Grants all waiters that are in the queue now, in their order.
    pub(super) fn grant_all(&self) {
        let all = self.waiters.take();
        all.into_iter().for_each(|(_, waker)| waker.wake());
    }
}
