//! `unblock`: a blocking call as something to await.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use super::pool::Pool;
use crate::task::current;

/// Runs `work` on a thread of the loop's pool, and gives its result; the loop
/// goes on meanwhile. asyncio's `to_thread`.
///
/// Nothing happens until the future is polled; from then on the job is accepted
/// and will run, even if the future is dropped. The loop's end waits for it. A
/// panic of `work` resumes in the awaiter. Jobs beyond the number of threads
/// ([`Builder::blocking_threads`](crate::Builder::blocking_threads)) wait in line.
///
/// # Panics
/// Outside of a loop; when polled again after it was ready; and if not a single
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
    Unblock::new(current::expect("`glassloop::unblock`"), work)
}

/// The future of [`unblock`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Unblock<T> {
    pool: Rc<Pool>,
    state: State<T>,
    at: &'static Location<'static>,
}

enum State<T> {
    Inert(Box<dyn FnOnce() -> T + Send>),
    Out(Arc<Desk<T>>),
    Done,
}

/// Where the worker puts the result down, and the task picks it up. The lock is
/// held for moments, twice per job.
struct Desk<T>(Mutex<OnDesk<T>>);

struct OnDesk<T> {
    result: Option<thread::Result<T>>,
    waker: Option<Waker>,
}

impl<T> Desk<T> {
    fn lock(&self) -> MutexGuard<'_, OnDesk<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, result: thread::Result<T>) {
        let mut desk = self.lock();
        desk.result = Some(result);
        let waker = desk.waker.take();
        // Release, then wake.
        drop(desk);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Send + 'static> Unblock<T> {
    #[track_caller]
    pub(crate) fn new(pool: Rc<Pool>, work: impl FnOnce() -> T + Send + 'static) -> Unblock<T> {
        Unblock { pool, state: State::Inert(Box::new(work)), at: Location::caller() }
    }

    /// Like `poll`, but says so when no thread can be started.
    pub(crate) fn poll_job(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Inert(work) => self.submit(work, cx)?,
            State::Out(desk) => {
                // Cloned before: a foreign waker may do anything.
                let newest = cx.waker().clone();
                let mut on_desk = desk.lock();
                if let Some(result) = on_desk.result.take() {
                    drop(on_desk);
                    return Poll::Ready(Ok(result.unwrap_or_else(|panic| resume_unwind(panic))));
                }
                let old = on_desk.waker.replace(newest);
                drop(on_desk);
                drop(old);
                self.state = State::Out(desk);
            }
            State::Done => panic!(
                "the Unblock made at {} was polled again after it was ready. Await it once",
                self.at
            ),
        }
        Poll::Pending
    }

    fn submit(&mut self, work: Box<dyn FnOnce() -> T + Send>, cx: &Context<'_>) -> io::Result<()> {
        let desk =
            Arc::new(Desk(Mutex::new(OnDesk { result: None, waker: Some(cx.waker().clone()) })));
        self.state = State::Out(Arc::clone(&desk));
        let job = move || desk.put(catch_unwind(AssertUnwindSafe(work)));
        let submitted = self.pool.submit(Box::new(job));
        submitted.map_err(|refused| refused.error)
    }
}

impl<T: Send + 'static> Future for Unblock<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_job(cx)) {
            Ok(result) => Poll::Ready(result),
            Err(error) => panic!(
                "`unblock`, called at {}, needs a thread, and the system starts none: {error}",
                self.at
            ),
        }
    }
}

impl<T> fmt::Debug for Unblock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Inert(_) => "Unblock(not started)",
            State::Out(_) => "Unblock(out)",
            State::Done => "Unblock(done)",
        })
    }
}

/// An I/O call on the pool, for the rooms built on this one: `what` was called at
/// `at`. It asks for the loop when it is first polled, and that no thread can be
/// started is an error like any other here.
pub(crate) async fn unblock_io<T: Send + 'static>(
    what: &str,
    at: &'static Location<'static>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let mut job = Unblock::new(current::expect_at(what, at), work);
    poll_fn(|cx| job.poll_job(cx)).await?
}
