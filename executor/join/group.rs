//! The task group: tasks that live and end together. asyncio's `TaskGroup`.
//!
//! ```text
//!   spawn ─▶ a task that runs the child with a `FailureGuard`
//!                │ the child fails: it returns Err, or a panic drops the guard
//!                ▼
//!            Members: keep the first failure, abort all other children
//!                                     ▲
//!   drop of the group ────────────────┘
//! ```

use std::cell::{Cell, RefCell};
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use crate::current;
use crate::task::{JoinCell, JoinError, JoinHandle, Task, drop_each, polled_again};
use crate::trace::CodeLine;

/// A scope for tasks: [`join`](Self::join) waits until all of them have ended, and the
/// first failure ends the others. asyncio's `TaskGroup`.
///
/// A child fails by returning `Err` or by panicking; the other children are aborted at
/// that moment, even if nobody joins the group. Dropping the group, or the future of its
/// `join`, aborts all children. The children run without a `join`, too.
///
/// The group keeps the outcome of every child until the join. For tasks that come and go
/// without end, like the connections of a server, count the tasks by a
/// [`WaitGroup`](crate::sync::WaitGroup) instead.
///
/// ```
/// use glassloop::TaskGroup;
///
/// let lengths = glassloop::block_on(async {
///     let mut group = TaskGroup::new();
///     for word in ["one", "three"] {
///         group.spawn(async move { Ok::<_, String>(word.len()) });
///     }
///     group.join().await
/// });
/// assert_eq!(lengths, Ok(vec![3, 5]));
/// ```
pub struct TaskGroup<T, E> {
    handles: Vec<JoinHandle<Result<T, E>>>,
    members: Rc<Members<Result<T, E>>>,
}

/// What the group and its children share.
struct Members<R> {
    tasks: RefCell<Vec<Rc<Task<dyn JoinCell<R>>>>>,
    /// The number of the child that was the first to fail.
    failed: Cell<Option<usize>>,
}

impl<R> Members<R> {
    fn fail(&self, index: usize) {
        if self.failed.get().is_none() {
            self.failed.set(Some(index));
            self.abort_all();
        }
    }

    fn abort_all(&self) {
        // An abort only sets a flag and wakes the task: no code of the user runs while
        // the list is borrowed.
        self.tasks.borrow().iter().for_each(|task| task.abort());
    }
}

/// Lives inside a child, and reports a failure when it is dropped before the child has
/// succeeded.
struct FailureGuard<R> {
    // Weak: the members own the tasks, and the tasks own the guards.
    members: Weak<Members<R>>,
    index: usize,
    succeeded: bool,
}

impl<R> Drop for FailureGuard<R> {
    fn drop(&mut self) {
        if !self.succeeded
            && let Some(members) = self.members.upgrade()
        {
            members.fail(self.index);
        }
    }
}

impl<T: 'static, E: 'static> TaskGroup<T, E> {
    /// Makes an empty group.
    pub fn new() -> Self {
        let members = Members { tasks: RefCell::default(), failed: Cell::new(None) };
        TaskGroup { handles: Vec::new(), members: Rc::new(members) }
    }

    /// Spawns a child. If another child has failed before, the new child is
    /// aborted before its first poll.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn spawn<F: Future<Output = Result<T, E>> + 'static>(&mut self, future: F) {
        let (members, index) = (Rc::downgrade(&self.members), self.handles.len());
        let guard = FailureGuard { members, index, succeeded: false };
        let child = async move {
            // Move the whole guard in, so that it is dropped with the child.
            let mut guard = guard;
            let result = future.await;
            guard.succeeded = result.is_ok();
            result
        };
        let event_loop = current::expect("`TaskGroup::spawn`");
        let handle = event_loop.scheduler.spawn(None, Location::caller(), child);
        if self.members.failed.get().is_some() {
            handle.abort();
        }
        self.members.tasks.borrow_mut().push(Rc::clone(&handle.task));
        self.handles.push(handle);
    }

    /// Waits until all children have ended. `Ok` with their outputs in the order
    /// of the spawns, or the error of the child that failed first.
    ///
    /// Dropping the future aborts all children.
    ///
    /// # Panics
    /// If a child's panic was the first failure, the panic resumes here, after all
    /// children have ended. And when the future is polled after the loop of the children
    /// was dropped.
    #[track_caller]
    pub fn join(self) -> impl Future<Output = Result<Vec<T>, E>> {
        let outcomes = Vec::with_capacity(self.handles.len());
        Join { group: Some(self), outcomes, called_at: Location::caller() }
    }
}

/// The future of [`TaskGroup::join`]. An `async fn` could not report a mistake at the
/// line that polls it.
struct Join<T, E> {
    /// `None` after the end.
    group: Option<TaskGroup<T, E>>,
    outcomes: Vec<Result<Result<T, E>, JoinError>>,
    called_at: CodeLine,
}

// The outcomes are moved, never pinned.
impl<T, E> Unpin for Join<T, E> {}

impl<T, E> Future for Join<T, E> {
    type Output = Result<Vec<T>, E>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Join { group, outcomes, called_at: at } = &mut *self;
        let Some(TaskGroup { handles, members }) = group.as_mut() else {
            polled_again(format_args!("the `TaskGroup::join` called at {at}"))
        };
        while let Some(handle) = handles.get_mut(outcomes.len()) {
            outcomes.push(ready!(Pin::new(handle).poll(cx)));
        }
        let (failed, mut outcomes) = (members.failed.get(), std::mem::take(outcomes));
        *group = None;
        let Some(index) = failed else {
            return Poll::Ready(Ok(outcomes.into_iter().filter_map(|o| o.ok()?.ok()).collect()));
        };
        let outcome = outcomes.swap_remove(index);
        // Before the failure is told, which must not meet a panic of a drop.
        drop_each(outcomes);
        match outcome {
            Ok(Err(error)) => Poll::Ready(Err(error)),
            Err(join_error) if join_error.is_panic() => resume_unwind(join_error.into_panic()),
            _ => panic!(
                "a task group was dropped by its loop, while the `TaskGroup::join` called at \
                 {at} was waiting for its children. Await the join in the loop that runs them"
            ),
        }
    }
}

impl<T, E> Drop for Join<T, E> {
    fn drop(&mut self) {
        drop_each(self.outcomes.drain(..));
    }
}

impl<T, E> Drop for TaskGroup<T, E> {
    fn drop(&mut self) {
        self.members.abort_all();
    }
}

impl<T: 'static, E: 'static> Default for TaskGroup<T, E> {
    fn default() -> Self {
        TaskGroup::new()
    }
}

impl_debug!([T, E] TaskGroup<T, E>, |group| "TaskGroup({} children)", group.handles.len());
