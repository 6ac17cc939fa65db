//! A task: a future that the loop owns, and everything the loop knows about it.
//!
//! ```text
//!            poll: Pending
//!           ┌──────────────┐
//!           ▼              │
//!   spawn ─▶ Suspended ─▶ Running ──▶ Ended ──▶ output taken or dropped
//!           │                           ▲      by the join handle
//!           └── abort, at the task's ───┘
//!               turn
//! ```
//!
//! *One place*: `spawn` puts the future into its task's allocation. The future is polled
//! there and dropped there, and its output then takes its place. So a spawn is one
//! allocation, whatever the size of the future.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::contain::contain;
use super::id::{TaskId, TaskKey};
use super::join_error::JoinError;
use super::registered_waker::RegisteredWaker;
use super::waker::PollWaker;
use crate::trace::{CodeLine, End};

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not being polled: in the run queue, or waiting for a wake.
    Suspended,
    /// Being polled.
    Running,
    /// Ended: by its output, by a panic, or by an abort.
    Ended,
}

/// A task. The cell at its end has the future, of any type.
///
/// For the task table, `Scheduler::add` turns the `Rc<Task<FutureCell<F>>>` into an
/// `Rc<Task<dyn TaskCell>>` (written `Rc<Task>`); for the join handle, the same `Rc` becomes
/// an `Rc<Task<dyn JoinCell<T>>>`: one allocation, two views.
///
/// There may be a million tasks: a byte more is a megabyte more.
pub(crate) struct Task<C: ?Sized = dyn TaskCell> {
    pub(crate) id: TaskId,
    slot: u32,
    pub(crate) progress: Cell<Progress>,
    /// True while the task's key is in the run queue, so also from the spawn to the first
    /// poll.
    pub(crate) queued: Cell<bool>,
    aborted: Cell<bool>,
    /// Whether the outcome has been taken.
    pub(super) consumed: Cell<bool>,
    pub(crate) spawned_at: CodeLine,
    joiner: Cell<Option<RegisteredWaker>>,
    /// Made at the first poll; taken out during each poll.
    pub(super) waker: Cell<Option<PollWaker>>,
    pub(crate) cell: C,
}

