//! `timeout`: a future with a limit.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::sleep::Sleep;
use crate::current;
use crate::task::{Cost, poll_budget, polled_again, spend_budget};
use crate::trace::{address, holds};

/// Gives `future` until `limit` from this call: its output, or [`Elapsed`].
/// asyncio's `timeout` and `wait_for`.
///
/// A future that is ready when the limit ends wins. Otherwise it is dropped
/// before the caller sees `Elapsed`, so that its clean-up has happened. (A panic in its
/// drop reaches the caller instead.) A future
/// that never awaits cannot be interrupted. The future is boxed.
///
/// To drop a [`JoinHandle`](crate::JoinHandle) is not to abort its task: a handle
/// under a limit stops waiting, and the task goes on. (asyncio's `wait_for` cancels
/// it.) Await `&mut handle`, and [`abort`](crate::JoinHandle::abort) it afterwards.
///
/// # Panics
/// Outside of a loop; and when polled again after it was ready.
///
/// ```
/// use std::time::Duration;
/// use glassloop::{sleep, timeout};
///
/// glassloop::block_on(async {
///     let slow = sleep(Duration::from_secs(3600));
///     assert!(timeout(Duration::from_millis(1), slow).await.is_err());
///     assert_eq!(timeout(Duration::from_secs(1), async { 7 }).await, Ok(7));
/// });
/// ```
#[track_caller]
pub fn timeout<F: IntoFuture>(limit: Duration, future: F) -> Timeout<F::IntoFuture> {
    let event_loop = current::expect("`glassloop::timeout`");
    let end = Sleep::lasting(event_loop, limit, Location::caller());
    Timeout { future: Some(Box::pin(future.into_future())), limit, end }
}

/// The future of [`timeout`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Timeout<F> {
    /// Boxed: to poll it in place would take an unsafe pin projection.
    future: Option<Pin<Box<F>>>,
    limit: Duration,
    end: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (owner, has_waited) = (address(&*self), self.end.has_waited());
        let Some(future) = self.future.as_mut() else {
            polled_again(format_args!("the Timeout made at {}", self.end.made_at))
        };
        // A limit that had to wait costs nothing, as a sleep. One of no time has its share of the
        // poll's budget: it would elapse again and again, and leave no turn to the others.
        if !has_waited {
            ready!(poll_budget(cx));
        }
        let _in_child = holds::enter_child(owner, &**future);
        // The future first: one that is ready in time beats its limit.
        let result = match future.as_mut().poll(cx) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending if self.end.is_over() => Err(Elapsed(self.limit)),
            Poll::Pending => {
                self.end.wait(cx);
                return Poll::Pending;
            }
        };
        if !has_waited && result.is_err() {
            spend_budget(Cost::Memory);
        }
        self.end.disarm();
        self.future = None;
        Poll::Ready(result)
    }
}

impl_debug!([F] Timeout<F>, |timeout| "Timeout({:?})", timeout.end);

/// The error of [`timeout`]: the limit has elapsed. asyncio's `TimeoutError`.
///
/// Becomes an [`std::io::Error`] of the kind `TimedOut` by `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the time limit of {:?} has elapsed", self.0)
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}
