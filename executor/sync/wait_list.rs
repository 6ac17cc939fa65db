//! A line of tasks that wait for the same thing, served in the order in which
//! they came.
//!
//! Everything in this room stands on this one list. It is a doubly
//! linked list whose links are indices into a slab: joining the line, being
//! served and leaving from the middle (a cancelled wait) are all O(1), and a
//! place is used again as soon as it is free.
//!
//! ```text
//!   join() ─▶ in line ── serve_first() ─▶ served ── leave() ─▶ gone
//!                │                                    ▲
//!                └─────────── leave() ────────────────┘
//! ```
//!
//! *Granted means owned*: a waiter that was served (notified, handed over to) holds
//! what it waited for (a lock, a permit, a notification) even before it is polled. So
//! its future must [`leave`] when it is dropped, and if it had been served, pass on
//! what it was given: otherwise a timeout at the wrong moment would lose a lock for
//! ever.
//!
//! [`leave`]: WaitList::leave

use crate::task::{RegisteredWaker, Slab};

/// A waiter's place in the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ticket(u32);

/// The neighbour of whoever stands at an end of the line.
const NOBODY: u32 = u32::MAX;

enum Waiter {
    InLine {
        waker: RegisteredWaker,
        before: u32,
        behind: u32,
    },
    /// Out of the line, but not polled since.
    Served,
}

/// The list. It wakes nobody itself: it hands out the wakers, so that its owner
/// can release its borrows first.
pub(super) struct WaitList {
    waiters: Slab<Waiter>,
    first: u32,
    last: u32,
    len: usize,
}

impl Default for WaitList {
    fn default() -> WaitList {
        WaitList { waiters: Slab::default(), first: NOBODY, last: NOBODY, len: 0 }
    }
}

impl WaitList {
    /// How many stand in line.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Joins the line at its end.
    pub(super) fn join(&mut self, waker: RegisteredWaker) -> Ticket {
        let waiter = Waiter::InLine { waker, before: self.last, behind: NOBODY };
        let index = self.waiters.insert(waiter);
        self.set_behind(self.last, index);
        self.last = index;
        self.len += 1;
        Ticket(index)
    }

    /// Serves the first in line, and returns its waker.
    pub(super) fn serve_first(&mut self) -> Option<RegisteredWaker> {
        let first = self.waiters.get_mut(self.first)?;
        let waiter = std::mem::replace(first, Waiter::Served);
        self.close_gap(waiter)
    }

    /// Serves everybody in line, and returns their wakers in that order.
    pub(super) fn serve_all(&mut self) -> Vec<RegisteredWaker> {
        std::iter::from_fn(|| self.serve_first()).collect()
    }

    /// Whether the waiter was served.
    pub(super) fn is_served(&self, ticket: &Ticket) -> bool {
        matches!(self.waiters.get(ticket.0), Some(Waiter::Served))
    }

    /// Replaces the waker of a waiter in line by the newest one, and returns the
    /// old one for its owner to drop. A waiter that was served needs none.
    pub(super) fn set_waker(
        &mut self,
        ticket: &Ticket,
        newest: RegisteredWaker,
    ) -> RegisteredWaker {
        match self.waiters.get_mut(ticket.0) {
            Some(Waiter::InLine { waker, .. }) => std::mem::replace(waker, newest),
            _ => newest,
        }
    }

    /// Gives the place up. The waker of a waiter who was still in line is returned,
    /// for its owner to drop; `None` if it had been served.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<RegisteredWaker> {
        let waiter = self.waiters.remove(ticket.0)?;
        self.close_gap(waiter)
    }

    /// Makes neighbours of those before and behind a waiter that has left the line.
    fn close_gap(&mut self, waiter: Waiter) -> Option<RegisteredWaker> {
        let Waiter::InLine { waker, before, behind } = waiter else {
            return None;
        };
        self.set_behind(before, behind);
        self.set_before(behind, before);
        self.len -= 1;
        Some(waker)
    }

    /// The one behind `index` is now `new`; of nobody: `new` is the first.
    fn set_behind(&mut self, index: u32, new: u32) {
        match self.waiters.get_mut(index) {
            Some(Waiter::InLine { behind, .. }) => *behind = new,
            _ => self.first = new,
        }
    }

    /// The one before `index` is now `new`; of nobody: `new` is the last.
    fn set_before(&mut self, index: u32, new: u32) {
        match self.waiters.get_mut(index) {
            Some(Waiter::InLine { before, .. }) => *before = new,
            _ => self.last = new,
        }
    }
}
