//! `unblock`: a blocking call as something to await. It is a job and a promise.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::thread;

use super::promise::{Promised, promise};
use crate::current;
use crate::event_loop::EventLoop;
use crate::task::{polled_again, take_back_note};
use crate::trace::{CodeLine, JobTicket, WaitReason, What};

/// Runs `work` on a thread of the loop's pool, and gives its result; the loop
/// goes on meanwhile. asyncio's `to_thread`.
///
/// Nothing happens until the future is polled; from then on the job is accepted
/// and will run, even if the future is dropped. The loop's end waits for it. A
/// panic of `work` resumes in the awaiter. Jobs beyond the number of threads
/// ([`Builder::blocking_threads`](crate::Builder::blocking_threads)) wait in a queue.
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
pub fn unblock<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(work: F) -> Unblock<T> {
    Unblock::new(current::expect("`glassloop::unblock`"), "unblock", Location::caller(), work)
}

/// The future of [`unblock`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Unblock<T> {
    event_loop: Rc<EventLoop>,
    /// The job, until the first poll hands it to the pool.
    job: Option<TracedJob>,
    /// What the job promises; `None` once this has given it.
    promised: Option<Promised<thread::Result<T>>>,
    /// What the trace calls the job, and its number there.
    what: &'static str,
    number: u64,
    made_at: CodeLine,
}

/// A job, which is given a ticket if the loop is traced.
type TracedJob = Box<dyn FnOnce(Option<JobTicket>) + Send>;

impl<T: Send + 'static> Unblock<T> {
    pub(crate) fn new(
        event_loop: Rc<EventLoop>,
        what: &'static str,
        made_at: CodeLine,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Unblock<T> {
        let (promise, promised) = promise();
        let job = move |ticket| {
            let result = catch_unwind(AssertUnwindSafe(work));
            // Before the task is woken: so the trace says that the job was the cause.
            drop(ticket);
            drop(promise.set(result));
        };
        let (job, promised) = (Some(Box::new(job) as TracedJob), Some(promised));
        Unblock { event_loop, job, promised, what, number: 0, made_at }
    }

    /// Like `poll`, but an error if no thread can be started.
    #[track_caller]
    pub(crate) fn poll_job(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(promised) = &mut self.promised else {
            polled_again(format_args!("the Unblock made at {}", self.made_at))
        };
        let leaf = promised.leaf();
        // At the first poll, this registers the waker before the job can end.
        let polled = Pin::new(promised).poll(cx);
        if let Some(job) = self.job.take() {
            self.submit(job).inspect_err(|_| self.promised = None)?;
        }
        let Poll::Ready(result) = polled else {
            let wait = || WaitReason { what: What::Job(self.number), at: self.made_at };
            current::with(|event_loop| event_loop.scheduler.notes.write(leaf, wait));
            return Poll::Pending;
        };
        self.promised = None;
        take_back_note(leaf);
        let result = result.expect("an accepted job is run");
        Poll::Ready(Ok(result.unwrap_or_else(|panic| resume_unwind(panic))))
    }

    fn submit(&mut self, job: TracedJob) -> io::Result<()> {
        let ticket = self.event_loop.tracer.job(self.what, self.made_at);
        self.number = ticket.as_ref().map_or(0, |ticket| ticket.job);
        let submitted = self.event_loop.pool.submit(Box::new(move || job(ticket)));
        submitted.map_err(|refused| refused.error)
    }
}

impl<T: Send + 'static> Future for Unblock<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_job(cx)) {
            Ok(result) => Poll::Ready(result),
            Err(error) => panic!(
                "`unblock`, called at {}, needs a thread, and gets none: {error}",
                self.made_at
            ),
        }
    }
}

impl<T> Drop for Unblock<T> {
    fn drop(&mut self) {
        self.promised.iter().for_each(|promised| take_back_note(promised.leaf()));
    }
}

impl<T> fmt::Debug for Unblock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.job, &self.promised) {
            (Some(_), _) => "Unblock(not started)",
            (None, Some(_)) => "Unblock(out)",
            (None, None) => "Unblock(done)",
        })
    }
}

/// An I/O call on the pool, for the modules built on this one: `what` was called at
/// `at`. It needs the loop when it is first polled. If no thread can be started,
/// that is an error like any other here.
pub(crate) async fn unblock_io<T: Send + 'static>(
    what: &'static str,
    at: CodeLine,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let mut job = Unblock::new(current::expect_at(what, at), what.trim_matches('`'), at, work);
    poll_fn(|cx| job.poll_job(cx)).await?
}
