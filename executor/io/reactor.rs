//! The reactor: which tasks wait for which descriptors, and which of them are woken when
//! the system's poller (epoll on Linux, kqueue on macOS, IOCP on Windows) says that a
//! descriptor is ready.
//!
//! ```text
//!   read() ─▶ WouldBlock ─▶ wait(Read) ─▶ waiters.push, interest armed
//!                                               │
//!   poller ── event(key) ─▶ sources[key] ─▶ wake all that wait for it
//!                                               │ nothing waits?
//!                                               ▼
//!                                         interest disarmed
//! ```
//!
//! *Register after `WouldBlock`*: a task first tries, and waits only when the system had
//! nothing for it, or when its last read took all. The registration is level-triggered: as long as the descriptor is
//! ready, every poll of the system's poller reports it again. So nothing can be missed
//! between the try and the registration, and no readiness need be remembered. The price:
//! a descriptor that is ready, and that no task waits for, would keep the loop awake. So
//! an event that finds no waiter disarms the interest. In the usual rhythm (wait, wake,
//! read, wait) the interest stays armed, and waiting again costs no system call.
//!
//! A key is never used twice. If a socket is closed while an event for it is on the way,
//! the event finds no source, even if a new socket got the same descriptor.
//!
//! The reactor knows no time and does no waiting itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use polling::{Event, PollMode};

use super::platform::{self, Pollable};
use crate::task::{Inbox, Message, RegisteredWaker};
use crate::trace::{Tracer, What};

/// The two things for which a descriptor may be awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

use Direction::{Read, Write};

impl Direction {
    /// This direction's half of a pair (reading, writing).
    fn of(self, (read, write): (bool, bool)) -> bool {
        match self {
            Read => read,
            Write => write,
        }
    }

    /// The wait reason of a leaf future that waits for this direction.
    pub(super) fn wait_on(self, fd: u64) -> What {
        match self {
            Read => What::Readable(fd),
            Write => What::Writable(fd),
        }
    }
}

/// The watched descriptors of one loop: a part of the loop.
pub(crate) struct Reactor {
    inbox: Arc<Inbox<Message>>,
    sources: RefCell<HashMap<usize, Rc<Source>>>,
    last_key: Cell<usize>,
    last_waiter: Cell<u64>,
    /// How many sources the poller has been asked to report on.
    watching: Cell<usize>,
    /// How many events were dispatched to a source, ever.
    pub(crate) events: Cell<u64>,
    tracer: Tracer,
    /// Always empty between two events; it keeps its memory.
    woken: Cell<Vec<IoWaiter>>,
}

/// A descriptor, and the leaf futures that wait for it.
pub(crate) struct Source<T: ?Sized = dyn Pollable> {
    key: usize,
    /// The descriptor that was registered.
    raw: platform::Raw,
    waiters: RefCell<Vec<IoWaiter>>,
    /// What the poller has been asked to report: reading, writing.
    armed: Cell<(bool, bool)>,
    /// The last read took everything, and no event has come since.
    pub(super) drained: Cell<bool>,
    pub(super) io: T,
}

/// A short read below this size is taken to have emptied the socket.
const A_MESSAGE: usize = 4096;

/// How many foreign wakers without a number a descriptor keeps.
const FOREIGN_KEPT: usize = 64;

struct IoWaiter {
    direction: Direction,
    /// The number of the leaf that waits. `None` for a wait by `poll_read` and the like,
    /// which have no leaf that could end the wait; a task has at most one of these.
    id: Option<u64>,
    waker: RegisteredWaker,
}

impl Reactor {
    pub(crate) fn new(inbox: Arc<Inbox<Message>>, tracer: Tracer) -> Reactor {
        let (sources, last_key, last_waiter, watching, events, woken) = Default::default();
        Reactor { inbox, sources, last_key, last_waiter, watching, events, tracer, woken }
    }

