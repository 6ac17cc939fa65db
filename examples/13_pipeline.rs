//! # 13 Pipeline: a slow last stage holds the first one back
//!
//! ```text
//! cargo run --example 13_pipeline
//! ```
//!
//! Twin: `13_pipeline.py`. Three tasks, joined by channels that hold one item each.
//!
//! Take away: **a bounded channel makes a fast stage wait for a slow one, step by step back
//! to the source: however long the stream is, only a few items are in memory.**

use futures_lite::StreamExt;
use glassloop::sync::channel::{Receiver, SendError, Sender, bounded};
use glassloop::{TaskGroup, block_on, println, yield_now};

/// If a later stage has ended, a send to it fails, and `?` ends this stage too.
type Stage = Result<(), SendError<u32>>;

async fn source(output: Sender<u32>) -> Stage {
    for i in 1..=5 {
        output.send(i).await?;
        println!("sent {i}");
    }
    Ok(())
}

async fn square(mut numbers: Receiver<u32>, output: Sender<u32>) -> Stage {
    while let Some(x) = numbers.next().await {
        output.send(x * x).await?;
    }
    Ok(()) // drops `output`, so the sink's `next` returns `None`, and the sink ends too
}

async fn sink(mut squares: Receiver<u32>) -> Stage {
    while let Some(x) = squares.next().await {
        println!("slow sink {x}");
        busy(20).await;
    }
    Ok(())
}

async fn busy(turns: u32) {
    for _ in 0..turns {
        yield_now().await;
    }
}

fn main() -> Stage {
    block_on(async {
        let ((to_square, numbers), (to_sink, squares)) = (bounded(1), bounded(1));
        let mut stages = TaskGroup::new();
        stages.spawn(source(to_square));
        stages.spawn(square(numbers, to_sink));
        stages.spawn(sink(squares));
        stages.join().await?;
        println!("drained");
        Ok(())
    })
}
