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

use super::event::{Cause, End, Phase, TraceEvent, Unpark};
use super::output::TraceOutput;
use super::record::{Form, Record, TraceHeader};
use super::request::Request;
use super::wait::{CodeLine, WaitReason};

/// Watches one loop.
pub(crate) struct Recorder {
    /// Nanoseconds on the loop's clock.
    now: Box<dyn Fn() -> u64>,
    state: RefCell<RecorderState>,
    /// The numbers of the jobs that are done, from their threads.
    done: (Sender<u64>, Receiver<u64>),
}

struct RecorderState {
    /// `None`: nobody wants a trace, only the notes on the tasks.
    trace: Option<Trace>,
    histories: HashMap<u64, TaskHistory>,
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
    output: TraceOutput,
    /// How many events it may hold.
    limit: u64,
    number: u64,
}

/// The notes on a task that has not ended.
#[derive(Clone, Default)]
pub(crate) struct TaskHistory {
    pub(crate) polls: u64,
    /// What it waits for since its last poll.
    pub(crate) waits: Vec<WaitReason>,
    /// The tasks whose end it has awaited so far.
    joined: Vec<u64>,
    /// A job of this task that is done, before the task was woken for it.
    job_done: Option<u64>,
}

/// Goes with a job to its thread, and says that it is done when it is dropped.
pub(crate) struct JobTicket {
    pub(crate) job: u64,
    done: Sender<u64>,
}

impl Drop for JobTicket {
    fn drop(&mut self) {
        // The loop may be gone.
        let _ = self.done.send(self.job);
    }
}

