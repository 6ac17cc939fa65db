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
use std::rc::Rc;
use std::sync::Weak;
use std::task::Context;

use super::contain::ContainedWaker;
use super::id::TaskKey;
use crate::current::{self, LoopId};
use crate::event_loop::EventLoop;
use crate::trace::{CodeLine, LeafId, WaitReason, What};

/// A waker in one of the crate's own lists.
pub(crate) enum RegisteredWaker {
    /// Of a task of this crate: in which loop, and which task.
    Task(LoopId, TaskKey, NotSend),
    /// Of a child of a large `join_all`, which is polled by a task of this crate.
    Child(Box<ChildOf>),
    /// Of another executor, or of a combinator that wraps the task's waker. Boxed, so that
    /// the usual case takes two words, also as an `Option`.
    Foreign(Box<ContainedWaker>),
}

/// A child of a large combinator: its index there; the list to which a wake adds the index,
/// which is not owned (so its owners are the combinator, and whoever has a `Waker` of a
/// child); and the task, or the child of another combinator, that polls the combinator.
#[derive(Clone)]
pub(crate) struct ChildOf {
    pub(crate) list: Weak<dyn ChildList>,
    pub(crate) index: usize,
    pub(crate) parent: Rc<RegisteredWaker>,
}

/// Where a large combinator keeps which of its children were woken.
pub(crate) trait ChildList {
    /// Adds a child. Returns the waker of the combinator's task, if it must be woken.
    fn add(&self, index: usize) -> Option<ContainedWaker>;
}

/// A loop is found through a thread-local, so this must stay on the thread that made it.
type NotSend = PhantomData<*const ()>;

impl RegisteredWaker {
    /// Registers the waker of `cx`, for this leaf, which waits for `what` since the line `at`.
    /// The clone of a foreign waker may run any code, also code that causes what the leaf
    /// waits for: the leaf must look again afterwards.
    #[inline]
    pub(crate) fn register(
        cx: &Context<'_>,
        leaf: LeafId,
        what: impl FnOnce() -> What,
        at: CodeLine,
    ) -> Self {
        let own = current::with(|event_loop| {
            event_loop.scheduler.notes.write(leaf, || WaitReason { what: what(), at });
            RegisteredWaker::own(event_loop, cx)
        });
        let foreign = || RegisteredWaker::Foreign(Box::new(ContainedWaker::new(cx.waker())));
        own.flatten().unwrap_or_else(foreign)
    }

    /// What stands for the waker of `cx`, if that is the waker of the task that is being
    /// polled, or of a child in it.
    #[inline]
    pub(crate) fn own(event_loop: &EventLoop, cx: &Context<'_>) -> Option<RegisteredWaker> {
        if let Some(key) = event_loop.scheduler.key_of(cx.waker()) {
            return Some(RegisteredWaker::Task(event_loop.id, key, PhantomData));
        }
        let child = event_loop.scheduler.child_of(cx.waker())?;
        Some(RegisteredWaker::Child(Box::new(child)))
    }

    /// Wakes the task. *Collect, release, then wake*: the caller holds no borrow, for a
    /// foreign waker may run any code.
    pub(crate) fn wake(self) {
        match self {
            // A panic of one foreign waker must not lose the wakes of the others.
            RegisteredWaker::Foreign(waker) => waker.wake(),
            own => own.wake_own(),
        }
    }

    fn wake_own(&self) {
        match self {
            &RegisteredWaker::Task(id, key, _) => {
                current::with_loop(id, |event_loop| event_loop.scheduler.wake(key));
            }
            RegisteredWaker::Child(child) => {
                // The parent's `Waker` in the list is for other threads.
                let _parent = child.list.upgrade().map(|list| list.add(child.index));
                child.parent.wake_own();
            }
            RegisteredWaker::Foreign(_) => {}
        }
    }

    /// Whether its task has ended, so that it wakes no task any more.
    pub(crate) fn is_of_ended(&self) -> bool {
        let (id, key) = match *self {
            RegisteredWaker::Task(id, key, _) => (id, key),
            RegisteredWaker::Child(ref child) => return child.parent.is_of_ended(),
            RegisteredWaker::Foreign(_) => return false,
        };
        let is_alive = |event_loop: &EventLoop| event_loop.scheduler.find(key).is_some();
        current::with_loop(id, is_alive) != Some(true)
    }

    /// The number of the task that it wakes (the lower half); `None` for a foreign waker.
    pub(crate) fn task(&self) -> Option<u64> {
        self.task_of_loop().map(|(_, task)| task)
    }

    /// The same, with the loop of the task.
    pub(crate) fn task_of_loop(&self) -> Option<(LoopId, u64)> {
        match self {
            &RegisteredWaker::Task(id, key, _) => Some((id, key.generation.into())),
            RegisteredWaker::Child(child) => child.parent.task_of_loop(),
            RegisteredWaker::Foreign(_) => None,
        }
    }

    /// Whether both wake the same task, and the same child in it.
    pub(crate) fn same_task(&self, other: &RegisteredWaker) -> bool {
        match (self, other) {
            (RegisteredWaker::Task(id, key, _), RegisteredWaker::Task(other_id, other, _)) => {
                (id, key) == (other_id, other)
            }
            (RegisteredWaker::Child(child), RegisteredWaker::Child(other)) => {
                child.list.ptr_eq(&other.list) && child.index == other.index
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
