//! The timers of one loop: the wheel, read against the loop's clock.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::wheel::{Key, Slot, Wheel, When};
use crate::task::{KeptWaker, note_wait};
use crate::trace::{Event, Glass, Place, Spot, Wait, What};

/// The clock and the wheel: a part of the loop.
pub(crate) struct Timers {
    clock: Clock,
    wheel: RefCell<Wheel<KeptWaker>>,
    last_sequence: Cell<u64>,
    fired: Cell<u64>,
    glass: Glass,
}

/// One timer, as its sleep knows it.
#[derive(Debug)]
pub(crate) struct Timer {
    /// `None`: so far ahead that it is never.
    pub(crate) deadline: Option<Instant>,
    sequence: u64,
    /// Where it lies in the wheel, since it was polled and not due.
    key: Option<Key>,
    pub(crate) at: Place,
}

impl Timers {
    pub(crate) fn new(clock: Clock, glass: Glass) -> Timers {
        Timers {
            clock,
            wheel: RefCell::default(),
            last_sequence: Cell::new(0),
            fired: Cell::new(0),
            glass,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A timer that is not armed yet, but has its place among equal deadlines.
    pub(crate) fn timer(&self, deadline: Option<Instant>, at: Place) -> Timer {
        self.last_sequence.set(self.last_sequence.get() + 1);
        Timer { deadline, sequence: self.last_sequence.get(), key: None, at }
    }

    /// Ready when the timer is due, *never early*. Otherwise arms it, or gives it the
    /// newest waker if it is armed.
    pub(crate) fn poll(&self, timer: &mut Timer, cx: &Context<'_>) -> Poll<()> {
        // The clock decides, not the wheel: whoever is polled for another reason
        // must not take that for the end of the sleep.
        if timer.deadline.is_some_and(|at| at <= self.clock.now()) {
            let _waker = self.disarm(timer);
            return Poll::Ready(());
        }
        let Some(deadline) = timer.deadline.and_then(|at| self.clock.nanoseconds(at)) else {
            note_wait(Wait { what: What::Never, at: timer.at });
            return Poll::Pending;
        };
        let waker = KeptWaker::keep(cx, What::Timer(timer.sequence), timer.at);
        // Bound first, so that it is dropped after the borrow: a waker may be the
        // last owner of anything.
        let _old = self.arm(timer, deadline, waker);
        Poll::Pending
    }

    fn arm(&self, timer: &mut Timer, deadline: u64, waker: KeptWaker) -> Option<KeptWaker> {
        let mut wheel = self.wheel.borrow_mut();
        if let Some(key) = timer.key
            && let Some(armed) = wheel.get_mut(key, timer.sequence)
        {
            return Some(std::mem::replace(armed, waker));
        }
        let when = When { deadline, sequence: timer.sequence };
        let key = wheel.insert(when, waker);
        timer.key = Some(key);
        self.glass.emit(|| Event::Arm {
            timer: timer.sequence,
            deadline: Duration::from_nanos(deadline),
            spot: spot(wheel.slot(key)),
        });
        None
    }

    /// Takes the timer out of the wheel, if it is there, and returns its waker.
    pub(crate) fn disarm(&self, timer: &mut Timer) -> Option<KeptWaker> {
        let key = timer.key.take()?;
        let waker = self.wheel.borrow_mut().remove(key, timer.sequence)?;
        self.glass.emit(|| Event::Cancel { timer: timer.sequence });
        Some(waker)
    }

    /// Replaces the timer by one with another deadline. If it was armed, the new one
    /// is, for the same task.
    pub(crate) fn reset(&self, timer: &mut Timer, deadline: Option<Instant>) {
        let waker = self.disarm(timer);
        *timer = self.timer(deadline, timer.at);
        let deadline = deadline.and_then(|at| self.clock.nanoseconds(at));
        let _old = waker.zip(deadline).and_then(|(waker, at)| self.arm(timer, at, waker));
    }

    /// Wakes the tasks whose timers are due, in the order of the deadlines.
    #[inline]
    pub(crate) fn fire(&self) {
        // Without a timer, the clock is not even read.
        if !self.wheel.borrow().is_empty() {
            self.fire_due();
        }
    }

    fn fire_due(&self) {
        let mut due = Vec::new();
        let now = self.clock.nanoseconds(self.clock.now());
        let moved = |when: When, slot| {
            self.glass.emit(|| Event::Cascade { timer: when.sequence, spot: spot(slot) });
        };
        self.wheel.borrow_mut().advance_and_tell(now.unwrap_or(u64::MAX), &mut due, moved);
        self.fired.set(self.fired.get() + due.len() as u64);
        // Collected first, woken later: see `KeptWaker::wake`.
        for (when, waker) in due {
            self.glass.emit(|| Event::Fire { timer: when.sequence });
            waker.wake();
        }
    }

    /// When [`fire`](Self::fire) is to be called next, if nothing else happens.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let next = self.wheel.borrow().next_wake()?;
        self.clock.instant(next)
    }

    /// The deadline of each armed timer, by its number.
    pub(crate) fn deadlines(&self) -> HashMap<u64, Instant> {
        let wheel = self.wheel.borrow();
        let armed = wheel.armed();
        armed.filter_map(|when| Some((when.sequence, self.clock.instant(when.deadline)?))).collect()
    }

    /// How many timers are armed.
    pub(crate) fn armed(&self) -> usize {
        self.wheel.borrow().len()
    }

    /// How many timers have fired, ever.
    pub(crate) fn fired(&self) -> u64 {
        self.fired.get()
    }
}

/// Where a timer lies, as the trace has it.
fn spot(slot: Option<Slot>) -> Spot {
    match slot {
        None => Spot { level: -1, slot: 0 },
        Some(Slot { level, slot }) => Spot { level: level as i8, slot },
    }
}