impl Recorder {
    /// A recorder that keeps notes only.
    pub(crate) fn new(now: impl Fn() -> u64 + 'static) -> Recorder {
        let state = RecorderState {
            trace: None,
            histories: HashMap::new(),
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
    pub(crate) fn write_to(&self, request: &Request, header: &TraceHeader) -> io::Result<()> {
        let (mut form, mut output, limit) = request.open()?;
        let mut text = String::new();
        form.begin(header, &mut text);
        output.write(&text);
        self.state.borrow_mut().trace = Some(Trace { form, output, limit, number: 0 });
        Ok(())
    }

    /// Takes note of an event, and of what must be said before it.
    pub(super) fn record(&self, event: TraceEvent<'_>) {
        let mut state = self.state.borrow_mut();
        let Some(event) = state.seen(event) else { return };
        // It asks when it was about to sleep.
        let asks = state.is_paused.then_some(Phase::Io);
        if let Some(phase) = phase_of(&event).or(asks) {
            self.enter(&mut state, phase);
        }
        self.write_done_jobs(&mut state);
        if let TraceEvent::Pending { task, waits } = event {
            for target in state.new_joins(task, waits) {
                self.write(&mut state, TraceEvent::Join { task, target });
            }
        }
        self.write(&mut state, event);
    }

    fn write_done_jobs(&self, state: &mut RecorderState) {
        while let Ok(job) = self.done.1.try_recv() {
            let task = state.note_done(job);
            self.write(state, TraceEvent::JobDone { job, task });
        }
    }

    fn write(&self, state: &mut RecorderState, event: TraceEvent<'_>) {
        let by = state.cause_of(&event);
        let poll = state.note(&event);
        let is_last = matches!(event, TraceEvent::LoopEnd);
        if let Some(trace) = &mut state.trace {
            trace.write((self.now)(), state.turn, by, poll, event);
        }
        if is_last {
            // What outhistories the loop, a sleep or a socket, may have something to tell yet.
            state.trace = None;
        }
    }

    /// Says that the turn, or this part of it, has begun, unless it was said.
    fn enter(&self, state: &mut RecorderState, phase: Phase) {
        state.turn += u64::from(std::mem::take(&mut state.has_turned));
        if state.phase.replace(phase) != Some(phase) {
            self.write(state, TraceEvent::Phase(phase));
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
    pub(super) fn job(&self, what: &str, at: CodeLine) -> JobTicket {
        let job = self.state.borrow_mut().next_job();
        self.record(TraceEvent::Job { job, what, at });
        JobTicket { job, done: self.done.0.clone() }
    }

    /// The timer for which the task may wait has another number from now on.
    pub(super) fn renumber_timer(&self, task: u64, old: u64, new: u64) {
        let mut state = self.state.borrow_mut();
        let waits =
            state.histories.get_mut(&task).into_iter().flat_map(|history| &mut history.waits);
        waits.for_each(|wait| wait.renumber_timer(old, new));
    }

    /// The loop has looked outside, and perhaps slept before.
    pub(super) fn unpark(&self, why: Unpark) {
        let has_slept = std::mem::take(&mut self.state.borrow_mut().is_parked);
        if has_slept {
            let is_job = !self.done.1.is_empty() && matches!(why, Unpark::Message | Unpark::Other);
            self.record(TraceEvent::Unpark { why: if is_job { Unpark::Job } else { why } });
        }
    }

    /// Whether what happens from now on is not to be seen.
    pub(super) fn pause(&self, pause: bool) {
        self.state.borrow_mut().is_paused = pause;
    }

    /// The notes on a task.
    pub(super) fn history(&self, task: u64) -> Option<TaskHistory> {
        self.state.borrow().histories.get(&task).cloned()
    }
}

/// The part of a turn in which such an event happens and no other can have begun since.
fn phase_of(event: &TraceEvent<'_>) -> Option<Phase> {
    match event {
        TraceEvent::Park { .. } | TraceEvent::Unpark { .. } | TraceEvent::FdReady { .. } => {
            Some(Phase::Io)
        }
        TraceEvent::Cascade { .. } | TraceEvent::Fire { .. } => Some(Phase::Timers),
        TraceEvent::Poll { .. } => Some(Phase::Ready),
        _ => None,
    }
}

impl RecorderState {
    /// What there is to be seen of an event while the loop explains itself: the polls by
    /// which it asks are not the program's; what comes of them is.
    fn seen<'a>(&mut self, event: TraceEvent<'a>) -> Option<TraceEvent<'a>> {
        match event {
            event if !self.is_paused => Some(event),
            TraceEvent::Poll { .. } | TraceEvent::Pending { .. } | TraceEvent::Wake { .. } => {
                self.by = Cause::Thread;
                None
            }
            TraceEvent::End { task, .. } => Some(TraceEvent::End { task, how: End::Drop }),
            event => Some(event),
        }
    }

    /// Why the event happened; and from now on, what follows may be because of it.
    fn cause_of(&mut self, event: &TraceEvent<'_>) -> Cause {
        match *event {
            TraceEvent::Poll { task } | TraceEvent::End { task, how: End::Drop } => {
                self.by = Cause::Task(task)
            }
            TraceEvent::Fire { timer } => self.by = Cause::Timer(timer),
            TraceEvent::FdReady { fd, .. } => self.by = Cause::Fd(fd),
            TraceEvent::Wake { task, .. } if self.by == Cause::Thread => {
                let job = self.histories.get_mut(&task).and_then(|history| history.job_done.take());
                return job.map_or(Cause::Thread, Cause::Job);
            }
            _ => {}
        }
        self.by
    }

    /// Takes note of what a task does. Returns the number of its poll.
    fn note(&mut self, event: &TraceEvent<'_>) -> u64 {
        match *event {
            TraceEvent::Spawn { task, .. } => {
                drop(self.histories.insert(task, TaskHistory::default()))
            }
            TraceEvent::Park { .. } => self.is_parked = true,
            TraceEvent::Poll { task } => {
                let history = self.histories.entry(task).or_default();
                history.polls += 1;
                history.waits.clear();
                // Nobody waits for a job that has not woken it by now.
                history.job_done = None;
                return history.polls;
            }
            TraceEvent::Pending { task, waits } => {
                let history = self.histories.entry(task).or_default();
                history.waits.extend(waits);
                return history.polls;
            }
            TraceEvent::End { task, .. } => {
                return self.histories.remove(&task).map_or(0, |history| history.polls);
            }
            _ => {}
        }
        0
    }

    /// Whose ends the task awaits that it has not awaited before.
    fn new_joins(&mut self, task: u64, waits: &[WaitReason]) -> Vec<u64> {
        let joined = &mut self.histories.entry(task).or_default().joined;
        let targets = waits.iter().filter_map(WaitReason::awaited_task);
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
        if let Some(history) = self.histories.get_mut(&task) {
            history.job_done = Some(job);
        }
        task
    }
}

impl Trace {
    fn write(&mut self, time: u64, turn: u64, by: Cause, poll: u64, event: TraceEvent<'_>) {
        if self.number > self.limit {
            return;
        }
        self.number += 1;
        let event = match self.number > self.limit {
            true => TraceEvent::Cut { limit: self.limit },
            false => event,
        };
        let record = Record { number: self.number, time, turn, by, poll, event };
        let mut text = String::new();
        self.form.write(&record, &mut text);
        if let TraceEvent::Cut { .. } | TraceEvent::LoopEnd = event {
            self.form.end(&mut text);
        }
        self.output.write(&text);
    }
}
