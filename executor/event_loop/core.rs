//! The loop itself: what it does with its parts, turn after turn (*iteration* or
//! *tick* elsewhere).
//!
//! ```text
//!        ┌───────────────────────── a turn ─────────────────────────┐
//!        │                                                          │
//!        │   1 poll_io       2 fire_timers      3 run_ready         │
//!   ┌───▶│   descriptors,    due timers         the tasks that are  │───┐
//!   │    │   other threads     │                ready now           │   │
//!   │    │      │              │                ▲    │              │   │
//!   │    └──────┼──────────────┼────────────────┼────┼──────────────┘   │
//!   │           ▼              ▼                │    ▼                  │
//!   │          wake ─────────▶ wake ──▶ ready queue ◀── wake            │
//!   │                                                                   │
//!   └─── nothing ready? then step 1 parks until there is ───────────────┘
//! ```
//!
//! It is asyncio's order: I/O first, then timers, then the tasks.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use polling::Events;

use super::parts::Parts;
use super::root::Root;
use super::slow_poll::SlowPolls;
use super::stats::Stats;
use super::stuck::StuckCheck;
use crate::task::{Message, Name};
use crate::trace::{Event, Unpark};

/// While tasks are ready, the system is asked for events once in so many polls:
/// often enough for sockets, and rarely enough that a poll costs no system call.
const POLLS_PER_LOOK: u64 = 64;
/// But polls may be long: a socket need not wait for more than this, or for one turn.
const TIME_PER_LOOK: Duration = Duration::from_millis(1);

/// A loop: its parts, and what is the loop's own.
pub(super) struct EventLoop {
    pub(super) parts: Parts,
    slow_polls: SlowPolls,
    events: RefCell<Option<Events>>,
    /// The number of polls, and the real time, at the last look.
    looked_at: Cell<(u64, Instant)>,
    stuck: StuckCheck,
    turns: Cell<u64>,
    parks: Cell<u64>,
    looks: Cell<u64>,
}

/// What the loop knows of other threads when it decides to sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Others {
    /// Whether any is out. How many makes no difference to a loop that sleeps.
    jobs: bool,
    remotes: bool,
}

impl EventLoop {
    pub(super) fn new(parts: Parts, slow_polls: SlowPolls) -> EventLoop {
        EventLoop {
            parts,
            slow_polls,
            events: RefCell::new(None),
            looked_at: Cell::new((0, Instant::now())),
            stuck: StuckCheck::default(),
            turns: Cell::new(0),
            parks: Cell::new(0),
            looks: Cell::new(0),
        }
    }

    /// Turns until the root future is ready.
    pub(super) fn run(&self, root: &mut Root<'_>) {
        while !root.is_done() {
            self.poll_io(root);
            self.fire_timers();
            self.run_ready(Some(root));
        }
    }

    /// Turns while something is ready.
    pub(super) fn run_until_stalled(&self) {
        loop {
            self.parts.glass.turn();
            self.look();
            self.drain_inbox();
            self.fire_timers();
            if self.parts.queue.is_empty() {
                return self.parts.queue.shrink();
            }
            self.run_ready(None);
        }
    }

    /// The first part of a turn: what has happened outside?
    fn poll_io(&self, root: &mut Root<'_>) {
        self.parts.glass.turn();
        self.drain_inbox();
        if self.parts.queue.is_empty() {
            self.park(root);
            self.drain_inbox();
        } else if self.is_look_due() {
            self.look();
        }
    }

    /// Takes the messages of other threads: those that are there now, so that a
    /// flood of them holds up neither timers nor descriptors.
    #[inline]
    fn drain_inbox(&self) {
        if self.parts.has_messages() {
            self.take_messages();
        }
    }

    fn take_messages(&self) {
        self.parts.glass.messages();
        for _ in 0..self.parts.messages() {
            match self.parts.receive() {
                Some(Message::Wake(header)) => header.arrived(&self.parts.queue),
                Some(Message::Run(make)) => make(),
                None => return,
            }
        }
    }

    fn is_look_due(&self) -> bool {
        let (polls, time) = self.looked_at.get();
        self.parts.reactor.is_watching()
            && (self.parts.scheduler.polls() - polls >= POLLS_PER_LOOK
                || time.elapsed() >= TIME_PER_LOOK)
    }

    /// Asks the system for events, without waiting.
    fn look(&self) {
        if self.parts.reactor.is_watching() {
            self.wait_in_poller(Some(Instant::now()), || true);
        }
    }

    /// Sleeps until a descriptor, a timer or another thread has something to do.
    fn park(&self, root: &mut Root<'_>) {
        self.parts.queue.shrink();
        let others = self.others();
        let deadline = self.parts.timers.next_wake();
        if deadline.is_none() && !self.parts.reactor.is_awaited() {
            self.stuck.check(&self.parts, root);
        }
        match self.parts.timers.clock().is_virtual() {
            true => self.park_virtually(deadline, others),
            false => self.sleep(deadline, others),
        }
    }

