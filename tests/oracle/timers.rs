//! The timer wheel, followed from outside: in which slot each timer must be, and when it
//! must fire.
//!
//! Time is cut into ticks of 2^16 ns. A tick's number has eight digits in base 64. A timer
//! is in the level of the highest digit in which its tick differs from the cursor (the
//! current tick), in the slot with the number of that digit; or in the due-soon list, if
//! the cursor has reached its tick.
//!
//! A trace does not say where the cursor is. It has the time before and after the cursor
//! moved, and each timer that is armed limits the cursor further: so the oracle knows a
//! range for the cursor, and every timer must fit that range.

use std::collections::{BTreeSet, HashMap};

use super::Checked;
use super::event::{Event, Phase, Spot, What};
use super::jobs::Jobs;
use super::tasks::Tasks;

pub struct Timers {
    is_virtual: bool,
    armed: HashMap<u64, Timer>,
    /// The armed timers in the order in which they must fire.
    by_deadline: BTreeSet<(u64, u64)>,
    /// The timers in slots, in the order in which the cursor reaches the slots.
    by_slot: BTreeSet<(u64, u64)>,
    /// The tick of the cursor, at least and at most.
    cursor: (u64, u64),
    /// The time by which the timers were fired last, at least and at most.
    now: (u64, u64),
    /// The event with which the last part of a turn began.
    begun: u64,
    phase: Option<Phase>,
    /// The time of the last event; and of the last event that was not written together with
    /// the next one.
    time: u64,
    before: u64,
}

struct Timer {
    deadline: u64,
    spot: Spot,
    /// The event that armed it.
    since: u64,
}

fn tick(nanoseconds: u64) -> u64 {
    nanoseconds >> 16
}

/// The first tick of the slot that a tick has in a level.
fn slot_start(tick: u64, level: i8) -> u64 {
    let below = 6 * level as u32;
    tick >> below << below
}

/// The cursors, from the first to the last, for which a timer is in that slot; `None` if
/// there is no such cursor.
fn cursors_for(deadline: u64, spot: Spot) -> Option<(u64, u64)> {
    let tick = tick(deadline);
    match spot.level {
        -1 if spot.slot == 0 => Some((tick, u64::MAX)),
        0..=7 if spot.slot == tick >> (6 * spot.level as u32) & 63 => {
            // The digits above are those of the timer, and this digit is smaller.
            let above = 6 * (spot.level as u32 + 1);
            let first = if above < 64 { tick >> above << above } else { 0 };
            let end = slot_start(tick, spot.level);
            (first < end).then(|| (first, end - 1))
        }
        _ => None,
    }
}

/// The slot of a timer, for a cursor.
fn seen_from(cursor: u64, deadline: u64) -> Spot {
    let tick = tick(deadline);
    if tick <= cursor {
        return Spot { level: -1, slot: 0 };
    }
    let differs = |level: &u32| tick >> (6 * level) & 63 != cursor >> (6 * level) & 63;
    let level = (0..8).rev().find(differs).expect("they are not equal");
    Spot { level: level as i8, slot: tick >> (6 * level) & 63 }
}

impl Timers {
    pub fn new(is_virtual: bool) -> Timers {
        let (armed, by_deadline, by_slot) = Default::default();
        let (cursor, now, begun, phase, time, before) = Default::default();
        Timers { is_virtual, armed, by_deadline, by_slot, cursor, now, begun, phase, time, before }
    }

    pub fn see(&mut self, event: &Event, tasks: &Tasks, jobs: &Jobs) -> Checked {
        match event.what {
            What::Phase(phase) => self.begin(phase, event)?,
            What::Arm { timer, deadline, spot, .. } => {
                self.arm(timer, Timer { deadline, spot, since: event.number }, event, tasks)?;
            }
            What::Cascade { timer, spot } => self.cascade(timer, spot)?,
            What::Fire { timer } => self.fire(timer)?,
            What::Cancel { timer } => {
                let _timer = self.take(timer, "is cancelled")?;
            }
            What::Park { limit } => self.park(limit, jobs)?,
            What::LoopEnd => self.is_empty_at_end()?,
            _ => {}
        }
        self.time = event.time;
        if !matches!(event.what, What::Phase(_) | What::JobDone { .. }) {
            self.before = event.time;
        }
        Ok(())
    }

    /// Before the loop polls the tasks, the cursor moves to the current time, unless the
    /// wheel is empty.
    fn begin(&mut self, phase: Phase, event: &Event) -> Checked {
        match phase {
            Phase::Io => {}
            Phase::Timers => self.now = (self.time, event.time),
            Phase::Ready if self.phase == Some(Phase::Timers) => self.are_due_fired()?,
            Phase::Ready => {
                (self.now, self.begun) = ((self.time, event.time), event.number);
                self.are_due_fired()?;
            }
        }
        (self.phase, self.begun) = (Some(phase), event.number);
        self.cursor.1 = self.cursor.1.max(tick(event.time));
        Ok(())
    }

    /// The timers have been fired: no timer is left that was due, or that is in a slot which
    /// the cursor has reached.
    fn are_due_fired(&mut self) -> Checked {
        let now = self.now.0;
        if let Some((deadline, timer)) = self.first(&self.by_deadline)
            && deadline <= now
        {
            return Err(format!("timer {timer} was due, and has not fired"));
        }
        if let Some((start, timer)) = self.first(&self.by_slot)
            && start <= tick(now)
        {
            return Err(format!(
                "the cursor has passed the slot of timer {timer}, which is still in it"
            ));
        }
        if !self.armed.is_empty() {
            self.cursor.0 = self.cursor.0.max(tick(now));
        }
        Ok(())
    }

