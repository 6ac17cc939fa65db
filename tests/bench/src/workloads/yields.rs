//! Tasks that wake themselves: what one turn of a task costs.

use std::cell::Cell;
use std::rc::Rc;

use crate::parts::yield_now;
use crate::runtime::{Runtime, Sockets};
use crate::workload::{Job, Workload};

pub fn all<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new("yield1", 10_000_000, |job| R::block_on(yields::<R>(job))),
        Workload::new("yield1000", 10_000_000, |job| R::block_on(yields::<R>(job))).scale(1000),
    ]
}

pub fn beside_a_listener<R: Sockets>() -> Vec<Workload> {
    let run = |job: &Job| R::block_on(yields_listening::<R>(job));
    vec![Workload::new("yield1_listening", 10_000_000, run)]
}

/// The same, while a listener waits for a connection: a loop that has something to ask the
/// system for must do so now and then.
async fn yields_listening<R: Sockets>(job: &Job) {
    let (listener, address) = R::listen().await;
    let accepting = R::spawn(async move { R::accept(&listener).await });
    job.meter.start();
    yields::<R>(job).await;
    job.meter.stop();
    let _client = R::connect(address).await;
    accepting.await;
}

/// `scale` tasks share the yields among them, and take turns.
pub(crate) async fn yields<R: Runtime>(job: &Job) {
    let done = Rc::new(Cell::new(0));
    let each = job.operations.div_ceil(job.scale);
    let joins: Vec<_> =
        (0..job.scale).map(|_| R::spawn(yield_often(each, Rc::clone(&done)))).collect();
    for join in joins {
        join.await;
    }
    assert_eq!(done.get(), each * job.scale, "each task yielded as often as it should");
}

async fn yield_often(times: u64, done: Rc<Cell<u64>>) {
    for _ in 0..times {
        yield_now().await;
        done.set(done.get() + 1);
    }
}
