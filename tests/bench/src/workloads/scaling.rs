//! What an operation costs beside `scale` others that wait: ideally always the same.

use crate::parts::yield_now;
use crate::runtime::{Runtime, Sockets, Timers};
use crate::system;
use crate::workload::{Job, Workload};
use crate::workloads::echo::{BUFFER, LENGTH, ask_once, connections, serve};
use crate::workloads::memory::{HOUR, begin};
use crate::workloads::timers::make_and_cancel;
use crate::workloads::yields::yields;

pub fn of_tasks<R: Runtime>() -> Vec<Workload> {
    vec![Workload::new("scale_tasks", 2_000_000, |job| R::block_on(yields::<R>(job)))]
}

pub fn of_timers<R: Timers>() -> Vec<Workload> {
    vec![
        Workload::new("scale_timers", 500_000, |job| R::block_on(beside_timers::<R>(job))),
        Workload::new("scale_sleepers", 1_000_000, |job| R::block_on(beside_sleepers::<R>(job)))
            .scale(1_000_000)
            .once(),
    ]
}

pub fn of_connections<R: Sockets>() -> Vec<Workload> {
    let run = |job: &Job| R::block_on(beside_connections::<R>(job));
    vec![Workload::new("scale_connections", 10_000, run)]
}

/// One timer is made and cancelled beside those that wait.
async fn beside_timers<R: Timers>(job: &Job) {
    let _sleepers = begin::<R, _>(job.scale, || R::sleep(HOUR)).await;
    make_and_cancel::<R>(job).await;
}

/// One task takes turns beside those that sleep.
async fn beside_sleepers<R: Timers>(job: &Job) {
    let _sleepers = begin::<R, _>(job.scale, || R::sleep(HOUR)).await;
    let turns = job.operations;
    job.meter.start();
    let turned = R::spawn(async move {
        let mut turned = 0;
        while turned < turns {
            yield_now().await;
            turned += 1;
        }
        turned
    });
    assert_eq!(turned.await, turns);
    job.meter.stop();
}

/// Round trips over one connection beside those on which nothing comes.
async fn beside_connections<R: Sockets>(job: &Job) {
    // Both ends are files of this process; and the clients' ports come from one range.
    let allowed = (system::raise_open_files().saturating_sub(100) / 2).min(25_000);
    let scale = job.scale.clamp(1, allowed);
    job.meter.note("connections", scale as f64);
    let (servers, mut clients) = connections::<R>(scale).await;
    let servers: Vec<_> = servers.into_iter().map(|end| R::spawn(serve::<R>(end))).collect();
    let mut buffer = vec![0; BUFFER];
    for client in &mut clients {
        buffer = ask_once::<R>(client, buffer, 0).await;
    }
    let active = clients.last_mut().expect("there is at least one connection");
    job.meter.start();
    for number in 0..job.operations {
        buffer = ask_once::<R>(active, buffer, number).await;
    }
    job.meter.stop();
    drop(clients);
    let mut bytes = 0;
    for server in servers {
        bytes += server.await;
    }
    assert_eq!(bytes, (scale + job.operations) * LENGTH as u64, "each byte came, once");
}
