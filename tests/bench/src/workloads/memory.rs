//! What a task that waits takes: bytes of heap, resident memory, allocations. The future's
//! own bytes are included; the list of the handles is not.

use std::cell::Cell;
use std::future::{Future, pending};
use std::rc::Rc;
use std::time::Duration;

use crate::parts::OneSlot;
use crate::runtime::{Runtime, Timers};
use crate::workload::{Job, Workload};
use crate::{heap, system};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub fn of_tasks<R: Runtime>() -> Vec<Workload> {
    let run = |job: &Job| R::block_on(weigh::<R, _>(job, pending::<()>));
    vec![Workload::new("memory_idle", 100_000, run).once()]
}

pub fn of_sleepers<R: Timers>() -> Vec<Workload> {
    let run = |job: &Job| R::block_on(weigh::<R, _>(job, || R::sleep(HOUR)));
    vec![Workload::new("memory_sleep", 100_000, run).once()]
}

/// Weighs the tasks that wait, once each was polled.
async fn weigh<R: Runtime, F>(job: &Job, wait: impl Fn() -> F + Copy + 'static)
where
    F: Future + 'static,
{
    let mut joins = Vec::with_capacity(job.operations as usize);
    // The loop, its tables and what it makes at the first use are not the tasks' weight.
    joins.extend(begin::<R, F>(1, wait).await);
    joins.reserve(job.operations as usize);
    let resident = system::resident();
    heap::start();
    joins.extend(begin::<R, F>(job.operations, wait).await);
    let (bytes, allocations) = heap::stop();
    let each = |number: f64| number / job.operations as f64;
    // The list of handles that `begin` made is gone, and the reserved one is not counted.
    job.meter.note("heap_bytes", each(bytes as f64));
    job.meter.note("allocations", each(allocations as f64));
    if let (Some(before), Some(after)) = (resident, system::resident()) {
        job.meter.note("resident_bytes", each(after as f64 - before as f64));
    }
    job.meter.stop();
}

/// Spawns so many and returns when each was polled.
pub(crate) async fn begin<R: Runtime, F>(
    number: u64,
    wait: impl Fn() -> F + Copy + 'static,
) -> Vec<R::Join<()>>
where
    F: Future + 'static,
{
    let begun = Rc::new((Cell::new(0), OneSlot::default()));
    let mut joins = Vec::with_capacity(number as usize);
    for _ in 0..number {
        let begun = Rc::clone(&begun);
        joins.push(R::spawn(async move {
            begun.0.set(begun.0.get() + 1);
            if begun.0.get() == number {
                begun.1.send(());
            }
            // Made here, since a future that is handed over would be stored twice.
            wait().await;
        }));
    }
    // Yielding until then would not do: on some runtimes it keeps the others from running.
    if number > 0 {
        begun.1.receive().await;
    }
    joins
}
