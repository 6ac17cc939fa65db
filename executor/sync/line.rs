//! The two halves of every wait in this room: the line, which belongs to the
//! lock or channel, and a place in it, which belongs to the future that waits.

use std::cell::RefCell;
use std::panic::Location;
use std::task::{Context, Poll};

use super::wait_list::{Ticket, WaitList};
use crate::task::KeptWaker;
use crate::trace::What;

/// A [`WaitList`] that keeps the rule *collect, release, then wake* for its owner.
#[derive(Default)]
pub(super) struct Line {
    waiters: RefCell<WaitList>,
}

impl Line {
    /// Serves the first in line and wakes it; `false` if nobody is waiting.
    pub(super) fn serve_first(&self) -> bool {
        let first = self.waiters.borrow_mut().serve_first();
        let served = first.is_some();
        first.into_iter().for_each(KeptWaker::wake);
        served
    }

    /// Serves and wakes everybody in line, in that order.
    pub(super) fn serve_all(&self) {
        let all = self.waiters.borrow_mut().serve_all();
        all.into_iter().for_each(KeptWaker::wake);
    }

    /// How many are in line.
    pub(super) fn len(&self) -> usize {
        self.waiters.borrow().len()
    }
}

/// A future's place in a line, or its intention to take one.
#[derive(Debug)]
pub(super) struct Waiting {
    ticket: Option<Ticket>,
    what: &'static str,
    at: &'static Location<'static>,
}

impl Waiting {
    /// For a future that was created at the line `at`, to wait for `what`.
    pub(super) fn new(what: &'static str, at: &'static Location<'static>) -> Waiting {
        Waiting { ticket: None, what, at }
    }

    /// The user's line that created the future.
    pub(super) fn made_at(&self) -> &'static Location<'static> {
        self.at
    }

    /// Takes a place at the end of the line, or gives the one it has the newest
    /// waker. Ready when it was served; the place is given up then.
    pub(super) fn poll(&mut self, line: &Line, cx: &Context<'_>) -> Poll<()> {
        if self.ticket.as_ref().is_some_and(|ticket| line.waiters.borrow().is_served(ticket)) {
            self.leave(line);
            return Poll::Ready(());
        }
        let waker = KeptWaker::keep(cx, What::Thing(self.what), self.at);
        let mut waiters = line.waiters.borrow_mut();
        match &self.ticket {
            None => self.ticket = Some(waiters.join(waker)),
            Some(ticket) => {
                let old = waiters.set_waker(ticket, waker);
                // Released first: a waker may be the last owner of anything.
                drop(waiters);
                drop(old);
            }
        }
        Poll::Pending
    }

    /// Gives the place up, if it has one. `true` if it had been served: then its
    /// owner must pass on what it was served with.
    pub(super) fn leave(&mut self, line: &Line) -> bool {
        let Some(ticket) = self.ticket.take() else {
            return false;
        };
        let waker = line.waiters.borrow_mut().leave(ticket);
        waker.is_none()
    }
}
