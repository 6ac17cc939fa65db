//! Blocking jobs: short ones, long ones, some that panic, some whose awaiter gives up.
//!
//! A job that was accepted runs, whatever happens to its awaiter. Whether all of them
//! did is known when the executor is gone, since its end waits for them.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use glassloop::{Unblock, sleep, spawn, timeout, unblock};

use crate::plan::{Plan, Stream};
use crate::planned::Planned;
use crate::random::Random;
use crate::report::{Faults, Row, grouped};

const TASKS: usize = 32;
const LONGEST: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_millis(5);
const REST: Duration = Duration::from_millis(60);

/// What is left to check when the executor is gone.
#[derive(Clone, Default)]
pub struct Jobs {
    faults: Faults,
    accepted: Arc<AtomicU64>,
    ran: Arc<AtomicU64>,
    panicked: Arc<AtomicU64>,
    given_up: Arc<AtomicU64>,
}

pub async fn run(plan: Rc<Plan>, jobs: Jobs) {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("jobs");
    let clients: Vec<_> = (0..TASKS)
        .map(|number| spawn(keep_asking(number, Rc::clone(&plan), jobs.clone())))
        .collect();
    for client in clients {
        if let Err(error) = client.await {
            jobs.faults.note(format!("a task that awaits jobs: {error}"));
        }
    }
}

async fn keep_asking(number: usize, plan: Rc<Plan>, jobs: Jobs) {
    let mut random = plan.random(Stream::Jobs, number);
    while !plan.is_over() {
        let ticket = random.next();
        match random.below(10) {
            0 => jobs.await_a_panic(ticket, &mut random).await,
            1 | 2 => jobs.give_up_soon(ticket, &mut random).await,
            _ => {
                let answer = jobs.job(ticket, false, &mut random).await;
                jobs.check_answer(ticket, answer);
            }
        }
        plan.meters.jobs.add(1);
        sleep(random.duration(REST)).await;
    }
}

/// What every job computes.
fn answer_to(ticket: u64) -> u64 {
    ticket.rotate_left(13) ^ 0x5eed
}

impl Jobs {
    /// A job that is going to be polled, and so accepted.
    fn job(&self, ticket: u64, panics: bool, random: &mut Random) -> Unblock<u64> {
        let ran = Arc::clone(&self.ran);
        let length = if random.once_in(2) { random.duration(LONGEST) } else { Duration::ZERO };
        self.accepted.fetch_add(1, Ordering::Relaxed);
        unblock(move || {
            thread::sleep(length);
            ran.fetch_add(1, Ordering::Relaxed);
            if panics {
                Planned::panic(ticket);
            }
            answer_to(ticket)
        })
    }

    fn check_answer(&self, ticket: u64, answer: u64) {
        self.faults
            .expect(answer == answer_to(ticket), || "a job's result went to another's awaiter");
    }

    /// The panic of a job resumes in the task that awaits it.
    async fn await_a_panic(&self, ticket: u64, random: &mut Random) {
        let job = self.job(ticket, true, random);
        let panic = match spawn(job).await {
            Ok(_) => None,
            Err(error) => error.is_panic().then(|| error.into_panic()),
        };
        let is_ours = panic.is_some_and(|panic| Planned::is(ticket, &*panic));
        self.panicked.fetch_add(1, Ordering::Relaxed);
        self.faults.expect(is_ours, || "a job's panic did not reach its awaiter");
    }

    async fn give_up_soon(&self, ticket: u64, random: &mut Random) {
        let job = self.job(ticket, false, random);
        match timeout(random.duration(LIMIT), job).await {
            Ok(answer) => self.check_answer(ticket, answer),
            Err(_elapsed) => drop(self.given_up.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// To be asked when the executor is gone.
    pub fn account(&self) -> Row {
        let number = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let (accepted, ran) = (number(&self.accepted), number(&self.ran));
        self.faults.expect(accepted == ran, || format!("{accepted} jobs were accepted, {ran} ran"));
        self.faults.expect_some(accepted, TASKS);
        let checked = format!(
            "each ran once and gave its own result; {} panicked, {} were given up and ran",
            grouped(number(&self.panicked)),
            grouped(number(&self.given_up))
        );
        Row::new("blocking jobs", grouped(accepted), checked, &self.faults)
    }
}
