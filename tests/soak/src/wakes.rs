//! Wakes: other threads wake tasks of the loop, a million times. A round trip counts
//! each of them, so that a lost one would be missed at once: its task would wait for
//! ever.
//!
//! ```text
//!   task                                    thread
//!     asks, with a clone of its waker ─────▶ waits a moment, or not
//!     is pending                              answers + 1
//!     polled: answered? ◀──── wake ────────── wakes: by value, by reference, twice …
//! ```
//!
//! `parks.rs` does the same to a loop that has nothing else to do.

use std::future::poll_fn;
use std::hint::spin_loop;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Poll, Waker};
use std::thread;

use glassloop::{JoinHandle, spawn, unblock};

use crate::meters::Meter;
use crate::plan::{Plan, Stream};
use crate::random::Random;
use crate::report::{Faults, Row, grouped};

const THREADS: usize = 4;
const TASKS: usize = 8192;
/// One answer in so many comes late by some spins, so that its wake meets the loop in
/// any state: polling, about to park, parked.
const LATE_ONCE_IN: usize = 4;
const SPINS: usize = 400;

/// A task asks to be woken.
pub struct Question {
    answers: Arc<AtomicU64>,
    waker: Waker,
}

/// What a task tells of its round trips, or all of them together.
#[derive(Clone, Copy, Default)]
pub struct Trips {
    pub rounds: u64,
    /// Polls that found no answer: the task was woken twice, or for nothing.
    pub in_vain: u64,
}

pub async fn run(plan: Rc<Plan>) -> Row {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("wakes");
    let faults = Faults::default();
    let (desks, threads): (Vec<_>, Vec<_>) = (0..THREADS).map(|n| start(&plan, n)).unzip();
    let guests: Vec<_> = (0..TASKS).map(|n| guest(n, &desks[n % THREADS], &plan)).collect();
    // The threads end with the last question's sender.
    drop(desks);
    let mut all = Trips::default();
    for guest in guests {
        match guest.await {
            Ok(trips) => all = all.and(trips),
            Err(error) => faults.note(format!("a task that asks: {error}")),
        }
    }
    let given = unblock(|| threads.into_iter().map(join).sum()).await;
    all.check(given, plan.asked.wakes, &faults);
    let checked = format!(
        "a round trip for each, {THREADS} threads and {TASKS} tasks; {} polls in vain",
        grouped(all.in_vain)
    );
    Row::new("wakes of a busy loop", all.how_many(plan.asked.wakes), checked, &faults)
}

/// A task with its share of the wakes.
fn guest(number: usize, desk: &Sender<Question>, plan: &Rc<Plan>) -> JoinHandle<Trips> {
    let rounds = (plan.asked.wakes + number) / TASKS;
    let (desk, plan) = (desk.clone(), Rc::clone(plan));
    spawn(async move { ask_again_and_again(&desk, rounds, &plan, &plan.meters.wakes).await })
}

/// Starts a thread that answers, and returns the way to it.
pub fn start(plan: &Plan, number: usize) -> (Sender<Question>, thread::JoinHandle<u64>) {
    let (desk, questions) = channel();
    let random = plan.random(Stream::Answers, number);
    (desk, thread::spawn(move || answer_all(questions, random)))
}

/// The number of answers that a thread has given; or 0, if it panicked.
pub fn join(thread: thread::JoinHandle<u64>) -> u64 {
    thread.join().unwrap_or(0)
}

fn answer_all(questions: Receiver<Question>, mut random: Random) -> u64 {
    let mut given = 0;
    for Question { answers, waker } in questions {
        if random.once_in(LATE_ONCE_IN) {
            (0..random.below(SPINS)).for_each(|_| spin_loop());
        }
        answers.fetch_add(1, Ordering::Release);
        given += 1;
        match random.below(4) {
            0 => waker.wake_by_ref(),
            1 => {
                let copy = waker.clone();
                drop(waker);
                copy.wake();
            }
            2 => {
                waker.wake_by_ref();
                waker.wake();
            }
            _ => waker.wake(),
        }
    }
    given
}

/// Asks, and waits for the answer, again and again: until it has had enough, or the
/// time is up.
pub async fn ask_again_and_again(
    desk: &Sender<Question>,
    rounds: usize,
    plan: &Plan,
    meter: &Meter,
) -> Trips {
    let answers = Arc::new(AtomicU64::new(0));
    let mut trips = Trips::default();
    while trips.rounds < rounds as u64 && !plan.is_over() {
        trips.rounds += 1;
        trips.in_vain += ask(desk, &answers, trips.rounds).await;
        meter.add(1);
    }
    trips
}

/// Asks once, and waits until there are as many answers as rounds. Returns how many
/// polls found too few.
async fn ask(desk: &Sender<Question>, answers: &Arc<AtomicU64>, rounds: u64) -> u64 {
    let (mut has_asked, mut in_vain) = (false, 0);
    poll_fn(|cx| {
        if answers.load(Ordering::Acquire) == rounds {
            return Poll::Ready(());
        }
        match std::mem::replace(&mut has_asked, true) {
            true => in_vain += 1,
            false => {
                let question = Question { answers: answers.clone(), waker: cx.waker().clone() };
                desk.send(question).expect("the thread answers as long as there are questions");
            }
        }
        Poll::Pending
    })
    .await;
    in_vain
}

impl Trips {
    pub fn and(self, other: Trips) -> Trips {
        let (rounds, in_vain) = (self.rounds + other.rounds, self.in_vain + other.in_vain);
        Trips { rounds, in_vain }
    }

    /// `given`: how many answers the threads say that they have given.
    pub fn check(self, given: u64, asked: usize, faults: &Faults) {
        faults.expect_some(given, asked);
        faults.expect(self.rounds == given, || {
            format!("{given} answers were given, {} arrived", self.rounds)
        });
    }

    pub fn how_many(self, asked: usize) -> String {
        let wakes = grouped(self.rounds);
        match self.rounds == asked as u64 {
            true => wakes,
            false => format!("{wakes} in time, of {}", grouped(asked as u64)),
        }
    }
}
