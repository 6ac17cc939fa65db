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
/// An empty list keeps the room for so many timers; what a burst has taken is given back.
pub(super) const KEPT: usize = 256;

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
///
/// A timer lies in its slot with all that belongs to it. So a slot is emptied by reading it
/// from one end to the other, and not here and there in all the memory: with a million
/// timers, that is what takes the time. What is here and there are the places, and they
/// are small.
#[derive(Debug)]
pub struct Wheel<T> {
    /// The tick that the wheel has been turned to.
    hand: u64,
    levels: [Level<T>; LEVELS],
    /// The timers whose tick the hand has reached, but whose deadline lies a
    /// fraction of a tick ahead.
    under_hand: BTreeMap<When, Lying<T>>,
    /// Where each timer lies, by its key.
    places: Slab<Place>,
    /// Empty: only its memory is kept, for the next `advance`.
    due: Vec<Lying<T>>,
}

#[derive(Debug)]
struct Level<T> {
    /// Bit n: slot n has timers.
    occupied: u64,
    /// Made when the level is first used.
    slots: Vec<Vec<Lying<T>>>,
}

/// A timer in a slot, or under the hand.
#[derive(Debug)]
struct Lying<T> {
    when: When,
    key: Key,
    carried: T,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    UnderHand,
    Slot { level: u8, slot: u8, position: u32 },
}

