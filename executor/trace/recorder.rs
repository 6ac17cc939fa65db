//! The recorder of one loop: keeps notes on its tasks, numbers the events, finds out why
//! each happened, and hands them to the form of trace that is wanted.
//!
//! *Why* needs no help from the rooms. Everything happens on one thread, one thing after
//! another; so what caused a wake is whatever the loop was at: the task that is being
//! polled, the timer that has just fired, the descriptor that was just reported.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;

use crossbeam_channel::{Receiver, Sender};

use super::event::{Cause, End, Event, Phase, Unpark};
use super::output::Output;
use super::record::{Form, Header, Record};
use super::request::Request;
use super::wait::{Place, Wait};

/// Watches one loop.
pub(crate) struct Recorder {
    /// Nanoseconds on the loop's clock.
    now: Box<dyn Fn() -> u64>,
    state: RefCell<State>,
    /// The numbers of the jobs that are done, from their threads.
    done: (Sender<u64>, Receiver<u64>),
}

struct State {
    /// `None`: nobody wants a trace, only the notes on the tasks.
    trace: Option<Trace>,
    lives: HashMap<u64, Life>,
    turn: u64,
    /// A turn has begun, but nothing has happened in it so far.
    has_turned: bool,
    /// The part of the turn in which something has happened last.
    phase: Option<Phase>,
    by: Cause,
    is_parked: bool,
    /// What happens now is not to be seen.
    is_paused: bool,
    /// Which task each job was made for.
    jobs: HashMap<u64, u64>,
    last_job: u64,
}

/// The trace that is written.
struct Trace {
    form: Box<dyn Form>,
    output: Output,
    /// How many events it may hold.
    limit: u64,
    number: u64,
}

/// The notes on a task that has not ended.
#[derive(Clone, Default)]
pub(crate) struct Life {
    pub(crate) polls: u64,
    /// What it waits for since its last poll.
    pub(crate) waits: Vec<Wait>,
    /// The tasks whose end it has awaited so far.
    joined: Vec<u64>,
    /// A job of this task that is done, before the task was woken for it.
    job_done: Option<u64>,
}

/// Goes with a job to its thread, and says that it is done when it is dropped.
pub(crate) struct Ticket {
    pub(crate) job: u64,
    done: Sender<u64>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // The loop may be gone.
        let _ = self.done.send(self.job);
    }
}

impl Recorder {
    /// A recorder that keeps notes only.
    pub(crate) fn new(now: impl Fn() -> u64 + 'static) -> Recorder {
        let state = State {
            trace: None,
            lives: HashMap::new(),
            turn: 0,
            has_turned: false,
            phase: None,
            by: Cause::Thread,
            is_parked: false,
            is_paused: false,
            jobs: HashMap::new(),
            last_job: 0,
        };
        let done = crossbeam_channel::unbounded();
        Recorder { now: Box::new(now), state: RefCell::new(state), done }
    }

    /// Opens a trace, to which everything is written from now on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_to(&self, request: &Request, header: &Header) -> io::Result<()> {
        let (mut form, mut output, limit) = request.open()?;
        let mut text = String::new();
        form.begin(header, &mut text);
        output.write(&text);
        self.state.borrow_mut().trace = Some(Trace { form, output, limit, number: 0 });
        Ok(())
    }

    /// Takes note of an event, and of what must be said before it.
    pub(super) fn record(&self, event: Event<'_>) {
        let mut state = self.state.borrow_mut();
        let Some(event) = state.seen(event) else { return };
        // It asks when it was about to sleep.
        let asks = state.is_paused.then_some(Phase::Io);
        if let Some(phase) = phase_of(&event).or(asks) {
            self.enter(&mut state, phase);
        }
        self.write_done_jobs(&mut state);
        if let Event::Pending { task, waits } = event {
            for target in state.new_joins(task, waits) {
                self.write(&mut state, Event::Join { task, target });
            }
        }
        self.write(&mut state, event);
    }

    fn write_done_jobs(&self, state: &mut State) {
        while let Ok(job) = self.done.1.try_recv() {
            let task = state.note_done(job);
            self.write(state, Event::JobDone { job, task });
        }
    }

    fn write(&self, state: &mut State, event: Event<'_>) {
        let by = state.cause_of(&event);
        let poll = state.note(&event);
        let is_last = matches!(event, Event::LoopEnd);
        if let Some(trace) = &mut state.trace {
            trace.write((self.now)(), state.turn, by, poll, event);
        }
        if is_last {
            // What outlives the loop, a sleep or a socket, may have something to tell yet.
            state.trace = None;
        }
    }

    /// Says that the turn, or this part of it, has begun, unless it was said.
    fn enter(&self, state: &mut State, phase: Phase) {
        state.turn += u64::from(std::mem::take(&mut state.has_turned));
        if state.phase.replace(phase) != Some(phase) {
            self.write(state, Event::Phase(phase));
        }
    }

    /// The loop begins a turn.
    pub(super) fn turn(&self) {
        let mut state = self.state.borrow_mut();
        (state.has_turned, state.phase) = (true, None);
    }

    /// The loop takes the messages of other threads.
    pub(super) fn messages(&self) {
        let mut state = self.state.borrow_mut();
        self.enter(&mut state, Phase::Io);
        state.by = Cause::Thread;
    }

    /// `block_on` was called.
    pub(super) fn start(&self) {
        self.state.borrow_mut().by = Cause::Start;
    }

    /// The loop stops running for now.
    pub(super) fn leave(&self) {
        let mut state = self.state.borrow_mut();
        (state.phase, state.has_turned) = (None, false);
        state.by = Cause::Thread;
    }

    /// A job is about to be handed to the pool.
    pub(super) fn job(&self, what: &str, at: Place) -> Ticket {
        let job = self.state.borrow_mut().next_job();
        self.record(Event::Job { job, what, at });
        Ticket { job, done: self.done.0.clone() }
    }

    /// The timer for which the task may wait has another number from now on.
    pub(super) fn reset(&self, task: u64, old: u64, new: u64) {
        let mut state = self.state.borrow_mut();
        let waits = state.lives.get_mut(&task).into_iter().flat_map(|life| &mut life.waits);
        waits.for_each(|wait| wait.reset(old, new));
    }

    /// The loop has looked outside, and perhaps slept before.
    pub(super) fn unpark(&self, why: Unpark) {
        let has_slept = std::mem::take(&mut self.state.borrow_mut().is_parked);
        if has_slept {
            let is_job = !self.done.1.is_empty() && matches!(why, Unpark::Message | Unpark::Other);
            self.record(Event::Unpark { why: if is_job { Unpark::Job } else { why } });
        }
    }

    /// Whether what happens from now on is not to be seen.
    pub(super) fn pause(&self, pause: bool) {
        self.state.borrow_mut().is_paused = pause;
    }

    /// The notes on a task.
    pub(super) fn life(&self, task: u64) -> Option<Life> {
        self.state.borrow().lives.get(&task).cloned()
    }
}

