//! The hierarchical timer wheel: which of a million timers is due next?
//!
//! A sorted list finds the next timer at once, but pays for the order of timers
//! that will never fire: most timeouts are cancelled. The wheel sorts only as
//! finely as it must. Setting and cancelling a timer cost the same few steps,
//! however many there are.
//!
//! Time is cut into *ticks* of 65,536 ns. Write the number of a tick in base 64:
//! it has eight digits, and the wheel has a *level* of 64 slots for each. A timer
//! lies in the level of **the highest digit in which its tick differs from the
//! hand's**, in the slot that this digit says. What is close lies in fine slots,
//! what is far in coarse ones, like the wheels of an odometer:
//!
//! ```text
//!    level 2  a slot is 268 ms   [ ][ ][■][ ] …  "some time in there"
//!                                       │ cascade: when the hand reaches the
//!                                       ▼ slot, its timers move down
//!    level 1  a slot is 4.2 ms   [ ][■][ ][ ] …
//!                                    │
//!                                    ▼
//!    level 0  a slot is 65.5 µs  [ ][ ][ ][■] …  "in exactly this tick"
//!                                          │
//!                                          ▼
//!    under the hand, sorted by deadline ──▶ fired, never early
//! ```
//!
//! A timer moves down at most seven times in its life, and an empty slot costs
//! nothing: a bitmap per level says which ones are occupied. So a jump of the
//! clock by hours costs what the timers in between cost, not what the ticks do.
//!
//! The wheel knows no clock and no wakers: time is a number of nanoseconds, and
//! a timer carries a `T`. The idea is from Varghese and Lauck, *Hashed and
//! Hierarchical Timing Wheels* (1987).

use std::collections::BTreeMap;

use crate::task::Slab;

/// A tick is 2^16 ns.
const TICK_BITS: u32 = 16;
pub(crate) const TICK: u64 = 1 << TICK_BITS;
/// A digit, in base 64, has six bits.
const DIGIT_BITS: u32 = 6;
pub(crate) const SLOTS: usize = 1 << DIGIT_BITS;
/// Eight digits and the tick make up the 64 bits of a deadline: there is none
/// that the wheel cannot hold.
pub(crate) const LEVELS: usize = 8;
/// A slot with more timers than this is not searched for its earliest deadline.
const SEARCHED: usize = 16;

/// When a timer fires: at its deadline, and among equal deadlines in the order
/// of the sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    /// Nanoseconds since the wheel's zero.
    pub deadline: u64,
    /// Unique per timer, and rising.
    pub sequence: u64,
}

impl When {
    fn tick(self) -> u64 {
        self.deadline >> TICK_BITS
    }
}

/// Where a timer's entry is. Of use to the wheel only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u32);

/// The wheel. `T` is what a timer carries; the loop lets it carry a waker.
#[derive(Debug)]
pub struct Wheel<T> {
    /// The tick that the wheel has been turned to.
    hand: u64,
    levels: [Level; LEVELS],
    /// The timers whose tick the hand has reached, but whose deadline lies a
    /// fraction of a tick ahead.
    under_hand: BTreeMap<When, Key>,
    entries: Slab<Entry<T>>,
}

#[derive(Debug, Default)]
struct Level {
    /// Bit n: slot n has timers.
    occupied: u64,
    /// Made when the level is first used.
    slots: Vec<Vec<Lying>>,
}

/// A timer in a slot. Its deadline is here a second time, so that a slot can be emptied
/// by reading it from one end to the other, and not here and there in all the memory.
#[derive(Clone, Copy, Debug)]
struct Lying {
    deadline: u64,
    key: Key,
}

#[derive(Debug)]
struct Entry<T> {
    when: When,
    carried: T,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    UnderHand,
    Slot { level: u8, slot: u8, position: u32 },
}

/// A slot of the wheel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) level: u8,
    pub(super) slot: u8,
}

/// An occupied slot, and the tick at which the hand reaches it.
struct Next {
    level: usize,
    slot: usize,
    start: u64,
}

