//! A signal to a task that waits until the value in a mutex has changed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::mutex::{Mutex, MutexGuard};
use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::trace::Identity;

/// Lets a task wait, without holding the lock, until another task has changed the
/// value in the mutex. asyncio's `Condition`.
///
/// Always wait in a loop that checks the condition: another task may have changed the
/// value again before this one has the lock.
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
pub struct Condvar {
    identity: Identity,
    queue: WaitQueue,
}

impl Condvar {
    /// A condition variable that no task waits for yet.
    #[track_caller]
    pub fn new() -> Condvar {
        Condvar { identity: Identity::new(), queue: WaitQueue::default() }
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.identity.set_name(name);
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// The mutex stays locked until the first poll. Dropping the future leaves the mutex
    /// unlocked, and passes on a notification that the future had got.
    #[track_caller]
    pub fn wait<'m, T: ?Sized>(
        &self,
        guard: MutexGuard<'m, T>,
    ) -> impl Future<Output = MutexGuard<'m, T>> {
        NotifiedThenLocked {
            notification: Waiting::new(self),
            lock: Waiting::new(guard.mutex),
            guard: Some(guard),
        }
    }

    /// Wakes the task that has waited longest, if any.
    pub fn notify_one(&self) {
        self.queue.grant_first();
    }

    /// Wakes all tasks that wait. They get the lock one after another.
    pub fn notify_all(&self) {
        self.queue.grant_all();
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl_debug!(Condvar, |condvar| "Condvar({} waiting)", condvar.queue.len());

impl WaitTarget for &Condvar {
    type Output = ();
    const NAME: &'static str = "a condition variable";
    const KIND: &'static str = "condition variable";

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&mut self, status: WaiterStatus, _: Origin) -> Option<()> {
        (status == WaiterStatus::Granted).then_some(())
    }

    fn pass_on(&mut self) {
        self.notify_one();
    }
}

/// The future of [`Condvar::wait`]: two waits, one after the other.
struct NotifiedThenLocked<'c, 'm, T: ?Sized> {
    // Dropped in this order: the notification is passed on before the lock is.
    notification: Waiting<&'c Condvar>,
    lock: Waiting<&'m Mutex<T>>,
    /// The lock that the first poll gives up.
    guard: Option<MutexGuard<'m, T>>,
}

impl<'m, T: ?Sized> Future for NotifiedThenLocked<'_, 'm, T> {
    type Output = MutexGuard<'m, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'m, T>> {
        if self.notification.status() != WaiterStatus::Granted {
            let waker = self.notification.register(cx);
            // The clone of a foreign waker may have notified, which has woken the older waker.
            if self.notification.status() == WaiterStatus::Granted {
                return self.poll(cx);
            }
            self.notification.enqueue(waker);
            // Unlocked only now: the task that gets the lock next, and then notifies,
            // must find this one in the queue.
            self.guard = None;
            return Poll::Pending;
        }
        let guard = ready!(Pin::new(&mut self.lock).poll(cx));
        // Taken only now: a wait that is dropped before it has the lock passes its
        // notification on.
        ready!(Pin::new(&mut self.notification).poll(cx));
        Poll::Ready(guard)
    }
}
