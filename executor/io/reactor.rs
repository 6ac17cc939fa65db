//! The reactor: which tasks wait for which descriptors, and who is woken when
//! the system says that one is ready.
//!
//! ```text
//!   read() ─▶ WouldBlock ─▶ wait(Read) ─▶ waiters.push, interest armed
//!                                               │
//!   poller ── event(key) ─▶ sources[key] ─▶ everybody who waits for it wakes
//!                                               │ nobody waits?
//!                                               ▼
//!                                         interest disarmed
//! ```
//!
//! *Register after `WouldBlock`*: a task first tries, and waits only when the
//! system had nothing for it. The registration is level-triggered: as long as
//! the descriptor is ready, every look says so again. So nothing can be missed
//! between the try and the registration, and no readiness need be remembered.
//! The price is that a descriptor which is ready while nobody wants it would
//! keep the loop awake; hence an event that finds nobody disarms the interest.
//! In the usual rhythm (wait, wake, read, wait) it stays armed, and waiting again
//! costs no system call.
//!
//! A key is never used twice. An event that was on its way to a socket which has
//! been closed since finds nobody, even if a new socket got the same descriptor.
//!
//! The reactor knows no time and does no waiting itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use polling::{Event, PollMode};

use super::platform::{self, Pollable};
use crate::task::{KeptWaker, Mailbox, Message};
use crate::trace::{Event as Seen, Glass, Interest, What};

/// The two things for which a descriptor may be awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

use Direction::{Read, Write};

impl Direction {
    /// What a leaf waits for that waits for this.
    pub(super) fn wait_on(self, fd: u64) -> What {
        match self {
            Read => What::Readable(fd),
            Write => What::Writable(fd),
        }
    }
}

/// The watched descriptors of one loop: a part of the loop.
pub(crate) struct Reactor {
    mailbox: Arc<Mailbox<Message>>,
    sources: RefCell<HashMap<usize, Rc<Source>>>,
    last_key: Cell<usize>,
    last_waiter: Cell<u64>,
    /// How many sources the poller has been asked to report on.
    watching: Cell<usize>,
    events: Cell<u64>,
    glass: Glass,
    /// Empty: only its memory is kept, for the waiters of the next event.
    served: Cell<Vec<Waiter>>,
}

/// A descriptor, and who waits for it.
pub(crate) struct Source<T: ?Sized = dyn Pollable> {
    key: usize,
    /// The descriptor that was registered.
    raw: platform::Raw,
    waiters: RefCell<Vec<Waiter>>,
    /// What the poller has been asked to report: reading, writing.
    armed: Cell<(bool, bool)>,
    /// The last read took everything, and no event has come since.
    drained: Cell<bool>,
    io: T,
}

/// What is shorter was sent as one, and is read as one.
const A_MESSAGE: usize = 4096;

/// How many foreign wakers a descriptor keeps that cannot say when they stop waiting.
const FOREIGN_KEPT: usize = 64;

struct Waiter {
    direction: Direction,
    /// `None` for one that comes by `poll_read` and the like, which cannot say
    /// when it stops waiting; there is at most one of these per task.
    id: Option<u64>,
    waker: KeptWaker,
}

impl Reactor {
    pub(crate) fn new(mailbox: Arc<Mailbox<Message>>, glass: Glass) -> Reactor {
        Reactor {
            mailbox,
            sources: RefCell::default(),
            last_key: Cell::new(0),
            last_waiter: Cell::new(0),
            watching: Cell::new(0),
            events: Cell::new(0),
            glass,
            served: Cell::default(),
        }
    }

