//! A clock with one hand.
//!
//! One wheel of 64 slots, and each timer in the slot of its deadline's last digit. A timer that
//! is more than one round away fires in this round: far too early.

glassloop_step::step!(6 without Timers::place, Timers::advance, main);

impl Timers {
    /// The wheel and the digit of a deadline that has not come yet.
    fn place(&self, deadline: u64) -> (usize, usize) {
        (0, deadline as usize % SLOTS)
    }

    /// Takes out the timers that are due at `now`, in the order of their keys.
    fn advance(&mut self, now: u64) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(begin) = self.next().filter(|&begin| begin <= now) {
            let (_, digit) = self.next_slot().expect("`next` has found one");
            self.now = begin;
            self.occupied[0] &= !(1 << digit);
            due.extend(mem::take(&mut self.slots[digit]).into_values());
        }
        self.now = now;
        due
    }
}

pub(crate) fn main() {
    let mut wheel = Timers::new();
    wheel.insert((10, 1), Waker::noop().clone());
    wheel.insert((4_170, 2), Waker::noop().clone());
    println!("two timers, for 10 ms and for 4170 ms");
    for now in 1..=100 {
        match wheel.advance(now).len() {
            0 => (),
            fired => println!("at {now} ms: {fired} fired"),
        }
    }
}
