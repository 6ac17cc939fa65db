//! The waker: "put this task back into the ready queue", as an object.
//!
//! A waker may be cloned, sent to any thread, and kept for ever; the future that
//! it wakes is `!Send` and may be gone. So a waker holds no future, only a
//! [`Header`]: the task's name, and where to send it.
//!
//! ```text
//!              on the loop's thread             on any other thread
//!   wake() ──▶ queued? ── yes ──▶ stop           sent? ── yes ──▶ stop
//!                 │ no                              │ no
//!                 ▼                                 ▼
//!           run queue (a VecDeque)            mailbox, then unpark
//! ```
//!
//! *Queued once*: two flags keep a task from standing in line twice. `queued`
//! belongs to the loop's thread. `sent` belongs to all the others, who must not
//! touch the first one: the loop would then have to pay for an atomic exchange
//! at every one of its own wakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Wake, Waker};

use super::current;
use super::id::Name;
use super::mailbox::Mailbox;
use super::run_queue::RunQueue;

/// What another thread may ask of a loop.
pub(crate) enum Message {
    /// This task was woken.
    Wake(Arc<Header>),
    /// Run this on the loop's thread (it spawns a task there).
    Run(Box<dyn FnOnce() + Send>),
}

/// What all wakers of one task share.
pub(crate) struct Header {
    mailbox: Arc<Mailbox<Message>>,

    // Only the loop's thread; atomic because the header is shared, never exchanged.
    /// The task's name. Another one when the header is reused, by then held by nobody.
    slot: AtomicU32,
    number: AtomicU32,
    /// The task stands in the run queue.
    queued: AtomicBool,
    /// The task has ended, and this header is only kept by old wakers.
    ended: AtomicBool,

    // Any thread.
    /// A message for the task is on its way through the mailbox.
    sent: AtomicBool,
    /// How many of this header's owners are the crate's own leaves, which keep it as
    /// a `KeptWaker`.
    inside: AtomicU32,
}

impl Header {
    fn new(name: Name, mailbox: Arc<Mailbox<Message>>) -> Header {
        Header {
            mailbox,
            slot: AtomicU32::new(name.slot),
            number: AtomicU32::new(name.number),
            queued: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            sent: AtomicBool::new(false),
            inside: AtomicU32::new(0),
        }
    }

    /// Becomes the header of another task, as if it were new.
    fn begin(&self, name: Name) {
        self.slot.store(name.slot, Ordering::Relaxed);
        self.number.store(name.number, Ordering::Relaxed);
        for flag in [&self.queued, &self.ended, &self.sent] {
            flag.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn name(&self) -> Name {
        let slot = self.slot.load(Ordering::Relaxed);
        Name { slot, number: self.number.load(Ordering::Relaxed) }
    }

    /// The loop is about to poll the task.
    ///
    /// *Clear before polling*: a wake that arrives during the poll must find the
    /// flags down, and so lead to another poll.
    pub(crate) fn clear(&self) {
        self.queued.store(false, Ordering::Relaxed);
        if self.sent.load(Ordering::Relaxed) {
            // A swap, not a store: it synchronises with the swap of the thread
            // that woke us, so that the poll sees what was written before.
            self.sent.swap(false, Ordering::AcqRel);
        }
    }

    /// The loop took the message for this task out of its mailbox. A poll that
    /// happened since the message was sent has answered it already.
    pub(crate) fn arrived(&self, queue: &RunQueue) {
        if self.sent.load(Ordering::Acquire) {
            self.push(queue);
        }
    }

    /// Wakes the task, from whatever thread this is.
    pub(crate) fn wake(self: &Arc<Self>) {
        let mark = self.mailbox.mark();
        let is_ours = current::with_queue_of(mark, |queue| self.push(queue));
        if !is_ours && !self.sent.swap(true, Ordering::AcqRel) {
            self.mailbox.post(Message::Wake(Arc::clone(self)));
        }
    }

    fn push(&self, queue: &RunQueue) {
        let again = self.queued.load(Ordering::Relaxed);
        queue.note_wake(self.name(), again);
        if !again {
            self.line_up(queue);
        }
    }

    /// Puts the task into the queue, in which it is not.
    pub(crate) fn line_up(&self, queue: &RunQueue) {
        self.queued.store(true, Ordering::Relaxed);
        queue.push(self.name());
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// One more owner lies inside the crate, or (below) one less.
    pub(crate) fn count_in(&self) {
        self.inside.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_out(&self) {
        self.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way from the standard library's vtable to [`Header::wake`]. This safe
/// trait is all that it takes; `examples/awaitable.rs` shows the unsafe one.
impl Wake for Header {
    fn wake(self: Arc<Self>) {
        Header::wake(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Header::wake(self);
    }
}

/// A task's own hold on its header, with a waker at hand so that a poll need not
/// make one. A task gets it at its first poll, and gives it back when it ends.
pub(crate) struct OwnWaker {
    pub(crate) header: Arc<Header>,
    pub(crate) waker: Waker,
}

impl OwnWaker {
    /// A waker for the task `name`.
    pub(crate) fn new(name: Name, mailbox: &Arc<Mailbox<Message>>) -> OwnWaker {
        let header = Arc::new(Header::new(name, Arc::clone(mailbox)));
        let waker = Waker::from(Arc::clone(&header));
        OwnWaker { header, waker }
    }

    /// Makes a waker that was [retired](Self::retire) one of the task `name`.
    pub(crate) fn reuse(self, name: Name) -> OwnWaker {
        self.header.begin(name);
        self
    }

    /// The task has ended. Gives its waker back for another task, if no other waker of
    /// this one is left anywhere: a stale waker must never wake the wrong task.
    pub(crate) fn retire(self) -> Option<OwnWaker> {
        self.header.ended.store(true, Ordering::Relaxed);
        (self.held() == 0).then_some(self)
    }

    /// How many other wakers of this task there are.
    fn held(&self) -> usize {
        // Two are our own: the header and the waker at hand.
        let others = Arc::strong_count(&self.header) - 2;
        // What a thread did before it dropped its waker must be seen by who sees the
        // count: the message that it has put into the mailbox, its last look at the flags.
        std::sync::atomic::fence(Ordering::Acquire);
        others
    }

    /// How many of its leaves wait at present.
    pub(crate) fn held_inside(&self) -> usize {
        self.header.inside.load(Ordering::Relaxed) as usize
    }

    /// How many wakers of this task lie outside the crate: on other threads, in
    /// channels of other crates, anywhere from where a wake may still come.
    pub(crate) fn held_outside(&self) -> usize {
        self.held().saturating_sub(self.held_inside())
    }
}
