//! A lock that may be held across an await.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::line::{Line, Waiting};

/// A value that one task at a time may use, however often that task awaits in
/// between. asyncio's `Lock`.
///
/// Waiters get it in the order in which they came: an unlock hands it over to
/// the first in line, and nobody can barge in. A guard that is dropped by a panic
/// or an abort unlocks; there is no poisoning.
///
/// What is never used across an await needs no such lock: a `Cell` or `RefCell`
/// will do, since only one task runs at a time.
///
/// ```
/// use std::rc::Rc;
/// use glassloop::{spawn, sync::Mutex, yield_now};
///
/// glassloop::block_on(async {
///     let balance = Rc::new(Mutex::new(0));
///     let deposit = |balance: Rc<Mutex<i32>>| async move {
///         let mut balance = balance.lock().await;
///         let seen = *balance;
///         yield_now().await; // nobody else gets in between
///         *balance = seen + 10;
///     };
///     let first = spawn(deposit(balance.clone()));
///     let second = spawn(deposit(balance.clone()));
///     first.await.unwrap();
///     second.await.unwrap();
///     assert_eq!(*balance.lock().await, 20);
/// });
/// ```
pub struct Mutex<T: ?Sized> {
    locked: Cell<bool>,
    line: Line,
    /// Borrowed by whoever holds the lock, so never twice.
    value: RefCell<T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub fn new(value: T) -> Mutex<T> {
        Mutex { locked: Cell::new(false), line: Line::default(), value: RefCell::new(value) }
    }

    /// The value; no lock is needed, since nobody else can have one.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock. Dropping the future gives up its place in line, and
    /// hands the lock on if it had just got it.
    #[track_caller]
    pub fn lock(&self) -> Lock<'_, T> {
        self.lock_from(Location::caller())
    }

    pub(super) fn lock_from(&self, at: &'static Location<'static>) -> Lock<'_, T> {
        Lock { mutex: self, waiting: Waiting::new("a mutex", at) }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        (!self.locked.replace(true)).then(|| self.guard())
    }

    /// The value; no lock is needed, since nobody else can have one.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The guard of whoever just got the lock.
    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard { value: self.value.borrow_mut(), held: Held { mutex: self } }
    }

    /// Hands the lock to the first in line, or leaves it free.
    fn unlock(&self) {
        if !self.line.serve_first() {
            self.locked.set(false);
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.try_borrow() {
            Ok(value) => f.debug_tuple("Mutex").field(&&*value).finish(),
            Err(_) => f.write_str("Mutex(<locked>)"),
        }
    }
}

/// The future of [`Mutex::lock`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Lock<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    waiting: Waiting,
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let mutex = self.mutex;
        if !self.waiting.has_place()
            && let Some(guard) = mutex.try_lock()
        {
            return Poll::Ready(guard);
        }
        ready!(self.waiting.poll(&mutex.line, cx));
        // Handed over: it stayed locked all the while.
        Poll::Ready(mutex.guard())
    }
}

impl<T: ?Sized> Drop for Lock<'_, T> {
    fn drop(&mut self) {
        if self.waiting.leave(&self.mutex.line) {
            self.mutex.unlock();
        }
    }
}

/// The lock of a [`Mutex`], held until this is dropped.
#[must_use = "the mutex is unlocked when its guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    // In this order they are dropped: the value is free before the lock is.
    value: RefMut<'a, T>,
    held: Held<'a, T>,
}

struct Held<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
}

impl<T: ?Sized> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.held.mutex
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutexGuard").field(&&**self).finish()
    }
}
