//! `unblock`: a blocking call as something to await.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::thread;

use super::pool::Pool;
use super::promise::{Promised, promise};
use crate::task::{current, note_wait};
use crate::trace::{Place, Wait, What};

/// Runs `work` on a thread of the loop's pool, and gives its result; the loop
/// goes on meanwhile. asyncio's `to_thread`.
///
/// Nothing happens until the future is polled; from then on the job is accepted
/// and will run, even if the future is dropped. The loop's end waits for it. A
/// panic of `work` resumes in the awaiter. Jobs beyond the number of threads
/// ([`Builder::blocking_threads`](crate::Builder::blocking_threads)) wait in line.
///
/// # Panics
/// Outside of a loop, as in `block_on(unblock(…))`, whose argument is made before the
/// loop runs; when polled again after it was ready; and if not a single
/// thread can be started.
///
/// ```
/// let sum = glassloop::block_on(async {
///     glassloop::unblock(|| (1..=1000).sum::<u32>()).await
/// });
/// assert_eq!(sum, 500500);
/// ```
#[track_caller]
pub fn unblock<T, F>(work: F) -> Unblock<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Unblock::new(current::expect("`glassloop::unblock`"), "unblock", Location::caller(), work)
}

/// The future of [`unblock`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Unblock<T> {
    pool: Rc<Pool>,
    state: State<T>,
    /// What the trace calls the job.
    what: &'static str,
    at: Place,
}

enum State<T> {
    Inert(Box<dyn FnOnce() -> T + Send>),
    /// What the job promises, and its number in the trace.
    Out(Promised<thread::Result<T>>, u64),
    Done,
}

impl<T: Send + 'static> Unblock<T> {
    pub(crate) fn new(
        pool: Rc<Pool>,
        what: &'static str,
        at: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Unblock<T> {
        Unblock { pool, state: State::Inert(Box::new(work)), what, at }
    }

    /// Like `poll`, but says so when no thread can be started.
    pub(crate) fn poll_job(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Inert(work) => self.submit(work, cx)?,
            State::Out(mut promised, job) => {
                if let Poll::Ready(result) = Pin::new(&mut promised).poll(cx) {
                    let result = result.expect("an accepted job is run");
                    return Poll::Ready(Ok(result.unwrap_or_else(|panic| resume_unwind(panic))));
                }
                self.wait(promised, job);
            }
            State::Done => panic!(
                "the Unblock made at {} was polled again after it was ready. Await it once",
                self.at
            ),
        }
        Poll::Pending
    }

    fn submit(
        &mut self,
        work: Box<dyn FnOnce() -> T + Send>,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        let (promise, mut promised) = promise();
        // Polled before there is anything to await: so it knows whom to wake.
        let _pending = Pin::new(&mut promised).poll(cx);
        let ticket = current::glass().job(self.what, self.at);
        let number = ticket.as_ref().map_or(0, |ticket| ticket.job);
        let job = move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            // Before the task is woken: the trace tells that the job was the cause.
            drop(ticket);
            drop(promise.set(result));
        };
        self.pool.submit(Box::new(job)).map_err(|refused| refused.error)?;
        self.wait(promised, number);
        Ok(())
    }

    fn wait(&mut self, promised: Promised<thread::Result<T>>, job: u64) {
        note_wait(Wait { what: What::Job(job), at: self.at });
        self.state = State::Out(promised, job);
    }
}

impl<T: Send + 'static> Future for Unblock<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_job(cx)) {
            Ok(result) => Poll::Ready(result),
            Err(error) => {
                panic!("`unblock`, called at {}, needs a thread, and gets none: {error}", self.at)
            }
        }
    }
}

impl<T> fmt::Debug for Unblock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Inert(_) => "Unblock(not started)",
            State::Out(..) => "Unblock(out)",
            State::Done => "Unblock(done)",
        })
    }
}

/// An I/O call on the pool, for the rooms built on this one: `what` was called at
/// `at`. It asks for the loop when it is first polled, and that no thread can be
/// started is an error like any other here.
pub(crate) async fn unblock_io<T: Send + 'static>(
    what: &'static str,
    at: &'static Location<'static>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let mut job = Unblock::new(current::expect_at(what, at), what.trim_matches('`'), at, work);
    poll_fn(|cx| job.poll_job(cx)).await?
}