/// A slot of the wheel.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The level: 0 is the finest.
    pub level: u8,
    /// The slot's digit.
    pub slot: u8,
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
        let (levels, under_hand, places, due) = Default::default();
        Wheel { hand: 0, levels, under_hand, places, due }
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arms a timer. A deadline that has passed is fired by the next
    /// [`advance`](Self::advance).
    pub fn insert(&mut self, when: When, carried: T) -> Key {
        let key = Key(self.places.next_index());
        let place = self.put(Lying { when, key, carried });
        self.places.insert(place);
        key
    }

    /// What an armed timer carries; `None` when it has fired or was cancelled.
    pub fn get_mut(&mut self, key: Key, when: When) -> Option<&mut T> {
        let timer = match *self.places.get(key.0)? {
            Place::UnderHand => self.under_hand.get_mut(&when)?,
            Place::Slot { level, slot, position } => {
                &mut self.levels[level as usize].slots[slot as usize][position as usize]
            }
        };
        // The key may be another timer's by now.
        (timer.when == when).then_some(&mut timer.carried)
    }

    /// Cancels a timer, and returns what it carried; `None` when it has fired or
    /// was cancelled before.
    pub fn remove(&mut self, key: Key, when: When) -> Option<T> {
        let timer = match *self.places.get(key.0)? {
            Place::UnderHand => self.under_hand.remove(&when)?,
            Place::Slot { level, slot, position } => self.take_out(level, slot, position, when)?,
        };
        self.places.remove(key.0);
        Some(timer.carried)
    }

    /// Turns the hand to the time `now`, and appends to `fired` the timers that are due,
    /// with what they carried: in the order of their deadlines, none of them early.
    /// `moved` is told of each timer that is not due and has moved to a finer slot, or
    /// under the hand.
    pub fn advance(
        &mut self,
        now: u64,
        fired: &mut Vec<(When, T)>,
        mut moved: impl FnMut(When, Option<Slot>),
    ) {
        let mut due = std::mem::take(&mut self.due);
        self.take_due_under_hand(now, &mut due);
        let tick = now >> TICK_BITS;
        while let Some(next) = self.next_slot().filter(|next| next.start <= tick) {
            self.reach(next, now, &mut due, &mut moved);
        }
        self.hand = self.hand.max(tick);
        due.sort_unstable_by_key(|timer| timer.when);
        fired.extend(due.drain(..).map(|timer| {
            self.places.remove(timer.key.0);
            (timer.when, timer.carried)
        }));
        due.shrink_to(KEPT);
        self.due = due;
    }

    /// Turns the hand to a slot, and empties it.
    fn reach(
        &mut self,
        next: Next,
        now: u64,
        due: &mut Vec<Lying<T>>,
        moved: &mut impl FnMut(When, Option<Slot>),
    ) {
        self.hand = next.start;
        let mut timers = self.levels[next.level].empty(next.slot);
        for timer in timers.drain(..) {
            if timer.when.deadline <= now {
                due.push(timer);
                continue;
            }
            // The cascade: relative to the new hand, the timer lies in a finer level, or
            // under the hand.
            let when = timer.when;
            moved(when, self.move_down(timer).slot());
        }
        timers.shrink_to(KEPT);
        self.levels[next.level].slots[next.slot] = timers;
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
        timers.iter().map(|timer| timer.when.deadline).min()
    }

    /// Puts a timer where it belongs, seen from the hand.
    fn put(&mut self, timer: Lying<T>) -> Place {
        let tick = timer.when.tick();
        if tick <= self.hand {
            self.under_hand.insert(timer.when, timer);
            return Place::UnderHand;
        }
        let level = highest_digit(tick ^ self.hand);
        let slot = digit(tick, level);
        let timers = self.levels[level].open(slot);
        let position = timers.len() as u32;
        timers.push(timer);
        Place::Slot { level: level as u8, slot: slot as u8, position }
    }

    fn move_down(&mut self, timer: Lying<T>) -> Place {
        let key = timer.key;
        let place = self.put(timer);
        *self.place(key) = place;
        place
    }

    /// In which slot an armed timer lies; in none if it is under the hand.
    pub fn slot(&self, key: Key) -> Option<Slot> {
        self.places.get(key.0)?.slot()
    }

    /// The armed timers, in no order.
    pub fn armed(&self) -> impl Iterator<Item = When> {
        let slots = self.levels.iter().flat_map(|level| &level.slots);
        slots.flatten().chain(self.under_hand.values()).map(|timer| timer.when)
    }

    /// Takes a timer out of its slot, unless another one lies there by now; the last one
    /// in the slot fills the gap.
    fn take_out(&mut self, level: u8, slot: u8, position: u32, when: When) -> Option<Lying<T>> {
        let wheel_level = &mut self.levels[level as usize];
        let timers = &mut wheel_level.slots[slot as usize];
        if timers[position as usize].when != when {
            return None;
        }
        let timer = timers.swap_remove(position as usize);
        if let Some(moved) = timers.get(position as usize).map(|moved| moved.key) {
            *self.place(moved) = Place::Slot { level, slot, position };
        } else if timers.is_empty() {
            wheel_level.occupied &= !(1 << slot);
        }
        Some(timer)
    }

    fn take_due_under_hand(&mut self, now: u64, due: &mut Vec<Lying<T>>) {
        while let Some(first) = self.under_hand.first_entry() {
            if first.key().deadline > now {
                break;
            }
            due.push(first.remove());
        }
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

    fn place(&mut self, key: Key) -> &mut Place {
        self.places.get_mut(key.0).expect("a timer that lies somewhere is armed")
    }
}

impl Place {
    fn slot(self) -> Option<Slot> {
        match self {
            Place::UnderHand => None,
            Place::Slot { level, slot, .. } => Some(Slot { level, slot }),
        }
    }
}

impl<T> Default for Wheel<T> {
    fn default() -> Wheel<T> {
        Wheel::new()
    }
}

impl<T> Level<T> {
    /// The slot, marked as occupied.
    fn open(&mut self, slot: usize) -> &mut Vec<Lying<T>> {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Vec::new);
        }
        self.occupied |= 1 << slot;
        &mut self.slots[slot]
    }

    /// What lies in the slot, which is marked as empty.
    fn empty(&mut self, slot: usize) -> Vec<Lying<T>> {
        self.occupied &= !(1 << slot);
        std::mem::take(&mut self.slots[slot])
    }
}

impl<T> Default for Level<T> {
    fn default() -> Level<T> {
        Level { occupied: 0, slots: Vec::new() }
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
