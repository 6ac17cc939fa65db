//! The storm: very many tasks that are aborted at random moments, run into time limits,
//! panic, and are detached.
//!
//! ```text
//!   front: spawns a handful ─▶ lets some time pass ─▶ decides each one's fate ─▶ again
//!                                                      join, abort, detach
//! ```
//!
//! `acts.rs` has what a task does meanwhile. Here its end is checked: the outcome must be
//! exactly the one that its fate demands, and its future must be dropped exactly once.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::{WaitGroup, WaitGuard};
use glassloop::{JoinError, JoinHandle, sleep, spawn, timeout, yield_now};

use crate::acts::Place;
use crate::plan::{Plan, Stream};
use crate::planned::Planned;
use crate::random::Random;
use crate::report::{Faults, Row, grouped};

/// Each front has so many tasks at a time.
const HANDFUL: usize = 24;
/// Between the spawns and the decisions.
const PAUSE: Duration = Duration::from_millis(8);
/// One task in so many panics, and one in so many when it is dropped.
const PANIC_ONCE_IN: usize = 16;
const BOMB_ONCE_IN: usize = 64;

/// What the fronts share.
struct Storm {
    plan: Rc<Plan>,
    faults: Faults,
    place: Rc<Place>,
    /// How often the future of each task was dropped.
    drops: RefCell<Vec<u8>>,
    /// Every future holds a guard.
    alive: WaitGroup,
    tally: RefCell<Tally>,
}

#[derive(Default)]
struct Tally {
    aborted: u64,
    panicked: u64,
    detached: u64,
}

/// A part of every future of the storm: notes that it is dropped.
struct Witness {
    number: usize,
    storm: Rc<Storm>,
    _alive: WaitGuard,
}

/// A part of some futures: panics when it is dropped.
struct Bomb(u64);

/// What is known of a task beforehand.
struct Spawned {
    handle: JoinHandle<()>,
    number: u64,
    /// It panics by itself, unless it is aborted before.
    panics: bool,
    /// It panics when it is dropped, whenever that is.
    bomb: bool,
}

pub async fn run(plan: Rc<Plan>) -> Vec<Row> {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("storm");
    let faults = Faults::default();
    match Place::prepare(plan.asked.fronts).await {
        Ok(place) => {
            let (drops, alive, tally) = Default::default();
            let place = Rc::new(place);
            let storm = Rc::new(Storm { plan, faults, place, drops, alive, tally });
            storm.rage().await;
            storm.place.check_that_nothing_is_left().await;
            vec![storm.account(), storm.place.account()]
        }
        Err(error) => {
            faults.note(format!("no place for the storm: {error}"));
            vec![Row::new("tasks in the storm", String::new(), String::new(), &faults)]
        }
    }
}

async fn front(number: usize, storm: Rc<Storm>) {
    let mut random = storm.plan.random(Stream::Fronts, number);
    while !storm.plan.is_over() {
        let mut handful: Vec<_> =
            (0..random.between(1..=HANDFUL)).map(|_| storm.spawn(&mut random)).collect();
        while !handful.is_empty() {
            some_time_passes(&mut random).await;
            let chosen = handful.swap_remove(random.below(handful.len()));
            storm.decide(chosen, &mut random).await;
        }
    }
}

/// No time at all, some turns, or some milliseconds.
async fn some_time_passes(random: &mut Random) {
    match random.below(10) {
        0..5 => {}
        5..9 => {
            for _ in 0..random.below(5) {
                yield_now().await;
            }
        }
        _ => sleep(random.duration(PAUSE)).await,
    }
}

