//! # 27 Stream: an iterator that may wait
//!
//! ```text
//! cargo run --example 27_stream
//! ```
//!
//! Twin: `27_stream.py`, where an async generator is written with `yield`.
//!
//! Take away: **a stream does nothing between two calls of `next`, and to leave it early
//! is to drop it.**

use std::{pin::pin, time::Duration};

use futures_lite::{Stream, StreamExt, stream};
use glassloop::{Interval, println, yield_now};

/// What the stream keeps from one item to the next.
struct Ticks {
    beat: Interval,
    count: u32,
}

impl Drop for Ticks {
    fn drop(&mut self) {
        println!("interval closed");
    }
}

/// Rust has no `yield` yet: `unfold` makes an item and the next state from a state.
fn ticks(period: Duration) -> impl Stream<Item = u32> {
    let ticks = Ticks { beat: glassloop::interval(period), count: 0 };
    stream::unfold(ticks, async |mut ticks| {
        ticks.beat.tick().await;
        ticks.count += 1;
        Some((ticks.count - 1, ticks))
    })
}

fn evens(count: u32) -> impl Stream<Item = u32> {
    stream::iter(0..count).then(async |i| {
        yield_now().await;
        2 * i
    })
}

fn main() {
    glassloop::block_on(async {
        {
            let mut ticks = pin!(ticks(Duration::from_millis(5)));
            while let Some(n) = ticks.next().await {
                println!("tick {n}");
                if n == 2 {
                    break;
                }
            }
        }
        println!("evens {:?}", evens(3).collect::<Vec<_>>().await);
    });
}
