//! The task group: tasks that live and end together. asyncio's `TaskGroup`.
//!
//! ```text
//!   spawn ─▶ a task that runs the child inside a `Watch`
//!                │ the child fails (Err, or a panic drops the watch)
//!                ▼
//!            Members: note who failed first, abort all others
//!                                     ▲
//!   drop of the group ────────────────┘
//! ```

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{Location, resume_unwind};
use std::rc::{Rc, Weak};

use crate::current;
use crate::task::{JoinCell, JoinHandle, Task};

/// A scope for tasks: [`join`](Self::join) leaves it only when all of them have
/// ended, and the first failure ends the others. asyncio's `TaskGroup`.
///
/// A child fails by returning `Err` or by panicking; the others are aborted at
/// that moment, joined or not. Dropping the group, or a `join` that was started,
/// aborts all children. A group holds nobody back: its children run, whether or
/// not it is joined.
///
/// It keeps the outcome of every child until the join. For tasks that come and go
/// without end, like the connections of a server, count them by a
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

/// What the children share with the group.
struct Members<R> {
    tasks: RefCell<Vec<Rc<Task<dyn JoinCell<R>>>>>,
    /// The child that failed first, in time.
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
        // An abort only sets a flag and wakes; no code of the user runs.
        self.tasks.borrow().iter().for_each(|task| task.abort());
    }
}

/// Goes down with a child that does not come to a good end.
struct Watch<R> {
    // Weak: the members hold the tasks, which hold the watches.
    members: Weak<Members<R>>,
    index: usize,
    all_well: bool,
}

impl<R> Drop for Watch<R> {
    fn drop(&mut self) {
        if !self.all_well
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

    /// Spawns a child. If another one has failed already, the new child is
    /// aborted before it runs.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let watch = Watch {
            members: Rc::downgrade(&self.members),
            index: self.handles.len(),
            all_well: false,
        };
        let child = async move {
            // The whole watch moves in, so that it is dropped with the child.
            let mut watch = watch;
            let result = future.await;
            watch.all_well = result.is_ok();
            result
        };
        let event_loop = current::expect("`TaskGroup::spawn`");
        let handle = event_loop.scheduler.spawn(None, Location::caller(), child);
        if self.members.failed.get().is_some() {
            handle.abort();
        }
        let mut tasks = self.members.tasks.borrow_mut();
        tasks.push(Rc::clone(handle.task()));
        drop(tasks);
        self.handles.push(handle);
    }

    /// Waits until all children have ended. `Ok` with their outputs in the order
    /// of the spawns, or the error of the child that failed first.
    ///
    /// # Panics
    /// If a child's panic was the first failure, it resumes here, after all
    /// children have ended.
    pub async fn join(mut self) -> Result<Vec<T>, E> {
        let mut outcomes = Vec::with_capacity(self.handles.len());
        for handle in &mut self.handles {
            outcomes.push(handle.await);
        }
        if let Some(index) = self.members.failed.get() {
            return match outcomes.swap_remove(index) {
                Ok(Err(error)) => Err(error),
                Err(join_error) if join_error.is_panic() => resume_unwind(join_error.into_panic()),
                _ => panic!("a task group was dropped by its loop while it was being joined"),
            };
        }
        let outputs = outcomes.into_iter().filter_map(|o| o.ok()?.ok());
        Ok(outputs.collect())
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

impl<T, E> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children = self.handles.len();
        write!(f, "TaskGroup({children} children)")
    }
}
