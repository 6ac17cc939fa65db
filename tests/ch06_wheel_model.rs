//! Chapter 6: the timer wheel against a model of itself.
//!
//! A sorted map is a timer queue that is simple enough to trust: its timers are in the
//! order in which they fire. The wheel and the map must give the same answers to the
//! same calls. proptest makes up the calls; when the answers differ, proptest shrinks
//! the calls to the shortest sequence that still shows the difference.

mod support;

use std::collections::BTreeMap;

use glassloop::time::wheel::{Key, Wheel, When};
use proptest::prelude::*;
use proptest::test_runner::Config;
use support::within_limit;

/// One thing that is done to both.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Arms a timer so far ahead of the present, or behind it if negative.
    Insert(i128),
    /// Arms a timer with the deadline of one that was armed before.
    InsertEqual(usize),
    /// Cancels one of the timers that were ever armed, also one that has fired.
    Cancel(usize),
    /// Moves the clock on.
    Advance(u64),
    /// Moves the clock to the moment for which the wheel asks to be woken.
    AdvanceToNextWake,
}

/// A distance in time: near, far, and above all close to where the wheel's ticks and
/// levels begin.
fn distance() -> impl Strategy<Value = u64> {
    // A tick has 16 bits, and each of the levels above it six more.
    let boundary = (0_u32..8).prop_map(|level| 1_u64 << (16 + 6 * level));
    let around_boundary = (boundary, 0..5_u64).prop_map(|(at, off)| at.saturating_add(off) - 2);
    let multiple_of_ticks = (0..5000_u64).prop_map(|ticks| ticks << 16);
    let any_size = (any::<u64>(), 0..64_u32).prop_map(|(bits, shift)| bits >> shift);
    prop_oneof![0..4_u64, 0..100_000_u64, multiple_of_ticks, around_boundary, any_size]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => distance().prop_map(|ahead| Step::Insert(i128::from(ahead))),
        1 => distance().prop_map(|behind| Step::Insert(-i128::from(behind))),
        2 => any::<usize>().prop_map(Step::InsertEqual),
        3 => any::<usize>().prop_map(Step::Cancel),
        3 => distance().prop_map(Step::Advance),
        3 => Just(Step::AdvanceToNextWake),
    ]
}

/// The wheel, the map, and the keys of all timers that were ever armed.
struct Both {
    now: u64,
    wheel: Wheel<u64>,
    map: BTreeMap<When, u64>,
    ever: Vec<(When, Key)>,
}

impl Both {
    fn new() -> Both {
        Both { now: 0, wheel: Wheel::new(), map: BTreeMap::new(), ever: Vec::new() }
    }

    fn insert(&mut self, deadline: u64) {
        let sequence = self.ever.len() as u64;
        let when = When { deadline, sequence };
        let key = self.wheel.insert(when, sequence);
        self.map.insert(when, sequence);
        self.ever.push((when, key));
    }

    /// One of the timers that were ever armed.
    fn choose(&self, choice: usize) -> Option<(When, Key)> {
        self.ever.get(choice.checked_rem(self.ever.len())?).copied()
    }

    fn cancel(&mut self, (when, key): (When, Key)) {
        let (from_wheel, from_map) = (self.wheel.remove(key, when), self.map.remove(&when));
        assert_eq!(from_wheel, from_map, "cancelling {when:?} gives what it carried, once");
    }

