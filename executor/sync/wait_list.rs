//! A line of tasks that wait for the same thing, served in the order in which
//! they came.
//!
//! Everything in this room stands on this one list. It is a doubly
//! linked list whose links are indices into a `Vec`: joining the line, being
//! served and leaving from the middle (a cancelled wait) are all O(1), and a
//! place is used again as soon as it is free.
//!
//! ```text
//!   join() ─▶ in line ── serve_first() ─▶ served ── leave() ─▶ gone
//!                │                                    ▲
//!                └─────────── leave() ────────────────┘
//! ```
//!
//! A waiter that was *served* holds what it waited for (a lock, a permit, a
//! notification) even before it is polled. So its future must [`leave`] when it
//! is dropped, and if it had been served, pass on what it was given: otherwise
//! a timeout at the wrong moment would lose a lock for ever.
//!
//! [`leave`]: WaitList::leave

use crate::task::KeptWaker;

/// A waiter's place in the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u32);

const NOBODY: u32 = u32::MAX;

enum Place {
    /// Unused; the next unused place.
    Free {
        next: u32,
    },
    InLine {
        waker: KeptWaker,
        before: u32,
        behind: u32,
    },
    /// Out of the line, but not polled since.
    Served,
}

/// The list. It wakes nobody itself: it hands out the wakers, so that its owner
/// can release its borrows first.
pub(crate) struct WaitList {
    places: Vec<Place>,
    free: u32,
    first: u32,
    last: u32,
    len: usize,
}

impl Default for WaitList {
    fn default() -> WaitList {
        WaitList { places: Vec::new(), free: NOBODY, first: NOBODY, last: NOBODY, len: 0 }
    }
}

impl WaitList {
    /// How many stand in line.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Joins the line at its end.
    pub(crate) fn join(&mut self, waker: KeptWaker) -> Ticket {
        let place = Place::InLine { waker, before: self.last, behind: NOBODY };
        let index = match self.places.get(self.free as usize) {
            Some(Place::Free { next }) => {
                let index = self.free;
                self.free = *next;
                self.places[index as usize] = place;
                index
            }
            _ => {
                self.places.push(place);
                u32::try_from(self.places.len() - 1).expect("fewer waiters than bytes")
            }
        };
        self.set_behind(self.last, index);
        self.last = index;
        self.len += 1;
        Ticket(index)
    }

    /// Serves the first in line, and returns its waker.
    pub(crate) fn serve_first(&mut self) -> Option<KeptWaker> {
        let index = self.first;
        (index != NOBODY).then(|| self.unlink(index, Place::Served))
    }

    /// Serves everybody in line, and returns their wakers in that order.
    pub(crate) fn serve_all(&mut self) -> Vec<KeptWaker> {
        std::iter::from_fn(|| self.serve_first()).collect()
    }

    /// Whether the waiter was served.
    pub(crate) fn is_served(&self, ticket: &Ticket) -> bool {
        matches!(self.places[ticket.0 as usize], Place::Served)
    }

    /// Replaces the waker of a waiter in line by the newest one, and returns the
    /// old one for its owner to drop.
    pub(crate) fn set_waker(&mut self, ticket: &Ticket, newest: KeptWaker) -> KeptWaker {
        match &mut self.places[ticket.0 as usize] {
            Place::InLine { waker, .. } => std::mem::replace(waker, newest),
            // A waiter that was served needs no waker any more.
            _ => newest,
        }
    }

    /// Gives the place up. Says whether the waiter had been served; if it was
    /// still in line, its waker is returned for its owner to drop.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Left {
        let index = ticket.0;
        let free = Place::Free { next: self.free };
        let left = if self.is_served(&ticket) {
            self.places[index as usize] = free;
            Left::Served
        } else {
            Left::InLine(self.unlink(index, free))
        };
        self.free = index;
        left
    }

    /// Takes a waiter out of the line and leaves `place` where it was.
    fn unlink(&mut self, index: u32, place: Place) -> KeptWaker {
        let old = std::mem::replace(&mut self.places[index as usize], place);
        let Place::InLine { waker, before, behind } = old else {
            unreachable!("only a waiter in line is taken out of it");
        };
        self.set_behind(before, behind);
        self.set_before(behind, before);
        self.len -= 1;
        waker
    }

    /// The one behind `index` is now `new`; of nobody: `new` is the first.
    fn set_behind(&mut self, index: u32, new: u32) {
        match self.places.get_mut(index as usize) {
            Some(Place::InLine { behind, .. }) => *behind = new,
            _ => self.first = new,
        }
    }

    /// The one before `index` is now `new`; of nobody: `new` is the last.
    fn set_before(&mut self, index: u32, new: u32) {
        match self.places.get_mut(index as usize) {
            Some(Place::InLine { before, .. }) => *before = new,
            _ => self.last = new,
        }
    }
}

/// How a waiter left the list.
pub(crate) enum Left {
    /// It had been served, and takes what it waited for along.
    Served,
    /// It had not. The waker is to be dropped after the list was released.
    InLine(#[expect(dead_code, reason = "carried only to be dropped outside")] KeptWaker),
}
