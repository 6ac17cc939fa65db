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

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Poll, Wake, Waker};

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
    /// How many of this header's owners are the crate's own leaves, which keep it as
    /// a `KeptWaker`.
    inside: AtomicU32,

    // Any thread.
    /// A message for the task is on its way through the mailbox.
    sent: AtomicBool,
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

    /// Becomes the header of another task. (The flags of its wakes are lowered before the
    /// first poll, as before every other.)
    fn begin(&self, name: Name) {
        self.slot.store(name.slot, Ordering::Relaxed);
        self.number.store(name.number, Ordering::Relaxed);
        self.ended.store(false, Ordering::Relaxed);
    }

    pub(super) fn name(&self) -> Name {
        let slot = self.slot.load(Ordering::Relaxed);
        Name { slot, number: self.number.load(Ordering::Relaxed) }
    }

    /// The loop is about to poll the task.
    ///
    /// *Clear before polling*: a wake that arrives during the poll must find the
    /// flags down, and so lead to another poll.
    #[inline]
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
        if !current::with_queue_of(mark, |queue| self.push(queue)) {
            self.send();
        }
    }

    /// Wakes the task from another thread than the loop's.
    #[cold]
    fn send(self: &Arc<Self>) {
        if !self.sent.swap(true, Ordering::AcqRel) {
            self.mailbox.post(Message::Wake(Arc::clone(self)));
        }
    }

    fn push(&self, queue: &RunQueue) {
        let again = self.queued.load(Ordering::Relaxed);
        queue.note_wake(|| self.name(), again);
        if !again {
            self.line_up(queue);
        }
    }

    /// Puts the task into the queue, in which it is not.
    fn line_up(&self, queue: &RunQueue) {
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
    /// Lent to [`Running`](super::Running) during a poll.
    pub(super) header: Option<Arc<Header>>,
    pub(super) waker: Waker,
}

impl OwnWaker {
    fn new(name: Name, mailbox: &Arc<Mailbox<Message>>) -> OwnWaker {
        let header = Arc::new(Header::new(name, Arc::clone(mailbox)));
        let waker = Waker::from(Arc::clone(&header));
        OwnWaker { header: Some(header), waker }
    }

    /// Wakes the task.
    pub(crate) fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// Puts the task into the queue for the first time.
    pub(crate) fn line_up(&self, queue: &RunQueue) {
        self.header().line_up(queue);
    }

    /// The task has ended. Whether its waker may become another one's: if no other waker
    /// of this one is left anywhere. A stale waker must never wake the wrong task.
    #[inline]
    fn retire(&self) -> bool {
        self.header().ended.store(true, Ordering::Relaxed);
        self.held() == 0
    }

    fn header(&self) -> &Arc<Header> {
        self.header.as_ref().expect("put back after every poll")
    }

    /// How many other wakers of this task there are.
    fn held(&self) -> usize {
        // Two are our own: the header and the waker at hand.
        let others = Arc::strong_count(self.header()) - 2;
        // What a thread did before it dropped its waker must be seen by who sees the
        // count: the message that it has put into the mailbox, its last look at the flags.
        std::sync::atomic::fence(Ordering::Acquire);
        others
    }

    /// How many of its leaves wait at present.
    pub(crate) fn held_inside(&self) -> usize {
        self.header().inside.load(Ordering::Relaxed) as usize
    }

    /// How many wakers of this task lie outside the crate: on other threads, in
    /// channels of other crates, anywhere from where a wake may still come.
    pub(crate) fn held_outside(&self) -> usize {
        self.held().saturating_sub(self.held_inside())
    }
}

/// How many wakers of ended tasks are kept for new ones.
const SPARE_WAKERS: usize = 1024;

/// Where the tasks of one loop get their wakers.
pub(crate) struct Wakers {
    mailbox: Arc<Mailbox<Message>>,
    /// Of tasks that have ended, each held by nobody else.
    spare: RefCell<Vec<OwnWaker>>,
}

impl Wakers {
    pub(crate) fn new(mailbox: Arc<Mailbox<Message>>) -> Wakers {
        Wakers { mailbox, spare: RefCell::default() }
    }

    /// A waker for `name`, which has none yet.
    pub(crate) fn take(&self, name: Name) -> OwnWaker {
        let mut spare = self.spare.borrow_mut();
        self.prepare(&mut spare, name);
        spare.pop().expect("one was prepared")
    }

    /// Calls `poll`, the first one of the task `name`, with a waker that is `kept` if the
    /// task goes on. Most tasks end in their first poll, and theirs is not even moved.
    #[inline]
    pub(crate) fn lend(
        &self,
        name: Name,
        kept: &mut Option<OwnWaker>,
        poll: impl FnOnce(&mut OwnWaker) -> Poll<()>,
    ) -> Poll<()> {
        // Borrowed during the poll: nobody else needs a waker meanwhile, for only this
        // loop could start another poll.
        let mut spare = self.spare.borrow_mut();
        let own = self.prepare(&mut spare, name);
        let poll = poll(own);
        let is_spare = poll.is_ready() && own.retire();
        if !is_spare {
            let own = spare.pop();
            if poll.is_pending() {
                *kept = own;
            }
        }
        poll
    }

    /// Sees to it that the last of `spare` is a waker for `name`.
    #[inline]
    fn prepare<'a>(&self, spare: &'a mut Vec<OwnWaker>, name: Name) -> &'a mut OwnWaker {
        match spare.last() {
            Some(own) => own.header().begin(name),
            None => spare.push(OwnWaker::new(name, &self.mailbox)),
        }
        spare.last_mut().expect("there was one, or one was pushed")
    }

    /// Takes back the waker of a task that has ended.
    pub(crate) fn give_back(&self, own: OwnWaker) {
        let mut spare = self.spare.borrow_mut();
        if own.retire() && spare.len() < SPARE_WAKERS {
            spare.push(own);
        }
    }
}
