//! A task: a future that the loop owns, and everything the loop knows about it.
//!
//! ```text
//!            poll: Pending
//!           ┌──────────────┐
//!           ▼              │
//!   spawn ─▶ Waiting ──▶ Running ──▶ Ended ──▶ output taken or dropped
//!           │                           ▲      by the join handle
//!           └── abort, at the task's ───┘
//!               turn
//! ```
//!
//! *One place*: the future is put into its task's allocation by `spawn`, is
//! polled there and is dropped there. The output then takes the future's room,
//! so that a spawn is one allocation, whatever the future's size.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::contain::contain;
use super::id::{Name, TaskId};
use super::join_error::JoinError;
use super::kept_waker::KeptWaker;
use super::waker::OwnWaker;
use crate::trace::End;

/// Where a task stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In the run queue, or waiting to be woken into it.
    Waiting,
    /// Being polled.
    Running,
    /// Ended: by its output, by a panic, or by an abort.
    Ended,
}

/// A task, with its future of any type at the end.
///
/// There may be a million of them: a field more is a megabyte more.
pub(crate) struct Task<B: ?Sized = dyn Body> {
    id: TaskId,
    slot: u32,
    state: Cell<State>,
    aborted: Cell<bool>,
    pub(crate) spawned_at: &'static Location<'static>,
    /// None before the first poll, while running, and after the end.
    own: Cell<Option<OwnWaker>>,
    joiner: Cell<Option<KeptWaker>>,
    body: B,
}

/// A task as its join handle sees it.
pub(crate) type Joinable<T> = Task<dyn Outcome<T>>;

