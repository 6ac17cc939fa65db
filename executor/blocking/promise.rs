//! A promise: one value that another thread will give to a task.
//!
//! ```text
//!     any thread                              the loop
//!   Promise ── set ──▶ PromiseSet(value) ◀── poll ── Promised
//!      └── drop ─────▶ PromiseState::Broken         poll ─▶ PromiseState::Awaited(waker)
//! ```
//!
//! It is the smallest thing with which a thread can finish what a task awaits: a place
//! for the value, and the waker of the task that awaits it, behind one lock. The jobs of the
//! pool hand over their results in this way.

use std::error::Error;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use crate::task::{ContainedWaker, Cost, contain, poll_budget, spend_budget};
use crate::trace::{LeafId, address};

/// Makes a promise, and the future of what it promises: one value, from any
/// thread to one task. In asyncio, a `Future` of the loop whose result another
/// thread sets by `loop.call_soon_threadsafe(future.set_result, value)`.
///
/// Between tasks of one loop, [`sync::oneshot`](crate::sync::oneshot) is lighter, and
/// the loop reports a deadlock if no task will ever send. A thread may keep a promise at
/// any time, so a loop that awaits a promise sleeps.
///
/// ```
/// use std::thread;
///
/// let answer = glassloop::block_on(async {
///     let (promise, promised) = glassloop::promise();
///     thread::spawn(move || promise.set(6 * 7));
///     promised.await
/// });
/// assert_eq!(answer, Ok(42));
/// ```
pub fn promise<T>() -> (Promise<T>, Promised<T>) {
    let handover = Arc::new(Handover(Mutex::new(PromiseState::Awaited(None))));
    (Promise { handover: Arc::clone(&handover) }, Promised { handover })
}

/// What the two halves share. The lock is held for moments.
struct Handover<T>(Mutex<PromiseState<T>>);

enum PromiseState<T> {
    /// No value yet; and the waker of the task that awaits it, once that has polled.
    Awaited(Option<ContainedWaker>),
    Set(T),
    /// Nobody gives or takes a value any more: a half was dropped, or the value was taken.
    Broken,
}

impl<T> Handover<T> {
    fn lock(&self) -> MutexGuard<'_, PromiseState<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the wait with `end`. If the wait has ended before, `end` comes back.
    fn end(&self, end: PromiseState<T>) -> Result<(), PromiseState<T>> {
        let mut state = self.lock();
        let PromiseState::Awaited(waker) = &mut *state else { return Err(end) };
        let waker = waker.take();
        *state = end;
        // Release, then wake.
        drop(state);
        waker.into_iter().for_each(ContainedWaker::wake);
        Ok(())
    }
}

/// The half that gives the value, from any thread.
///
/// Dropping it unset breaks the promise: the task that awaits it gets [`Broken`].
#[must_use = "dropping a promise breaks it"]
pub struct Promise<T> {
    handover: Arc<Handover<T>>,
}

impl<T> Promise<T> {
    /// Gives the value to the task that awaits it, and wakes the task.
    ///
    /// # Errors
    /// The value comes back if the [`Promised`] is gone.
    pub fn set(self, value: T) -> Result<(), T> {
        match self.handover.end(PromiseState::Set(value)) {
            Err(PromiseState::Set(value)) => Err(value),
            _ => Ok(()),
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        // After `set` there is nothing left to break.
        let _set_before = self.handover.end(PromiseState::Broken);
    }
}

impl_debug!([T] Promise<T>, |_| "Promise(..)");

/// The future of what a [`Promise`] promises: the value, or [`Broken`].
///
/// Once it has given the value, it gives `Broken`. Dropping it gives a later
/// [`set`](Promise::set) its value back.
#[must_use = "futures do nothing until they are awaited"]
pub struct Promised<T> {
    handover: Arc<Handover<T>>,
}

impl<T> Promised<T> {
    /// What tells it from all other leaf futures, for the notes.
    pub(super) fn leaf(&self) -> LeafId {
        (address(&*self.handover), 0)
    }
}

impl<T> Future for Promised<T> {
    type Output = Result<T, Broken>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned before the lock is taken: the clone of a foreign waker may run any code.
        let newest = ContainedWaker::new(cx.waker());
        ready!(poll_budget(cx));
        let mut state = self.handover.lock();
        if let PromiseState::Awaited(waker) = &mut *state {
            let old = waker.replace(newest);
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        spend_budget(Cost::Memory);
        match mem::replace(&mut *state, PromiseState::Broken) {
            PromiseState::Set(value) => Poll::Ready(Ok(value)),
            _ => Poll::Ready(Err(Broken)),
        }
    }
}

impl<T> Drop for Promised<T> {
    fn drop(&mut self) {
        let end = mem::replace(&mut *self.handover.lock(), PromiseState::Broken);
        // Dropped after the lock was released: the drop of the value, or of a waker, may run
        // any code. A panic of it ends here.
        contain(|| drop(end));
    }
}

impl_debug!([T] Promised<T>, |_| "Promised(..)");

/// The error of a [`Promised`]: its [`Promise`] was dropped without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the promise was dropped without a value")
    }
}

impl Error for Broken {}
