//! A lock that may be held across an await: a semaphore with one permit, and the value
//! that it guards.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::semaphore::{Acquiring, Permit, Semaphore};
use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::trace::{Identity, LeafId};

/// A value that one task at a time may use, however often that task awaits in
/// between. asyncio's `Lock`.
///
/// Tasks get the lock in the order in which they came: an unlock hands it over to
/// the first waiter in the queue, so no other task can take it in between. A guard
/// that is dropped by a panic or an abort unlocks; there is no poisoning.
///
/// A value that is never used across an await needs no such lock: a `Cell` or a
/// `RefCell` is enough, since only one task runs at a time.
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
///         yield_now().await; // no other task gets in between
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
    /// Its one permit is the lock.
    semaphore: Semaphore,
    /// Borrowed by the guard. There is one guard at most, so it is never borrowed twice.
    value: RefCell<T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    #[track_caller]
    pub fn new(value: T) -> Mutex<T> {
        Mutex { semaphore: Semaphore::new(1), value: RefCell::new(value) }
    }

    /// The value. No lock is needed: nothing else refers to the mutex now.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock. Dropping the future takes it out of the queue, and hands
    /// the lock on if the future had just got it.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        Waiting::new(self)
    }

    /// Takes the lock if it is free.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let permit = self.semaphore.try_acquire()?;
        Some(self.guard(permit))
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.semaphore.identity.set_name(name);
    }

    /// The value. No lock is needed: nothing else refers to the mutex now.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Makes the guard, which holds the permit from now on.
    fn guard<'a>(&'a self, permit: Permit<'a>) -> MutexGuard<'a, T> {
        MutexGuard { value: self.value.borrow_mut(), _permit: permit, mutex: self }
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
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

impl<'a, T: ?Sized> WaitTarget for &'a Mutex<T> {
    type Output = MutexGuard<'a, T>;
    const NAME: &'static str = "a mutex";
    const KIND: &'static str = "mutex";

    fn identity(&self) -> &Identity {
        &self.semaphore.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.semaphore.queue
    }

    fn try_take(&mut self, status: WaiterStatus, origin: Origin) -> Option<MutexGuard<'a, T>> {
        Acquiring(&self.semaphore).try_take(status, origin).map(|permit| self.guard(permit))
    }

    fn end_grant(&self, leaf: LeafId) {
        Acquiring(&self.semaphore).end_grant(leaf);
    }

    fn pass_on(&mut self) {
        self.semaphore.release();
    }
}

/// The lock of a [`Mutex`], held until this is dropped.
#[must_use = "the mutex is unlocked when its guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    // Dropped in this order: the value is free before the lock is.
    value: RefMut<'a, T>,
    _permit: Permit<'a>,
    /// For `Condvar::wait`, which locks it again.
    pub(super) mutex: &'a Mutex<T>,
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
