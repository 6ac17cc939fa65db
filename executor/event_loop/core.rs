//! The loop itself: what it does with its parts, turn after turn (elsewhere called
//! *iteration* or *tick*).
//!
//! ```text
//!        ┌───────────────────────── a turn ─────────────────────────┐
//!        │                                                          │
//!        │   1 poll_io       2 Timers::fire     3 run_ready         │
//!   ┌───▶│   descriptors,    due timers         the tasks that are  │───┐
//!   │    │   other threads     │                ready now           │   │
//!   │    │      │              │                ▲    │              │   │
//!   │    └──────┼──────────────┼────────────────┼────┼──────────────┘   │
//!   │           └──── wake ────┴── wake ──▶ run queue ◀── wake          │
//!   │                                                                   │
//!   └─── nothing ready? then step 1 parks until there is ───────────────┘
//! ```
//!
//! It is asyncio's order: I/O first, then timers, then the tasks.

use std::time::{Duration, Instant};

use super::parts::EventLoop;
use super::root::Root;
use crate::report;
use crate::task::{Message, TaskKey};
use crate::trace::Unpark;

/// While tasks are ready, the I/O driver is polled once in so many polls of tasks: often
/// enough for sockets, and rarely enough that a poll of a task costs no system call.
const POLLS_PER_IO_POLL: u64 = 64;
/// The I/O driver is also polled when so much time has passed, since the polls of tasks may
/// be long. (Both are checked once a turn.)
const TIME_PER_IO_POLL: Duration = Duration::from_millis(1);

/// What other threads may still do when the loop decides to sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Others {
    /// At least one job of the pool is unfinished.
    jobs: bool,
    remotes: bool,
}

impl EventLoop {
    /// Runs turns until the root future is ready.
    ///
    /// # Errors
    /// The report of a deadlock. The caller panics with it, at the user's line.
    pub(super) fn run(&self, root: &mut Root<'_>) -> Result<(), Box<str>> {
        while !root.is_done() {
            self.poll_io(root)?;
            self.timers.fire();
            self.run_ready(Some(root));
        }
        Ok(())
    }

    /// Runs turns while something is ready.
    pub(super) fn run_until_stalled(&self) {
        loop {
            self.tracer.turn(|| report::report_closed_circles(self));
            self.poll_io_driver();
            self.take_messages();
            self.timers.fire();
            if self.scheduler.run_queue.is_empty() {
                return self.scheduler.run_queue.shrink();
            }
            self.run_ready(None);
        }
    }

    /// The first part of a turn: what has happened outside?
    fn poll_io(&self, root: &mut Root<'_>) -> Result<(), Box<str>> {
        self.tracer.turn(|| report::report_circles_of_busy(self));
        self.take_messages();
        if self.scheduler.run_queue.is_empty() {
            self.park(root)?;
            self.take_messages();
        } else if self.is_io_poll_due() {
            self.poll_io_driver();
        }
        Ok(())
    }

    /// The third part of a turn: polls the tasks that are ready now. A task that becomes
    /// ready meanwhile waits for the next turn. Stops when the root is done.
    fn run_ready(&self, mut root: Option<&mut Root<'_>>) {
        self.counts.turns.set(self.counts.turns.get() + 1);
        for _ in 0..self.scheduler.run_queue.len() {
            let Some(key) = self.scheduler.run_queue.pop() else { return };
            let measured = self.slow_polls.as_ref().and_then(|slow| slow.start(self, key));
            self.poll_task(key, root.as_deref_mut());
            if let Some(measured) = measured {
                measured.end();
            }
            if root.as_ref().is_some_and(|root| root.is_done()) {
                return;
            }
        }
    }

    fn poll_task(&self, key: TaskKey, root: Option<&mut Root<'_>>) {
        match root {
            Some(root) if root.key == key => root.poll(&self.scheduler),
            _ => self.scheduler.poll(key),
        }
    }

    /// Takes the messages of other threads that are there now. Later ones wait for the next
    /// call, so that a flood of messages delays neither timers nor descriptors.
    #[inline(always)]
    fn take_messages(&self) {
        if self.inbox.has_messages() {
            self.take_each_message();
        }
    }

    fn take_each_message(&self) {
        self.tracer.messages();
        // Lowered before the messages are counted: a later message raises the flag again.
        self.inbox.lower_flag();
        for _ in 0..self.messages.borrow().len() {
            let message = self.messages.borrow().try_recv();
            match message {
                Ok(Message::Wake(waker)) => self.scheduler.wake(waker.arrived()),
                Ok(Message::Run(make)) => make(),
                Err(_) => return,
            }
        }
    }

