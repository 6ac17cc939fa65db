//! glassloop.

use std::future::Future;
use std::time::Duration;

use crate::runtime::{Joined, Runtime, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Glassloop;

pub fn all() -> Vec<Workload> {
    [workloads::tasks::<Glassloop>(), workloads::with_timers::<Glassloop>()].concat()
}

impl Runtime for Glassloop {
    const NAME: &'static str = "glassloop";
    type Join<T: 'static> = Joined<glassloop::JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        glassloop::block_on(future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(glassloop::spawn(future))
    }
}

impl Timers for Glassloop {
    type Sleep = glassloop::Sleep;

    fn sleep(duration: Duration) -> Self::Sleep {
        glassloop::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = glassloop::interval(period);
        // The first tick comes at once.
        for _ in 0..=ticks {
            interval.tick().await;
        }
    }
}