impl<T> Wheel<T> {
    /// An empty wheel, with its hand at zero.
    pub fn new() -> Wheel<T> {
        let (levels, under_hand) = Default::default();
        Wheel { hand: 0, levels, under_hand, entries: Slab::default() }
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arms a timer. A deadline that has passed is fired by the next
    /// [`advance`](Self::advance).
    pub fn insert(&mut self, when: When, carried: T) -> Key {
        let key = Key(self.entries.next_index());
        let place = self.put(key, when);
        self.entries.insert(Entry { when, carried, place });
        key
    }

    /// What an armed timer carries; `None` when it has fired or was cancelled.
    pub fn get_mut(&mut self, key: Key, sequence: u64) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.0)?;
        (entry.when.sequence == sequence).then_some(&mut entry.carried)
    }

    /// Cancels a timer, and returns what it carried; `None` when it has fired or
    /// was cancelled before.
    pub fn remove(&mut self, key: Key, sequence: u64) -> Option<T> {
        self.get_mut(key, sequence)?;
        let entry = self.entries.remove(key.0)?;
        match entry.place {
            Place::UnderHand => drop(self.under_hand.remove(&entry.when)),
            Place::Slot { level, slot, position } => self.take_out(level, slot, position),
        }
        Some(entry.carried)
    }

    /// Turns the hand to the time `now`, and appends to `fired` what the timers
    /// that are due carried: in the order of their deadlines, none of them early.
    pub fn advance(&mut self, now: u64, fired: &mut Vec<T>) {
        let mut due = Vec::new();
        self.advance_and_tell(now, &mut due, |_, _| {});
        fired.extend(due.into_iter().map(|(_, carried)| carried));
    }

    /// The same, with the deadlines of what has fired; and tells which timers have moved
    /// to a finer place.
    pub(super) fn advance_and_tell(
        &mut self,
        now: u64,
        fired: &mut Vec<(When, T)>,
        mut moved: impl FnMut(When, Option<Slot>),
    ) {
        let mut due = self.due_under_hand(now);
        let tick = now >> TICK_BITS;
        while let Some(next) = self.next_slot().filter(|next| next.start <= tick) {
            self.hand = next.start;
            let level = &mut self.levels[next.level];
            level.occupied &= !(1 << next.slot);
            let mut timers = std::mem::take(&mut level.slots[next.slot]);
            for timer in timers.drain(..) {
                match timer.deadline <= now {
                    true => due.push(timer),
                    // The cascade: relative to the new hand, the timer lies in
                    // a finer level, or under the hand.
                    false => moved(self.move_down(timer), self.slot(timer.key)),
                }
            }
            // The slot keeps its memory.
            self.levels[next.level].slots[next.slot] = timers;
        }
        self.hand = self.hand.max(tick);
        self.sort(&mut due);
        let due = due.into_iter().filter_map(|timer| self.entries.remove(timer.key.0));
        fired.extend(due.map(|entry| (entry.when, entry.carried)));
    }

    /// The next time at which [`advance`](Self::advance) has something to do: the
    /// earliest deadline, or, where many timers share a slot, the moment at which
    /// the slot is to be sorted more finely. Never later than a deadline.
    pub fn next_wake(&self) -> Option<u64> {
        if let Some((when, _)) = self.under_hand.first_key_value() {
            return Some(when.deadline);
        }
        let next = self.next_slot()?;
        let timers = &self.levels[next.level].slots[next.slot];
        if timers.len() > SEARCHED {
            return Some(next.start << TICK_BITS);
        }
        timers.iter().map(|timer| timer.deadline).min()
    }

    /// Puts a timer where it belongs, seen from the hand.
    fn put(&mut self, key: Key, when: When) -> Place {
        if when.tick() <= self.hand {
            self.under_hand.insert(when, key);
            return Place::UnderHand;
        }
        let level = highest_digit(when.tick() ^ self.hand);
        let slot = digit(when.tick(), level);
        let timers = self.levels[level].open(slot);
        timers.push(Lying { deadline: when.deadline, key });
        let position = (timers.len() - 1) as u32;
        Place::Slot { level: level as u8, slot: slot as u8, position }
    }

    fn move_down(&mut self, timer: Lying) -> When {
        let when = self.entry(timer.key).when;
        self.entry(timer.key).place = self.put(timer.key, when);
        when
    }

    /// The armed timers, in no order.
    pub(super) fn armed(&self) -> impl Iterator<Item = When> {
        self.entries.iter().map(|entry| entry.when)
    }

    /// In which slot an armed timer lies; in none if it is under the hand.
    pub(super) fn slot(&self, key: Key) -> Option<Slot> {
        match self.entries.get(key.0)?.place {
            Place::UnderHand => None,
            Place::Slot { level, slot, .. } => Some(Slot { level, slot }),
        }
    }

    /// Sorts timers as they are to fire. That two deadlines are equal is rare, and only
    /// then their entries are looked at.
    fn sort(&self, timers: &mut [Lying]) {
        let sequence =
            |timer: &Lying| self.entries.get(timer.key.0).map(|entry| entry.when.sequence);
        timers.sort_unstable_by(|a, b| {
            a.deadline.cmp(&b.deadline).then_with(|| sequence(a).cmp(&sequence(b)))
        });
    }

    /// Takes a timer out of its slot; the last one there fills the gap.
    fn take_out(&mut self, level: u8, slot: u8, position: u32) {
        let wheel_level = &mut self.levels[level as usize];
        let timers = &mut wheel_level.slots[slot as usize];
        timers.swap_remove(position as usize);
        if timers.is_empty() {
            wheel_level.occupied &= !(1 << slot);
        }
        if let Some(&moved) = timers.get(position as usize) {
            self.entry(moved.key).place = Place::Slot { level, slot, position };
        }
    }

    fn due_under_hand(&mut self, now: u64) -> Vec<Lying> {
        let mut due = Vec::new();
        while let Some(first) = self.under_hand.first_entry() {
            if first.key().deadline > now {
                break;
            }
            let (when, key) = first.remove_entry();
            due.push(Lying { deadline: when.deadline, key });
        }
        due
    }

    /// The slot that the hand reaches next. Whatever lies in a finer level comes
    /// before whatever lies in a coarser one.
    fn next_slot(&self) -> Option<Next> {
        (0..LEVELS).find_map(|level| {
            let passed = digit(self.hand, level);
            // Two shifts: by 64 at once would be too much for the last digit.
            let ahead = self.levels[level].occupied & ((u64::MAX << passed) << 1);
            (ahead != 0).then(|| {
                let slot = ahead.trailing_zeros() as usize;
                let start = first_tick(self.hand, level, slot);
                Next { level, slot, start }
            })
        })
    }

    fn entry(&mut self, key: Key) -> &mut Entry<T> {
        self.entries.get_mut(key.0).expect("only armed timers lie in slots")
    }
}

impl<T> Default for Wheel<T> {
    fn default() -> Wheel<T> {
        Wheel::new()
    }
}

impl Level {
    /// The slot, marked as occupied.
    fn open(&mut self, slot: usize) -> &mut Vec<Lying> {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Vec::new);
        }
        self.occupied |= 1 << slot;
        &mut self.slots[slot]
    }
}

/// The place of the highest digit of `number` that is not 0.
fn highest_digit(number: u64) -> usize {
    (number.ilog2() / DIGIT_BITS) as usize
}

/// The digit of a tick at the place `level`.
fn digit(tick: u64, level: usize) -> usize {
    (tick >> (level as u32 * DIGIT_BITS)) as usize % SLOTS
}

/// The first tick of a slot ahead of the hand: the hand's digits above `level`,
/// then the slot, then zeros.
fn first_tick(hand: u64, level: usize, slot: usize) -> u64 {
    let below = level as u32 * DIGIT_BITS;
    let above = hand >> below >> DIGIT_BITS;
    (above << DIGIT_BITS | slot as u64) << below
}
