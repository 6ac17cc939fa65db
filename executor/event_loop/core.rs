//! The loop itself: the only file that knows all the parts, and what it does
//! with them, turn after turn.
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

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;
use polling::Events;

use super::root::Root;
use super::slow_poll::SlowPolls;
use super::stats::Stats;
use super::stuck;
use crate::blocking::Pool;
use crate::io::Reactor;
use crate::task::current::{self, Entered, Parts};
use crate::task::{Mailbox, Message, Name, RunQueue, Running, Scheduler};
use crate::time::Timers;

/// While tasks are ready, the system is asked for events once in so many polls:
/// often enough for sockets, and rarely enough that a poll costs no system call.
const POLLS_PER_LOOK: u64 = 64;

/// A loop: its parts, and what is the loop's own.
pub(crate) struct EventLoop {
    pub(super) queue: Rc<RunQueue>,
    pub(super) running: Rc<Running>,
    pub(super) scheduler: Rc<Scheduler>,
    pub(super) timers: Rc<Timers>,
    pub(super) reactor: Rc<Reactor>,
    pub(super) pool: Rc<Pool>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) inbox: Receiver<Message>,

    slow_polls: SlowPolls,
    events: RefCell<Option<Events>>,
    /// The number of polls at the last look.
    looked_at: Cell<u64>,
    turns: Cell<u64>,
    parks: Cell<u64>,
    looks: Cell<u64>,
    /// Where the search for a wake from outside succeeded last. See `stuck`.
    pub(super) last_witness: Cell<u32>,
}

/// Whether the loop may go to sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Park,
    Never,
}

impl EventLoop {
    pub(super) fn new(timers: Timers, max_threads: usize, slow_polls: SlowPolls) -> EventLoop {
        let (mailbox, inbox) = Mailbox::new();
        let queue = Rc::new(RunQueue::new(Arc::clone(&mailbox)));
        let running = Rc::new(Running::default());
        let scheduler =
            Scheduler::new(Rc::clone(&queue), Rc::clone(&running), Arc::clone(&mailbox));
        let for_pool = Arc::clone(&mailbox);
        let job_done = move || for_pool.parker().unpark();
        let pool = Pool::new(max_threads, crate::blocking::pool::KEEP_ALIVE, job_done);
        EventLoop {
            queue,
            running,
            scheduler: Rc::new(scheduler),
            timers: Rc::new(timers),
            reactor: Rc::new(Reactor::new(Arc::clone(&mailbox))),
            pool: Rc::new(pool),
            mailbox,
            inbox,
            slow_polls,
            events: RefCell::new(None),
            looked_at: Cell::new(0),
            turns: Cell::new(0),
            parks: Cell::new(0),
            looks: Cell::new(0),
            last_witness: Cell::new(0),
        }
    }

    /// Makes this the current loop of the thread.
    pub(super) fn enter(self: &Rc<Self>) -> Entered {
        let part = |part: Rc<dyn Any>| part;
        let parts: Parts = Rc::new([
            part(Rc::clone(&self.queue) as _),
            part(Rc::clone(&self.running) as _),
            part(Rc::clone(&self.timers) as _),
            part(Rc::clone(&self.scheduler) as _),
            part(Rc::clone(&self.reactor) as _),
            part(Rc::clone(&self.pool) as _),
            part(Rc::clone(self) as _),
        ]);
        current::enter(parts)
    }

    /// Turns until the root future is ready.
    pub(super) fn run(&self, root: &mut Root<'_>) {
        while !root.is_done() {
            self.poll_io(Patience::Park, Some(root));
            self.timers.fire();
            self.run_ready(Some(root));
        }
    }

    /// Turns while something is ready.
    pub(super) fn run_until_stalled(&self) {
        loop {
            self.poll_io(Patience::Never, None);
            self.timers.fire();
            if self.queue.is_empty() {
                return;
            }
            self.run_ready(None);
        }
    }

    /// The first part of a turn: what has happened outside?
    fn poll_io(&self, patience: Patience, root: Option<&mut Root<'_>>) {
        self.drain_inbox();
        let since_look = self.scheduler.polls() - self.looked_at.get();
        let idle = self.queue.is_empty() && patience == Patience::Park;
        if idle {
            self.park(root);
        } else if patience == Patience::Never || since_look >= POLLS_PER_LOOK {
            self.look();
        }
        self.drain_inbox();
    }