    /// Puts `io` under watch, for nothing to begin with.
    ///
    /// # Errors
    /// The system's, if `io` is of a kind that cannot be watched, like a regular
    /// file.
    pub(crate) fn register<T: Pollable + 'static>(&self, io: T) -> io::Result<Rc<Source<T>>> {
        let poller = self.mailbox.parker().poller()?;
        let key = self.last_key.get() + 1;
        self.last_key.set(key);
        let raw = platform::raw(&io);
        let (waiters, armed, drained) = Default::default();
        let source = Rc::new(Source { key, raw, waiters, armed, drained, io });
        // SAFETY: The descriptor must be deleted from the poller before it is closed.
        // It is closed when the `Source` is dropped or taken apart, and the map of
        // sources keeps the `Source` alive until `deregister` takes it out, which
        // deletes it first; or never does, if `io` names another descriptor by then.
        // When the whole reactor goes, so does the loop; a `Source` that some `Async`
        // still owns then deregisters at the end of that `Async`, before it closes its
        // descriptor. The poller lives in the mailbox, which the reactor owns.
        #[allow(unsafe_code)]
        unsafe {
            poller.add_with_mode(raw, Event::none(key), PollMode::Oneshot)?;
        }
        let shared: Rc<Source> = source.clone();
        self.sources.borrow_mut().insert(key, shared);
        Ok(source)
    }

    /// Takes a source from under watch, before its descriptor may be closed.
    pub(crate) fn deregister<T: Pollable + 'static>(&self, source: &Source<T>) {
        if platform::raw(&source.io) != source.raw {
            // An `AsFd` that changes its mind. What we have registered must not be
            // closed, so its source stays where it is, for ever.
            return std::mem::forget(self.sources.borrow().get(&source.key).cloned());
        }
        if let Ok(poller) = self.mailbox.parker().poller() {
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
    pub(crate) fn arm<T: Pollable + 'static>(
        &self,
        source: &Source<T>,
        direction: Direction,
    ) -> io::Result<()> {
        let (read, write) = source.armed.get();
        match direction {
            Read if !read => self.set_interest(source, (true, write)),
            Write if !write => self.set_interest(source, (read, true)),
            _ => Ok(()),
        }
    }

    fn set_interest(&self, source: &Source, (read, write): (bool, bool)) -> io::Result<()> {
        let poller = self.mailbox.parker().poller()?;
        if platform::raw(&source.io) != source.raw {
            let text = "an `AsFd` or `AsSocket` names another descriptor than at first";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        // A descriptor that nobody waits for may still be reported as hung up;
        // in oneshot mode that happens once at most.
        let mode = match read || write {
            true => PollMode::Level,
            false => PollMode::Oneshot,
        };
        let interest = Event::new(source.key, read, write);
        poller.modify_with_mode(platform::borrow(&source.io), interest, mode)?;
        self.note_interest(source, (read, write));
        Ok(())
    }

    fn note_interest<T: ?Sized>(&self, source: &Source<T>, new: (bool, bool)) {
        let watched = |interest| usize::from(interest != (false, false));
        let old = source.armed.replace(new);
        self.watching.set(self.watching.get() - watched(old) + watched(new));
        if new != old {
            let want = Interest { read: new.0, write: new.1 };
            self.glass.emit(|| Seen::Watch { fd: source.number(), want });
        }
    }

    /// Wakes everybody who waits for what `event` says is ready.
    pub(crate) fn dispatch(&self, event: Event) -> io::Result<()> {
        let source = self.sources.borrow().get(&event.key).cloned();
        let Some(source) = source else {
            return Ok(());
        };
        self.events.set(self.events.get() + 1);
        let ready = |direction| match direction {
            Read => event.readable,
            Write => event.writable,
        };
        if event.readable {
            source.drained.set(false);
        }
        let mut served = self.served.take();
        source.take_waiters(|waiter| ready(waiter.direction), &mut served);
        self.tell_ready(&source, event, &served);
        let idle = |direction| ready(direction) && served.iter().all(|w| w.direction != direction);
        self.ask_no_longer(&source, idle)?;
        // A waker may do anything, also end the `Async` of this source.
        drop(source);
        // Collected first, woken later: see `KeptWaker::wake`.
        served.drain(..).for_each(|waiter| waiter.waker.wake());
        self.served.set(served);
        Ok(())
    }

    /// What was reported and is wanted by nobody need not be reported again.
    fn ask_no_longer(&self, source: &Source, idle: impl Fn(Direction) -> bool) -> io::Result<()> {
        let (read, write) = source.armed.get();
        let wanted = (read && !idle(Read), write && !idle(Write));
        match wanted == (read, write) {
            true => Ok(()),
            false => self.set_interest(source, wanted),
        }
    }

    fn tell_ready(&self, source: &Source, event: Event, served: &[Waiter]) {
        self.glass.if_watched(|| {
            let tasks: Vec<u64> = served.iter().filter_map(|w| w.waker.task()).collect();
            let got = Interest { read: event.readable, write: event.writable };
            self.glass.emit(|| Seen::FdReady { fd: source.number(), got, tasks: &tasks });
        });
    }

    /// Whether the poller has been asked to report anything: then the loop must look
    /// there. It may go on being asked for a while after the last task stopped
    /// waiting.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.get() > 0
    }

    /// Whether any task waits for a descriptor.
    pub(crate) fn is_awaited(&self) -> bool {
        let sources = self.sources.borrow();
        sources.values().any(|source| !source.waiters.borrow().is_empty())
    }

    /// How many events were dispatched to a source, ever.
    pub(crate) fn events(&self) -> u64 {
        self.events.get()
    }
}

