//! A promise: one value that some other thread will bring.
//!
//! ```text
//!     any thread                              the loop
//!   Promise ── set ──▶ State::Set(value) ◀── poll ── Promised
//!      └── drop ─────▶ State::Broken         poll ─▶ State::Awaited(waker)
//! ```
//!
//! It is the smallest thing with which a thread can finish what a task awaits:
//! a place for the value, and the waker of who awaits it, behind one lock. The
//! jobs of the pool hand their results over in the same way.

use std::error::Error;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Makes a promise, and the future of what it promises: one value, from any
/// thread to one task. In asyncio, a `Future` of the loop whose result another
/// thread sets by `loop.call_soon_threadsafe(future.set_result, value)`.
///
/// Between tasks of one loop, [`sync::oneshot`](crate::sync::oneshot) is lighter,
/// and the loop sees through it: it reports it when nobody will ever send. A
/// promise may be kept by a thread at any time, so a loop that awaits one sleeps.
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
    let place = Arc::new(Place { state: Mutex::new(State::Awaited(None)) });
    (Promise { place: Arc::clone(&place) }, Promised { place })
}

/// Where the value is put down and picked up. The lock is held for moments.
struct Place<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    /// No value yet; and the waker of who awaits it, once it was polled.
    Awaited(Option<Waker>),
    Set(T),
    /// There will be no value: the promise was dropped, or the value picked up.
    Broken,
    /// Nobody will pick a value up.
    Abandoned,
}

impl<T> Place<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the wait with `end`, unless it has ended before. Then `end` comes back.
    fn end(&self, end: State<T>) -> Result<(), State<T>> {
        let mut state = self.lock();
        let State::Awaited(waker) = &mut *state else {
            return Err(end);
        };
        let waker = waker.take();
        *state = end;
        // Release, then wake.
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

/// The half that brings the value, from any thread.
///
/// Dropping it unset breaks the promise: whoever awaits it gets [`Broken`].
#[must_use = "dropping a promise breaks it"]
pub struct Promise<T> {
    place: Arc<Place<T>>,
}

impl<T> Promise<T> {
    /// Gives the value to the task that awaits it, and wakes the task.
    ///
    /// # Errors
    /// The value comes back if the [`Promised`] is gone.
    pub fn set(self, value: T) -> Result<(), T> {
        match self.place.end(State::Set(value)) {
            Err(State::Set(value)) => Err(value),
            _ => Ok(()),
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        // After `set` there is nothing left to break.
        let _set_before = self.place.end(State::Broken);
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Promise(..)")
    }
}

/// The future of what a [`Promise`] promises: the value, or [`Broken`].
///
/// Once it has given the value, it gives `Broken`. Dropping it gives a later
/// [`set`](Promise::set) its value back.
#[must_use = "futures do nothing until they are awaited"]
pub struct Promised<T> {
    place: Arc<Place<T>>,
}

impl<T> Future for Promised<T> {
    type Output = Result<T, Broken>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned before: a foreign waker may do anything.
        let newest = cx.waker().clone();
        let mut state = self.place.lock();
        if let State::Awaited(waker) = &mut *state {
            let old = waker.replace(newest);
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        match mem::replace(&mut *state, State::Broken) {
            State::Set(value) => Poll::Ready(Ok(value)),
            _ => Poll::Ready(Err(Broken)),
        }
    }
}

impl<T> Drop for Promised<T> {
    fn drop(&mut self) {
        let end = mem::replace(&mut *self.place.lock(), State::Abandoned);
        // Released before: the drop of the value, or of a waker, may do anything.
        drop(end);
    }
}

impl<T> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Promised(..)")
    }
}

/// The error of a [`Promised`]: its [`Promise`] was dropped without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the promise was dropped without a value")
    }
}

impl Error for Broken {}
