//! Two tasks that wake each other in turn. One operation is a round trip.

use std::rc::Rc;

use crate::parts::OneSlot;
use crate::runtime::Runtime;
use crate::workload::Workload;

pub fn all<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new("ping_pong", 2_000_000, |job| R::block_on(one_slot::<R>(job.operations))),
        Workload::new("ping_pong_async_channel", 2_000_000, |job| {
            R::block_on(async_channel::<R>(job.operations))
        }),
    ]
}

/// Over a channel made by hand, the same for all: next to nothing but the executor.
async fn one_slot<R: Runtime>(round_trips: u64) {
    let there = Rc::new(OneSlot::default());
    let back = Rc::new(OneSlot::default());
    let (pong_there, pong_back) = (Rc::clone(&there), Rc::clone(&back));
    let pong = R::spawn(async move {
        for _ in 0..round_trips {
            let number: u64 = pong_there.receive().await;
            pong_back.send(number + 1);
        }
    });
    let ping = R::spawn(async move {
        let mut number = 0;
        for _ in 0..round_trips {
            there.send(number);
            number = back.receive().await;
        }
        number
    });
    assert_eq!(ping.await, round_trips, "each round trip adds one");
    pong.await;
}

/// Over the channel that a program would use, whatever its runtime.
async fn async_channel<R: Runtime>(round_trips: u64) {
    let (there, pong_there) = async_channel::bounded(1);
    let (pong_back, back) = async_channel::bounded(1);
    let pong = R::spawn(async move {
        while let Ok(number) = pong_there.recv().await {
            let number: u64 = number;
            pong_back.send(number + 1).await.expect("ping is there");
        }
    });
    let ping = R::spawn(async move {
        let mut number = 0;
        for _ in 0..round_trips {
            there.send(number).await.expect("pong is there");
            number = back.recv().await.expect("pong is there");
        }
        number
    });
    assert_eq!(ping.await, round_trips, "each round trip adds one");
    pong.await;
}
