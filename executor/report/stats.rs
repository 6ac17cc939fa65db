//! `stats`: what a loop has done so far, in numbers.

use std::cell::Cell;
use std::fmt;

use crate::current;
use crate::event_loop::{EventLoop, Executor};

/// The current loop's totals so far.
///
/// # Panics
/// Outside of a loop.
#[track_caller]
pub fn stats() -> Stats {
    Stats::of(&current::expect("`glassloop::stats`"))
}

/// Totals of one executor since it was made, and what it holds at present, from
/// [`stats`](crate::stats) or [`Executor::stats`](crate::Executor::stats).
///
/// ```
/// glassloop::block_on(async {
///     let before = glassloop::stats();
///     glassloop::yield_now().await;
///     let after = glassloop::stats();
///     assert_eq!(after.turns - before.turns, 1);
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Times round the loop.
    pub turns: u64,
    /// Calls of a future's `poll`, the root's included.
    pub polls: u64,
    /// Times a task was pushed to the run queue: by its spawn, or by a waker.
    pub wakes: u64,
    /// Times the loop went to sleep, since no task was ready.
    pub parks: u64,
    /// Times the loop polled the I/O driver for events, parks in the poller included.
    pub io_polls: u64,
    /// Events that the system reported.
    pub events: u64,
    /// Timers that came to their deadline.
    pub timers_fired: u64,
    /// Jobs given to the blocking pool.
    pub jobs: u64,
    /// Tasks that have not ended: not a total, but the present number.
    pub tasks_alive: usize,
    /// Timers that are armed: not a total, but the present number.
    pub timers_armed: usize,
}

/// What the loop counts, for [`Stats`](crate::Stats).
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) turns: Cell<u64>,
    pub(crate) parks: Cell<u64>,
    pub(crate) io_polls: Cell<u64>,
}

impl Executor {
    /// The totals so far.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.event_loop)
    }
}

impl Stats {
    fn of(event_loop: &EventLoop) -> Stats {
        let EventLoop { scheduler, timers, reactor, pool, counts, .. } = event_loop;
        Stats {
            turns: counts.turns.get(),
            polls: scheduler.polls.get(),
            wakes: scheduler.run_queue.pushed.get(),
            parks: counts.parks.get(),
            io_polls: counts.io_polls.get(),
            events: reactor.events.get(),
            timers_fired: timers.fired.get(),
            jobs: pool.submitted(),
            tasks_alive: scheduler.alive(),
            timers_armed: timers.wheel.borrow().len(),
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { turns, polls, wakes, parks, io_polls, events, timers_fired, jobs, .. } = self;
        write!(
            f,
            "{turns} turns, {polls} polls, {wakes} wakes, {parks} parks, {io_polls} I/O polls, \
             {events} events, {timers_fired} timers fired, {jobs} jobs"
        )
    }
}
