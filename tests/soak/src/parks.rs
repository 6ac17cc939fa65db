//! Parks: a second loop, on a thread of its own, that does nothing but park; and another
//! thread that wakes it, a million times. Nearly every wake meets a loop that parks, or
//! is just about to.
//!
//! A loop parks in one of two ways: on its thread, or, when it awaits a descriptor, in the
//! system's poller (epoll on Linux, kqueue on macOS, IOCP on Windows). Each gets half of the
//! wakes.

use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use glassloop::net::TcpListener;
use glassloop::{Executor, unblock};

use crate::plan::Plan;
use crate::report::{Faults, Row, grouped};
use crate::wakes::{Trips, ask_again_and_again, join, start};

/// The number of the answering thread's random numbers; those below are taken.
const ANSWERER: usize = 1000;

struct Parked {
    trips: Trips,
    given: u64,
    on_thread: u64,
    in_poller: u64,
}

pub async fn run(plan: Rc<Plan>) -> Row {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("parks");
    let faults = Faults::default();
    let elsewhere = Plan::clone(&plan);
    let parked = unblock(move || a_loop_of_its_own(&elsewhere)).await;
    let (how_many, checked) = match parked {
        Ok(parked) => {
            parked.trips.check(parked.given, plan.asked.wakes, &faults);
            let checked = format!(
                "a round trip for each; the loop parked {} times on its thread, {} in the poller",
                grouped(parked.on_thread),
                grouped(parked.in_poller)
            );
            (parked.trips.how_many(plan.asked.wakes), checked)
        }
        Err(error) => {
            faults.note(error);
            Default::default()
        }
    };
    Row::new("wakes of a parked loop", how_many, checked, &faults)
}

fn a_loop_of_its_own(plan: &Plan) -> io::Result<Parked> {
    thread::sleep(plan.early.saturating_duration_since(Instant::now()));
    let executor = Executor::builder().real_time().build()?;
    let (desk, answerer) = start(plan, ANSWERER);
    let half = plan.asked.wakes / 2;
    let trips = async |rounds| ask_again_and_again(&desk, rounds, plan, &plan.meters.parks).await;

    let first = executor.block_on(trips(half));
    let on_thread = executor.stats().parks;

    // No client connects; but from now on the loop has to park in the system's poller.
    let listener = executor.block_on(TcpListener::bind("127.0.0.1:0"))?;
    executor.spawn(async move { listener.accept().await }).detach();
    let second = executor.block_on(trips(plan.asked.wakes - half));
    let in_poller = executor.stats().parks - on_thread;

    drop(desk);
    Ok(Parked { trips: first.and(second), given: join(answerer), on_thread, in_poller })
}
