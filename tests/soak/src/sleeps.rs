//! Sleeps: a million tasks asleep at the same time, each with a deadline of its own or with
//! a deadline that it shares with thousands.
//!
//! Each must wake exactly once, and not before its deadline; and all of them in the order of
//! their deadlines, equal deadlines in the order in which the tasks went to sleep. How late
//! they wake is measured and reported. The lateness says how long the loop was busy with the
//! other loads, and is no fault.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use glassloop::sync::Event;
use glassloop::{sleep_until, spawn, yield_now};

use crate::plan::{Plan, Stream};
use crate::report::{Faults, Row, at_once, grouped};

/// So many are spawned in one turn.
const SPAWNED_AT_ONCE: usize = 10_000;
/// One in so many has a deadline that it shares: one of the full seconds.
const SHARED_ONCE_IN: usize = 10;

struct Night {
    plan: Rc<Plan>,
    faults: Faults,
    /// How often each of them has woken.
    woken: Vec<Cell<u8>>,
    /// The deadline and the number of the task that woke last. They only ever rise.
    last: Cell<(Instant, usize)>,
    most_asleep: Cell<u64>,
    awake: Cell<usize>,
    all_awake: Event,
    /// In microseconds. A task that came too late to sleep at all has no entry.
    lateness: RefCell<Vec<u32>>,
}

pub async fn run(plan: Rc<Plan>) -> Row {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("sleeps");
    let night = Rc::new(Night::new(plan));
    let mut random = night.plan.random(Stream::Deadlines, 0);
    for number in 0..night.woken.len() {
        let rest = night.plan.stop - night.plan.early;
        let mut deadline = night.plan.early + random.duration(rest);
        if random.once_in(SHARED_ONCE_IN) {
            let seconds = (deadline - night.plan.early).as_secs();
            deadline = night.plan.early + Duration::from_secs(seconds);
        }
        spawn(sleep_once(number, deadline, Rc::clone(&night))).detach();
        if number % SPAWNED_AT_ONCE == 0 {
            yield_now().await;
        }
    }
    while night.awake.get() < night.woken.len() {
        night.all_awake.wait().await;
    }
    night.account()
}

async fn sleep_once(number: usize, deadline: Instant, night: Rc<Night>) {
    if Instant::now() >= deadline {
        // The machine was too slow to let every task sleep in time.
        return night.note_awake(number);
    }
    night.note_asleep();
    sleep_until(deadline).await;
    night.plan.meters.asleep.subtract(1);
    night.check_wake(number, deadline);
    night.note_awake(number);
}

impl Night {
    fn new(plan: Rc<Plan>) -> Night {
        let tasks = plan.asked.tasks;
        Night {
            last: Cell::new((plan.began, 0)),
            plan,
            woken: vec![Cell::new(0); tasks],
            faults: Faults::default(),
            most_asleep: Cell::new(0),
            awake: Cell::new(0),
            all_awake: Event::new(),
            lateness: RefCell::new(Vec::with_capacity(tasks)),
        }
    }

    fn note_asleep(&self) {
        self.plan.meters.asleep.add(1);
        self.most_asleep.set(self.most_asleep.get().max(self.plan.meters.asleep.get()));
    }

    fn check_wake(&self, number: usize, deadline: Instant) {
        let now = Instant::now();
        self.faults.expect(now >= deadline, || {
            format!("task {number} woke {:?} before its deadline", deadline - now)
        });
        let last = self.last.replace((deadline, number));
        self.faults.expect(last < (deadline, number), || {
            let (before, other) = (last.0.saturating_duration_since(deadline), last.1);
            format!("task {number} woke after {other}, whose deadline is later by {before:?}")
        });
        let late = now.saturating_duration_since(deadline).as_micros();
        self.lateness.borrow_mut().push(u32::try_from(late).unwrap_or(u32::MAX));
    }

    fn note_awake(&self, number: usize) {
        self.woken[number].set(self.woken[number].get().saturating_add(1));
        self.awake.set(self.awake.get() + 1);
        if self.awake.get() == self.woken.len() {
            self.all_awake.set();
        }
    }

    fn account(&self) -> Row {
        for (number, woken) in self.woken.iter().map(Cell::get).enumerate() {
            self.faults.expect(woken == 1, || format!("task {number} woke {woken} times"));
        }
        let mut lateness = self.lateness.take();
        lateness.sort_unstable();
        let slept = lateness.len();
        self.faults.expect_some(slept as u64, self.plan.asked.tasks);
        let late = |share: f64| {
            let index = (slept as f64 * share) as usize;
            let micros = lateness.get(index.min(slept.saturating_sub(1)));
            Duration::from_micros(micros.copied().unwrap_or_default().into())
        };
        let checked = format!(
            "{} woken once each, none early, in order of deadlines; late by {:?} (half), {:?} \
             (99 %), {:?} (all)",
            grouped(slept as u64),
            late(0.5),
            late(0.99),
            late(1.0)
        );
        let how_many = at_once(self.most_asleep.get(), self.plan.asked.tasks);
        Row::new("sleeping tasks", how_many, checked, &self.faults)
    }
}
