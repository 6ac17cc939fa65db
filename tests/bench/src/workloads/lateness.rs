//! How late timers are, when the loop has little else to do.

use std::time::{Duration, Instant};

use crate::parts::Random;
use crate::runtime::Timers;
use crate::statistics::quantile;
use crate::workload::{Job, Workload};

pub fn all<R: Timers>() -> Vec<Workload> {
    vec![Workload::new("lateness", 10_000, |job| R::block_on(lateness::<R>(job))).once()]
}

/// At random moments within a second.
async fn lateness<R: Timers>(job: &Job) {
    let mut random = Random::new(4);
    let joins: Vec<_> = (0..job.operations)
        .map(|_| R::spawn(measure::<R>(Duration::from_micros(random.below(1_000_000)))))
        .collect();
    let mut late = Vec::with_capacity(joins.len());
    for join in joins {
        late.push(join.await);
    }
    note_quantiles(job, &mut late);
}

/// How many microseconds it took longer than it should.
async fn measure<R: Timers>(duration: Duration) -> f64 {
    let begin = Instant::now();
    R::sleep(duration).await;
    let late = begin.elapsed().checked_sub(duration).expect("no timer is early");
    late.as_secs_f64() * 1e6
}

pub(crate) fn note_quantiles(job: &Job, microseconds: &mut [f64]) {
    microseconds.sort_by(f64::total_cmp);
    for (name, share) in [("p50_us", 0.5), ("p99_us", 0.99), ("max_us", 1.0)] {
        job.meter.note(name, quantile(microseconds, share).unwrap_or(f64::NAN));
    }
}
