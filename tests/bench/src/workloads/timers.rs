//! Timers: made and cancelled, fired, armed again.

use std::pin::pin;
use std::time::{Duration, Instant};

use crate::parts::{Pinned, Random, poll_once, yield_now};
use crate::runtime::Timers;
use crate::workload::{Job, Workload};

pub fn all<R: Timers>() -> Vec<Workload> {
    vec![
        Workload::new("timer_cancel", 1_000_000, |job| R::block_on(cancel_one::<R>(job))),
        Workload::new("timer_cancel_all", 1_000_000, |job| R::block_on(cancel_all::<R>(job))),
        Workload::new("timer_cancel_among", 500_000, |job| R::block_on(cancel_among::<R>(job)))
            .scale(1_000_000),
        Workload::new("timer_fire", 1_000_000, |job| R::block_on(fire::<R>(job))),
        Workload::new("timer_rearm", 1_000_000, |job| R::block_on(rearm::<R>(job))).scale(100_000),
    ]
}

/// A turn of the loop after so many timers. A loop that is never left to turn does not
/// find out which timer is the next one; tokio then makes a system call for each new timer.
const IN_A_ROW: u64 = 1000;

/// Made and cancelled, one at a time: a time limit around something that is quick.
async fn cancel_one<R: Timers>(job: &Job) {
    make_and_cancel::<R>(job).await;
}

/// Makes and cancels `job.operations` timers, due in ten to fifteen seconds, beside one
/// that is due earlier. Without that one each new timer would be the first to fire, and
/// what is measured would be how a loop is told to wake up earlier.
pub(crate) async fn make_and_cancel<R: Timers>(job: &Job) {
    let mut earlier = pin!(R::sleep(Duration::from_secs(9)));
    assert!(!poll_once(earlier.as_mut()).await, "nine seconds are not over");
    // The loop gets to know the earlier one.
    yield_now().await;
    job.meter.start();
    for number in 0..job.operations {
        let sleep = pin!(R::sleep(Duration::from_millis(10_000 + number % 5000)));
        assert!(!poll_once(sleep).await, "ten seconds are not over");
        if number % IN_A_ROW == IN_A_ROW - 1 {
            yield_now().await;
        }
    }
    job.meter.stop();
    assert!(!poll_once(earlier).await, "it took less than nine seconds");
}

/// All made, then all cancelled: time limits around many slow things.
async fn cancel_all<R: Timers>(job: &Job) {
    let mut random = Random::new(1);
    let mut deadlines = || Duration::from_micros(100_000_000 + random.below(30_000_000));
    let mut sleeps = Pinned::new((0..job.operations).map(|_| R::sleep(deadlines())));
    for (number, sleep) in sleeps.iter_mut().enumerate() {
        assert!(!poll_once(sleep).await, "100 seconds are not over");
        if number as u64 % IN_A_ROW == IN_A_ROW - 1 {
            yield_now().await;
        }
    }
    drop(sleeps);
}

/// One at a time, among `job.scale` that stay, at random between their deadlines. (Beside
/// timers that are all due later, the new one would lie at the edge of a sorted map.)
async fn cancel_among<R: Timers>(job: &Job) {
    let mut random = Random::new(5);
    let mut deadline = || Duration::from_micros(100_000_000 + random.below(30_000_000));
    let mut others = Pinned::new((0..job.scale).map(|_| R::sleep(deadline())));
    for (number, sleep) in others.iter_mut().enumerate() {
        assert!(!poll_once(sleep).await, "100 seconds are not over");
        if number as u64 % IN_A_ROW == IN_A_ROW - 1 {
            yield_now().await;
        }
    }
    job.meter.start();
    for number in 0..job.operations {
        let sleep = pin!(R::sleep(deadline()));
        assert!(!poll_once(sleep).await, "100 seconds are not over");
        if number % IN_A_ROW == IN_A_ROW - 1 {
            yield_now().await;
        }
    }
    job.meter.stop();
}

/// A task for each timer, at random moments within a second. None is early.
async fn fire<R: Timers>(job: &Job) {
    let mut random = Random::new(2);
    let mut joins = Vec::with_capacity(job.operations as usize);
    for _ in 0..job.operations {
        let duration = Duration::from_micros(random.below(1_000_000));
        joins.push(R::spawn(sleep_until_due::<R>(duration)));
    }
    let mut fired = 0;
    for join in joins {
        fired += join.await;
    }
    assert_eq!(fired, job.operations, "each timer fired, none early");
}

async fn sleep_until_due<R: Timers>(duration: Duration) -> u64 {
    let begin = Instant::now();
    R::sleep(duration).await;
    u64::from(begin.elapsed() >= duration)
}

/// `scale` tasks tick with periods from 100 to 200 ms, about ten times each.
async fn rearm<R: Timers>(job: &Job) {
    let mut random = Random::new(3);
    let ticks = job.operations.div_ceil(job.scale);
    let joins: Vec<_> = (0..job.scale)
        .map(|_| {
            let period = Duration::from_micros(100_000 + random.below(100_000));
            R::spawn(tick::<R>(period, ticks))
        })
        .collect();
    let mut ticked = 0;
    for join in joins {
        ticked += join.await;
    }
    assert_eq!(ticked, ticks * job.scale, "each ticked as often as it should, none early");
}

async fn tick<R: Timers>(period: Duration, ticks: u64) -> u64 {
    let begin = Instant::now();
    R::tick(period, ticks).await;
    if begin.elapsed() >= period * ticks as u32 { ticks } else { 0 }
}
