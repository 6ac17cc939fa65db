//! `interval`: a beat that does not drift.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_lite::Stream;

use super::sleep::Sleep;
use crate::current;
use crate::task::{Cost, spend_budget};

/// A beat with the given period, whose first tick comes at once.
///
/// Ticks are scheduled from the first one on, so that they do not drift. Ticks
/// that were missed, since the task was busy, follow at once, one after another,
/// until the beat is caught up with (16 of them in one poll, then the other tasks have a
/// turn). In asyncio one writes a loop around
/// `sleep`, which drifts, or around `loop.call_at`, which does not.
///
/// # Panics
/// If `period` is zero; and outside of a loop.
///
/// ```
/// use std::time::Duration;
///
/// glassloop::block_on(async {
///     let period = Duration::from_millis(2);
///     let mut beat = glassloop::interval(period);
///     let first = beat.tick().await;
///     let second = beat.tick().await;
///     assert_eq!(second - first, period);
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(
        period > Duration::ZERO,
        "`glassloop::interval` was given a period of zero at {}, which would tick for ever \
         without letting time pass. Use a longer period, or `yield_now` in a loop",
        Location::caller()
    );
    let event_loop = current::expect("`glassloop::interval`");
    Interval { next: Sleep::lasting(event_loop, Duration::ZERO, Location::caller()), period }
}

/// The beat of [`interval`].
#[derive(Debug)]
pub struct Interval {
    next: Sleep,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick, and returns the moment for which it was
    /// scheduled. Dropping the future loses no tick.
    pub fn tick(&mut self) -> Tick<'_> {
        Tick { interval: self }
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    #[track_caller]
    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.next).poll(cx));
        let scheduled = self.next.deadline().expect("a sleep that ended had a deadline");
        self.next.put_off(self.period);
        // A beat that is late may never catch up, and its user works at each tick.
        spend_budget(Cost::System);
        Poll::Ready(scheduled)
    }
}

/// The ticks as a stream that never ends, for `StreamExt`'s `zip`, `take` and others.
impl Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing until they are awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
}

impl Future for Tick<'_> {
    type Output = Instant;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        self.interval.poll_tick(cx)
    }
}