    /// Registers `io` with the poller, with no interest yet.
    ///
    /// # Errors
    /// The system's, if `io` is of a kind that cannot be watched, like a regular
    /// file.
    pub(crate) fn register<T: Pollable + 'static>(&self, io: T) -> io::Result<Rc<Source<T>>> {
        let poller = self.inbox.parker.poller()?;
        let key = self.last_key.get() + 1;
        self.last_key.set(key);
        let raw = platform::raw(&io);
        let (waiters, armed, drained) = Default::default();
        let source = Rc::new(Source { key, raw, waiters, armed, drained, io });
        // SAFETY: The descriptor must be deleted from the poller before it is closed. It is
        // closed when the `Source` is dropped or taken apart. The map of sources keeps the
        // `Source` alive until `deregister` takes it out, which deletes it first; or never
        // does, if `io` names another descriptor by then. An `Async` owns its loop, so the
        // reactor, and the poller in its inbox, outlive every `Async`.
        #[allow(unsafe_code)]
        unsafe {
            poller.add_with_mode(raw, Event::none(key), PollMode::Oneshot)?;
        }
        let shared: Rc<Source> = source.clone();
        self.sources.borrow_mut().insert(key, shared);
        Ok(source)
    }

    /// Takes a source from under watch, before its descriptor may be closed.
    pub(crate) fn deregister(&self, source: &Source) {
        if platform::raw(&source.io) != source.raw {
            // `as_fd()` returns another descriptor now. Leak the source to keep the first
            // one open.
            return std::mem::forget(self.sources.borrow().get(&source.key).cloned());
        }
        if let Ok(poller) = self.inbox.parker.poller() {
            // It fails only for a descriptor that is closed already.
            let _ = poller.delete(platform::borrow(&source.io));
        }
        self.note_interest(source, (false, false));
        let _shared = self.sources.borrow_mut().remove(&source.key);
    }

    /// A number for a waiter that can say when it stops waiting.
    pub(crate) fn waiter_id(&self) -> u64 {
        self.last_waiter.set(self.last_waiter.get() + 1);
        self.last_waiter.get()
    }

    /// Makes sure that the poller reports the direction for this source.
    pub(crate) fn arm(&self, source: &Source, direction: Direction) -> io::Result<()> {
        let (read, write) = source.armed.get();
        self.set_interest(source, (read || direction == Read, write || direction == Write))
    }

    /// Asks the poller to report these directions, unless it does so already.
    fn set_interest(&self, source: &Source, (read, write): (bool, bool)) -> io::Result<()> {
        if source.armed.get() == (read, write) {
            return Ok(());
        }
        let poller = self.inbox.parker.poller()?;
        if platform::raw(&source.io) != source.raw {
            let text = "an `AsFd` or `AsSocket` names another descriptor than at first";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        // A descriptor that no task waits for may still be reported as hung up; in oneshot
        // mode that happens once at most.
        let mode = if read || write { PollMode::Level } else { PollMode::Oneshot };
        let interest = Event::new(source.key, read, write);
        poller.modify_with_mode(platform::borrow(&source.io), interest, mode)?;
        self.note_interest(source, (read, write));
        Ok(())
    }

    fn note_interest(&self, source: &Source, new: (bool, bool)) {
        let watched = |interest| usize::from(interest != (false, false));
        let old = source.armed.replace(new);
        self.watching.set(self.watching.get() - watched(old) + watched(new));
        if new != old {
            self.tracer.watched(source.number(), new);
        }
    }

    /// Wakes the tasks that wait for what `event` says is ready.
    pub(crate) fn dispatch(&self, event: Event) -> io::Result<()> {
        let source = self.sources.borrow().get(&event.key).cloned();
        let Some(source) = source else { return Ok(()) };
        self.events.set(self.events.get() + 1);
        let ready = (event.readable, event.writable);
        if event.readable {
            source.drained.set(false);
        }
        let mut woken = self.woken.take();
        source.take_waiters(|waiter| waiter.direction.of(ready), &mut woken);
        let tasks = woken.iter().filter_map(|waiter| waiter.waker.task());
        self.tracer.fd_ready(source.number(), ready, tasks);
        self.disarm_unwanted(&source, ready, &woken)?;
        // A waker may run any code, also end the `Async` of this source.
        drop(source);
        // *Collect, release, then wake*.
        woken.drain(..).for_each(|waiter| waiter.waker.wake());
        self.woken.set(woken);
        Ok(())
    }

    /// A direction that was reported and that no leaf waits for need not be reported again.
    fn disarm_unwanted(
        &self,
        source: &Source,
        ready: (bool, bool),
        woken: &[IoWaiter],
    ) -> io::Result<()> {
        let (read, write) = source.armed.get();
        let is_unwanted = |direction: Direction| {
            direction.of(ready) && woken.iter().all(|waiter| waiter.direction != direction)
        };
        self.set_interest(source, (read && !is_unwanted(Read), write && !is_unwanted(Write)))
    }

    /// Whether the poller has been asked to report anything: then the loop must poll it.
    /// This may stay true for a while after the last task has stopped waiting.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.get() > 0
    }

    /// Whether any task waits for a descriptor.
    pub(crate) fn is_awaited(&self) -> bool {
        let sources = self.sources.borrow();
        sources.values().any(|source| !source.waiters.borrow().is_empty())
    }
}

