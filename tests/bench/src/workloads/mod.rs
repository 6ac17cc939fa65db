//! The workloads, each generic over the runtime. Each checks its own result.

pub mod spawn;
pub mod yields;
pub mod ping_pong;
pub mod wakes;
pub mod timers;
pub mod start_up;
pub mod echo;
pub mod one_way;
pub mod files;
pub mod memory;
pub mod lateness;
pub mod latency;
pub mod scaling;

use crate::runtime::{Files, Runtime, Sockets, Timers};
use crate::workload::Workload;

/// What every runtime can do.
pub fn tasks<R: Runtime>() -> Vec<Workload> {
    [spawn::all::<R>(), yields::all::<R>(), ping_pong::all::<R>(), wakes::all::<R>()]
        .into_iter()
        .flatten()
        .chain(start_up::all::<R>())
        .chain(memory::of_tasks::<R>())
        .chain(latency::all::<R>())
        .chain(scaling::of_tasks::<R>())
        .collect()
}

/// What takes a clock.
pub fn with_timers<R: Timers>() -> Vec<Workload> {
    [
        timers::all::<R>(),
        memory::of_sleepers::<R>(),
        lateness::all::<R>(),
        scaling::of_timers::<R>(),
    ]
    .concat()
}

/// What takes sockets.
pub fn with_sockets<R: Sockets>() -> Vec<Workload> {
    [
        yields::beside_a_listener::<R>(),
        echo::all::<R>(),
        one_way::all::<R>(),
        scaling::of_connections::<R>(),
    ]
    .concat()
}

/// What takes files.
pub fn with_files<R: Files>() -> Vec<Workload> {
    files::all::<R>()
}
