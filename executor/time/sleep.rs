//! `sleep`: the leaf future that waits for a moment.

use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::clock::{NEVER, nanoseconds};
use super::wheel::{Key, When};
use crate::current;
use crate::event_loop::EventLoop;
use crate::task::{Cost, RegisteredWaker, poll_budget, spend_budget};
use crate::trace::{CodeLine, LeafId, What, address};

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
    current::with(|event_loop| event_loop.timers.clock.now()).unwrap_or_else(Instant::now)
}

/// Waits for `duration`, counted from this call. asyncio's `sleep`.
///
/// It never ends early. Equal deadlines end in the order of the calls. With
/// `Duration::ZERO` it is ready at once and does not yield (but once after 128 in
/// one poll), unlike asyncio's `sleep(0)`, which is [`yield_now`](crate::yield_now). With `Duration::MAX` it
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
    Sleep::lasting(current::expect("`glassloop::sleep`"), duration, Location::caller())
}

/// Waits until `deadline`. asyncio's `loop.call_at`, as something to await.
///
/// A deadline that has passed is ready at once. See [`sleep`].
///
/// The deadline is on the loop's clock, so make it of [`now`], and not of `Instant::now()`:
/// under virtual time the loop runs ahead, and that deadline has passed already.
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
    let event_loop = current::expect("`glassloop::sleep_until`");
    let deadline = event_loop.timers.clock.nanoseconds(deadline);
    Sleep::until(event_loop, deadline, Location::caller())
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It belongs to the loop in which it was made, and does not move on while that
/// loop does not run.
///
/// # Panics
/// When it is awaited in another loop, unless it is over.
#[must_use = "futures do nothing until they are awaited"]
pub struct Sleep {
    event_loop: Rc<EventLoop>,
    when: When,
    /// Its key in the timer wheel, set at the first poll that was not due. The timer may
    /// have fired since.
    key: Option<Key>,
    pub(super) made_at: CodeLine,
}

impl Sleep {
    /// A sleep that begins now.
    pub(super) fn lasting(event_loop: Rc<EventLoop>, duration: Duration, at: CodeLine) -> Sleep {
        let now = event_loop.timers.clock.nanoseconds_now();
        Sleep::until(event_loop, now.saturating_add(nanoseconds(duration)), at)
    }

    /// A sleep until a number of nanoseconds on the loop's clock.
    fn until(event_loop: Rc<EventLoop>, deadline: u64, made_at: CodeLine) -> Sleep {
        let when = event_loop.timers.when(deadline);
        Sleep { event_loop, when, key: None, made_at }
    }

    /// When the sleep ends; `None` if never, or not within 584 years. (For a deadline
    /// before the beginning of the loop, this is the beginning of the loop.)
    pub fn deadline(&self) -> Option<Instant> {
        self.event_loop.timers.clock.instant(self.when.deadline)
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
        self.reset_to(self.event_loop.timers.clock.nanoseconds(deadline));
    }

    /// Gives it a deadline that is later by this much.
    pub(super) fn put_off(&mut self, by: Duration) {
        self.reset_to(self.when.deadline.saturating_add(nanoseconds(by)));
    }

    fn reset_to(&mut self, deadline: u64) {
        if self.when.deadline == NEVER {
            self.disarm();
        }
        let waker = self.take_out();
        let (old, timers) = (self.when.sequence, &self.event_loop.timers);
        self.when = timers.when(deadline);
        let Some(waker) = waker else { return };
        let EventLoop { tracer, scheduler, .. } = &*self.event_loop;
        tracer.timer_renumbered(waker.task(), &scheduler.notes, old, self.when.sequence);
        if deadline != NEVER {
            self.key = Some(timers.arm(self.when, waker));
        }
    }

    /// What tells this sleep from all other leaf futures: its loop, and its number there.
    fn leaf(&self) -> LeafId {
        (address(&*self.event_loop), self.when.sequence)
    }

    /// Ends the wait, if there is one.
    pub(super) fn disarm(&mut self) {
        if self.key.is_some() || self.when.deadline == NEVER {
            self.take_out();
            self.event_loop.scheduler.notes.take_back(self.leaf());
        }
    }

    /// Whether the deadline has come, *never early*.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        let EventLoop { timers, tracer, .. } = &*self.event_loop;
        let (deadline, is_armed) = (self.when.deadline, self.key.is_some());
        self.has_fired() || {
            let is_due = deadline <= timers.clock.nanoseconds_now();
            is_due.then(|| tracer.timer_over(deadline, is_armed)).is_some()
        }
    }

    /// Arms the timer, or gives it the newest waker if it is armed.
    #[inline]
    #[track_caller]
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        current::expect_own(self.event_loop.id, "a sleep", self.made_at);
        let When { deadline, sequence } = self.when;
        let what = || if deadline == NEVER { What::Never } else { What::Timer(sequence) };
        let waker = RegisteredWaker::register(cx, self.leaf(), what, self.made_at);
        if deadline == NEVER {
            return;
        }
        let timers = &self.event_loop.timers;
        match self.key {
            None => self.key = Some(timers.arm(self.when, waker)),
            // Dropped here, after the wheel was released: that may run any code.
            Some(key) => timers.set_waker(key, self.when, waker),
        }
    }

    /// Whether it was polled before it was over.
    pub(super) fn has_waited(&self) -> bool {
        self.key.is_some()
    }

    /// Whether the timer was armed and has left the wheel: then its deadline has come, and
    /// the clock need not be read. (A poll for any other reason must not end the sleep.)
    fn has_fired(&self) -> bool {
        let is_armed = |key| self.event_loop.timers.is_armed(key, self.when);
        self.key.is_some_and(|key| !is_armed(key))
    }

    /// Takes the timer out of the wheel, if it is there.
    fn take_out(&mut self) -> Option<RegisteredWaker> {
        let key = self.key.take()?;
        self.event_loop.timers.disarm(key, self.when)
    }
}

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_over() {
            self.wait(cx);
            return Poll::Pending;
        }
        // A sleep that had to wait costs nothing.
        if !self.has_waited() {
            ready!(poll_budget(cx));
            spend_budget(Cost::Memory);
        }
        self.disarm();
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl_debug!(Sleep, |sleep| "Sleep(until {:?})", sleep.deadline());
