//! At most n at a time.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::line::{Line, Waiting};

/// A number of permits, each held by one task at a time. asyncio's `Semaphore`.
///
/// Waiters get a permit in the order in which they came, and nobody can barge
/// in. A permit that is dropped by a panic or an abort comes back.
///
/// ```
/// use glassloop::sync::Semaphore;
///
/// glassloop::block_on(async {
///     let doors = Semaphore::new(2);
///     let first = doors.acquire().await;
///     let _second = doors.acquire().await;
///     assert!(doors.try_acquire().is_none());
///     drop(first);
///     assert_eq!(doors.available(), 1);
/// });
/// ```
pub struct Semaphore {
    available: Cell<usize>,
    line: Line,
}

impl Semaphore {
    /// A semaphore with `permits` permits; with none, everybody waits for ever.
    pub fn new(permits: usize) -> Semaphore {
        Semaphore { available: Cell::new(permits), line: Line::default() }
    }

    /// Waits for a permit. Dropping the future gives up its place in line, and
    /// hands the permit on if it had just got one.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire {
            semaphore: self,
            waiting: Waiting::new("a semaphore's permit", Location::caller()),
        }
    }

    /// Waits for a permit that borrows nothing, so that it can move into a task: the
    /// way to bound how many tasks there are.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use glassloop::{spawn, sync::Semaphore, yield_now};
    ///
    /// glassloop::block_on(async {
    ///     let seats = Rc::new(Semaphore::new(2));
    ///     for _guest in 0..10 {
    ///         let seat = seats.acquire_owned().await;
    ///         spawn(async move {
    ///             yield_now().await;
    ///             drop(seat);
    ///         })
    ///         .detach();
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_owned(self: &Rc<Self>) -> impl Future<Output = OwnedPermit> + use<> {
        let semaphore = Rc::clone(self);
        let waiting = Waiting::new("a semaphore's permit", Location::caller());
        async move {
            let permit = Acquire { semaphore: &semaphore, waiting }.await;
            // From here on the owned one stands for it.
            std::mem::forget(permit);
            OwnedPermit { semaphore }
        }
    }

    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        let left = self.available.get().checked_sub(1)?;
        self.available.set(left);
        Some(Permit { semaphore: self })
    }

    /// How many permits are free. While somebody waits, none is.
    pub fn available(&self) -> usize {
        self.available.get()
    }

    /// Hands a permit to the first in line, or puts it back.
    fn release(&self) {
        if !self.line.serve_first() {
            self.available.set(self.available.get() + 1);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Semaphore({} available)", self.available())
    }
}

/// The future of [`Semaphore::acquire`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    waiting: Waiting,
}

impl<'a> Future for Acquire<'a> {
    type Output = Permit<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<'a>> {
        let semaphore = self.semaphore;
        if !self.waiting.has_place()
            && let Some(permit) = semaphore.try_acquire()
        {
            return Poll::Ready(permit);
        }
        ready!(self.waiting.poll(&semaphore.line, cx));
        // Handed over: it was never put back in between.
        Poll::Ready(Permit { semaphore })
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        if self.waiting.leave(&self.semaphore.line) {
            self.semaphore.release();
        }
    }
}

/// A permit of a [`Semaphore`], held until this is dropped.
#[derive(Debug)]
#[must_use = "the permit comes back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.release();
    }
}

/// A permit of a [`Semaphore`] that owns a share of it, held until this is dropped.
#[derive(Debug)]
#[must_use = "the permit comes back when this is dropped"]
pub struct OwnedPermit {
    semaphore: Rc<Semaphore>,
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.semaphore.release();
    }
}
