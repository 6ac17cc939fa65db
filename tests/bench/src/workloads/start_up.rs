//! A loop made, run, dropped: what the first line of `main` costs.

use crate::runtime::Runtime;
use crate::workload::{Job, Workload};

pub fn all<R: Runtime>() -> Vec<Workload> {
    vec![Workload::new("start_up", 1000, start_up::<R>)]
}

fn start_up<R: Runtime>(job: &Job) {
    let mut sum = 0;
    for number in 0..job.operations {
        sum += R::block_on(async { number });
    }
    assert_eq!(sum, super::spawn::sum_below(job.operations), "each loop ran its future");
}