impl<T: ?Sized> Source<T> {
    /// The system's number of the descriptor.
    pub(crate) fn number(&self) -> u64 {
        platform::number(self.raw)
    }

    /// Adds a waiter, instead of the one that was there for the same wait.
    pub(crate) fn wait(&self, direction: Direction, id: Option<u64>, waker: KeptWaker) {
        let replaced = |old: &Waiter| match id {
            Some(_) => old.id == id,
            // Nobody else would take out what an ended task has left here.
            None => old.id.is_none() && (old.waker.same_task(&waker) || old.waker.is_of_ended()),
        };
        let mut old = Vec::new();
        self.take_waiters(|old| old.direction == direction && replaced(old), &mut old);
        let mut waiters = self.waiters.borrow_mut();
        waiters.push(Waiter { direction, id, waker });
        // A combinator may come with a new waker at each poll. The oldest is woken
        // instead of kept: if it was still of use, its task comes again.
        let is_foreign = |w: &Waiter| w.id.is_none() && w.waker.is_foreign();
        if waiters.iter().filter(|w| is_foreign(w)).count() > FOREIGN_KEPT {
            let oldest = waiters.iter().position(is_foreign).map(|at| waiters.remove(at));
            drop(waiters);
            oldest.into_iter().for_each(|waiter| waiter.waker.wake());
        }
    }

    /// Notes how much a read has brought. A read that did not fill its buffer has left
    /// nothing behind: to try again would only bring `WouldBlock`.
    pub(crate) fn note_read(&self, count: usize, room: usize) {
        self.drained.set(0 < count && count < room.min(A_MESSAGE));
    }

    /// Whether the next read may wait without having tried: what comes after the last
    /// one is reported, since the registration is level-triggered.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.get()
    }

    /// Whether the waiter of that number waits still: an event takes it away.
    pub(crate) fn is_waiting(&self, id: u64) -> bool {
        self.waiters.borrow().iter().any(|waiter| waiter.id == Some(id))
    }

    /// The waiter of that number waits no longer.
    pub(crate) fn stop_waiting(&self, id: u64) {
        self.take_waiters(|waiter| waiter.id == Some(id), &mut Vec::new());
    }

    /// Takes waiters out, for the caller to wake or drop: a waker may be the last
    /// owner of anything, so that must not happen under our borrow.
    fn take_waiters(&self, which: impl Fn(&Waiter) -> bool, taken: &mut Vec<Waiter>) {
        taken.extend(self.waiters.borrow_mut().extract_if(.., |waiter| which(waiter)));
    }
}

impl<T> Source<T> {
    pub(crate) fn io(&self) -> &T {
        &self.io
    }

    pub(crate) fn into_io(self) -> T {
        self.io
    }
}