    fn is_io_poll_due(&self) -> bool {
        let (polls, time) = self.polled_io_at.get();
        self.reactor.is_watching()
            && (self.scheduler.polls.get() - polls >= POLLS_PER_IO_POLL
                || time.elapsed() >= TIME_PER_IO_POLL)
    }

    /// A non-blocking poll of the I/O driver: takes its events, without waiting for more.
    fn poll_io_driver(&self) {
        if self.reactor.is_watching() {
            self.wait_in_poller(Some(Instant::now()), || true);
        }
    }

    /// Sleeps until a descriptor is ready, a timer is due or a message comes.
    ///
    /// # Errors
    /// The report of a deadlock.
    fn park(&self, root: &mut Root<'_>) -> Result<(), Box<str>> {
        self.scheduler.run_queue.shrink();
        let others = self.others();
        let deadline = self.timers.next_wake();
        if deadline.is_none() && !self.reactor.is_awaited() && !self.may_be_woken() {
            // One more poll of each task, so that its leaves say what they wait for.
            return Err(report::deadlock(self, |key| self.poll_task(key, Some(root))));
        }
        report::report_closed_circles(self);
        match self.timers.clock.is_virtual() {
            true => self.park_virtually(deadline, others),
            false => self.sleep(deadline, others),
        }
        Ok(())
    }

    /// A virtual clock does not wait for a deadline, it jumps there. But not while a job is
    /// unfinished or a descriptor is ready, whose tasks may want to run earlier.
    fn park_virtually(&self, deadline: Option<Instant>, others: Others) {
        let Some(deadline) = deadline.filter(|_| !others.jobs) else {
            return self.sleep(None, others);
        };
        self.poll_io_driver();
        // A job that ended in between has left its wake in the inbox.
        if self.scheduler.run_queue.is_empty() && !self.inbox.has_messages() {
            self.trace_park(Some(deadline));
            self.timers.clock.move_to(deadline);
            self.tracer.unparked(|| Unpark::Timeout);
        }
    }

    fn sleep(&self, deadline: Option<Instant>, others: Others) {
        self.counts.parks.set(self.counts.parks.get() + 1);
        self.trace_park(deadline);
        // A job or `Remote` that ended before we announced the sleep did not notify us.
        // Compare again.
        let stay_awake = || self.inbox.has_messages() || self.others() != others;
        match self.reactor.is_watching() {
            true => self.wait_in_poller(deadline, stay_awake),
            false => {
                self.inbox.parker.park_thread(deadline, stay_awake);
                self.trace_unpark(deadline, false);
            }
        }
    }

    fn others(&self) -> Others {
        Others { jobs: self.pool.jobs_out() > 0, remotes: self.inbox.has_remotes() }
    }

    /// Waits in the system's poller (epoll on Linux, kqueue on macOS, IOCP on Windows)
    /// until `deadline` at most, and hands the events to the reactor.
    ///
    /// # Panics
    /// With the system's error. A loop without its poller would only spin.
    fn wait_in_poller(&self, deadline: Option<Instant>, stay_awake: impl Fn() -> bool) {
        self.counts.io_polls.set(self.counts.io_polls.get() + 1);
        // Taken out while the events are dispatched: that wakes tasks, and a foreign waker
        // (of another executor, or of a combinator) may run any code.
        let mut events = self.events.take().unwrap_or_default();
        events.clear();
        let waited = self.inbox.parker.park_poller(&mut events, deadline, stay_awake);
        waited.unwrap_or_else(|error| panic!("the system's poller failed: {error}"));
        self.trace_unpark(deadline, !events.is_empty());
        events.iter().for_each(|event| self.reactor.dispatch(event));
        self.events.replace(Some(events));
        self.polled_io_at.set((self.scheduler.polls.get(), Instant::now()));
    }

    fn trace_park(&self, deadline: Option<Instant>) {
        let now = || self.timers.clock.now();
        self.tracer.parked(|| deadline.map(|at| at.saturating_duration_since(now())));
    }

    fn trace_unpark(&self, deadline: Option<Instant>, is_event: bool) {
        let is_due = || deadline.is_some_and(|at| at <= self.timers.clock.now());
        self.tracer.unparked(|| match is_event {
            true => Unpark::Fd,
            false if self.inbox.has_messages() => Unpark::Message,
            false if is_due() => Unpark::Timeout,
            false => Unpark::Other,
        });
    }
}
