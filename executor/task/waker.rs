//! The waker: "put this task back into the run queue", as an object.
//!
//! It is for other threads, and for the futures of other crates. A leaf future of this crate
//! keeps only the task's key (`registered_waker.rs`), and wakes without this object.
//!
//! A waker may be cloned, sent to any thread, and kept for ever. The future that it wakes
//! is `!Send` and may be gone. So a waker holds no future. It holds a [`TaskWaker`]: the
//! task's key, and the inbox of its loop.
//!
//! ```text
//!              in the running loop              from anywhere else
//!   wake() ──▶ queued? ── yes ──▶ stop           sent? ── yes ──▶ stop
//!                 │ no                              │ no
//!                 ▼                                 ▼
//!           run queue (a VecDeque)            inbox, then unpark
//! ```
//!
//! *Queued once*: the flag `queued`, in the task, keeps the task's key from being in the run
//! queue twice. Only the loop's thread uses it. The flag `sent`, here, keeps the waker from
//! being in the inbox twice; all other threads use it. With one flag for both, the loop
//! would pay for an atomic exchange at each of its own wakes.
//!
//! Why an `Arc`? The contract of `std::task::Waker` says that a waker is `Send` and
//! `Sync`, may be cloned, and works after the task has ended. The last holder, on whatever
//! thread, must free the memory, and that takes an atomic count.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::task::{Wake, Waker};

use super::id::TaskKey;
use super::inbox::Inbox;
use crate::current;
use crate::event_loop::EventLoop;

/// What another thread may ask of a loop.
pub(crate) enum Message {
    /// This task was woken.
    Wake(Arc<TaskWaker>),
    /// Run this on the loop's thread (it spawns a task there).
    Run(Box<dyn FnOnce() + Send>),
}

/// What all wakers of one task share.
pub(crate) struct TaskWaker {
    key: TaskKey,
    inbox: Arc<Inbox<Message>>,
    /// A message for the task is in the inbox. Raised by the thread that posts the
    /// message, lowered when the loop takes the message out.
    sent: AtomicBool,
}

impl TaskWaker {
    /// Wakes the task from outside of its running loop: from another thread, or on the
    /// loop's thread while the loop does not run.
    #[cold]
    fn send(self: &Arc<Self>) {
        if !self.sent.swap(true, Ordering::AcqRel) {
            self.inbox.post(Message::Wake(Arc::clone(self)));
        }
    }

    /// The loop has taken the message out of its inbox: the key of the task to wake.
    pub(crate) fn arrived(&self) -> TaskKey {
        // A swap, not a store: it synchronises with the swap of each thread that found the
        // flag raised, so that the poll sees what that thread wrote before its wake.
        self.sent.swap(false, Ordering::AcqRel);
        self.key
    }
}

/// The standard library's `Waker::wake` calls these functions. This safe trait is all that
/// it takes; the last part of `examples/awaitable.rs` shows the unsafe table behind it.
impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let wake = |event_loop: &EventLoop| event_loop.scheduler.wake(self.key);
        if current::with_loop_of(&self.inbox, wake).is_none() {
            self.send();
        }
    }
}

/// A task's own hold on its `TaskWaker`, and a waker made of it once, so that a poll need
/// not make one.
pub(crate) struct PollWaker {
    shared: Arc<TaskWaker>,
    pub(super) waker: Waker,
}

impl PollWaker {
    fn new(shared: Arc<TaskWaker>) -> PollWaker {
        PollWaker { waker: Waker::from(Arc::clone(&shared)), shared }
    }

    /// Whether anything but the task itself holds a waker of the task: a thread, another
    /// crate's channel, anything from where a wake may still come. (The leaf futures of
    /// this crate hold the task's key instead.)
    pub(super) fn is_held_by_others(&self) -> bool {
        let holders = Arc::strong_count(&self.shared);
        // Acquire: the code that sees the lower count also sees what a thread did before
        // it dropped its waker, such as the message that it has posted.
        fence(Ordering::Acquire);
        // Two of the holders are in this struct.
        holders > 2
    }
}

/// Makes the wakers of one loop's tasks.
pub(super) struct WakerFactory {
    inbox: Arc<Inbox<Message>>,
    /// The `TaskWaker` of the task that ended last, to be used again: most tasks end in
    /// their first poll, and so need no allocation for a waker.
    free: Cell<Option<Arc<TaskWaker>>>,
}

impl WakerFactory {
    pub(super) fn new(inbox: Arc<Inbox<Message>>) -> WakerFactory {
        WakerFactory { inbox, free: Cell::new(None) }
    }

    /// A waker for the task `key`.
    pub(super) fn make(&self, key: TaskKey) -> PollWaker {
        let mut free = self.free.take();
        // Only if nothing else holds it: a stale waker must never wake another task.
        if let Some(waker) = free.as_mut().and_then(Arc::get_mut) {
            waker.key = key;
            return PollWaker::new(free.expect("it was there"));
        }
        let (inbox, sent) = (Arc::clone(&self.inbox), AtomicBool::new(false));
        PollWaker::new(Arc::new(TaskWaker { key, inbox, sent }))
    }

    /// Takes back the waker of a task that has ended.
    pub(super) fn put_back(&self, own: PollWaker) {
        self.free.set(Some(own.shared));
    }
}
