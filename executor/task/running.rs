//! The poll that is under way: whose waker it was given, and how much more of the loop's
//! time its task may take. The loop opens it, and the leaves ask here.
//!
//! A leaf cannot tell by a waker alone whose it is; but if it is the very waker that the
//! running task was polled with, then it is the task's. And a poll has a *budget*, so that
//! a socket that is always ready does not make it a poll without end.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, RawWakerVTable, Waker};

use super::current;
use super::waker::{Header, OwnWaker};
use crate::trace::Wait;

/// How many operations on descriptors a task gets in one poll.
const BUDGET: u32 = 16;

/// The task that is being polled, if one is: a part of the loop.
#[derive(Default)]
pub(crate) struct Running {
    /// Lent by the task for the time of its poll.
    header: Cell<Option<Arc<Header>>>,
    /// By which a waker of this crate is known.
    vtable: Cell<Option<&'static RawWakerVTable>>,
    /// How many more operations on descriptors may succeed in this poll.
    budget: Cell<u32>,
    /// What the leaves of this poll wait for, if somebody wants to know: a loop that is
    /// watched, or the report of a deadlock. Skip it at first reading.
    notes: RefCell<Option<Vec<Wait>>>,
}

impl Running {
    /// Calls `poll` with a context that wakes the task of `own`.
    #[inline(always)]
    pub(crate) fn poll_as<R>(
        &self,
        own: &mut OwnWaker,
        poll: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        let header = own.header.take().expect("put back after every poll");
        header.clear();
        self.header.set(Some(header));
        self.vtable.set(Some(own.waker.vtable()));
        self.budget.set(BUDGET);
        let result = poll(&mut Context::from_waker(&own.waker));
        own.header = self.header.take();
        result
    }

    /// The number of the task that is being polled.
    pub(crate) fn task(&self) -> Option<u64> {
        let header = self.header.take()?;
        let number = header.name().number;
        self.header.set(Some(header));
        Some(number.into())
    }

    /// From now on, notes are taken; those of the last poll are forgotten.
    pub(crate) fn take_notes(&self) {
        self.notes.replace(Some(Vec::new()));
    }

    /// No more notes are taken.
    pub(crate) fn stop_notes(&self) {
        self.notes.take();
    }

    /// What the leaves that were polled since and were not ready say they wait for.
    /// `waiting`: how many leaves have kept a waker.
    ///
    /// A leaf may have been dropped in the very poll in which it was not ready, as in a
    /// race that another one won. It came earlier; so only the last ones count.
    pub(crate) fn notes(&self, waiting: usize) -> Vec<Wait> {
        let mut notes = self.notes.borrow().clone().unwrap_or_default();
        let kept = notes.iter().filter(|wait| wait.what.is_kept()).count();
        let mut gone = kept.saturating_sub(waiting);
        notes.retain(|wait| {
            let is_gone = gone > 0 && wait.what.is_kept();
            gone -= usize::from(is_gone);
            !is_gone
        });
        notes
    }

    /// A leaf of the task waits.
    pub(super) fn note(&self, wait: Wait) {
        if let Some(waits) = self.notes.borrow_mut().as_mut() {
            waits.push(wait);
        }
    }

    /// The header that `waker` leads to, if it is the task's own waker.
    pub(super) fn header_of(&self, waker: &Waker) -> Option<Arc<Header>> {
        let header = self.header.take()?;
        let found = self.is_waker_of(&header, waker).then(|| Arc::clone(&header));
        self.header.set(Some(header));
        found
    }

    /// Whether `waker` is the task's own, and not one that a combinator made of it. A
    /// waker of an `Arc` is the `Arc`'s address, and a table of functions for its type.
    fn is_waker_of(&self, header: &Arc<Header>, waker: &Waker) -> bool {
        waker.data() == Arc::as_ptr(header).cast()
            && self.vtable.get().is_some_and(|vtable| ptr::eq(vtable, waker.vtable()))
    }
}

/// Asked before each operation on a descriptor. `Pending`, for one turn, when the task
/// has had its share in this poll: a socket that is always ready would else keep the loop
/// to its task for as long as the peer likes. (asyncio's streams read once in a turn.)
pub(crate) fn poll_budget(cx: &Context<'_>) -> Poll<()> {
    let is_spent = current::with(|running: &Running| {
        let is_spent = running.budget.get() == 0;
        if is_spent {
            // Refused once only: a poll in which another executor runs does not end, and
            // would be refused for ever.
            running.budget.set(BUDGET);
        }
        is_spent
    });
    if is_spent == Some(true) {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// To be called after each operation on a descriptor that did not have to wait.
pub(crate) fn spend_budget() {
    current::with(|running: &Running| running.budget.set(running.budget.get().saturating_sub(1)));
}

/// To be called by a leaf that waits and hands a plain waker to a thread.
pub(crate) fn note_wait(wait: Wait) {
    current::with(|running: &Running| running.note(wait));
}

/// A timer of the loop has another number from now on.
pub(crate) fn note_reset(old: u64, new: u64) {
    current::with(|running: &Running| {
        running.notes.borrow_mut().iter_mut().flatten().for_each(|wait| wait.reset(old, new));
    });
}
