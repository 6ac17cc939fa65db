//! `sleep`: the leaf that waits for a moment.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::clock::nanoseconds;
use super::timers::{Timer, Timers};
use crate::task::current;

/// The current time of the loop: real, or virtual with
/// [`Builder::virtual_time`](crate::Builder::virtual_time). Outside of a loop, the
/// real time. asyncio's `loop.time()`.
///
/// ```
/// use std::time::Duration;
///
/// let executor = glassloop::Executor::builder().virtual_time().build().unwrap();
/// executor.block_on(async {
///     let before = glassloop::now();
///     glassloop::sleep(Duration::from_secs(3600)).await; // takes no time
///     assert_eq!(glassloop::now() - before, Duration::from_secs(3600));
/// });
/// ```
pub fn now() -> Instant {
    current::with(|timers: &Timers| timers.clock().now()).unwrap_or_else(Instant::now)
}

/// Waits for `duration`, counted from this call. asyncio's `sleep`.
///
/// It never ends early. Equal deadlines end in the order of the calls. With
/// `Duration::ZERO` it is ready at once and does not yield, unlike asyncio's
/// `sleep(0)`, which is [`yield_now`](crate::yield_now). With `Duration::MAX` it
/// never ends, and costs nothing. Dropping it removes its timer.
///
/// # Panics
/// Outside of a loop. `block_on(sleep(duration))` is outside: the argument is made
/// before the loop runs. Write `block_on(async { sleep(duration).await })`.
///
/// ```
/// use std::time::Duration;
///
/// glassloop::block_on(async {
///     glassloop::sleep(Duration::from_millis(5)).await;
/// });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let timers = current::expect::<Timers>("`glassloop::sleep`");
    Sleep::lasting(timers, duration, Location::caller())
}

/// Waits until `deadline`. asyncio's `loop.call_at`, as something to await.
///
/// A deadline that has passed is ready at once. See [`sleep`].
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// use std::time::Duration;
/// use glassloop::{now, sleep_until};
///
/// glassloop::block_on(async {
///     let deadline = now() + Duration::from_millis(5);
///     sleep_until(deadline).await;
///     assert!(now() >= deadline);
/// });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    let timers = current::expect::<Timers>("`glassloop::sleep_until`");
    let deadline = timers.clock().nanoseconds(deadline);
    Sleep::until(timers, deadline, Location::caller())
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It belongs to the loop in which it was made, and does not move on while that
/// loop does not run.
#[must_use = "futures do nothing until they are awaited"]
pub struct Sleep {
    timers: Rc<Timers>,
    timer: Timer,
}

impl Sleep {
    /// A sleep that begins now.
    pub(super) fn lasting(
        timers: Rc<Timers>,
        duration: Duration,
        at: &'static Location<'static>,
    ) -> Sleep {
        let deadline = timers.deadline_after(duration);
        Sleep::until(timers, deadline, at)
    }

    /// A sleep until a number of nanoseconds on the loop's clock.
    fn until(timers: Rc<Timers>, deadline: u64, at: &'static Location<'static>) -> Sleep {
        let timer = timers.timer(deadline, at);
        Sleep { timers, timer }
    }

    /// When the sleep ends; `None` if never, or not within 584 years. (A deadline before
    /// the beginning of the loop is told as that beginning.)
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.clock().instant(self.timer.deadline())
    }

    /// Gives the sleep a new deadline, whether or not it has ended; a task that waits
    /// for it waits on. Among equal deadlines it comes last, like a sleep that was
    /// just made.
    ///
    /// ```
    /// use std::time::Duration;
    /// use glassloop::{now, sleep};
    ///
    /// glassloop::block_on(async {
    ///     let mut sleep = sleep(Duration::from_secs(3600));
    ///     sleep.reset(now());
    ///     sleep.await;
    /// });
    /// ```
    pub fn reset(&mut self, deadline: Instant) {
        self.reset_to(self.timers.clock().nanoseconds(deadline));
    }

    /// Gives it a deadline that is so much later than the one that it has.
    pub(super) fn put_off(&mut self, by: Duration) {
        self.reset_to(self.timer.deadline().saturating_add(nanoseconds(by)));
    }

    pub(super) fn made_at(&self) -> &'static Location<'static> {
        self.timer.at
    }

    fn reset_to(&mut self, deadline: u64) {
        self.timers.reset(&mut self.timer, deadline);
    }

    pub(super) fn disarm(&mut self) {
        let _waker = self.timers.disarm(&mut self.timer);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.get_mut();
        sleep.timers.poll(&mut sleep.timer, cx)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sleep(until {:?})", self.deadline())
    }
}