/// What the loop can do with a body without knowing the future's type.
pub(crate) trait Body {
    /// Polls the future. `Ready` when it has ended, also by a panic.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Drops the future, if it is still there, and leaves `Cancelled` as the
    /// outcome; or the panic, if the future's drop panicked.
    fn cancel(&self);
    /// Says how it has ended.
    fn tell_end(&self, tell: &mut dyn FnMut(End<'_>));
    /// The name that the user gave the task.
    fn label(&self) -> Option<&str> {
        None
    }
}

/// What a join handle can do with a body, knowing the output's type.
pub(crate) trait Outcome<T>: Body {
    /// Takes the outcome out of a body that has ended; `None` the second time.
    fn take(&self) -> Option<Result<T, JoinError>>;
}

/// The future, later its outcome, in one place.
struct Stage<F: Future>(RefCell<Content<F>>);

enum Content<F: Future> {
    Future(F),
    Outcome(Result<F::Output, JoinError>),
    Taken,
}

/// A body whose task has a name. Most have none, and no room for one.
struct Labelled<B> {
    label: String,
    body: B,
}

impl<B> Task<B> {
    fn new(id: TaskId, slot: u32, spawned_at: &'static Location<'static>, body: B) -> Rc<Task<B>> {
        Rc::new(Task {
            id,
            slot,
            state: Cell::new(State::Waiting),
            aborted: Cell::new(false),
            spawned_at,
            own: Cell::new(None),
            joiner: Cell::new(None),
            body,
        })
    }
}

/// Puts `future` into a task of its own. The two results are the same task: as
/// the loop sees it, and as its join handle sees it.
pub(crate) fn new_task<F>(
    id: TaskId,
    slot: u32,
    label: Option<String>,
    spawned_at: &'static Location<'static>,
    future: F,
) -> (Rc<Task>, Rc<Joinable<F::Output>>)
where
    F: Future + 'static,
    F::Output: 'static,
{
    let body = Stage(RefCell::new(Content::Future(future)));
    if let Some(label) = label {
        let task = Task::new(id, slot, spawned_at, Labelled { label, body });
        return (task.clone(), task);
    }
    let task = Task::new(id, slot, spawned_at, body);
    (task.clone(), task)
}

impl<B: Body + ?Sized> Task<B> {
    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    pub(crate) fn name(&self) -> Name {
        Name::new(self.id, self.slot)
    }

    /// The name that the user gave it.
    pub(crate) fn label(&self) -> Option<&str> {
        self.body.label()
    }

    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    /// Polls the future, unless the task was aborted. The loop has taken the
    /// task's own waker, and gives it back here if the task goes on.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.state.set(State::Running);
        if !self.aborted.get() && self.body.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // An abort from within that very poll takes effect here, at the first
        // suspension since.
        if self.aborted.get() {
            self.body.cancel();
            return Poll::Ready(());
        }
        self.state.set(State::Waiting);
        Poll::Pending
    }

    /// Drops the future, wherever the task stands.
    pub(crate) fn cancel(&self) {
        self.state.set(State::Running);
        self.body.cancel();
    }

    /// Says how it has ended.
    pub(crate) fn tell_end(&self, tell: &mut dyn FnMut(End<'_>)) {
        self.body.tell_end(tell);
    }

    /// The task has ended: its handle says so from now on, and the joiner wakes.
    pub(crate) fn end(&self) {
        self.state.set(State::Ended);
        let joiner = self.joiner.take();
        if let Some(joiner) = joiner {
            joiner.wake();
        }
    }

    /// Asks the task to end at its next turn.
    pub(crate) fn abort(&self) {
        if self.state.get() == State::Ended {
            return;
        }
        self.aborted.set(true);
        // No waker: the task is being polled and will see the flag, or it was
        // never polled, and stands in the run queue since its spawn.
        if let Some(own) = self.own.take() {
            own.header.wake();
            self.own.set(Some(own));
        }
    }

    pub(crate) fn take_own_waker(&self) -> Option<OwnWaker> {
        self.own.take()
    }

    pub(crate) fn give_own_waker(&self, own: OwnWaker) {
        self.own.set(Some(own));
    }

    /// Whether a waker of this task lies outside the crate.
    pub(crate) fn is_held_outside(&self) -> bool {
        self.with_own_waker(|own| own.held_outside() > 0).unwrap_or(false)
    }

    /// How many of its leaves wait at present.
    pub(crate) fn held_inside(&self) -> usize {
        self.with_own_waker(OwnWaker::held_inside).unwrap_or(0)
    }

    fn with_own_waker<R>(&self, ask: impl FnOnce(&OwnWaker) -> R) -> Option<R> {
        let own = self.own.take()?;
        let answer = ask(&own);
        self.own.set(Some(own));
        Some(answer)
    }

    /// Remembers whom to wake at the end; a newer joiner replaces an older one.
    pub(crate) fn set_joiner(&self, joiner: Option<KeptWaker>) {
        self.joiner.set(joiner);
    }
}

impl<T> Joinable<T> {
    /// Takes the outcome of a task that has ended; `None` the second time.
    pub(crate) fn take_outcome(&self) -> Option<Result<T, JoinError>> {
        self.body.take()
    }
}

impl<F: Future> Body for Stage<F> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let outcome = {
            // Nobody else looks in here while the task runs: join and abort go by
            // the task's state.
            let mut content = self.0.borrow_mut();
            let Content::Future(future) = &mut *content else {
                unreachable!("a task that has ended is in no table and never polled");
            };
            // SAFETY: The future never moves again. `new_task` puts it into the
            // allocation of an `Rc`, and the only code that can reach it there, the
            // three `impl`s of this private type, overwrites it in place (which
            // drops it in place) or leaves it. What they move out is a
            // `Content::Outcome`, never a `Content::Future`.
            #[allow(unsafe_code)]
            let future = unsafe { Pin::new_unchecked(future) };
            match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => Ok(output),
                Err(panic) => Err(JoinError::from_panic(panic)),
            }
        };
        self.set_outcome(outcome);
        Poll::Ready(())
    }

    fn cancel(&self) {
        if matches!(*self.0.borrow(), Content::Future(_)) {
            self.set_outcome(Err(JoinError::cancelled()));
        }
    }

    fn tell_end(&self, tell: &mut dyn FnMut(End<'_>)) {
        match &*self.0.borrow() {
            Content::Outcome(Err(error)) if error.is_cancelled() => tell(End::Abort),
            Content::Outcome(Err(error)) => {
                tell(End::Panic(&error.panic_text().unwrap_or_default()))
            }
            _ => tell(End::Done),
        }
    }
}

impl<F: Future> Outcome<F::Output> for Stage<F> {
    fn take(&self) -> Option<Result<F::Output, JoinError>> {
        let mut content = self.0.borrow_mut();
        if matches!(*content, Content::Future(_)) {
            return None;
        }
        match std::mem::replace(&mut *content, Content::Taken) {
            Content::Outcome(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl<B: Body> Body for Labelled<B> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.body.poll(cx)
    }

    fn cancel(&self) {
        self.body.cancel();
    }

    fn tell_end(&self, tell: &mut dyn FnMut(End<'_>)) {
        self.body.tell_end(tell);
    }

    fn label(&self) -> Option<&str> {
        Some(&self.label)
    }
}

impl<T, B: Outcome<T>> Outcome<T> for Labelled<B> {
    fn take(&self) -> Option<Result<T, JoinError>> {
        self.body.take()
    }
}

impl<F: Future> Stage<F> {
    /// Puts the outcome into the future's place, which drops the future there. A panic
    /// in that drop is the outcome instead.
    fn set_outcome(&self, outcome: Result<F::Output, JoinError>) {
        let mut content = self.0.borrow_mut();
        let put = catch_unwind(AssertUnwindSafe(|| *content = Content::Outcome(outcome)));
        if let Err(panic) = put {
            // An assignment whose drop panics has assigned all the same.
            let panicked = Content::Outcome(Err(JoinError::from_panic(panic)));
            let outcome = std::mem::replace(&mut *content, panicked);
            contain(|| drop(outcome));
        }
    }
}