    /// A virtual clock does not wait for a deadline, it jumps there; but not while
    /// a job is out or a descriptor is ready, whose tasks may want to be earlier.
    fn park_virtually(&self, deadline: Option<Instant>, others: Others) {
        let Some(deadline) = deadline.filter(|_| !others.jobs) else {
            return self.sleep(None, others);
        };
        self.look();
        // The job that was done in between has left its wake in the inbox.
        if self.parts.queue.is_empty() && !self.parts.has_messages() {
            self.tell_park(Some(deadline));
            self.parts.timers.clock().move_to(deadline);
            self.parts.glass.unpark(|| Unpark::Timeout);
        }
    }

    fn sleep(&self, deadline: Option<Instant>, others: Others) {
        self.parks.set(self.parks.get() + 1);
        self.tell_park(deadline);
        // Whoever has gone since we decided to sleep has found no sleep to end.
        let stay_awake = || self.parts.has_messages() || self.others() != others;
        match self.parts.reactor.is_watching() {
            true => self.wait_in_poller(deadline, stay_awake),
            false => {
                self.parts.mailbox.parker().park_thread(deadline, stay_awake);
                self.tell_unpark(deadline, false);
            }
        }
    }

    fn tell_park(&self, deadline: Option<Instant>) {
        let now = || self.parts.timers.clock().now();
        let limit = || deadline.map(|at| at.saturating_duration_since(now()));
        self.parts.glass.emit(|| Event::Park { limit: limit() });
    }

    fn tell_unpark(&self, deadline: Option<Instant>, is_event: bool) {
        let is_due = || deadline.is_some_and(|at| at <= self.parts.timers.clock().now());
        self.parts.glass.unpark(|| match self.parts.has_messages() {
            _ if is_event => Unpark::Fd,
            true => Unpark::Message,
            false if is_due() => Unpark::Timeout,
            false => Unpark::Other,
        });
    }

    /// The other threads that may still have something for the loop.
    fn others(&self) -> Others {
        let jobs = self.parts.pool.jobs_out() > 0;
        Others { jobs, remotes: self.parts.mailbox.has_remotes() }
    }

    /// Waits in the poller until `deadline` at most, and hands the events to the
    /// reactor.
    ///
    /// # Panics
    /// With the system's error. A loop that went on without its poller would only
    /// spin.
    fn wait_in_poller(&self, deadline: Option<Instant>, stay_awake: impl Fn() -> bool) {
        self.looks.set(self.looks.get() + 1);
        // Taken out while the events are dispatched: that wakes, and a foreign
        // waker may do anything.
        let mut events = self.events.take().unwrap_or_default();
        events.clear();
        let parker = self.parts.mailbox.parker();
        parker
            .park_poller(&mut events, deadline, stay_awake)
            .inspect(|()| self.tell_unpark(deadline, events.iter().next().is_some()))
            .and_then(|()| self.dispatch(&events))
            .unwrap_or_else(|error| panic!("the system's poller failed: {error}"));
        self.events.replace(Some(events));
        self.looked_at.set((self.parts.scheduler.polls(), Instant::now()));
    }

    fn dispatch(&self, events: &Events) -> io::Result<()> {
        events.iter().try_for_each(|event| self.parts.reactor.dispatch(event))
    }

    /// The second part of a turn: wakes the tasks whose timers are due.
    #[inline]
    fn fire_timers(&self) {
        self.parts.timers.fire();
    }

    /// The third part of a turn: polls the tasks that are ready now, and not those
    /// that they make ready. Stops when the root is done.
    fn run_ready(&self, mut root: Option<&mut Root<'_>>) {
        self.turns.set(self.turns.get() + 1);
        for _ in 0..self.parts.queue.len() {
            if root.as_ref().is_some_and(|root| root.is_done()) {
                return;
            }
            let Some(name) = self.parts.queue.pop() else {
                return;
            };
            match &mut root {
                Some(root) if root.name == name => self.poll_root(root),
                _ => self.poll_task(name),
            }
        }
    }

    fn poll_task(&self, name: Name) {
        let who = || {
            let task = self.parts.scheduler.find(name)?;
            let label = task.label().map(str::to_owned);
            Some((task.id(), label, task.spawned_at))
        };
        self.slow_polls.measure(who, || self.parts.scheduler.poll(name));
    }

    fn poll_root(&self, root: &mut Root<'_>) {
        let (id, called_at) = (root.id, root.called_at);
        let who = || Some((id, Some("root".into()), called_at));
        self.slow_polls.measure(who, || root.poll(&self.parts.scheduler));
    }

    /// Ends the loop: drops the tasks and what was sent to it, then waits for the
    /// jobs, which may be waiting for an answer to what they have sent.
    pub(super) fn close(&self) {
        self.parts.scheduler.drop_all_tasks();
        self.parts.disconnect();
        // A Drop of what was sent may have spawned.
        self.parts.scheduler.drop_all_tasks();
        self.parts.pool.shutdown();
        self.parts.glass.emit(|| Event::LoopEnd);
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            turns: self.turns.get(),
            polls: self.parts.scheduler.polls(),
            wakes: self.parts.queue.pushed(),
            parks: self.parks.get(),
            looks: self.looks.get(),
            events: self.parts.reactor.events(),
            timers_fired: self.parts.timers.fired(),
            jobs: self.parts.pool.submitted(),
            tasks_alive: self.parts.scheduler.alive(),
            timers_armed: self.parts.timers.armed(),
        }
    }
}
