//! The user's end of a task: await its output, abort it, or let it go.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::budget::{Cost, poll_budget, spend_budget};
use super::contain::contain;
use super::id::TaskId;
use super::join_error::JoinError;
use super::registered_waker::{RegisteredWaker, take_back_note};
use super::task::{JoinCell, Progress, Task};
use crate::current;
use crate::trace::{What, address};

/// Awaits a spawned task: `Ok` with its output, or a [`JoinError`] if it
/// panicked or was cancelled. In asyncio, what `create_task` returns.
///
/// Dropping the handle *detaches* the task: the task goes on to its end, and its
/// output is dropped then, or with the handle if the task has ended. A panic in the drop of
/// the output ends there: the panic hook reports it. (asyncio holds tasks weakly, so that a task whose handle
/// nobody keeps may vanish. Here the executor owns its tasks.)
///
/// A handle may outlive its executor: it gives the output of a task that had
/// ended, and a cancelled [`JoinError`] for one that had not.
///
/// A task that can fail gives two results, one in the other: whether it came to an
/// end, and what end it was. `task.await??` passes both kinds of error on, if the
/// function's error can be made of either; in a `Vec` of joined handles they are
/// `Result<Result<T, E>, JoinError>`.
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
#[must_use = "dropping the handle detaches the task; call `detach` to say so"]
pub struct JoinHandle<T> {
    pub(crate) task: Rc<Task<dyn JoinCell<T>>>,
    pub(super) name: Option<Rc<str>>,
}

impl<T> JoinHandle<T> {
    /// Asks the task to end. Returns false if the task has ended before. asyncio's
    /// `Task.cancel`.
    ///
    /// It is a request: the future is dropped when the task's turn comes, and the
    /// task that joins it is woken then, with a cancelled [`JoinError`]. A task
    /// that was never polled is never polled. A task that aborts itself ends at
    /// its next suspension, unless that very poll is `Ready`.
    ///
    /// A drop cannot be caught and cannot await, unlike asyncio's
    /// `CancelledError`; clean-up is what the `Drop` of the future's values does.
    ///
    /// ```
    /// glassloop::block_on(async {
    ///     let mut task = glassloop::spawn(std::future::pending::<()>());
    ///     assert!(task.abort());
    ///     // By `&mut`, to keep the handle: awaiting it by value uses it up.
    ///     assert!((&mut task).await.unwrap_err().is_cancelled());
    ///     assert!(!task.abort());
    /// });
    /// ```
    pub fn abort(&self) -> bool {
        let is_alive = !self.is_finished();
        self.task.abort();
        is_alive
    }

    /// Drops the handle, which lets the task go on by itself; the name says so to the
    /// reader. asyncio has no word for it, and there a task without a handle may vanish.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let done = Rc::new(Cell::new(false));
    /// let background = done.clone();
    /// glassloop::block_on(async move {
    ///     glassloop::spawn(async move { background.set(true) }).detach();
    ///     glassloop::yield_now().await;
    /// });
    /// assert!(done.get());
    /// ```
    pub fn detach(self) {}

    /// Whether the task has ended: by its output, a panic, an abort, or the drop
    /// of its executor. asyncio's `Task.done`.
    pub fn is_finished(&self) -> bool {
        self.task.progress.get() == Progress::Ended
    }

    /// The task's number.
    pub fn id(&self) -> TaskId {
        self.task.id
    }

    /// The name that [`spawn_named`](crate::spawn_named) gave it. asyncio's
    /// `Task.get_name`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl<T> JoinHandle<T> {
    /// What waits for this. A task of another loop may have the number of one of this loop.
    fn what(&self) -> What {
        let own = current::with(|event_loop| event_loop.scheduler.find(self.task.key()));
        let is_own = own.flatten().is_some_and(|own| address(&*own) == address(&*self.task));
        if is_own { What::EndOf(self.task.id.0) } else { What::EndElsewhere }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = &self.task;
        if !self.is_finished() {
            let (what, at) = (|| self.what(), task.spawned_at);
            let waker = RegisteredWaker::register(cx, (address(&**task), 0), what, at);
            // The clone of a foreign waker may have dropped the task's executor.
            if !self.is_finished() {
                // Dropped after the replacement: the drop may run any code.
                let _older = task.set_joiner(Some(waker));
                return Poll::Pending;
            }
        }
        ready!(poll_budget(cx));
        spend_budget(Cost::Memory);
        match task.take_outcome() {
            Some(outcome) => Poll::Ready(outcome),
            None => panic!(
                "the JoinHandle of {}, spawned at {}, was polled again after it had given \
                 the task's outcome. Await a handle once, and keep the value",
                self.id(),
                task.spawned_at
            ),
        }
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // A joiner that has stopped waiting is not woken for nothing.
        if self.task.set_joiner(None).is_some() {
            take_back_note((address(&*self.task), 0));
        }
        if self.is_finished() && !self.task.consumed.get() {
            let task: Rc<Task> = self.task.clone();
            current::nest_drop(task, || contain(|| drop(self.task.take_outcome())));
        }
    }
}

impl_debug!(
    [T] JoinHandle<T>,
    |task| "JoinHandle {{ id: {:?}, finished: {} }}", task.id(), task.is_finished()
);
