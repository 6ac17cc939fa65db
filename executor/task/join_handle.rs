//! The user's end of a task: await its output, abort it, or let it go.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::id::TaskId;
use super::join_error::JoinError;
use super::kept_waker::{KeptWaker, What};
use super::task::{Joinable, State};

/// Awaits a spawned task: `Ok` with its output, or a [`JoinError`] if it
/// panicked or was cancelled. asyncio's `Task`, seen from outside.
///
/// Dropping the handle *detaches* the task: it goes on to its end, and its
/// output is dropped then. (asyncio holds tasks weakly, so that one which nobody
/// keeps may vanish; an executor here owns its tasks.)
///
/// A handle may outlive its executor: it gives the output of a task that had
/// ended, and a cancelled [`JoinError`] for one that had not.
///
/// # Panics
/// When polled again after it was ready.
///
/// ```
/// let sum = glassloop::block_on(async {
///     let left = glassloop::spawn(async { 1 + 1 });
///     let right = glassloop::spawn(async { 20 + 20 });
///     left.await.unwrap() + right.await.unwrap()
/// });
/// assert_eq!(sum, 42);
/// ```
#[must_use = "dropping the handle detaches the task; write `drop(…)` or `let _ = …` to say so"]
pub struct JoinHandle<T> {
    task: Rc<Joinable<T>>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(task: Rc<Joinable<T>>) -> JoinHandle<T> {
        JoinHandle { task }
    }

    /// Asks the task to end. asyncio's `Task.cancel`.
    ///
    /// It is a request: the future is dropped when the task's turn comes, and
    /// whoever joins it is woken then, with a cancelled [`JoinError`]. A task
    /// that was never polled is never polled. A task that aborts itself ends at
    /// its next suspension, unless that very poll is `Ready`. Nothing happens if
    /// the task has ended.
    ///
    /// A drop cannot be caught and cannot await, unlike asyncio's
    /// `CancelledError`; clean-up is what the `Drop` of the future's values does.
    ///
    /// ```
    /// glassloop::block_on(async {
    ///     let task = glassloop::spawn(std::future::pending::<()>());
    ///     task.abort();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether the task has ended: by its output, a panic, an abort, or the drop
    /// of its executor. asyncio's `Task.done`.
    pub fn is_finished(&self) -> bool {
        self.task.state() == State::Ended
    }

    /// The task's number.
    pub fn id(&self) -> TaskId {
        self.task.name().id
    }

    /// The name that [`spawn_named`](crate::spawn_named) gave it. asyncio's
    /// `Task.get_name`.
    pub fn name(&self) -> Option<&str> {
        self.task.label()
    }

    /// The task itself, for a group that must abort it.
    pub(crate) fn task(&self) -> &Rc<Joinable<T>> {
        &self.task
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = &self.task;
        if task.state() == State::Ended {
            match task.take_outcome() {
                Some(outcome) => return Poll::Ready(outcome),
                None => panic!(
                    "the JoinHandle of {}, spawned at {}, was polled again after it had given \
                     the task's outcome. Await a handle once, and keep the value",
                    self.id(),
                    task.spawned_at
                ),
            }
        }
        let waker = KeptWaker::keep(cx, What::EndOf(self.id()), task.spawned_at);
        task.set_joiner(Some(waker));
        Poll::Pending
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // A joiner that stopped waiting is not woken for nothing.
        self.task.set_joiner(None);
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id())
            .field("finished", &self.is_finished())
            .finish()
    }
}
