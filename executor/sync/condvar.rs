//! A lock, and a signal that what it guards has changed.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::line::{Line, Waiting};
use super::mutex::{Mutex, MutexGuard};
use super::waiting;

/// Lets a task wait, without holding the lock, until another one has changed
/// what the lock guards. asyncio's `Condition`.
///
/// Always wait in a loop that checks the condition: it may have changed again
/// before the lock is taken again.
///
/// ```
/// use std::rc::Rc;
/// use glassloop::{spawn, sync::{Condvar, Mutex}};
///
/// glassloop::block_on(async {
///     let shared = Rc::new((Mutex::new(false), Condvar::new()));
///     let other = shared.clone();
///     let waiter = spawn(async move {
///         let (ready, changed) = &*other;
///         let mut guard = ready.lock().await;
///         while !*guard {
///             guard = changed.wait(guard).await;
///         }
///     });
///     *shared.0.lock().await = true;
///     shared.1.notify_one();
///     waiter.await.unwrap();
/// });
/// ```
#[derive(Default)]
pub struct Condvar {
    line: Line,
}

impl Condvar {
    /// A condition variable that nobody waits for.
    pub fn new() -> Condvar {
        Condvar::default()
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// Nothing is unlocked before the first poll. Dropping the future passes a
    /// notification on that it had got, and leaves the mutex unlocked.
    #[track_caller]
    pub fn wait<'c, 'm, T: ?Sized>(&'c self, guard: MutexGuard<'m, T>) -> CondvarWait<'c, 'm, T> {
        let at = Location::caller();
        CondvarWait {
            condvar: self,
            waiting: Waiting::new("a condition variable", at),
            lock: waiting::Waiting::new(guard.mutex()),
            stage: Stage::Holding(guard),
        }
    }

    /// Wakes the task that has waited longest, if any.
    pub fn notify_one(&self) {
        self.line.serve_first();
    }

    /// Wakes all who wait; they get the lock one after another.
    pub fn notify_all(&self) {
        self.line.serve_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condvar({} waiting)", self.line.len())
    }
}

/// The future of [`Condvar::wait`].
#[must_use = "futures do nothing until they are awaited"]
pub struct CondvarWait<'c, 'm, T: ?Sized> {
    condvar: &'c Condvar,
    waiting: Waiting,
    lock: waiting::Waiting<&'m Mutex<T>>,
    stage: Stage<'m, T>,
}

enum Stage<'a, T: ?Sized> {
    /// Not polled yet.
    Holding(MutexGuard<'a, T>),
    /// In the condition variable's line.
    Waiting,
    /// Notified, and in the mutex's line.
    Locking,
    Done,
}

impl<'m, T: ?Sized> Future for CondvarWait<'_, 'm, T> {
    type Output = MutexGuard<'m, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'m, T>> {
        let condvar = self.condvar;
        if matches!(self.stage, Stage::Holding(_) | Stage::Waiting) {
            // In line first, then unlocked: whoever gets the lock now finds us.
            let notified = self.waiting.poll(&condvar.line, cx);
            self.stage = Stage::Waiting;
            ready!(notified);
            self.stage = Stage::Locking;
        }
        let guard = ready!(Pin::new(&mut self.lock).poll(cx));
        self.stage = Stage::Done;
        Poll::Ready(guard)
    }
}

impl<T: ?Sized> Drop for CondvarWait<'_, '_, T> {
    fn drop(&mut self) {
        let notified = self.waiting.leave(&self.condvar.line);
        if notified || matches!(self.stage, Stage::Locking) {
            self.condvar.notify_one();
        }
    }
}
