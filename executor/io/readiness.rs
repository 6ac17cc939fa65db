//! The leaf future that waits for a descriptor.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::platform::Pollable;
use super::reactor::{Direction, IoWaiter, Source};
use crate::current;
use crate::event_loop::EventLoop;
use crate::task::{RegisteredWaker, take_back_note};
use crate::trace::{CodeLine, address};

/// The future of [`Async::readable`](crate::Async::readable) and
/// [`Async::writable`](crate::Async::writable).
///
/// Dropping it leaves no registration and no waker behind.
///
/// # Panics
/// When it is awaited in another loop than that of its [`Async`](crate::Async).
#[must_use = "futures do nothing until they are awaited"]
pub struct Readiness<'a, T: Pollable + 'static> {
    pub(super) event_loop: &'a EventLoop,
    pub(super) source: &'a Source<T>,
    pub(super) direction: Direction,
    /// The number under which it waits, since it was polled.
    pub(super) waiting: Option<u64>,
    pub(super) made_at: CodeLine,
}

impl<T: Pollable + 'static> Future for Readiness<'_, T> {
    type Output = io::Result<()>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (source, reactor, direction) = (self.source, &self.event_loop.reactor, self.direction);
        current::expect_own(self.event_loop.id, "a wait for a descriptor", self.made_at);
        if self.waiting.is_some_and(|id| !source.is_waiting(direction, id)) {
            // An event has taken the waiter from the list, and nothing else does.
            take_back_note((address(source), self.waiting.take().unwrap_or_default()));
            return Poll::Ready(Ok(()));
        }
        reactor.arm(source, direction)?;
        let what = || direction.wait_on(source.number());
        let id = *self.waiting.get_or_insert_with(|| reactor.waiter_id());
        let waker = RegisteredWaker::register(cx, (address(source), id), what, self.made_at);
        source.wait(direction, IoWaiter { id, is_leaf: true, waker });
        Poll::Pending
    }
}

impl<T: Pollable + 'static> Drop for Readiness<'_, T> {
    fn drop(&mut self) {
        if let Some(id) = self.waiting {
            self.source.stop_waiting(self.direction, id);
            take_back_note((address(self.source), id));
        }
    }
}
