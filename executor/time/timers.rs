//! The timers of one loop: the wheel, read against the loop's clock.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::clock::{self, Clock, NEVER};
use super::wheel::{KEPT, Key, Slot, Wheel, When};
use crate::task::{KeptWaker, note_reset, note_wait};
use crate::trace::{Event, Glass, Place, Spot, Wait, What};

/// The clock and the wheel: a part of the loop.
pub(crate) struct Timers {
    clock: Clock,
    wheel: RefCell<Wheel<KeptWaker>>,
    /// Every armed timer has its deadline here or later: what is earlier has fired.
    fired_before: Cell<u64>,
    last_sequence: Cell<u64>,
    fired: Cell<u64>,
    /// Empty: only its memory is kept, for the next timers that fire.
    due: Cell<Vec<(When, KeptWaker)>>,
    glass: Glass,
}

/// One timer, as its sleep knows it.
#[derive(Debug)]
pub(crate) struct Timer {
    when: When,
    /// Where it lies in the wheel, since it was polled and not due.
    key: Option<Key>,
    pub(crate) at: Place,
}

impl Timer {
    /// The deadline, in nanoseconds of the loop's clock.
    pub(super) fn deadline(&self) -> u64 {
        self.when.deadline
    }
}

impl Timers {
    pub(crate) fn new(clock: Clock, glass: Glass) -> Timers {
        Timers {
            clock,
            wheel: RefCell::default(),
            fired_before: Cell::new(0),
            last_sequence: Cell::new(0),
            fired: Cell::new(0),
            due: Cell::default(),
            glass,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The deadline of what begins now and takes so long.
    pub(super) fn deadline_after(&self, duration: Duration) -> u64 {
        self.clock.nanoseconds_now().saturating_add(clock::nanoseconds(duration))
    }

    /// A timer that is not armed yet, but has its place among equal deadlines. If the
    /// deadline is [`NEVER`], it never will be.
    pub(super) fn timer(&self, deadline: u64, at: Place) -> Timer {
        self.last_sequence.set(self.last_sequence.get() + 1);
        Timer { when: When { deadline, sequence: self.last_sequence.get() }, key: None, at }
    }

    /// Ready when the timer is due, *never early*. Otherwise arms it, or gives it the
    /// newest waker if it is armed.
    pub(super) fn poll(&self, timer: &mut Timer, cx: &Context<'_>) -> Poll<()> {
        // Usually a task is polled since its timer has fired. If it is polled for another
        // reason, it must not take that for the end of the sleep: the clock decides.
        if self.has_fired(timer) || timer.when.deadline <= self.clock.nanoseconds_now() {
            let _waker = self.disarm(timer);
            return Poll::Ready(());
        }
        if timer.when.deadline == NEVER {
            note_wait(Wait { what: What::Never, at: timer.at });
            return Poll::Pending;
        }
        let waker = KeptWaker::keep(cx, What::Timer(timer.when.sequence), timer.at);
        // Bound first, so that it is dropped after the borrow: a waker may be the
        // last owner of anything.
        let _old = self.arm(timer, waker);
        Poll::Pending
    }

    /// Whether an armed timer has fired, without a look at the wheel or the clock.
    fn has_fired(&self, timer: &Timer) -> bool {
        timer.key.is_some() && timer.when.deadline < self.fired_before.get()
    }

    fn arm(&self, timer: &mut Timer, waker: KeptWaker) -> Option<KeptWaker> {
        if timer.when.deadline == NEVER {
            return Some(waker);
        }
        let mut wheel = self.wheel.borrow_mut();
        if let Some(key) = timer.key
            && let Some(armed) = wheel.get_mut(key, timer.when)
        {
            return Some(std::mem::replace(armed, waker));
        }
        let key = wheel.insert(timer.when, waker);
        timer.key = Some(key);
        self.glass.emit(|| Event::Arm {
            timer: timer.when.sequence,
            deadline: Duration::from_nanos(timer.when.deadline),
            spot: spot(wheel.slot(key)),
        });
        // A sleep may be reset to a moment in the past.
        self.fired_before.set(self.fired_before.get().min(timer.when.deadline));
        None
    }

    /// Takes the timer out of the wheel, if it is there, and returns its waker.
    pub(super) fn disarm(&self, timer: &mut Timer) -> Option<KeptWaker> {
        let has_fired = self.has_fired(timer);
        let key = timer.key.take().filter(|_| !has_fired)?;
        let waker = self.wheel.borrow_mut().remove(key, timer.when)?;
        self.glass.emit(|| Event::Cancel { timer: timer.when.sequence });
        Some(waker)
    }

    /// Replaces the timer by one with another deadline. If it was armed, the new one
    /// is, for the same task.
    pub(crate) fn reset(&self, timer: &mut Timer, deadline: u64) {
        let waker = self.disarm(timer);
        let old = timer.when.sequence;
        *timer = self.timer(deadline, timer.at);
        if let Some(waker) = &waker {
            self.tell_reset(waker, old, timer.when.sequence);
        }
        let _old = waker.and_then(|waker| self.arm(timer, waker));
    }

    /// Who has said that it waits for the old number waits for the new one.
    fn tell_reset(&self, waker: &KeptWaker, old: u64, new: u64) {
        if self.glass.is_watched() {
            note_reset(old, new);
            waker.task().into_iter().for_each(|task| self.glass.reset(task, old, new));
        }
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
        if wheel.skip_to(now) {
            return self.fired_before.set(now.saturating_add(1));
        }
        drop(wheel);
        self.fire_due(now);
    }

    #[inline(never)]
    fn fire_due(&self, now: u64) {
        let mut due = self.due.take();
        let moved = |when: When, slot| {
            self.glass.emit(|| Event::Cascade { timer: when.sequence, spot: spot(slot) });
        };
        self.wheel.borrow_mut().advance(now, &mut due, moved);
        self.fired_before.set(now.saturating_add(1));
        self.fired.set(self.fired.get() + due.len() as u64);
        // Collected first, woken later: see `KeptWaker::wake`.
        for (when, waker) in due.drain(..) {
            self.glass.emit(|| Event::Fire { timer: when.sequence });
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
