//! The future of every wait in this module. What differs between a mutex and a
//! channel is in one small trait, [`WaitTarget`].
//!
//! At each poll the future tries to take what it waits for. If it gets nothing, it
//! queues, and leaves its waker in the queue.
//!
//! *Granted means owned*: a waiter of a mutex, a semaphore or a condition variable
//! that was granted owns the lock, the permit or the notification even before its task
//! is polled. If its future is dropped then (a timeout at the wrong moment), the future
//! must pass on what it owns. Otherwise the lock is lost for ever.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub(super) use super::wait_queue::WaitQueue;

use super::wait_queue::WaiterKey;
use crate::task::{Cost, RegisteredWaker, poll_budget, spend_budget, take_back_note};
use crate::trace::{CodeLine, Identity, LeafId, What, address, holds};

/// Where a wait comes from: the line that made it, and the place of its future in memory.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) at: CodeLine,
    pub(super) place: usize,
}

/// Something that tasks wait for: a lock, a value, a signal.
pub(super) trait WaitTarget {
    /// What the wait gives.
    type Output;

    /// What the wait is called in traces and reports: "a mutex", "room in a channel".
    const NAME: &'static str;

    /// Of which kind the resource is.
    const KIND: &'static str;

    /// What tells the resource from all others.
    fn identity(&self) -> &Identity;

    /// The queue of its waiters.
    fn queue(&self) -> &WaitQueue;

    /// Takes what is waited for, if the waiter may have it now. Called at every poll.
    fn try_take(&mut self, status: WaiterStatus, origin: Origin) -> Option<Self::Output>;

    /// A wait to which this was granted has ended.
    fn end_grant(&self, _leaf: LeafId) {}

    /// Passes on what was granted to a waiter that is dropped before it took it.
    fn pass_on(&mut self) {}
}

/// Where a waiter is when its future is polled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WaiterStatus {
    /// It is not in the queue yet.
    New,
    /// It is in the queue.
    Queued,
    /// It was granted, and is not in the queue any more.
    Granted,
}

/// The future that waits for `wanted`. Dropping it ends the wait.
pub(super) struct Waiting<W: WaitTarget> {
    wanted: W,
    /// The waiter's key in the queue. It is kept after the grant, until the next poll.
    key: Option<WaiterKey>,
    /// The user's line that made this future.
    at: CodeLine,
}

impl<W: WaitTarget> Waiting<W> {
    #[track_caller]
    pub(super) fn new(wanted: W) -> Waiting<W> {
        Waiting { wanted, key: None, at: Location::caller() }
    }

    pub(super) fn status(&self) -> WaiterStatus {
        match self.key {
            None => WaiterStatus::New,
            Some(key) if self.wanted.queue().is_granted(key) => WaiterStatus::Granted,
            Some(_) => WaiterStatus::Queued,
        }
    }

    /// Takes what is waited for, if the waiter may have it now.
    #[track_caller]
    fn try_now(&mut self) -> Option<W::Output> {
        let status = self.status();
        let origin = Origin { at: self.at, place: address(&*self) };
        let taken = self.wanted.try_take(status, origin);
        // Granted, and nothing is there: another task was quicker. This task waits again, at
        // the back of the queue.
        if taken.is_some() || status == WaiterStatus::Granted {
            self.leave();
        }
        taken
    }

    pub(super) fn register(&self, cx: &Context<'_>) -> RegisteredWaker {
        let what = || {
            let resource = self.wanted.identity().of(W::KIND);
            What::Thing(W::NAME, resource, holds::is_in_task(address(self)))
        };
        RegisteredWaker::register(cx, self.leaf(), what, self.at)
    }

    /// What tells this wait from all other leaf futures: its queue, and its key there.
    fn leaf(&self) -> LeafId {
        let queue = self.wanted.queue();
        leaf_id(queue, self.key.unwrap_or(queue.next_key()))
    }

    /// Adds the waiter at the back of the queue. If it is in the queue already, it keeps
    /// its place and gets the newest waker.
    pub(super) fn enqueue(&mut self, waker: RegisteredWaker) {
        let queue = self.wanted.queue();
        match self.key {
            None => self.key = Some(queue.push(waker)),
            Some(key) => queue.set_waker(key, waker),
        }
    }

    /// Ends the wait: from now on the waiter is neither in the queue nor granted.
    pub(super) fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            let leaf = leaf_id(self.wanted.queue(), key);
            self.wanted.queue().remove(key);
            self.wanted.end_grant(leaf);
            take_back_note(leaf);
        }
    }
}

impl<W: WaitTarget> Future for Waiting<W> {
    type Output = W::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        let waiting = self.get_mut();
        ready!(poll_budget(cx));
        if let Some(output) = waiting.try_now() {
            spend_budget(Cost::Memory);
            return Poll::Ready(output);
        }
        let waker = waiting.register(cx);
        // The clone of a foreign waker may have caused what this waits for. Look again.
        if waker.task().is_none()
            && let Some(output) = waiting.try_now()
        {
            take_back_note(waiting.leaf());
            return Poll::Ready(output);
        }
        waiting.enqueue(waker);
        Poll::Pending
    }
}

// What is wanted is moved, never pinned.
impl<W: WaitTarget> Unpin for Waiting<W> {}

impl<W: WaitTarget> Drop for Waiting<W> {
    fn drop(&mut self) {
        let status = self.status();
        self.leave();
        if status == WaiterStatus::Granted {
            self.wanted.pass_on();
        }
    }
}

/// What tells a waiter from all others: its queue, and its key there.
pub(super) fn leaf_id(queue: &WaitQueue, key: WaiterKey) -> LeafId {
    (address(queue), key.0)
}
