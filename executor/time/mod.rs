//! When: the clock, the timer wheel, and the futures that wait for a moment.
//!
//! In reading order: a `clock` tells the time; the **`wheel`** is pure, it sorts numbers
//! and knows neither clock nor waker; the `timers` of a loop are the wheel, read
//! against the clock. `sleep` is the leaf future; `timeout` and `interval` are made of it.
//!
//! This module knows how a task is woken, and nothing of descriptors or threads.

mod clock;
pub mod wheel;
mod timers;
mod sleep;
mod timeout;
mod interval;

pub use interval::{Interval, Tick, interval};
pub use sleep::{Sleep, now, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout};

pub(crate) use clock::Clock;
pub(crate) use timers::Timers;
