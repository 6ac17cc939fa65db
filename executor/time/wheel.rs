//! The hierarchical timer wheel: which of a million timers is due next?
//!
//! A sorted list finds the next timer at once, but pays for the order of timers
//! that never fire: most timeouts are cancelled. The wheel sorts only as finely
//! as it must. Arming and cancelling a timer cost the same few steps, however
//! many timers there are.
//!
//! Time is cut into *ticks* of 65,536 ns. The *cursor* is the current tick: the
//! one that the wheel has been advanced to. Write the number of a tick in base
//! 64: it has eight digits, and the wheel has a *level* of 64 slots for each
//! digit. A timer is stored in the level of **the highest digit in which its tick
//! differs from the cursor**, in the slot that this digit names. Near timers are
//! in fine slots and far timers in coarse ones, as on an odometer:
//!
//! ```text
//!    level 2  a slot is 268 ms   [ ][ ][■][ ] …  "some time in there"
//!                                       │ cascade: when the cursor reaches
//!                                       ▼ the slot, its timers move down
//!    level 1  a slot is 4.2 ms   [ ][■][ ][ ] …
//!                                    │
//!                                    ▼
//!    level 0  a slot is 65.5 µs  [ ][ ][ ][■] …  "in exactly this tick"
//!                                          │
//!                                          ▼
//!    due-soon list, sorted by deadline ──▶ fired, never early
//! ```
//!
//! A timer moves from level to level at most seven times in its life, and an empty slot costs
//! nothing: a bitmap per level says which slots are occupied. So a jump of the
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
/// An empty list keeps room for so many timers. The memory of a larger burst is freed.
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

/// Names a timer to the wheel that armed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u32);