impl<T: ?Sized> Source<T> {
    /// The system's number of the descriptor.
    pub(crate) fn number(&self) -> u64 {
        platform::number(self.raw)
    }

    /// Adds a waiter, which replaces the older waiter of the same wait.
    pub(crate) fn wait(&self, direction: Direction, id: Option<u64>, waker: RegisteredWaker) {
        let replaced = |old: &IoWaiter| match id {
            Some(_) => old.id == id,
            // Nothing else takes out what an ended task has left here.
            None => old.id.is_none() && (old.waker.same_task(&waker) || old.waker.is_of_ended()),
        };
        let mut old = Vec::new();
        self.take_waiters(|old| old.direction == direction && replaced(old), &mut old);
        let mut waiters = self.waiters.borrow_mut();
        waiters.push(IoWaiter { direction, id, waker });
        // A combinator may come with a new waker at each poll. Then the oldest one is
        // woken instead of kept: if its task still waits, it registers again.
        let is_foreign = |w: &IoWaiter| w.id.is_none() && w.waker.task().is_none();
        if waiters.iter().filter(|w| is_foreign(w)).count() > FOREIGN_KEPT {
            let oldest = waiters.iter().position(is_foreign).map(|at| waiters.remove(at));
            drop(waiters);
            oldest.into_iter().for_each(|waiter| waiter.waker.wake());
        }
    }

    /// Remembers how much a read has brought. A read that did not fill its buffer has left
    /// nothing behind: to try again would only bring `WouldBlock`.
    pub(crate) fn note_read(&self, count: usize, capacity: usize) {
        self.drained.set(0 < count && count < capacity.min(A_MESSAGE));
    }

    /// Whether the waiter of that number still waits: an event takes it out.
    pub(crate) fn is_waiting(&self, id: u64) -> bool {
        self.waiters.borrow().iter().any(|waiter| waiter.id == Some(id))
    }

    /// The waiter of that number waits no longer.
    pub(crate) fn stop_waiting(&self, id: u64) {
        self.take_waiters(|waiter| waiter.id == Some(id), &mut Vec::new());
    }

    /// Takes waiters out, for the caller to wake or drop. The drop of a waker may run any
    /// code, so it must not happen under our borrow.
    fn take_waiters(&self, which: impl Fn(&IoWaiter) -> bool, taken: &mut Vec<IoWaiter>) {
        taken.extend(self.waiters.borrow_mut().extract_if(.., |waiter| which(waiter)));
    }
}