impl Storm {
    /// Ends when the time is up and every future of the storm has been dropped.
    async fn rage(self: &Rc<Storm>) {
        let source = spawn(Rc::clone(&self.place).keep_writing(Rc::clone(&self.plan)));
        let fronts =
            (0..self.plan.asked.fronts).map(|number| spawn(front(number, Rc::clone(self))));
        for front in fronts.collect::<Vec<_>>() {
            if let Err(error) = front.await {
                self.faults.note(format!("a front of the storm: {error}"));
            }
        }
        self.alive.wait().await;
        if let Err(error) = source.await {
            self.faults.note(format!("the task that writes to the wire: {error}"));
        }
    }

    fn spawn(self: &Rc<Storm>, random: &mut Random) -> Spawned {
        let number = self.drops.borrow().len();
        self.drops.borrow_mut().push(0);
        self.plan.meters.storm.add(1);
        let (panics, has_bomb) = (random.once_in(PANIC_ONCE_IN), random.once_in(BOMB_ONCE_IN));
        let id = number as u64;
        let bomb = has_bomb.then(|| Bomb(id));
        let witness = Witness { number, storm: Rc::clone(self), _alive: self.alive.add() };
        let mut acting = self.plan.random(Stream::Acts, number);
        let handle = spawn(async move {
            let (_bomb, witness) = (bomb, witness);
            witness.storm.place.act(&mut acting).await;
            if panics {
                Planned::panic(id);
            }
        });
        Spawned { handle, number: id, panics, bomb: has_bomb }
    }

    async fn decide(&self, mut task: Spawned, random: &mut Random) {
        match random.below(6) {
            0 => {
                self.tally.borrow_mut().detached += 1;
                task.handle.detach();
            }
            1 => {
                // Aborted, and not joined.
                self.tally.borrow_mut().aborted += u64::from(task.handle.abort());
            }
            2 | 3 => {
                let aborted = task.handle.abort();
                self.tally.borrow_mut().aborted += u64::from(aborted);
                some_time_passes(random).await;
                let outcome = (&mut task.handle).await;
                self.check(&task, aborted, outcome);
            }
            _ => {
                let outcome = match timeout(random.duration(PAUSE), &mut task.handle).await {
                    Ok(outcome) => outcome,
                    Err(_elapsed) => (&mut task.handle).await,
                };
                self.check(&task, false, outcome);
            }
        }
    }

    /// `aborted`: the abort was in time, and so has to win.
    fn check(&self, task: &Spawned, aborted: bool, outcome: Result<(), JoinError>) {
        let must_panic = task.bomb || (task.panics && !aborted);
        self.tally.borrow_mut().panicked += u64::from(must_panic);
        let (is_right, seen) = match outcome {
            Ok(()) => (!must_panic && !aborted, "was finished"),
            Err(error) if error.is_cancelled() => (!must_panic && aborted, "was cancelled"),
            Err(error) => {
                let ours = Planned::is(task.number, &*error.into_panic());
                (must_panic && ours, if ours { "panicked" } else { "has another's panic" })
            }
        };
        self.faults.expect(is_right, || {
            let Spawned { number, panics, bomb, .. } = task;
            format!("task {number} {seen} (aborted: {aborted}, panics: {panics}, bomb: {bomb})")
        });
    }

    fn account(&self) -> Row {
        let drops = self.drops.borrow();
        for (number, &drops) in drops.iter().enumerate() {
            self.faults.expect(drops == 1, || format!("task {number} was dropped {drops} times"));
        }
        let tally = self.tally.borrow();
        self.faults.expect_some(tally.aborted.min(tally.panicked), self.plan.asked.fronts);
        let checked = format!(
            "each dropped once, each outcome as it must be; {} aborted in time, {} panicked, \
             {} detached",
            grouped(tally.aborted),
            grouped(tally.panicked),
            grouped(tally.detached)
        );
        Row::new("tasks in the storm", grouped(drops.len() as u64), checked, &self.faults)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let mut drops = self.storm.drops.borrow_mut();
        drops[self.number] = drops[self.number].saturating_add(1);
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        // A second panic during a first one would end the program.
        if !std::thread::panicking() {
            Planned::panic(self.0);
        }
    }
}
