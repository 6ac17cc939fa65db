//! How long a short task waits while others are busy: is the loop fair?
//!
//! On a loop that runs a task which woke itself before all others, this does not end: the
//! first busy task keeps everybody else from running.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use crate::parts::yield_now;
use crate::runtime::Runtime;
use crate::workload::{Job, Workload};
use crate::workloads::lateness::note_quantiles;

pub fn all<R: Runtime>() -> Vec<Workload> {
    vec![Workload::new("latency", 500, |job| R::block_on(latency::<R>(job))).scale(1000).once()]
}

/// `scale` tasks work for about a microsecond and yield, again and again. From outside of
/// them a task is spawned that does nothing, and waited for.
async fn latency<R: Runtime>(job: &Job) {
    let over = Rc::new(Cell::new(false));
    let busy: Vec<_> = (0..job.scale).map(|_| R::spawn(work_until(Rc::clone(&over)))).collect();
    let probes = job.operations;
    let probe = R::spawn(async move {
        let mut waited = Vec::new();
        for _ in 0..probes {
            let begin = Instant::now();
            R::spawn(async {}).await;
            waited.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        waited
    });
    let mut waited = probe.await;
    over.set(true);
    for task in busy {
        task.await;
    }
    note_quantiles(job, &mut waited);
}

async fn work_until(over: Rc<Cell<bool>>) {
    while !over.get() {
        // The compiler cannot shorten it, and each step waits for the one before.
        (0..300_u64).fold(1, |number, step| black_box(number) ^ step);
        yield_now().await;
    }
}
