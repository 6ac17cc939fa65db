//! tokio: its current-thread runtime with a `LocalSet`, which is its way to run tasks that
//! are not `Send`.

use std::future::Future;
use std::time::Duration;

use tokio::task::{JoinHandle, LocalSet};

use crate::runtime::{Joined, Runtime, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Tokio;

pub fn all() -> Vec<Workload> {
    [workloads::tasks::<Tokio>(), workloads::with_timers::<Tokio>()].concat()
}

impl Runtime for Tokio {
    const NAME: &'static str = "tokio";
    type Join<T: 'static> = Joined<JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        LocalSet::new().block_on(&runtime.expect("tokio starts"), future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(tokio::task::spawn_local(future))
    }
}

impl Timers for Tokio {
    type Sleep = tokio::time::Sleep;

    fn sleep(duration: Duration) -> Self::Sleep {
        tokio::time::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = tokio::time::interval(period);
        // The first tick comes at once.
        for _ in 0..=ticks {
            interval.tick().await;
        }
    }
}
