//! # 12 Producer and consumer: a channel between the two
//!
//! ```text
//! cargo run --example 12_producer_consumer
//! ```
//!
//! Twin: `12_producer_consumer.py`, where the channel is a `Queue`, and the producer
//! says "no more" by putting a `None` into it, the sentinel.
//!
//! Take away: **a channel counts its senders. When the last one is dropped, the receiver gets
//! an end: no sentinel that could be forgotten, or sent once although there are two consumers.**

use std::time::Duration;

use futures_lite::{StreamExt, future};
use glassloop::sync::channel::{self, Receiver, SendError, Sender};
use glassloop::{block_on, println, sleep};

/// Owns the sender: the sender is dropped when this function ends, in whatever way.
async fn producer(sender: Sender<u32>) -> Result<(), SendError<u32>> {
    for i in 0..3 {
        sleep(Duration::from_millis(20)).await;
        println!("produced {i}");
        // `?`: the send fails if no receiver is left.
        sender.send(i).await?;
    }
    Ok(())
}

/// A receiver is a stream; `recv().await` would give one item, or the end as an `Err`.
async fn consumer(mut receiver: Receiver<u32>) -> u32 {
    let mut total = 0;
    while let Some(item) = receiver.next().await {
        println!("consumed {item}");
        total += item;
    }
    total
}

fn main() -> Result<(), SendError<u32>> {
    block_on(async {
        let (sender, receiver) = channel::unbounded();
        let (sent, total) = future::zip(producer(sender), consumer(receiver)).await;
        sent?;
        println!("total {total}");
        Ok(())
    })
}
