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
use super::running::Running;
use super::waker::{OwnWaker, Wakers};
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
    joiner: Cell<Option<KeptWaker>>,
    body: B,
}

/// A task as its join handle sees it.
pub(crate) type Joinable<T> = Task<dyn Outcome<T>>;

/// What the loop can do with a body without knowing the future's type.
pub(crate) trait Body {
    /// Polls the future of the task `name`. `Ready` when it has ended, also by a panic.
    fn poll(&self, name: Name, wakers: &Wakers, running: &Running) -> Poll<()>;
    /// Drops the future, if it is still there, and leaves `Cancelled` as the
    /// outcome; or the panic, if the future's drop panicked.
    fn cancel(&self, wakers: &Wakers);
    /// Wakes the task, unless it was never polled, is being polled, or has ended.
    fn wake(&self);
    /// How many wakers of the task lie outside the crate.
    fn held_outside(&self) -> usize;
    /// How many of its leaves wait at present.
    fn held_inside(&self) -> usize;
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

/// The future, later its outcome, in one place; and the task's own waker, which is lent
/// to every poll and so lies under the same borrow.
struct Stage<F: Future>(RefCell<Inner<F>>);

struct Inner<F: Future> {
    /// None before the first poll, and after the end.
    own: Option<OwnWaker>,
    content: Content<F>,
}

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
    let body = Stage(RefCell::new(Inner { own: None, content: Content::Future(future) }));
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

    /// Polls the future, unless the task was aborted.
    pub(crate) fn poll(&self, name: Name, wakers: &Wakers, running: &Running) -> Poll<()> {
        self.state.set(State::Running);
        if !self.aborted.get() && self.body.poll(name, wakers, running).is_ready() {
            return Poll::Ready(());
        }
        // An abort from within that very poll takes effect here, at the first
        // suspension since.
        if self.aborted.get() {
            self.body.cancel(wakers);
            return Poll::Ready(());
        }
        self.state.set(State::Waiting);
        Poll::Pending
    }

    /// Drops the future, wherever the task stands.
    pub(crate) fn cancel(&self, wakers: &Wakers) {
        self.state.set(State::Running);
        self.body.cancel(wakers);
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
        // One that is being polled will see the flag; one that was never polled stands
        // in the run queue since its spawn.
        self.body.wake();
    }

    /// Whether a waker of this task lies outside the crate.
    pub(crate) fn is_held_outside(&self) -> bool {
        self.body.held_outside() > 0
    }

    /// How many of its leaves wait at present.
    pub(crate) fn held_inside(&self) -> usize {
        self.body.held_inside()
    }

    /// Says how it has ended.
    pub(crate) fn tell_end(&self, tell: &mut dyn FnMut(End<'_>)) {
        self.body.tell_end(tell);
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
    fn poll(&self, name: Name, wakers: &Wakers, running: &Running) -> Poll<()> {
        // Nobody else looks in here while the task runs: join and abort go by the
        // task's state.
        let mut inner = self.0.borrow_mut();
        let Inner { own, content } = &mut *inner;
        let Some(waker) = own else {
            return wakers.lend(name, own, |waker| content.poll(waker, running));
        };
        let poll = content.poll(waker, running);
        if poll.is_ready() {
            own.take().into_iter().for_each(|own| wakers.give_back(own));
        }
        poll
    }

    fn cancel(&self, wakers: &Wakers) {
        let mut inner = self.0.borrow_mut();
        if matches!(inner.content, Content::Future(_)) {
            inner.content.end(Err(JoinError::cancelled()));
            inner.own.take().into_iter().for_each(|own| wakers.give_back(own));
        }
    }

    fn wake(&self) {
        if let Ok(inner) = self.0.try_borrow()
            && let Some(own) = &inner.own
        {
            own.wake();
        }
    }

    fn held_outside(&self) -> usize {
        self.0.borrow().own.as_ref().map_or(0, OwnWaker::held_outside)
    }

    fn held_inside(&self) -> usize {
        self.0.borrow().own.as_ref().map_or(0, OwnWaker::held_inside)
    }

    fn tell_end(&self, tell: &mut dyn FnMut(End<'_>)) {
        match &self.0.borrow().content {
            Content::Outcome(Err(error)) if error.is_cancelled() => tell(End::Abort),
            Content::Outcome(Err(error)) => {
                tell(End::Panic(&error.panic_text().unwrap_or_default()));
            }
            _ => tell(End::Done),
        }
    }
}

impl<F: Future> Outcome<F::Output> for Stage<F> {
    fn take(&self) -> Option<Result<F::Output, JoinError>> {
        let mut inner = self.0.borrow_mut();
        if matches!(inner.content, Content::Future(_)) {
            return None;
        }
        match std::mem::replace(&mut inner.content, Content::Taken) {
            Content::Outcome(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl<B: Body> Body for Labelled<B> {
    fn poll(&self, name: Name, wakers: &Wakers, running: &Running) -> Poll<()> {
        self.body.poll(name, wakers, running)
    }

    fn cancel(&self, wakers: &Wakers) {
        self.body.cancel(wakers);
    }

    fn wake(&self) {
        self.body.wake();
    }

    fn held_outside(&self) -> usize {
        self.body.held_outside()
    }

    fn held_inside(&self) -> usize {
        self.body.held_inside()
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

impl<F: Future> Content<F> {
    /// Polls the future, and puts its outcome into its place when it is ready. Inlined,
    /// since it is called from two places: a call more is a tenth of a yield.
    #[inline(always)]
    fn poll(&mut self, own: &mut OwnWaker, running: &Running) -> Poll<()> {
        let Content::Future(future) = self else {
            unreachable!("a task that has ended is in no table and never polled");
        };
        // SAFETY: The future never moves again. `new_task` puts it into the
        // allocation of an `Rc`, and the only code that can reach it there, the
        // `impl`s of `Stage` and `Content`, which are private, overwrites it in
        // place (which drops it in place) or leaves it. What they move out is a
        // `Content::Outcome`, never a `Content::Future`.
        #[allow(unsafe_code)]
        let future = unsafe { Pin::new_unchecked(future) };
        let poll = |cx: &mut Context<'_>| catch_unwind(AssertUnwindSafe(|| future.poll(cx)));
        let outcome = match running.poll_as(own, poll) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(JoinError::from_panic(panic)),
        };
        self.end(outcome);
        Poll::Ready(())
    }

    /// Puts the outcome into the future's place, which drops the future there. A panic
    /// in that drop is the outcome instead.
    fn end(&mut self, outcome: Result<F::Output, JoinError>) {
        let put = catch_unwind(AssertUnwindSafe(|| *self = Content::Outcome(outcome)));
        if let Err(panic) = put {
            // An assignment whose drop panics has assigned all the same.
            let panicked = Content::Outcome(Err(JoinError::from_panic(panic)));
            let outcome = std::mem::replace(self, panicked);
            contain(|| drop(outcome));
        }
    }
}
