//! The reactor: which tasks wait for which descriptors, and which of them are woken when
//! the system's poller (epoll on Linux, kqueue on macOS, IOCP on Windows) says that a
//! descriptor is ready.
//!
//! ```text
//!   read() ─▶ WouldBlock ─▶ wait(Read) ─▶ waiters.push, interest armed
//!                                               │
//!   poller ── event(key) ─▶ sources[key] ─▶ wake the first that waits for it
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
use std::collections::{HashMap, VecDeque};
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
    /// The handle of that descriptor, whatever `as_fd()` returns later.
    fd: platform::Borrowed,
    /// Those who wait to read, and those who wait to write, in the order of their numbers.
    waiters: [RefCell<VecDeque<IoWaiter>>; 2],
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

pub(super) struct IoWaiter {
    pub(super) id: u64,
    /// False for a wait by `poll_read` and the like, which have no leaf that could end the
    /// wait; a task has at most one of these.
    pub(super) is_leaf: bool,
    pub(super) waker: RegisteredWaker,
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
        // SAFETY: The descriptor must be deleted from the poller before it is closed, and
        // must be open while `fd` is used. It is closed when the `Source`, which owns `io`, is
        // dropped or taken apart: nothing else gets more than a shared reference to `io`, so
        // what `as_fd()` has returned once stays open, whatever it returns later. The
        // map of sources keeps the `Source` alive until `deregister` takes it out, which
        // deletes it first. An `Async` owns its loop, so the reactor, and the poller in its
        // inbox, outlive every `Async`. `fd` is private, and leaves no function of this file.
        #[allow(unsafe_code)]
        let fd = unsafe {
            poller.add_with_mode(raw, Event::none(key), PollMode::Oneshot)?;
            platform::Borrowed::borrow_raw(raw)
        };
        let (waiters, armed, drained) = Default::default();
        let source = Rc::new(Source { key, raw, fd, waiters, armed, drained, io });
        let shared: Rc<Source> = source.clone();
        self.sources.borrow_mut().insert(key, shared);
        Ok(source)
    }

    /// Takes a source from under watch, before its descriptor may be closed.
    pub(crate) fn deregister(&self, source: &Source) {
        if let Ok(poller) = self.inbox.parker.poller() {
            // It fails only for a descriptor that is closed already.
            let _ = poller.delete(source.fd);
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
    ///
    /// # Errors
    /// The system's; and if an operation would use another descriptor than the one that the
    /// poller watches.
    pub(crate) fn arm(&self, source: &Source, direction: Direction) -> io::Result<()> {
        let (read, write) = source.armed.get();
        let interest = (read || direction == Read, write || direction == Write);
        if interest != source.armed.get() && platform::raw(&source.io) != source.raw {
            let text = "an `AsFd` or `AsSocket` names another descriptor than at first";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.set_interest(source, interest)
    }

    /// Asks the poller to report these directions, unless it does so already.
    fn set_interest(&self, source: &Source, (read, write): (bool, bool)) -> io::Result<()> {
        if source.armed.get() == (read, write) {
            return Ok(());
        }
        let poller = self.inbox.parker.poller()?;
        // A descriptor that no task waits for may still be reported as hung up; in oneshot
        // mode that happens once at most.
        let mode = if read || write { PollMode::Level } else { PollMode::Oneshot };
        let interest = Event::new(source.key, read, write);
        poller.modify_with_mode(source.fd, interest, mode)?;
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

    /// Wakes the task that has waited longest for what `event` says is ready.
    ///
    /// One task for each direction: if there is more than it takes, the descriptor stays
    /// ready, and the next poll of the system's poller wakes the next task. So no event is
    /// lost if the task is dropped before its turn, and a thousand tasks that accept from
    /// one listener are not all woken for each connection.
    pub(crate) fn dispatch(&self, event: Event) {
        let source = self.sources.borrow().get(&event.key).cloned();
        let Some(source) = source else { return };
        self.events.set(self.events.get() + 1);
        if event.readable {
            source.drained.set(false);
        }
        let ready = (event.readable, event.writable);
        let first = |direction: Direction| source.waiters(direction).borrow_mut().pop_front();
        let reader = ready.0.then(|| first(Read)).flatten();
        let writer = ready.1.then(|| first(Write)).flatten();
        let unwanted = (ready.0 && reader.is_none(), ready.1 && writer.is_none());
        let mut woken = self.woken.take();
        woken.extend(reader.into_iter().chain(writer));
        let tasks = woken.iter().filter_map(|waiter| waiter.waker.task());
        self.tracer.fd_ready(source.number(), ready, tasks);
        self.disarm_unwanted(&source, unwanted, &mut woken);
        // A waker may run any code, also end the `Async` of this source.
        drop(source);
        // *Collect, release, then wake*.
        woken.drain(..).for_each(|waiter| waiter.waker.wake());
        self.woken.set(woken);
    }

    /// A direction that was reported and that no leaf waits for need not be reported again.
    ///
    /// If the system refuses, `unsafe` code has closed the descriptor. That is the business of
    /// its owner, whose next operation gets the system's error: those who wait try again.
    fn disarm_unwanted(&self, source: &Source, unwanted: (bool, bool), woken: &mut Vec<IoWaiter>) {
        let (read, write) = source.armed.get();
        if self.set_interest(source, (read && !unwanted.0, write && !unwanted.1)).is_err() {
            self.note_interest(source, (false, false));
            source.waiters.iter().for_each(|waiters| woken.extend(waiters.take()));
        }
    }

    /// Whether the poller has been asked to report anything: then the loop must poll it.
    /// This may stay true for a while after the last task has stopped waiting.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.get() > 0
    }

    /// Whether any task waits for a descriptor.
    pub(crate) fn is_awaited(&self) -> bool {
        let sources = self.sources.borrow();
        let is_awaited = |source: &Source| source.waiters.iter().any(|w| !w.borrow().is_empty());
        sources.values().any(|source| is_awaited(source))
    }
}

impl<T: ?Sized> Source<T> {
    /// The system's number of the descriptor.
    pub(crate) fn number(&self) -> u64 {
        platform::number(self.raw)
    }

    fn waiters(&self, direction: Direction) -> &RefCell<VecDeque<IoWaiter>> {
        &self.waiters[direction as usize]
    }

    /// Adds a waiter, which replaces the older waiter of the same wait.
    pub(super) fn wait(&self, direction: Direction, waiter: IoWaiter) {
        // Dropped or woken at the end, after the borrow: both may run any code.
        let (mut old, mut oldest) = (Vec::new(), None);
        let mut waiters = self.waiters(direction).borrow_mut();
        if waiter.is_leaf {
            match waiters.binary_search_by_key(&waiter.id, |other| other.id) {
                Ok(at) => old.push(std::mem::replace(&mut waiters[at], waiter)),
                Err(at) => waiters.insert(at, waiter),
            }
        } else {
            // Nothing else takes out what an ended task has left here.
            let is_replaced = |old: &IoWaiter| {
                !old.is_leaf && (old.waker.same_task(&waiter.waker) || old.waker.is_of_ended())
            };
            while let Some(at) = waiters.iter().position(is_replaced) {
                old.extend(waiters.remove(at));
            }
            waiters.push_back(waiter);
            oldest = too_many(&mut waiters);
        }
        drop(waiters);
        oldest.into_iter().for_each(|waiter| waiter.waker.wake());
    }

    /// Remembers how much a read has brought. A read that did not fill its buffer has left
    /// nothing behind: to try again would only bring `WouldBlock`.
    pub(crate) fn note_read(&self, count: usize, capacity: usize) {
        self.drained.set(0 < count && count < capacity.min(A_MESSAGE));
    }

    /// Wakes all that wait for the direction.
    pub(super) fn wake_all(&self, direction: Direction) {
        self.drained.set(self.drained.get() && direction != Read);
        let waiters = self.waiters(direction).take();
        waiters.into_iter().for_each(|waiter| waiter.waker.wake());
    }

    /// Whether the waiter of that number still waits: an event takes it out.
    pub(super) fn is_waiting(&self, direction: Direction, id: u64) -> bool {
        self.waiters(direction).borrow().binary_search_by_key(&id, |waiter| waiter.id).is_ok()
    }

    /// The waiter of that number waits no longer.
    pub(super) fn stop_waiting(&self, direction: Direction, id: u64) {
        let mut waiters = self.waiters(direction).borrow_mut();
        let at = waiters.binary_search_by_key(&id, |waiter| waiter.id);
        let stopped = at.ok().and_then(|at| waiters.remove(at));
        // The drop of a waker may run any code, so it must not happen under our borrow.
        drop(waiters);
        drop(stopped);
    }
}

/// A combinator may come with a new waker at each poll. Then the oldest one is woken instead
/// of kept: if its task still waits, it registers again.
fn too_many(waiters: &mut VecDeque<IoWaiter>) -> Option<IoWaiter> {
    let is_foreign = |waiter: &IoWaiter| !waiter.is_leaf && waiter.waker.task().is_none();
    let is_full = waiters.iter().filter(|waiter| is_foreign(waiter)).count() > FOREIGN_KEPT;
    let oldest = waiters.iter().position(is_foreign).filter(|_| is_full)?;
    waiters.remove(oldest)
}