    /// Takes the messages of other threads: those that are there now, so that a
    /// flood of them holds up neither timers nor descriptors.
    fn drain_inbox(&self) {
        for _ in 0..self.inbox.len() {
            match self.inbox.try_recv() {
                Ok(Message::Wake(header)) => header.arrived(&self.queue),
                Ok(Message::Run(make)) => make(),
                Err(_) => return,
            }
        }
    }

    /// Asks the system for events, without waiting.
    fn look(&self) {
        if self.reactor.is_watching() {
            self.wait_in_poller(Some(Instant::now()));
        }
        self.looked_at.set(self.scheduler.polls());
    }

    /// Sleeps until a descriptor, a timer or another thread has something to do.
    fn park(&self, root: Option<&mut Root<'_>>) {
        let deadline = self.timers.next_wake();
        let nothing_else = deadline.is_none() && !self.reactor.is_awaited();
        if nothing_else && stuck::check(self, root) {
            return;
        }
        if self.timers.clock().is_virtual() {
            return self.park_virtually(deadline);
        }
        self.sleep(deadline);
    }

    /// A virtual clock does not wait for a deadline, it jumps there; but not while
    /// a job is out or a descriptor is ready, whose tasks may want to be earlier.
    fn park_virtually(&self, deadline: Option<Instant>) {
        let jobs_out = self.pool.jobs_out() > 0;
        let Some(deadline) = deadline.filter(|_| !jobs_out) else {
            return self.sleep(None);
        };
        self.look();
        // The job that was done in between has left its wake in the inbox.
        if self.queue.is_empty() && self.inbox.is_empty() {
            self.timers.clock().move_to(deadline);
        }
    }

    fn sleep(&self, deadline: Option<Instant>) {
        self.parks.set(self.parks.get() + 1);
        if self.reactor.is_watching() {
            return self.wait_in_poller(deadline);
        }
        let parker = self.mailbox.parker();
        parker.park_thread(deadline, || !self.inbox.is_empty());
    }

    /// Waits in the poller until `deadline` at most, and hands the events to the
    /// reactor.
    ///
    /// # Panics
    /// With the system's error. A loop that went on without its poller would only
    /// spin.
    fn wait_in_poller(&self, deadline: Option<Instant>) {
        self.looks.set(self.looks.get() + 1);
        self.looked_at.set(self.scheduler.polls());
        // Taken out while the events are dispatched: that wakes, and a foreign
        // waker may do anything.
        let mut events = self.events.take().unwrap_or_default();
        events.clear();
        let parker = self.mailbox.parker();
        parker
            .park_poller(&mut events, deadline, || !self.inbox.is_empty())
            .and_then(|()| self.dispatch(&events))
            .unwrap_or_else(|error| panic!("the system's poller failed: {error}"));
        self.events.replace(Some(events));
    }

    fn dispatch(&self, events: &Events) -> io::Result<()> {
        events.iter().try_for_each(|event| self.reactor.dispatch(event))
    }

    /// The third part of a turn: polls the tasks that are ready now, and not those
    /// that they make ready. Stops when the root is done.
    fn run_ready(&self, mut root: Option<&mut Root<'_>>) {
        self.turns.set(self.turns.get() + 1);
        for _ in 0..self.queue.len() {
            if root.as_ref().is_some_and(|root| root.is_done()) {
                return;
            }
            let Some(name) = self.queue.pop() else {
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
            let task = self.scheduler.find(name)?;
            let label = task.label.as_deref().cloned();
            Some((name.id, label, task.spawned_at))
        };
        self.slow_polls.measure(who, || self.scheduler.poll(name));
    }

    fn poll_root(&self, root: &mut Root<'_>) {
        let (id, called_at) = (root.name.id, root.called_at);
        let who = || Some((id, Some("root".into()), called_at));
        self.slow_polls.measure(who, || root.poll(&self.scheduler));
    }

    /// Ends the loop: drops the tasks, then waits for the jobs.
    pub(super) fn close(&self) {
        self.scheduler.drop_all_tasks();
        // What was sent and not received is dropped, on this thread.
        while let Ok(message) = self.inbox.try_recv() {
            drop(message);
        }
        self.pool.shutdown();
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            turns: self.turns.get(),
            polls: self.scheduler.polls(),
            wakes: self.queue.pushed(),
            parks: self.parks.get(),
            looks: self.looks.get(),
            events: self.reactor.events(),
            timers_fired: self.timers.fired(),
            jobs: self.pool.submitted(),
            tasks_alive: self.scheduler.alive(),
            timers_armed: self.timers.armed(),
        }
    }
}
