//! A map with a million timers.
//!
//! To find its place in a sorted map, a timer is compared with others on the way, and they are
//! all over the memory. The more there are, the longer it takes. In a wheel the slot follows
//! from the deadline, and the place in the slot from a hash. It is the map of step 5, beside the
//! wheel of step 6.

mod wheel {
    glassloop_step::step!(6 without main);

    /// The mean time to insert a timer and remove it again, beside `others`.
    pub(super) fn insert_and_remove(others: u64) -> u128 {
        super::measure(Timers::new(), others, Timers::insert, Timers::remove)
    }
}

glassloop_step::step!(5 without main);

/// Deadlines all over a minute, in no order.
fn key(number: u64) -> TimerKey {
    (1 + number * 7_919 % 60_000, number)
}

fn measure<T>(
    mut timers: T,
    others: u64,
    insert: fn(&mut T, TimerKey, Waker),
    remove: fn(&mut T, TimerKey) -> Option<Waker>,
) -> u128 {
    for number in 0..others {
        insert(&mut timers, key(number), Waker::noop().clone());
    }
    let began = Instant::now();
    for number in others..others + 10_000 {
        insert(&mut timers, key(number), Waker::noop().clone());
        remove(&mut timers, key(number));
    }
    began.elapsed().as_nanos() / 10_000
}

pub(crate) fn main() {
    for others in [0, 1_000_000] {
        let map = measure(Timers::default(), others, Timers::insert, Timers::remove);
        let wheel = wheel::insert_and_remove(others);
        println!("beside {others:>7} timers: map about {map} ns, wheel about {wheel} ns");
    }
}
