//! The waker that a leaf future registers while it waits.
//!
//! A *leaf* is a future that waits for something itself, instead of awaiting another
//! future: a sleep, a lock, a receive (in asyncio, a `Future`). A leaf that is not ready
//! must register the waker that it was polled with, where the event that it waits for will
//! find it. In this crate that is a [`RegisteredWaker`]: usually just the key of the task
//! that is being polled. So nothing outside of such a task holds a `Waker` of it, and
//! the loop can prove that nothing outside will wake it. (A leaf whose waker
//! goes to another thread, `Unblock`, keeps a real one.)

use std::marker::PhantomData;
use std::task::{Context, Waker};

use super::contain::contain;
use super::id::TaskKey;
use crate::current::{self, LoopId};
use crate::event_loop::EventLoop;
use crate::trace::{CodeLine, LeafId, WaitReason, What};

/// A waker in one of the crate's own lists.
pub(crate) enum RegisteredWaker {
    /// Of a task of this crate: in which loop, and which task.
    Task(LoopId, TaskKey, NotSend),
    /// Of another executor, or of a combinator that wraps the task's waker. Boxed, so that
    /// the usual case takes two words, also as an `Option`.
    Foreign(Box<Waker>),
}

/// A loop is found through a thread-local, so this must stay on the thread that made it.
type NotSend = PhantomData<*const ()>;

impl RegisteredWaker {
    /// Registers the waker of `cx`, for this leaf, which waits for `what`
    /// since the line `at`.
    pub(crate) fn register(cx: &Context<'_>, leaf: LeafId, what: What, at: CodeLine) -> Self {
        let wait = WaitReason { what, at };
        let own = current::with(|event_loop| {
            event_loop.scheduler.notes.write(leaf, wait);
            let key = event_loop.scheduler.key_of(cx.waker())?;
            Some(RegisteredWaker::Task(event_loop.id, key, PhantomData))
        });
        own.flatten().unwrap_or_else(|| RegisteredWaker::Foreign(Box::new(cx.waker().clone())))
    }

    /// Wakes the task. *Collect, release, then wake*: the caller holds no borrow, for a
    /// foreign waker may run any code.
    pub(crate) fn wake(self) {
        match self {
            RegisteredWaker::Task(id, key, _) => {
                current::with_loop(id, |event_loop| event_loop.scheduler.wake(key));
            }
            // A panic of one foreign waker must not lose the wakes of the others.
            RegisteredWaker::Foreign(waker) => contain(|| waker.wake()),
        }
    }

    /// Whether its task has ended, so that it wakes no task any more.
    pub(crate) fn is_of_ended(&self) -> bool {
        let RegisteredWaker::Task(id, key, _) = *self else { return false };
        let is_alive = |event_loop: &EventLoop| event_loop.scheduler.find(key).is_some();
        current::with_loop(id, is_alive) != Some(true)
    }

    /// The number of the task that it wakes (the lower half); `None` for a foreign waker.
    pub(crate) fn task(&self) -> Option<u64> {
        match self {
            RegisteredWaker::Task(_, key, _) => Some(key.generation.into()),
            RegisteredWaker::Foreign(_) => None,
        }
    }

    /// Whether both wake the same task.
    pub(crate) fn same_task(&self, other: &RegisteredWaker) -> bool {
        match (self, other) {
            (RegisteredWaker::Task(id, key, _), RegisteredWaker::Task(other_id, other, _)) => {
                (id, key) == (other_id, other)
            }
            (RegisteredWaker::Foreign(waker), RegisteredWaker::Foreign(other)) => {
                waker.will_wake(other)
            }
            _ => false,
        }
    }
}

/// The leaf waits no longer: takes its note back.
pub(crate) fn take_back_note(leaf: LeafId) {
    current::with(|event_loop| event_loop.scheduler.notes.take_back(leaf));
}
