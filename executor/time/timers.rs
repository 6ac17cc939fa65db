//! The timers of one loop: the wheel, read against the loop's clock.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use super::clock::Clock;
use super::wheel::{KEPT, Key, Slot, Wheel, When};
use crate::task::RegisteredWaker;
use crate::trace::Tracer;

/// The clock and the wheel: a part of the loop.
pub(crate) struct Timers {
    pub(crate) clock: Clock,
    pub(crate) wheel: RefCell<Wheel<RegisteredWaker>>,
    last_sequence: Cell<u64>,
    /// How many timers have fired, ever.
    pub(crate) fired: Cell<u64>,
    /// Always empty between two calls; it keeps its memory.
    due: Cell<Vec<(When, RegisteredWaker)>>,
    tracer: Tracer,
}

impl Timers {
    pub(crate) fn new(clock: Clock, tracer: Tracer) -> Timers {
        let (wheel, last_sequence, fired, due) = Default::default();
        Timers { clock, wheel, last_sequence, fired, due, tracer }
    }

    /// When a new timer with this deadline fires: after all timers with an equal deadline
    /// that were made before.
    pub(super) fn when(&self, deadline: u64) -> When {
        self.last_sequence.set(self.last_sequence.get() + 1);
        When { deadline, sequence: self.last_sequence.get() }
    }

    /// Arms a timer, to wake its task when it fires.
    pub(super) fn arm(&self, when: When, waker: RegisteredWaker) -> Key {
        let mut wheel = self.wheel.borrow_mut();
        let key = wheel.insert(when, waker);
        self.tracer.timer_armed(when.sequence, when.deadline, place(wheel.slot(key)));
        key
    }

    /// Whether a timer is in the wheel: it was armed, and has not fired.
    pub(super) fn is_armed(&self, key: Key, when: When) -> bool {
        self.wheel.borrow_mut().get_mut(key, when).is_some()
    }

    /// Gives an armed timer its task's newest waker.
    pub(super) fn set_waker(&self, key: Key, when: When, mut newest: RegisteredWaker) {
        if let Some(waker) = self.wheel.borrow_mut().get_mut(key, when) {
            std::mem::swap(waker, &mut newest);
        }
        // Here, when the wheel is released, the older waker is dropped: that may run any code.
    }

    /// Takes a timer out of the wheel, unless it has fired, and returns its waker for the
    /// caller to drop: that may run any code.
    pub(super) fn disarm(&self, key: Key, when: When) -> Option<RegisteredWaker> {
        let waker = self.wheel.borrow_mut().remove(key, when)?;
        self.tracer.timer_cancelled(when.sequence);
        Some(waker)
    }

    /// Wakes the tasks whose timers are due, in the order of the deadlines.
    #[inline]
    pub(crate) fn fire(&self) {
        let mut wheel = self.wheel.borrow_mut();
        // Without a timer, the clock is not even read.
        if wheel.is_empty() {
            return;
        }
        let now = self.clock.nanoseconds_now();
        if !wheel.skip_to(now) {
            drop(wheel);
            self.fire_due(now);
        }
    }

    #[inline(never)]
    fn fire_due(&self, now: u64) {
        let mut due = self.due.take();
        let moved = |when: When, slot| self.tracer.timer_cascaded(when.sequence, place(slot));
        self.wheel.borrow_mut().advance(now, &mut due, moved);
        self.fired.set(self.fired.get() + due.len() as u64);
        // *Collect, release, then wake*.
        for (when, waker) in due.drain(..) {
            self.tracer.timer_fired(when.sequence, when.deadline);
            waker.wake();
        }
        due.shrink_to(KEPT);
        self.due.set(due);
    }

    /// When [`fire`](Self::fire) is to be called next, if nothing else happens.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let next = self.wheel.borrow().next_wake()?;
        self.clock.instant(next)
    }
}

/// A slot of the wheel, as the tracer takes it.
fn place(slot: Option<Slot>) -> Option<(u8, u8)> {
    slot.map(|Slot { level, slot }| (level, slot))
}