    fn advance(&mut self, to: u64) {
        self.now = to;
        let mut fired = Vec::new();
        self.wheel.advance(to, &mut fired, |_, _| {});
        let mut due = Vec::new();
        while let Some(first) = self.map.first_entry().filter(|first| first.key().deadline <= to) {
            due.push(first.remove_entry());
        }
        assert_eq!(fired, due, "what fires on the way to {to}, in this order");
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Insert(ahead) => {
                let deadline = i128::from(self.now) + ahead;
                self.insert(deadline.clamp(0, i128::from(u64::MAX)) as u64);
            }
            Step::InsertEqual(choice) => {
                if let Some((when, _)) = self.choose(choice) {
                    self.insert(when.deadline);
                }
            }
            Step::Cancel(choice) => {
                if let Some(timer) = self.choose(choice) {
                    self.cancel(timer);
                }
            }
            Step::Advance(by) => self.advance(self.now.saturating_add(by)),
            Step::AdvanceToNextWake => {
                if let Some(wake) = self.wheel.next_wake() {
                    self.advance(self.now.max(wake));
                }
            }
        }
        self.compare();
    }

    /// What must hold after every step.
    fn compare(&mut self) {
        assert_eq!(self.wheel.len(), self.map.len(), "as many timers are armed");
        assert_eq!(self.wheel.is_empty(), self.map.is_empty());
        let earliest = self.map.keys().next().map(|when| when.deadline);
        match (self.wheel.next_wake(), earliest) {
            (None, None) => {}
            (Some(wake), Some(deadline)) => {
                assert!(wake <= deadline, "wakes at {wake}, after the deadline {deadline}");
            }
            (wake, _) => {
                panic!("{} timers are armed, and the next wake is {wake:?}", self.map.len())
            }
        }
        if let Some(&(when, key)) = self.ever.last() {
            let armed = self.wheel.get_mut(key, when).copied();
            assert_eq!(armed, self.map.get(&when).copied(), "the last timer is found while armed");
        }
    }
}

/// 53 · no counterpart in asyncio, which has a heap. Breaks at the edges: a deadline in
/// the current tick, a slot that is refilled during its cascade, a timer whose position
/// changed before it is cancelled, a key that is used again.
#[test]
fn a_sorted_map_and_the_wheel_agree_on_any_sequence() {
    within_limit(|| {
        // No file of old failures: what was found becomes a test by itself.
        let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
        proptest!(config, |(steps in prop::collection::vec(step(), 1..120))| {
            let mut both = Both::new();
            for step in steps {
                both.take(step);
            }
            both.advance(u64::MAX);
            assert!(both.wheel.is_empty(), "at the end of time every timer has fired");
        });
    });
}

/// 53 · no counterpart in asyncio. Breaks when `next_wake` names a moment at which the
/// wheel does nothing: the loop would wake again and again, and spin.
#[test]
fn who_follows_next_wake_gets_to_every_deadline_in_a_few_steps() {
    within_limit(|| {
        let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
        proptest!(config, |(distances in prop::collection::vec(distance(), 1..60))| {
            let mut both = Both::new();
            distances.iter().for_each(|&deadline| both.insert(deadline));
            let mut steps = 0;
            while let Some(wake) = both.wheel.next_wake() {
                both.advance(both.now.max(wake));
                steps += 1;
            }
            assert!(both.map.is_empty(), "every timer has fired on time");
            // A timer moves down seven times at most, and then fires.
            let most = 8 * distances.len();
            assert!(steps <= most, "{steps} steps for {} timers", distances.len());
        });
    });
}

/// 58 · has no counterpart in asyncio, whose heap always knows the earliest deadline.
/// Breaks when the wheel looks for it among all the timers of a far slot, however many
/// there are, or sorts them by deadline from the start: that is what a heap pays for.
#[test]
fn a_slot_of_more_than_sixteen_timers_is_asked_for_no_deadline_before_its_turn() {
    within_limit(|| {
        // A slot of the third level is 64 * 64 ticks wide.
        let slot = 1 << (16 + 12);
        let mut both = Both::new();
        for armed in 1..=40 {
            both.insert(5 * slot + 1000 - armed);
            let deadline = 5 * slot + 1000 - armed;
            let expected = if armed <= 16 { deadline } else { 5 * slot };
            assert_eq!(both.wheel.next_wake(), Some(expected), "with {armed} timers in the slot");
        }
        both.advance(5 * slot);
        assert_eq!(both.wheel.next_wake(), Some(5 * slot + 960), "sorted, now that they are near");
    });
}