    /// The first of the timers that were armed before the timers were fired.
    fn first(&self, order: &BTreeSet<(u64, u64)>) -> Option<(u64, u64)> {
        let was_there = |&&(_, timer): &&(u64, u64)| self.armed[&timer].since < self.begun;
        order.iter().find(was_there).copied()
    }

    fn arm(&mut self, number: u64, timer: Timer, event: &Event, tasks: &Tasks) -> Checked {
        if self.armed.contains_key(&number) {
            return Err(format!("timer {number} is armed a second time"));
        }
        let is_in_turn = tasks.running().is_some() && tasks.phase() == Some(Phase::Ready);
        if !is_in_turn {
            self.cursor.1 = self.cursor.1.max(tick(event.time));
        }
        let fits = cursors_for(timer.deadline, timer.spot).and_then(|(first, last)| {
            let cursor = (self.cursor.0.max(first), self.cursor.1.min(last));
            (cursor.0 <= cursor.1).then_some(cursor)
        });
        let Some(cursor) = fits else {
            return Err(self.wrong_spot(number, &timer, self.cursor));
        };
        self.cursor = cursor;
        self.put(number, timer);
        Ok(())
    }

    fn wrong_spot(&self, number: u64, timer: &Timer, cursor: (u64, u64)) -> String {
        let Spot { level, slot } = timer.spot;
        let right = [cursor.0, cursor.1].map(|cursor| seen_from(cursor, timer.deadline));
        let right = right.map(|Spot { level, slot }| format!("level {level}, slot {slot}"));
        let [from, to] = right;
        let or = if from == to { String::new() } else { format!(", or rather {to}") };
        format!(
            "timer {number} lies in level {level}, slot {slot}; with a deadline in tick {} and the \
             cursor at {} it belongs in {from}{or}",
            tick(timer.deadline),
            cursor.0
        )
    }

    fn put(&mut self, number: u64, timer: Timer) {
        self.by_deadline.insert((timer.deadline, number));
        if timer.spot.level >= 0 {
            self.by_slot.insert((slot_start(tick(timer.deadline), timer.spot.level), number));
        }
        self.armed.insert(number, timer);
    }

    fn take(&mut self, number: u64, verb: &str) -> Result<Timer, String> {
        let timer = self.armed.remove(&number);
        let timer = timer.ok_or_else(|| format!("timer {number} {verb}, but is not armed"))?;
        self.by_deadline.remove(&(timer.deadline, number));
        if timer.spot.level >= 0 {
            self.by_slot.remove(&(slot_start(tick(timer.deadline), timer.spot.level), number));
        }
        Ok(timer)
    }

    /// The cursor is at the first tick of the slot that it empties.
    fn cascade(&mut self, number: u64, spot: Spot) -> Checked {
        let mut timer = self.take(number, "moves to a finer slot")?;
        if timer.spot.level < 0 {
            return Err(format!("timer {number} moves, though it is in the due-soon list already"));
        }
        let cursor = slot_start(tick(timer.deadline), timer.spot.level);
        if cursor < self.cursor.0 || cursor > tick(self.now.1) {
            return Err(format!("timer {number} moves, though the cursor is not at its slot"));
        }
        if timer.deadline <= self.now.0 {
            return Err(format!("timer {number} moves to a finer slot, though it is due"));
        }
        timer.spot = spot;
        if spot != seen_from(cursor, timer.deadline) {
            return Err(self.wrong_spot(number, &timer, (cursor, cursor)));
        }
        self.cursor.0 = cursor;
        self.put(number, timer);
        Ok(())
    }

    fn fire(&mut self, number: u64) -> Checked {
        let first = self.first(&self.by_deadline);
        let timer = self.take(number, "fires")?;
        let Timer { deadline, .. } = timer;
        if deadline > self.now.1 {
            return Err(format!("timer {number} fires early: it is due at {deadline} ns"));
        }
        match first.filter(|&first| first < (deadline, number)) {
            Some((_, first)) => {
                Err(format!("timer {number} fires before timer {first}, whose deadline is earlier"))
            }
            None => Ok(()),
        }
    }

    fn park(&self, limit: Option<u64>, jobs: &Jobs) -> Checked {
        let Some(&(deadline, timer)) = self.by_deadline.first() else {
            return match limit {
                Some(_) => Err("the sleep has a limit, though no timer is armed".into()),
                None => Ok(()),
            };
        };
        match limit {
            None if self.is_virtual && jobs.may_be_busy() => Ok(()),
            None => Err(format!("the loop sleeps without a limit, though timer {timer} is armed")),
            Some(_) if self.is_virtual && jobs.are_out() => {
                Err("the virtual clock is to jump, though a job is out".into())
            }
            Some(limit) if limit > 0 && self.before + limit > deadline => {
                Err(format!("the loop sleeps beyond the deadline of timer {timer}"))
            }
            Some(_) => Ok(()),
        }
    }

    fn is_empty_at_end(&self) -> Checked {
        match self.armed.keys().min() {
            Some(timer) => Err(format!("the loop has ended, and timer {timer} is armed still")),
            None => Ok(()),
        }
    }

    pub fn is_armed(&self, timer: u64) -> bool {
        self.armed.contains_key(&timer)
    }
}
