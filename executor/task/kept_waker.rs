//! The waker that a leaf keeps while it waits.
//!
//! A *leaf* is a future that waits for something itself, instead of awaiting
//! another future: a sleep, a lock, a receive (in asyncio, a `Future`). When it is
//! not ready it must keep the waker that it was polled with. In this crate it keeps
//! a [`KeptWaker`], which is counted: a task whose wakers all lie in here can be
//! woken only by a task, a timer or a descriptor of its loop. That is half of the
//! proof of a deadlock; the other half, what the leaf waits for, it says here too
//! when it is asked. (A leaf whose waker goes to another thread, `Unblock`, keeps a
//! plain one, which counts as outside.)

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, RawWakerVTable, Waker};

use super::contain::contain;
use super::current;
use super::id::TaskId;
use super::waker::{Header, OwnWaker};

/// How many operations on descriptors a task gets in one poll.
const BUDGET: u32 = 16;

/// The task that is being polled, if one is: a part of the loop.
#[derive(Default)]
pub(crate) struct Running {
    /// Lent by the task for the time of its poll.
    header: Cell<Option<Arc<Header>>>,
    /// By which a waker of this crate is known.
    vtable: Cell<Option<&'static RawWakerVTable>>,
    /// How many more operations on descriptors may succeed in this poll.
    budget: Cell<u32>,
    /// A list while the loop asks the leaves what they wait for: only for the report
    /// of a deadlock (`event_loop/stuck.rs`); skip it at first reading.
    inquiry: RefCell<Option<Vec<Wait>>>,
}

impl Running {
    /// Calls `poll` with a context that wakes the task of `own`.
    #[inline]
    pub(crate) fn poll_as<R>(
        &self,
        own: OwnWaker,
        poll: impl FnOnce(&mut Context<'_>) -> R,
    ) -> (R, OwnWaker) {
        let OwnWaker { header, waker } = own;
        self.header.set(Some(header));
        self.vtable.set(Some(waker.vtable()));
        self.budget.set(BUDGET);
        let result = poll(&mut Context::from_waker(&waker));
        let header = self.header.take().expect("`keep` has put it back");
        (result, OwnWaker { header, waker })
    }

    /// Calls `polls`, and returns what the leaves that were polled meanwhile and
    /// were not ready say they wait for.
    pub(crate) fn inquire(&self, polls: impl FnOnce()) -> Vec<Wait> {
        self.inquiry.replace(Some(Vec::new()));
        polls();
        self.inquiry.take().unwrap_or_default()
    }

    fn keep(&self, waker: &Waker, wait: Wait) -> Option<KeptWaker> {
        if let Some(waits) = self.inquiry.borrow_mut().as_mut() {
            waits.push(wait);
        }
        let header = self.header.take()?;
        let kept = self.is_waker_of(&header, waker).then(|| {
            header.count_in();
            KeptWaker::Task(Arc::clone(&header))
        });
        self.header.set(Some(header));
        kept
    }

    /// Whether `waker` is the task's own, and not one that a combinator made of it. A
    /// waker of an `Arc` is the `Arc`'s address, and a table of functions for its type.
    fn is_waker_of(&self, header: &Arc<Header>, waker: &Waker) -> bool {
        waker.data() == Arc::as_ptr(header).cast()
            && self.vtable.get().is_some_and(|vtable| ptr::eq(vtable, waker.vtable()))
    }
}

/// Asked before each operation on a descriptor. `Pending`, for one turn, when the task
/// has had its share in this poll: a socket that is always ready would else keep the loop
/// to its task for as long as the peer likes. (asyncio's streams read once in a turn.)
pub(crate) fn poll_budget(cx: &Context<'_>) -> Poll<()> {
    let is_spent = current::with(|running: &Running| {
        let is_spent = running.budget.get() == 0;
        if is_spent {
            // Refused once only: a poll in which another executor runs does not end, and
            // would be refused for ever.
            running.budget.set(BUDGET);
        }
        is_spent
    });
    if is_spent == Some(true) {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// To be called after each operation on a descriptor that did not have to wait.
pub(crate) fn spend_budget() {
    current::with(|running: &Running| running.budget.set(running.budget.get().saturating_sub(1)));
}

/// What a leaf waits for, and the line that created the leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    what: What,
    at: &'static Location<'static>,
}

/// What a leaf waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Something with a name, like "a mutex".
    Thing(&'static str),
    /// The end of another task, which was spawned at the given line.
    EndOf(TaskId),
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Thing(name) => write!(f, "{name}, since {}", self.at),
            What::EndOf(task) => write!(f, "the end of {task}, spawned at {}", self.at),
        }
    }
}

/// A waker that lies in one of the crate's own wait lists.
pub(crate) enum KeptWaker {
    /// Of a task of this crate, counted in its header.
    Task(Arc<Header>),
    /// Of another executor, or of a combinator that wraps the task's waker.
    Foreign(Waker),
}

impl KeptWaker {
    /// Keeps the waker of `cx`, for a leaf that waits for `what`: a thing, since
    /// the line `at`, or the end of the task that was spawned there.
    pub(crate) fn keep(cx: &Context<'_>, what: What, at: &'static Location<'static>) -> KeptWaker {
        let wait = Wait { what, at };
        current::with(|running: &Running| running.keep(cx.waker(), wait))
            .flatten()
            .unwrap_or_else(|| KeptWaker::Foreign(cx.waker().clone()))
    }

    /// Wakes the task. *Collect, release, then wake*: no borrow may be held, for
    /// a foreign waker may do anything.
    pub(crate) fn wake(self) {
        match &self {
            KeptWaker::Task(header) => header.wake(),
            // A panic of it must not keep the wakes of others from them.
            KeptWaker::Foreign(waker) => contain(|| waker.wake_by_ref()),
        }
    }

    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, KeptWaker::Foreign(_))
    }

    /// Whether it wakes nobody any more, since its task has ended.
    pub(crate) fn is_of_ended(&self) -> bool {
        matches!(self, KeptWaker::Task(header) if header.has_ended())
    }

    /// Whether both wake the same task.
    pub(crate) fn same_task(&self, other: &KeptWaker) -> bool {
        match (self, other) {
            (KeptWaker::Task(a), KeptWaker::Task(b)) => Arc::ptr_eq(a, b),
            (KeptWaker::Foreign(a), KeptWaker::Foreign(b)) => a.will_wake(b),
            _ => false,
        }
    }
}

impl Drop for KeptWaker {
    fn drop(&mut self) {
        if let KeptWaker::Task(header) = self {
            header.count_out();
        }
    }
}