/// What the loop can do with a future without knowing its type.
pub(crate) trait TaskCell {
    /// Polls the future. `Ready` when it has ended, also by a panic.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Drops the future, if it is still there. The outcome is `Cancelled`, or the panic
    /// if the future's drop panicked.
    fn cancel(&self);
    /// Calls `emit` with how the task has ended.
    fn with_end(&self, emit: &mut dyn FnMut(End<'_>));
}

/// What a join handle can do with a future, knowing the type of its output.
pub(crate) trait JoinCell<T>: TaskCell {
    /// Takes the outcome of a future that has ended; `None` the second time.
    fn take(&self) -> Option<Result<T, JoinError>>;
}

impl<C> Task<C> {
    pub(crate) fn new(id: TaskId, slot: u32, spawned_at: CodeLine, cell: C) -> Rc<Task<C>> {
        Rc::new(Task {
            id,
            slot,
            progress: Cell::new(Progress::Suspended),
            queued: Cell::new(true),
            aborted: Cell::new(false),
            consumed: Cell::new(false),
            spawned_at,
            joiner: Cell::new(None),
            waker: Cell::new(None),
            cell,
        })
    }
}

impl<C: TaskCell + ?Sized> Task<C> {
    pub(crate) fn key(&self) -> TaskKey {
        TaskKey { slot: self.slot, generation: self.id.0 as u32 }
    }

    /// Polls the future with `poll_future`, unless the task was aborted.
    #[inline(always)]
    pub(super) fn poll(&self, poll_future: impl FnOnce() -> Poll<()>) -> Poll<()> {
        self.progress.set(Progress::Running);
        if !self.aborted.get() && poll_future().is_ready() {
            return Poll::Ready(());
        }
        // An abort from within that very poll takes effect here, at the first suspension.
        if self.aborted.get() {
            self.cell.cancel();
            return Poll::Ready(());
        }
        self.progress.set(Progress::Suspended);
        Poll::Pending
    }

    /// Drops the future at once, out of its turn. Not while it is being polled: its cell is
    /// borrowed then.
    pub(crate) fn cancel(&self) {
        // So that an `abort` from the future's own Drop finds the task running.
        self.progress.set(Progress::Running);
        self.cell.cancel();
    }

    /// The task has ended: from now on its handle says so, and its joiner is woken.
    pub(crate) fn end(&self) {
        self.progress.set(Progress::Ended);
        let joiner = self.joiner.take();
        joiner.into_iter().for_each(RegisteredWaker::wake);
    }

    /// Asks the task to end at its next turn.
    pub(crate) fn abort(&self) {
        if self.progress.get() == Progress::Ended {
            return;
        }
        self.aborted.set(true);
        // A task that is being polled will see the flag. A task that was never polled has
        // no waker, and is in the run queue since its spawn.
        self.with_waker(|own| own.waker.wake_by_ref());
    }

    /// Whether anything outside of this crate holds a waker of this task.
    pub(crate) fn is_held_by_others(&self) -> bool {
        self.with_waker(PollWaker::is_held_by_others).unwrap_or(false)
    }

    fn with_waker<R>(&self, act: impl FnOnce(&PollWaker) -> R) -> Option<R> {
        let own = self.waker.take()?;
        let result = act(&own);
        self.waker.set(Some(own));
        Some(result)
    }

    /// Remembers which task to wake at the end; a newer joiner replaces an older one.
    pub(crate) fn set_joiner(&self, joiner: Option<RegisteredWaker>) -> Option<RegisteredWaker> {
        self.joiner.replace(joiner)
    }
}

impl<T> Task<dyn JoinCell<T>> {
    /// Takes the outcome of a task that has ended; `None` the second time.
    pub(crate) fn take_outcome(&self) -> Option<Result<T, JoinError>> {
        self.consumed.set(true);
        self.cell.take()
    }
}

/// The cell of a spawned task: the future, later its outcome, in one place.
pub(crate) struct FutureCell<F: Future>(RefCell<Stage<F>>);

enum Stage<F: Future> {
    Future(F),
    Finished(Result<F::Output, JoinError>),
    Consumed,
}

impl<F: Future> FutureCell<F> {
    pub(crate) fn new(future: F) -> FutureCell<F> {
        FutureCell(RefCell::new(Stage::Future(future)))
    }
}

impl<F: Future> TaskCell for FutureCell<F> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Borrowed during the poll. Nothing else opens the cell meanwhile: `abort` only sets
        // a flag, and `JoinHandle` opens the cell only of a task that has ended.
        let mut stage = self.0.borrow_mut();
        let Stage::Future(future) = &mut *stage else {
            unreachable!("a task that has ended is in no table and never polled");
        };
        // SAFETY: The future never moves again. `Scheduler::spawn` puts it into the
        // allocation of an `Rc`, and the only code that can reach it there, the `impl`s of
        // `FutureCell` and `Stage`, which are private to this file, overwrites it in place
        // (which drops it in place) or leaves it. What they move out is a
        // `Stage::Finished`, never a `Stage::Future`.
        #[allow(unsafe_code)]
        let future = unsafe { Pin::new_unchecked(future) };
        let outcome = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(JoinError::from_panic(panic)),
        };
        stage.finish(outcome);
        Poll::Ready(())
    }

    fn cancel(&self) {
        let mut stage = self.0.borrow_mut();
        if matches!(*stage, Stage::Future(_)) {
            stage.finish(Err(JoinError::cancelled()));
        }
    }

    fn with_end(&self, emit: &mut dyn FnMut(End<'_>)) {
        match &*self.0.borrow() {
            Stage::Finished(Err(error)) if error.is_cancelled() => emit(End::Abort),
            Stage::Finished(Err(error)) => {
                emit(End::Panic(&error.panic_text().unwrap_or_default()));
            }
            _ => emit(End::Done),
        }
    }
}

impl<F: Future> JoinCell<F::Output> for FutureCell<F> {
    fn take(&self) -> Option<Result<F::Output, JoinError>> {
        let mut stage = self.0.borrow_mut();
        if matches!(*stage, Stage::Future(_)) {
            return None;
        }
        match std::mem::replace(&mut *stage, Stage::Consumed) {
            Stage::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl<F: Future> Stage<F> {
    /// Puts the outcome into the future's place, which drops the future there. A panic in
    /// that drop is the outcome instead.
    fn finish(&mut self, outcome: Result<F::Output, JoinError>) {
        let put = catch_unwind(AssertUnwindSafe(|| *self = Stage::Finished(outcome)));
        if let Err(panic) = put {
            // If dropping the old value panics in `*self = x`, `x` is stored anyway.
            let panicked = Stage::Finished(Err(JoinError::from_panic(panic)));
            let outcome = std::mem::replace(self, panicked);
            contain(|| drop(outcome));
        }
    }
}
