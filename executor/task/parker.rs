//! How the loop goes to sleep, and how other threads end its sleep.
//!
//! Other threads put their messages into the loop's inbox (`inbox.rs`). The danger is
//! a wake that falls between "nothing to do" and "asleep". Two rules close the gap,
//! whatever the order in which the threads run:
//!
//! ```text
//!   loop:                          other thread:
//!     1 announce the sleep           1 put the message into the inbox
//!     2 check the inbox again        2 if a sleep is announced: notify
//!     3 sleep, if it is empty
//! ```
//!
//! Either the loop sees the message in its step 2, or the other thread sees the
//! announcement in its step 2. *Push, then notify* is the name of this invariant.
//! Only the first thread that finds the announcement notifies, so that a flood of
//! wakes costs one notification per park.
//!
//! A loop that awaits a descriptor sleeps in the system's poller (epoll on Linux, kqueue
//! on macOS, IOCP on Windows); any other loop sleeps in `thread::park`.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Instant;

use polling::{Events, Poller};

/// The loop is awake: a thread that has put a message into the inbox need do no more.
const AWAKE: u8 = 0;
/// The loop sleeps in `thread::park`, since it awaits no descriptor.
const ON_THREAD: u8 = 1;
/// The loop sleeps in the operating system's poller.
const ON_POLLER: u8 = 2;

/// Where the loop sleeps.
pub(crate) struct Parker {
    announced: AtomicU8,
    thread: Thread,
    /// Made when the first descriptor is registered: a loop that only computes
    /// and sleeps never asks the system for a poller.
    poller: OnceLock<Poller>,
}

impl Parker {
    /// A parker for the loop of this thread.
    pub(crate) fn new() -> Parker {
        Parker {
            announced: AtomicU8::new(AWAKE),
            thread: thread::current(),
            poller: OnceLock::new(),
        }
    }

    /// The system's poller, made at the first call.
    pub(crate) fn poller(&self) -> io::Result<&Poller> {
        if self.poller.get().is_none() {
            // Only the loop's thread comes here, so nobody else sets it meanwhile.
            let _ = self.poller.set(Poller::new()?);
        }
        Ok(self.poller.get().expect("set in the line before"))
    }

    /// Sleeps in `thread::park` until `deadline` or [`unpark`](Self::unpark), unless
    /// `stay_awake`, called after the announcement, finds something to do.
    pub(crate) fn park_thread(&self, deadline: Option<Instant>, stay_awake: impl Fn() -> bool) {
        self.announce(ON_THREAD);
        // The loop's condition decides, not the thread's park token: a task may park and
        // unpark its own thread, and so take our token or leave one. With a token that
        // is left, `park` returns early, and the loop looks for something to do again.
        if !stay_awake() {
            match deadline {
                None => thread::park(),
                Some(deadline) => {
                    thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
                }
            }
        }
        self.announce(AWAKE);
    }

    /// Sleeps in the poller until an event, `deadline` or [`unpark`](Self::unpark). If
    /// `stay_awake`, called after the announcement, finds something to do, this polls the
    /// descriptors without waiting.
    pub(crate) fn park_poller(
        &self,
        events: &mut Events,
        deadline: Option<Instant>,
        stay_awake: impl Fn() -> bool,
    ) -> io::Result<()> {
        let poller = self.poller()?;
        self.announce(ON_POLLER);
        let deadline = if stay_awake() { Some(Instant::now()) } else { deadline };
        // After EINTR, `polling` itself starts again, with the time that is left.
        let result = match deadline {
            None => poller.wait(events, None),
            Some(deadline) => poller.wait_deadline(events, deadline),
        };
        self.announce(AWAKE);
        result.map(drop)
    }

    fn announce(&self, state: u8) {
        // swap, not store: it reads the `unpark` before it, so `stay_awake` sees what that
        // thread wrote.
        self.announced.swap(state, Ordering::SeqCst);
        // Between the announcement and the check of the inbox: see the rules above.
        fence(Ordering::SeqCst);
    }

    /// Ends the loop's sleep, or the sleep that it is about to begin. Called on
    /// any thread, after the message has been put into the inbox.
    pub(crate) fn unpark(&self) {
        fence(Ordering::SeqCst);
        // A plain load first: while the loop is awake, nothing need be written.
        if self.announced.load(Ordering::SeqCst) == AWAKE {
            return;
        }
        match self.announced.swap(AWAKE, Ordering::SeqCst) {
            ON_THREAD => self.thread.unpark(),
            ON_POLLER => {
                let poller = self.poller.get().expect("the loop sleeps in it");
                poller.notify().expect("the system's poller can be notified");
            }
            _ => {}
        }
    }
}
