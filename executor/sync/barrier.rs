//! All or nobody goes on.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::line::{Line, Waiting};

/// Holds tasks until a given number of them has arrived, then lets them all go
/// on; then it can be used again. asyncio's `Barrier`.
///
/// ```
/// use glassloop::{join_all, sync::Barrier};
///
/// let results = glassloop::block_on(async {
///     let barrier = Barrier::new(3);
///     join_all((0..3).map(|_| barrier.wait())).await
/// });
/// assert_eq!(results.iter().filter(|result| result.is_leader()).count(), 1);
/// ```
pub struct Barrier {
    parties: usize,
    line: Line,
}

impl Barrier {
    /// A barrier for `parties` tasks.
    ///
    /// # Panics
    /// If `parties` is 0: nobody could ever arrive last.
    #[track_caller]
    pub fn new(parties: usize) -> Barrier {
        assert!(
            parties > 0,
            "`Barrier::new` was given 0 tasks to wait for at {}. Give it the number of tasks \
             that call `wait`, at least 1",
            Location::caller()
        );
        Barrier { parties, line: Line::default() }
    }

    /// Waits for the others. The last one to arrive goes on at once, and is the
    /// leader. Dropping the future takes the arrival back.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait { barrier: self, waiting: Waiting::new("a barrier", Location::caller()) }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barrier({} of {} arrived)", self.line.len(), self.parties)
    }
}

/// The future of [`Barrier::wait`].
#[must_use = "futures do nothing until they are awaited"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    waiting: Waiting,
}

impl Future for BarrierWait<'_> {
    type Output = BarrierWaitResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        let barrier = self.barrier;
        let arriving = !self.waiting.has_place();
        if arriving && barrier.line.len() + 1 == barrier.parties {
            barrier.line.serve_all();
            return Poll::Ready(BarrierWaitResult { leader: true });
        }
        ready!(self.waiting.poll(&barrier.line, cx));
        Poll::Ready(BarrierWaitResult { leader: false })
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        self.waiting.leave(&self.barrier.line);
    }
}

/// What [`Barrier::wait`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    leader: bool,
}

impl BarrierWaitResult {
    /// Whether this task arrived last: true for exactly one of them.
    pub fn is_leader(&self) -> bool {
        self.leader
    }
}
