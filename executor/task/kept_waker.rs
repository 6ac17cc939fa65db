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

use std::sync::Arc;
use std::task::{Context, Waker};

use super::contain::contain;
use super::current;
use super::running::Running;
use super::waker::Header;
use crate::trace::{Place, Wait, What};

/// A waker that lies in one of the crate's own wait lists.
pub(crate) enum KeptWaker {
    /// Of a task of this crate, counted in its header.
    Task(Arc<Header>),
    /// Of another executor, or of a combinator that wraps the task's waker. Boxed, so
    /// that the usual case takes two words, and not three where there may be none.
    Foreign(Box<Waker>),
}

impl KeptWaker {
    /// Keeps the waker of `cx`, for a leaf that waits for `what`: a thing, since
    /// the line `at`, or the end of the task that was spawned there.
    pub(crate) fn keep(cx: &Context<'_>, what: What, at: Place) -> KeptWaker {
        let own = current::with(|running: &Running| {
            running.note(Wait { what, at });
            running.header_of(cx.waker())
        });
        match own.flatten() {
            Some(header) => {
                header.count_in();
                KeptWaker::Task(header)
            }
            None => KeptWaker::Foreign(Box::new(cx.waker().clone())),
        }
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

    /// The number of the task that it wakes, if that is known.
    pub(crate) fn task(&self) -> Option<u64> {
        match self {
            KeptWaker::Task(header) => Some(header.name().number.into()),
            KeptWaker::Foreign(_) => None,
        }
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
