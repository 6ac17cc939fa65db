//! Tasks that do next to nothing: what a task costs from its spawn to its join.

use crate::runtime::Runtime;
use crate::workload::{Job, Workload};

pub fn all<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new("spawn_batch", 1_000_000, |job| R::block_on(spawn_batch::<R>(job))),
        Workload::new("spawn_all", 1_000_000, |job| R::block_on(spawn_all::<R>(job))),
    ]
}

/// A thousand at a time: the memory of one batch serves the next.
async fn spawn_batch<R: Runtime>(job: &Job) {
    let mut sum = 0;
    let mut first = 0;
    while first < job.operations {
        let end = job.operations.min(first + 1000);
        sum += spawn_and_join::<R>(first, end).await;
        first = end;
    }
    assert_eq!(sum, sum_below(job.operations), "each task gave back its number, once");
}

/// All at once.
async fn spawn_all<R: Runtime>(job: &Job) {
    let sum = spawn_and_join::<R>(0, job.operations).await;
    assert_eq!(sum, sum_below(job.operations), "each task gave back its number, once");
}

async fn spawn_and_join<R: Runtime>(first: u64, end: u64) -> u64 {
    let mut joins = Vec::with_capacity((end - first) as usize);
    joins.extend((first..end).map(|number| R::spawn(async move { number })));
    let mut sum = 0;
    for join in joins {
        sum += join.await;
    }
    sum
}

/// 0 + 1 + … + (n − 1).
pub(crate) fn sum_below(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}