/// The part of a turn in which such an event happens and no other can have begun since.
fn phase_of(event: &Event<'_>) -> Option<Phase> {
    match event {
        Event::Park { .. } | Event::Unpark { .. } | Event::FdReady { .. } => Some(Phase::Io),
        Event::Cascade { .. } | Event::Fire { .. } => Some(Phase::Timers),
        Event::Poll { .. } => Some(Phase::Ready),
        _ => None,
    }
}

impl State {
    /// What there is to be seen of an event while the loop explains itself: the polls by
    /// which it asks are not the program's; what comes of them is.
    fn seen<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            event if !self.is_paused => Some(event),
            Event::Poll { .. } | Event::Pending { .. } | Event::Wake { .. } => {
                self.by = Cause::Thread;
                None
            }
            Event::End { task, .. } => Some(Event::End { task, how: End::Drop }),
            event => Some(event),
        }
    }

    /// Why the event happened; and from now on, what follows may be because of it.
    fn cause_of(&mut self, event: &Event<'_>) -> Cause {
        match *event {
            Event::Poll { task } | Event::End { task, how: End::Drop } => {
                self.by = Cause::Task(task)
            }
            Event::Fire { timer } => self.by = Cause::Timer(timer),
            Event::FdReady { fd, .. } => self.by = Cause::Fd(fd),
            Event::Wake { task, .. } if self.by == Cause::Thread => {
                let job = self.lives.get_mut(&task).and_then(|life| life.job_done.take());
                return job.map_or(Cause::Thread, Cause::Job);
            }
            _ => {}
        }
        self.by
    }

    /// Takes note of what a task does. Returns the number of its poll.
    fn note(&mut self, event: &Event<'_>) -> u64 {
        match *event {
            Event::Spawn { task, .. } => drop(self.lives.insert(task, Life::default())),
            Event::Park { .. } => self.is_parked = true,
            Event::Poll { task } => {
                let life = self.lives.entry(task).or_default();
                life.polls += 1;
                life.waits.clear();
                // Nobody waits for a job that has not woken it by now.
                life.job_done = None;
                return life.polls;
            }
            Event::Pending { task, waits } => {
                let life = self.lives.entry(task).or_default();
                life.waits.extend(waits);
                return life.polls;
            }
            Event::End { task, .. } => {
                return self.lives.remove(&task).map_or(0, |life| life.polls);
            }
            _ => {}
        }
        0
    }

    /// Whose ends the task awaits that it has not awaited before.
    fn new_joins(&mut self, task: u64, waits: &[Wait]) -> Vec<u64> {
        let joined = &mut self.lives.entry(task).or_default().joined;
        let targets = waits.iter().filter_map(Wait::awaited_task);
        let new: Vec<u64> = targets.filter(|target| !joined.contains(target)).collect();
        joined.extend(&new);
        new
    }

    fn next_job(&mut self) -> u64 {
        self.last_job += 1;
        if let Cause::Task(task) = self.by {
            self.jobs.insert(self.last_job, task);
        }
        self.last_job
    }

    /// A job is done: of which task?
    fn note_done(&mut self, job: u64) -> u64 {
        let task = self.jobs.remove(&job).unwrap_or(0);
        if let Some(life) = self.lives.get_mut(&task) {
            life.job_done = Some(job);
        }
        task
    }
}

impl Trace {
    fn write(&mut self, time: u64, turn: u64, by: Cause, poll: u64, event: Event<'_>) {
        if self.number > self.limit {
            return;
        }
        self.number += 1;
        let event = match self.number > self.limit {
            true => Event::Cut { limit: self.limit },
            false => event,
        };
        let record = Record { number: self.number, time, turn, by, poll, event };
        let mut text = String::new();
        self.form.write(&record, &mut text);
        if let Event::Cut { .. } | Event::LoopEnd = event {
            self.form.end(&mut text);
        }
        self.output.write(&text);
    }
}
