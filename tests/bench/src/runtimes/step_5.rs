//! The executor of step 5, whose timers lie in a sorted map: what the wheel of the later
//! steps is measured against. It takes no part in the report.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::runtime::{Joined, Runtime, Timers};
use crate::workload::Workload;
use crate::workloads;

// Its program, and what the workloads have no use for.
#[allow(dead_code)]
#[path = "../../../../examples/steps/step_5.rs"]
mod executor;

pub struct Step5;

pub fn all() -> Vec<Workload> {
    [workloads::tasks::<Step5>(), workloads::with_timers::<Step5>()].concat()
}

impl Runtime for Step5 {
    const NAME: &'static str = "step_5";
    type Join<T: 'static> = Joined<executor::JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        executor::block_on(future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(executor::spawn(future))
    }
}

impl Timers for Step5 {
    fn sleep(duration: Duration) -> impl Future + 'static {
        executor::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut next = Instant::now();
        for _ in 0..ticks {
            next += period;
            executor::sleep(next.saturating_duration_since(Instant::now())).await;
        }
    }
}
