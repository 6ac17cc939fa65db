//! A lock that a number of tasks may hold at a time.

use std::cell::Cell;
use std::ops::Deref;
use std::panic::Location;
use std::rc::Rc;

use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting, leaf_id};
use crate::trace::holds::{self, Hold, HoldKey};
use crate::trace::{Identity, LeafId};

/// A number of permits, each held by one task at a time. asyncio's `Semaphore`.
///
/// Tasks get a permit in the order in which they came: a permit that is dropped goes
/// to the first waiter in the queue, so no other task can take it in between. A
/// permit that is dropped by a panic or an abort comes back too.
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
    pub(super) identity: Identity,
    permits: usize,
    available: Cell<usize>,
    pub(super) queue: WaitQueue,
}

impl Semaphore {
    /// A semaphore with `permits` permits. With 0, every `acquire` waits for ever.
    #[track_caller]
    pub fn new(permits: usize) -> Semaphore {
        let (identity, queue) = (Identity::new(), WaitQueue::default());
        Semaphore { identity, permits, available: Cell::new(permits), queue }
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.identity.set_name(name);
    }

    /// Waits for a permit. Dropping the future takes it out of the queue, and hands
    /// the permit on if the future had just got one.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Permit<'_>> {
        Waiting::new(Acquiring(self))
    }

    /// Waits for a permit that borrows nothing, so that it can move into a task. Use
    /// it to limit how many tasks there are.
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
        Waiting::new(Acquiring(Rc::clone(self)))
    }

    /// Takes a permit if there is one.
    #[track_caller]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        // Asked outside of the closure, which has a caller of its own.
        let origin = Origin { at: Location::caller(), place: 0 };
        self.take(WaiterStatus::New).then(|| HeldPermit::new(self, origin))
    }

    /// How many permits are free. While a task waits for one, none is.
    pub fn available(&self) -> usize {
        self.available.get()
    }

    /// Takes a permit, if a waiter with this status may have one now.
    fn take(&self, status: WaiterStatus) -> bool {
        // A granted permit was handed over: it was never free, so it is not counted here.
        let is_granted = status == WaiterStatus::Granted;
        let is_free = status == WaiterStatus::New && self.available.get() > 0;
        if is_free {
            self.available.update(|available| available - 1);
        }
        is_granted || is_free
    }

    /// Hands a permit to the first waiter, or puts it back if none waits.
    pub(super) fn release(&self) {
        let Some((key, waker)) = self.queue.pop_first() else {
            return self.available.update(|available| available + 1);
        };
        if holds::are_watched() {
            let task = waker.task_of_loop();
            let hold = Hold { task, ..Hold::of_current_task(None, false, self.permits) };
            holds::note(self.identity.number, HoldKey::Granted(leaf_id(&self.queue, key)), hold);
        }
        waker.wake();
    }
}

impl_debug!(Semaphore, |semaphore| "Semaphore({} available)", semaphore.available());

/// A wait for a permit. `S` is a reference to the semaphore, or an `Rc` of it.
pub(super) struct Acquiring<S>(pub(super) S);

impl<S: Deref<Target = Semaphore> + Clone> WaitTarget for Acquiring<S> {
    type Output = HeldPermit<S>;
    const NAME: &'static str = "a semaphore's permit";
    const KIND: &'static str = "semaphore";

    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.0.queue
    }

    fn try_take(&mut self, status: WaiterStatus, origin: Origin) -> Option<HeldPermit<S>> {
        self.0.take(status).then(|| HeldPermit::new(self.0.clone(), origin))
    }

    fn end_grant(&self, leaf: LeafId) {
        if holds::are_watched() {
            holds::take_back(self.0.identity.number, HoldKey::Granted(leaf));
        }
    }

    fn pass_on(&mut self) {
        self.0.release();
    }
}

/// A permit of a [`Semaphore`], held until this is dropped.
pub type Permit<'a> = HeldPermit<&'a Semaphore>;

/// A permit of a [`Semaphore`] that owns a share of it, held until this is dropped.
pub type OwnedPermit = HeldPermit<Rc<Semaphore>>;

/// A [`Permit`] or an [`OwnedPermit`].
#[derive(Debug)]
#[must_use = "the permit comes back when this is dropped"]
pub struct HeldPermit<S: Deref<Target = Semaphore>> {
    semaphore: S,
    /// Its number among the holds; 0 if nobody watches.
    hold: u64,
}

impl<S: Deref<Target = Semaphore>> HeldPermit<S> {
    fn new(semaphore: S, origin: Origin) -> HeldPermit<S> {
        let hold = if holds::are_watched() { note_hold::<S>(&semaphore, origin) } else { 0 };
        HeldPermit { semaphore, hold }
    }
}

/// Notes that the current task holds a permit.
#[cold]
fn note_hold<S>(semaphore: &Semaphore, Origin { at, place }: Origin) -> u64 {
    let number = holds::next_number();
    // What owns its semaphore can move to another task; a reference has nothing to drop. And so
    // can what was taken by a boxed future.
    let may_move = std::mem::needs_drop::<S>() || !holds::is_in_task(place);
    let hold = Hold::of_current_task(Some(at), may_move, semaphore.permits);
    holds::note(semaphore.identity.number, HoldKey::Taken(number), hold);
    number
}

impl<S: Deref<Target = Semaphore>> Drop for HeldPermit<S> {
    fn drop(&mut self) {
        if self.hold != 0 {
            holds::take_back(self.semaphore.identity.number, HoldKey::Taken(self.hold));
        }
        self.semaphore.release();
    }
}
