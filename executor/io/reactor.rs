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
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use polling::{Event, PollMode};

use super::platform::{self, Pollable};
use crate::task::{KeptWaker, Mailbox};

/// The two things for which a descriptor may be awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

use Direction::{Read, Write};

/// The watched descriptors of one loop: a part of the loop.
pub(crate) struct Reactor {
    mailbox: Arc<Mailbox>,
    sources: RefCell<HashMap<usize, Rc<Source>>>,
    last_key: Cell<usize>,
    last_waiter: Cell<u64>,
    /// How many sources the poller has been asked to report on.
    watching: Cell<usize>,
    events: Cell<u64>,
}

/// A descriptor, and who waits for it.
pub(crate) struct Source<T: ?Sized = dyn Pollable> {
    key: usize,
    readers: RefCell<Vec<Waiter>>,
    writers: RefCell<Vec<Waiter>>,
    /// What the poller has been asked to report: reading, writing.
    armed: Cell<(bool, bool)>,
    io: T,
}

struct Waiter {
    /// `None` for one that comes by `poll_read` and the like, which cannot say
    /// when it stops waiting; there is at most one of these per task.
    id: Option<u64>,
    waker: KeptWaker,
}

impl Reactor {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Reactor {
        Reactor {
            mailbox,
            sources: RefCell::default(),
            last_key: Cell::new(0),
            last_waiter: Cell::new(0),
            watching: Cell::new(0),
            events: Cell::new(0),
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
        let source = Rc::new(Source {
            key,
            readers: RefCell::default(),
            writers: RefCell::default(),
            armed: Cell::new((false, false)),
            io,
        });
        let raw = platform::raw(&source.io);
        // SAFETY: The descriptor must be deleted from the poller before it is
        // closed. It is closed when the `Source` is dropped or taken apart, and
        // the map of sources keeps the `Source` alive until `deregister` takes
        // it out, which deletes it first. When the whole reactor goes, so does
        // the loop; a `Source` that some `Async` still owns then deregisters at
        // the end of that `Async`, before it closes its descriptor. The poller
        // lives in the mailbox, which the reactor owns: it is still there.
        #[allow(unsafe_code)]
        unsafe {
            poller.add_with_mode(raw, Event::none(key), PollMode::Oneshot)?;
        }
        self.last_key.set(key);
        let shared: Rc<Source> = source.clone();
        self.sources.borrow_mut().insert(key, shared);
        Ok(source)
    }

    /// Takes a source from under watch, before its descriptor may be closed.
    pub(crate) fn deregister<T: Pollable + 'static>(&self, source: &Source<T>) {
        if let Ok(poller) = self.mailbox.parker().poller() {
            // It fails only for a descriptor that is closed already.
            let _ = poller.delete(platform::borrow(&source.io));
        }
        self.note_interest(&source.armed, (false, false));
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
            Read if !read => {
                self.set_interest(source.key, &source.armed, &source.io, (true, write))
            }
            Write if !write => {
                self.set_interest(source.key, &source.armed, &source.io, (read, true))
            }
            _ => Ok(()),
        }
    }

    fn set_interest(
        &self,
        key: usize,
        armed: &Cell<(bool, bool)>,
        io: &dyn Pollable,
        (read, write): (bool, bool),
    ) -> io::Result<()> {
        let poller = self.mailbox.parker().poller()?;
        // A descriptor that nobody waits for may still be reported as hung up;
        // in oneshot mode that happens once at most.
        let mode = match read || write {
            true => PollMode::Level,
            false => PollMode::Oneshot,
        };
        let interest = Event::new(key, read, write);
        poller.modify_with_mode(platform::borrow(io), interest, mode)?;
        self.note_interest(armed, (read, write));
        Ok(())
    }

    fn note_interest(&self, armed: &Cell<(bool, bool)>, new: (bool, bool)) {
        let watched = |interest| usize::from(interest != (false, false));
        let others = self.watching.get() - watched(armed.replace(new));
        self.watching.set(others + watched(new));
    }

    /// Wakes everybody who waits for what `event` says is ready.
    pub(crate) fn dispatch(&self, event: Event) -> io::Result<()> {
        let source = self.sources.borrow().get(&event.key).cloned();
        let Some(source) = source else {
            return Ok(());
        };
        self.events.set(self.events.get() + 1);
        let readers = source.serve(Read, event.readable);
        let writers = source.serve(Write, event.writable);
        // Reported and unwanted: ask no longer.
        let (read, write) = source.armed.get();
        let wanted = (
            read && !(event.readable && readers.is_empty()),
            write && !(event.writable && writers.is_empty()),
        );
        if wanted != (read, write) {
            self.set_interest(source.key, &source.armed, &source.io, wanted)?;
        }
        // Collected first, woken later: see `KeptWaker::wake`.
        let all = readers.into_iter().chain(writers);
        all.for_each(|waiter| waiter.waker.wake());
        Ok(())
    }

    /// Whether the poller has been asked to report anything.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.get() > 0
    }

    /// Whether any task waits for a descriptor.
    pub(crate) fn is_awaited(&self) -> bool {
        let sources = self.sources.borrow();
        sources.values().any(|source| source.is_awaited())
    }

    /// How many events were dispatched to a source, ever.
    pub(crate) fn events(&self) -> u64 {
        self.events.get()
    }
}

impl<T: ?Sized> Source<T> {
    fn waiters(&self, direction: Direction) -> &RefCell<Vec<Waiter>> {
        match direction {
            Read => &self.readers,
            Write => &self.writers,
        }
    }

    /// Adds a waiter that can say when it stops.
    pub(crate) fn wait(&self, direction: Direction, id: u64, waker: KeptWaker) {
        let waiter = Waiter { id: Some(id), waker };
        self.waiters(direction).borrow_mut().push(waiter);
    }

    /// Adds a waiter that cannot; one per task is enough.
    pub(crate) fn wait_unnumbered(&self, direction: Direction, waker: KeptWaker) {
        let mut waiters = self.waiters(direction).borrow_mut();
        let known = |w: &Waiter| w.id.is_none() && w.waker.same_task(&waker);
        if !waiters.iter().any(known) {
            waiters.push(Waiter { id: None, waker });
        }
    }

    /// Gives a waiter its newest waker. Says whether it is still waiting.
    pub(crate) fn update(&self, direction: Direction, id: u64, waker: KeptWaker) -> bool {
        let mut waiters = self.waiters(direction).borrow_mut();
        let mut found = waiters.iter_mut().filter(|waiter| waiter.id == Some(id));
        let Some(waiter) = found.next() else {
            return false;
        };
        let old = std::mem::replace(&mut waiter.waker, waker);
        // Released first: a waker may be the last owner of anything.
        drop(waiters);
        drop(old);
        true
    }

    /// The waiter waits no longer.
    pub(crate) fn stop_waiting(&self, direction: Direction, id: u64) {
        let mut waiters = self.waiters(direction).borrow_mut();
        let position = waiters.iter().position(|waiter| waiter.id == Some(id));
        let removed = position.map(|position| waiters.remove(position));
        drop(waiters);
        drop(removed);
    }

    fn serve(&self, direction: Direction, ready: bool) -> Vec<Waiter> {
        match ready {
            true => self.waiters(direction).take(),
            false => Vec::new(),
        }
    }

    fn is_awaited(&self) -> bool {
        !self.readers.borrow().is_empty() || !self.writers.borrow().is_empty()
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

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reactor({} sources)", self.sources.borrow().len())
    }
}