/// The wheel. `T` is what a timer carries; in the loop, it is a waker.
///
/// A slot holds its entries whole, and not only their keys. So a slot is emptied by
/// reading its memory from one end to the other: with a million timers, reading here and
/// there is what takes the time. Only the positions, which are small, are read in that way.
#[derive(Debug)]
pub struct Wheel<T> {
    /// The current tick.
    cursor: u64,
    levels: [Level<T>; LEVELS],
    /// The due-soon list: timers whose tick the cursor has reached, but whose deadline is
    /// a fraction of a tick ahead.
    due_soon: BTreeMap<When, Entry<T>>,
    /// Before this time no timer is due and no occupied slot is reached.
    idle_until: u64,
    /// Where the entry of each timer is, by the timer's key.
    positions: Slab<Position>,
    /// Empty: only its memory is kept, for the next `advance`.
    due: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Level<T> {
    /// Bit n: slot n has timers.
    occupied: u64,
    /// Made when the level is first used.
    slots: Vec<Vec<Entry<T>>>,
}

/// A timer, in a slot or in the due-soon list.
#[derive(Debug)]
struct Entry<T> {
    when: When,
    key: Key,
    carried: T,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
enum Position {
    DueSoon,
    Slot { level: u8, slot: u8, index: u32 },
}

/// A slot of the wheel.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The level: 0 is the finest.
    pub level: u8,
    /// The slot's digit.
    pub slot: u8,
}

/// An occupied slot, and the tick at which the cursor reaches it.
struct Upcoming {
    level: usize,
    slot: usize,
    start: u64,
}

impl<T> Wheel<T> {
    /// An empty wheel, with its cursor at zero.
    pub fn new() -> Wheel<T> {
        let levels = std::array::from_fn(|_| Level { occupied: 0, slots: Vec::new() });
        let (due_soon, positions, due) = Default::default();
        Wheel { cursor: 0, levels, due_soon, idle_until: u64::MAX, positions, due }
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arms a timer. A deadline that has passed is fired by the next
    /// [`advance`](Self::advance).
    pub fn insert(&mut self, when: When, carried: T) -> Key {
        let key = Key(self.positions.next_index());
        let position = self.put(Entry { when, key, carried });
        self.positions.insert(position);
        key
    }

    /// What an armed timer carries; `None` when the timer has fired or was cancelled.
    pub fn get_mut(&mut self, key: Key, when: When) -> Option<&mut T> {
        let entry = match *self.positions.get(key.0)? {
            Position::DueSoon => self.due_soon.get_mut(&when)?,
            Position::Slot { level, slot, index } => {
                &mut self.levels[level as usize].slots[slot as usize][index as usize]
            }
        };
        // The key may name another timer by now.
        (entry.when == when).then_some(&mut entry.carried)
    }

    /// Cancels a timer, and returns what it carried; `None` when the timer has fired or
    /// was cancelled before.
    pub fn remove(&mut self, key: Key, when: When) -> Option<T> {
        let entry = match *self.positions.get(key.0)? {
            Position::DueSoon => self.due_soon.remove(&when)?,
            Position::Slot { level, slot, index } => self.take_out(level, slot, index, when)?,
        };
        self.positions.remove(key.0);
        Some(entry.carried)
    }

    /// Moves the cursor to the time `now` and returns true, if no timer is due by then and
    /// no occupied slot is reached. Otherwise does nothing: [`advance`](Self::advance) has
    /// work to do. A loop asks this in every turn, so it is one comparison.
    #[inline]
    pub fn skip_to(&mut self, now: u64) -> bool {
        let is_idle = now < self.idle_until;
        if is_idle {
            self.cursor = self.cursor.max(now >> TICK_BITS);
        }
        is_idle
    }

    /// Moves the cursor to the time `now`, and appends to `fired` the timers that are due,
    /// with what they carried: in the order of their deadlines, none of them early.
    /// `moved` is called for each timer that is not due and has moved to a finer slot, or
    /// to the due-soon list.
    pub fn advance(
        &mut self,
        now: u64,
        fired: &mut Vec<(When, T)>,
        mut moved: impl FnMut(When, Option<Slot>),
    ) {
        let mut due = std::mem::take(&mut self.due);
        self.take_due(now, &mut due);
        let tick = now >> TICK_BITS;
        while let Some(next) = self.next_slot().filter(|next| next.start <= tick) {
            self.reach(next, now, &mut due, &mut moved);
        }
        self.cursor = self.cursor.max(tick);
        self.idle_until = self.next_event();
        due.sort_unstable_by_key(|entry| entry.when);
        fired.extend(due.drain(..).map(|entry| {
            self.positions.remove(entry.key.0);
            (entry.when, entry.carried)
        }));
        due.shrink_to(KEPT);
        self.due = due;
    }

    /// Moves the cursor to a slot, and empties the slot.
    fn reach(
        &mut self,
        next: Upcoming,
        now: u64,
        due: &mut Vec<Entry<T>>,
        moved: &mut impl FnMut(When, Option<Slot>),
    ) {
        self.cursor = next.start;
        let mut entries = self.levels[next.level].empty(next.slot);
        for entry in entries.drain(..) {
            if entry.when.deadline <= now {
                due.push(entry);
                continue;
            }
            // The cascade: seen from the new cursor, the timer belongs in a finer level, or
            // in the due-soon list.
            let when = entry.when;
            moved(when, self.move_down(entry).slot());
        }
        entries.shrink_to(KEPT);
        self.levels[next.level].slots[next.slot] = entries;
    }

    /// The earliest deadline of the due-soon list, or the start of the next occupied slot.
    fn next_event(&self) -> u64 {
        match self.due_soon.first_key_value() {
            Some((when, _)) => when.deadline,
            None => self.next_slot().map_or(u64::MAX, |next| next.start << TICK_BITS),
        }
    }

    /// The next time at which [`advance`](Self::advance) has something to do: the
    /// earliest deadline, or, where many timers share a slot, the moment at which
    /// the slot is to be sorted more finely. Never later than a deadline.
    pub fn next_wake(&self) -> Option<u64> {
        if let Some((when, _)) = self.due_soon.first_key_value() {
            return Some(when.deadline);
        }
        let next = self.next_slot()?;
        let entries = &self.levels[next.level].slots[next.slot];
        if entries.len() > SEARCHED {
            return Some(next.start << TICK_BITS);
        }
        entries.iter().map(|entry| entry.when.deadline).min()
    }

    /// Stores an entry where it belongs, seen from the cursor.
    fn put(&mut self, entry: Entry<T>) -> Position {
        let tick = entry.when.tick();
        if tick <= self.cursor {
            self.idle_until = self.idle_until.min(entry.when.deadline);
            self.due_soon.insert(entry.when, entry);
            return Position::DueSoon;
        }
        let level = highest_digit(tick ^ self.cursor);
        let slot = digit(tick, level);
        self.idle_until = self.idle_until.min(slot_start(tick, level) << TICK_BITS);
        let entries = self.levels[level].open(slot);
        let index = entries.len() as u32;
        entries.push(entry);
        Position::Slot { level: level as u8, slot: slot as u8, index }
    }

    fn move_down(&mut self, entry: Entry<T>) -> Position {
        let key = entry.key;
        let position = self.put(entry);
        *self.position(key) = position;
        position
    }

    /// The slot that holds an armed timer; `None` if the due-soon list holds it.
    pub fn slot(&self, key: Key) -> Option<Slot> {
        self.positions.get(key.0)?.slot()
    }

    /// The armed timers, in no order.
    pub fn armed(&self) -> impl Iterator<Item = When> {
        let slots = self.levels.iter().flat_map(|level| &level.slots);
        slots.flatten().chain(self.due_soon.values()).map(|entry| entry.when)
    }

    /// Takes an entry out of its slot, unless the position holds another timer by now. The
    /// last entry of the slot fills the gap.
    fn take_out(&mut self, level: u8, slot: u8, index: u32, when: When) -> Option<Entry<T>> {
        let wheel_level = &mut self.levels[level as usize];
        let entries = &mut wheel_level.slots[slot as usize];
        if entries[index as usize].when != when {
            return None;
        }
        let entry = entries.swap_remove(index as usize);
        if let Some(moved) = entries.get(index as usize).map(|moved| moved.key) {
            *self.position(moved) = Position::Slot { level, slot, index };
        } else if entries.is_empty() {
            wheel_level.occupied &= !(1 << slot);
        }
        Some(entry)
    }

    /// Takes what is due out of the due-soon list.
    fn take_due(&mut self, now: u64, due: &mut Vec<Entry<T>>) {
        while let Some(first) = self.due_soon.first_entry() {
            if first.key().deadline > now {
                break;
            }
            due.push(first.remove());
        }
    }

    /// The occupied slot that the cursor reaches next. Every timer in a finer level comes
    /// before every timer in a coarser level.
    fn next_slot(&self) -> Option<Upcoming> {
        (0..LEVELS).find_map(|level| {
            let passed = digit(self.cursor, level);
            // Two shifts: one shift by 64 would overflow at the last digit.
            let ahead = self.levels[level].occupied & ((u64::MAX << passed) << 1);
            (ahead != 0).then(|| {
                let slot = ahead.trailing_zeros() as usize;
                let start = first_tick(self.cursor, level, slot);
                Upcoming { level, slot, start }
            })
        })
    }

    fn position(&mut self, key: Key) -> &mut Position {
        self.positions.get_mut(key.0).expect("a timer that has an entry is armed")
    }
}

impl Position {
    fn slot(self) -> Option<Slot> {
        match self {
            Position::DueSoon => None,
            Position::Slot { level, slot, .. } => Some(Slot { level, slot }),
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
    fn open(&mut self, slot: usize) -> &mut Vec<Entry<T>> {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Vec::new);
        }
        self.occupied |= 1 << slot;
        &mut self.slots[slot]
    }

    /// The entries of the slot, which is marked as empty.
    fn empty(&mut self, slot: usize) -> Vec<Entry<T>> {
        self.occupied &= !(1 << slot);
        std::mem::take(&mut self.slots[slot])
    }
}

/// The index of the highest digit of `number` that is not 0; digit 0 is the lowest.
fn highest_digit(number: u64) -> usize {
    (number.ilog2() / DIGIT_BITS) as usize
}

/// The digit of a tick at the index `level`.
fn digit(tick: u64, level: usize) -> usize {
    (tick >> (level as u32 * DIGIT_BITS)) as usize % SLOTS
}

/// The first tick of the slot that holds `tick` at a level: the digits below are zeros.
fn slot_start(tick: u64, level: usize) -> u64 {
    let below = level as u32 * DIGIT_BITS;
    tick >> below << below
}

/// The first tick of a slot ahead of the cursor: the digits of the cursor above `level`,
/// then the slot, then zeros.
fn first_tick(cursor: u64, level: usize, slot: usize) -> u64 {
    let below = level as u32 * DIGIT_BITS;
    let above = cursor >> below >> DIGIT_BITS;
    (above << DIGIT_BITS | slot as u64) << below
}
