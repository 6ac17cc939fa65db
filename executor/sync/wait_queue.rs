//! The queue of the waiters of one lock, signal or channel: whoever comes first is
//! granted first.
//!
//! A waiter that queues gets a key. Keys grow, so a map that is ordered by key is a
//! queue, from which a waiter can also leave in the middle (a cancelled wait).
//! To *grant* means to take a waiter out of the queue and to wake its task:
//!
//! ```text
//!             push()             grant_first(), grant_all()
//!   (no key) ───────▶ in the queue ────────────────▶ granted
//!                           │                           │
//!                           └──────── remove() ─────────┴──▶ (no key)
//! ```
//!
//! So a waiter that has a key, but is not in the queue, was granted. The queue keeps
//! nothing about it any more.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::task::KeptWaker;

/// The key of a waiter. A queue gives each key once only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaiterKey(u64);

/// The queue. It wakes and drops wakers only after it has released its borrow of
/// `waiters`: a waker of another executor may call anything, also this queue.
#[derive(Default)]
pub(super) struct WaitQueue {
    waiters: RefCell<BTreeMap<WaiterKey, KeptWaker>>,
    next_key: Cell<u64>,
}

impl WaitQueue {
    /// How many waiters are in the queue.
    pub(super) fn len(&self) -> usize {
        self.waiters.borrow().len()
    }

    /// Whether the waiter is in the queue. A waiter that has a key and is not in the
    /// queue was granted.
    pub(super) fn contains(&self, key: WaiterKey) -> bool {
        self.waiters.borrow().contains_key(&key)
    }

    /// Adds a waiter at the back of the queue.
    pub(super) fn push(&self, waker: KeptWaker) -> WaiterKey {
        let key = WaiterKey(self.next_key.get());
        self.next_key.set(key.0 + 1);
        self.waiters.borrow_mut().insert(key, waker);
        key
    }

    /// Replaces the waker of a waiter by its newest one. A waiter that was granted
    /// meanwhile needs none.
    pub(super) fn set_waker(&self, key: WaiterKey, newest: KeptWaker) {
        // A variable, so that the waker that is not needed is dropped after the borrow.
        let _unneeded = match self.waiters.borrow_mut().get_mut(&key) {
            Some(waker) => std::mem::replace(waker, newest),
            None => newest,
        };
    }

    /// Forgets a waiter. Returns whether it was still in the queue.
    pub(super) fn remove(&self, key: WaiterKey) -> bool {
        let waker = self.waiters.borrow_mut().remove(&key);
        waker.is_some()
    }

    /// Grants the first waiter. Returns `false` if the queue is empty.
    pub(super) fn grant_first(&self) -> bool {
        let first = self.waiters.borrow_mut().pop_first();
        first.map(|(_, waker)| waker.wake()).is_some()
    }

    /// Grants all waiters that are in the queue now, in their order.
    pub(super) fn grant_all(&self) {
        let all = self.waiters.take();
        all.into_values().for_each(KeptWaker::wake);
    }
}
