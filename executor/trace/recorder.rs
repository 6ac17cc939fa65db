//! The recorder of one loop: keeps the history of each task, finds out why each event
//! happened, numbers the events, and writes them to the trace that is wanted.
//!
//! *Why* needs no help from the other modules. Everything happens on one thread, one thing
//! after another. So the cause of a wake is what the loop is doing at that moment: it polls
//! a task, or a timer has just fired, or a descriptor was just reported.

use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::event::{Cause, End, Phase, TraceEvent, Unpark};
use super::lateness::{Activity, Delay, Lateness};
use super::notes::Waits;
use super::output::TraceOutput;
use super::record::{Record, TraceHeader};
use super::request::Request;
use super::resource::CodeLine;
use super::wait::WaitReason;

/// Records what one loop does.
pub(crate) struct Recorder {
    /// Nanoseconds on the loop's clock.
    now: Box<dyn Fn() -> u64>,
    /// `None`: no trace is wanted, only the histories of the tasks.
    output: Option<TraceOutput>,
    /// The number of the last event.
    number: u64,
    turn: u64,
    /// A turn has begun, and has no event so far.
    has_turned: bool,
    /// The part of the turn to which the last event belongs.
    phase: Option<Phase>,
    /// The cause of what happens next.
    cause: Cause,
    is_parked: bool,
    /// The loop explains itself, and its polls are left out of the trace.
    is_paused: bool,
    histories: HashMap<u64, TaskHistory>,
    /// The tasks that have begun to wait for others.
    new_waits: Vec<u64>,
    lateness: Lateness,
    /// The deadline of the timer that fired last.
    fired: u64,
    last_job: u64,
    /// The jobs that are done, from their threads.
    done_jobs: (Sender<DoneJob>, Receiver<DoneJob>),
}

/// What is known of a task that has not ended.
#[derive(Clone, Default)]
pub(crate) struct TaskHistory {
    pub(crate) polls: u64,
    /// What the task waits for since its last poll.
    pub(crate) waits: Waits,
    /// How late it was at worst.
    late: Option<Delay>,
    /// Since when it is due, while it is in the run queue.
    due: Option<u64>,
    name: Option<Rc<str>>,
    spawned_at: Option<CodeLine>,
    /// The tasks whose end the task has awaited so far.
    joined: Vec<u64>,
    /// A job of this task that is done, until the task is woken for it.
    job_done: Option<u64>,
}

impl TaskHistory {
    /// The wait of the task is over. Keeps how late that is, if it never was as late.
    fn end_wait(&mut self, lateness: &mut Lateness, now: u64, due: u64) {
        let worst = self.late.as_ref().map_or(0, |late| late.nanoseconds);
        let late = lateness.delay(now, due, true, worst);
        self.late = late.or(self.late.take());
    }
}

/// The number of a job, and that of the task for which it was made; 0 for none.
type DoneJob = (u64, u64);

/// Goes with a job to its thread, and reports that the job is done when it is dropped.
pub(crate) struct JobTicket {
    pub(crate) job: u64,
    task: u64,
    done: Sender<DoneJob>,
}

impl Drop for JobTicket {
    fn drop(&mut self) {
        // The loop may be gone.
        let _ = self.done.send((self.job, self.task));
    }
}

impl Recorder {
    /// A recorder without a trace: it keeps the histories of the tasks.
    pub(crate) fn new(now: impl Fn() -> u64 + 'static) -> Recorder {
        Recorder {
            now: Box::new(now),
            output: None,
            number: 0,
            turn: 0,
            has_turned: false,
            phase: None,
            cause: Cause::Thread,
            is_parked: false,
            is_paused: false,
            histories: HashMap::new(),
            new_waits: Vec::new(),
            lateness: Lateness::new(),
            fired: 0,
            last_job: 0,
            done_jobs: crossbeam_channel::unbounded(),
        }
    }

    /// Opens a trace, to which every event is written from now on.
    ///
    /// # Errors
    /// If the trace cannot be written.
    pub(crate) fn write_to(&mut self, request: &Request, header: &TraceHeader) -> io::Result<()> {
        self.output.insert(request.open()?).begin(header);
        Ok(())
    }

    /// Records an event, and before it the events that it implies.
    pub(super) fn record(&mut self, event: TraceEvent<'_>) {
        let Some(event) = self.without_own_polls(event) else { return };
        // The loop explains itself when it is about to sleep.
        let explains = self.is_paused.then_some(Phase::Io);
        if let Some(phase) = phase_of(&event).or(explains) {
            self.enter(phase);
        }
        while let Ok((job, task)) = self.done_jobs.1.try_recv() {
            if let Some(history) = self.histories.get_mut(&task) {
                history.job_done = Some(job);
            }
            self.write(TraceEvent::JobDone { job, task });
        }
        if let TraceEvent::Pending { task, waits } = event {
            for target in self.new_joins(task, waits) {
                self.write(TraceEvent::Join { task, target });
            }
        }
        self.write(event);
    }

    fn write(&mut self, event: TraceEvent<'_>) {
        let by = self.cause_of(&event);
        self.update_lateness(&event, by);
        let poll = self.update_history(&event);
        if let Some(output) = &mut self.output {
            self.number += 1;
            let (number, time, turn) = (self.number, (self.now)(), self.turn);
            output.write(Record { number, time, turn, by, poll, event });
        }
        if let TraceEvent::LoopEnd = event {
            // A sleep or a socket that outlives the loop may still emit events.
            self.output = None;
        }
    }

    /// Writes that this part of the turn begins, unless it has begun already.
    fn enter(&mut self, phase: Phase) {
        self.turn += u64::from(std::mem::take(&mut self.has_turned));
        if self.phase.replace(phase) != Some(phase) {
            self.write(TraceEvent::Phase(phase));
        }
    }

    /// The loop begins a turn.
    pub(super) fn turn(&mut self) {
        (self.has_turned, self.phase) = (true, None);
        self.lateness.turn((self.now)());
    }

    /// The loop takes the messages of other threads.
    pub(super) fn messages(&mut self) {
        self.enter(Phase::Io);
        self.cause = Cause::Thread;
        self.switch(Activity::Messages);
    }

    /// `block_on` was called.
    pub(super) fn start(&mut self) {
        self.cause = Cause::Start;
    }

    /// The loop stops running for now.
    pub(super) fn leave(&mut self) {
        (self.has_turned, self.phase) = (false, None);
        self.cause = Cause::Thread;
        self.switch(Activity::Stopped);
    }

    /// The loop goes to sleep.
    pub(super) fn park(&mut self, limit: Option<Duration>) {
        self.record(TraceEvent::Park { limit });
        self.is_parked = true;
    }

    /// The loop has polled the I/O driver, and perhaps slept before.
    pub(super) fn unpark(&mut self, why: Unpark) {
        if std::mem::take(&mut self.is_parked) {
            let may_be_job = matches!(why, Unpark::Message | Unpark::Other);
            let is_job = may_be_job && !self.done_jobs.1.is_empty();
            self.record(TraceEvent::Unpark { why: if is_job { Unpark::Job } else { why } });
        }
    }

    /// Whether the loop explains itself from now on.
    pub(super) fn pause(&mut self, pause: bool) {
        self.is_paused = pause;
    }

    /// A job is about to be handed to the pool.
    pub(super) fn job(&mut self, what: &str, at: CodeLine) -> JobTicket {
        self.last_job += 1;
        let job = self.last_job;
        let task = if let Cause::Task(task) = self.cause { task } else { 0 };
        self.record(TraceEvent::Job { job, what, at });
        JobTicket { job, task, done: self.done_jobs.0.clone() }
    }

    /// The timer `old`, for which the task may wait, has another number from now on.
    pub(super) fn renumber_timer(&mut self, task: u64, old: u64, new: u64) {
        if let Some(history) = self.histories.get_mut(&task) {
            history.waits.renumber_timer(old, new);
        }
    }

    /// The time on the loop's clock.
    pub(super) fn time(&self) -> u64 {
        (self.now)()
    }

    /// What the task has waited for so far.
    pub(super) fn take_waits(&mut self, task: u64) -> Waits {
        let history = self.histories.get_mut(&task);
        history.map(|history| std::mem::take(&mut history.waits)).unwrap_or_default()
    }

    /// What the task waits for, from now on.
    pub(super) fn waits(&mut self, task: u64, waits: Waits) {
        let Some(mut history) = self.histories.remove(&task) else { return };
        history.waits = waits;
        history.waits.forget_ends(|task| self.histories.contains_key(&task));
        if history.waits.may_close_a_circle() {
            self.new_waits.push(task);
        }
        self.histories.insert(task, history);
    }

    /// The tasks that have begun to wait for a task since the last call.
    pub(super) fn take_new_waits(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.new_waits)
    }

    /// What a task waits for; `None` if it is in the run queue.
    pub(super) fn waits_of(&self, task: u64) -> Option<&Waits> {
        let history = self.histories.get(&task).filter(|history| history.due.is_none());
        history.map(|history| &history.waits)
    }

    /// What is known of a task.
    pub(super) fn history(&self, task: u64) -> Option<TaskHistory> {
        self.histories.get(&task).cloned()
    }
}

/// How late tasks are.
impl Recorder {
    /// A timer's deadline has come.
    pub(super) fn fire(&mut self, timer: u64, deadline: u64) {
        self.fired = deadline;
        self.record(TraceEvent::Fire { timer });
    }

    /// From now on the loop does something else.
    pub(super) fn switch(&mut self, activity: Activity) {
        self.lateness.switch((self.now)(), activity);
    }

    /// Notes since when a task is due, and what the loop does now. (A poll is noted in its
    /// task's history.)
    fn update_lateness(&mut self, event: &TraceEvent<'_>, by: Cause) {
        match *event {
            TraceEvent::Spawn { task, name, at } => {
                let due = Some((self.now)());
                let (name, spawned_at) = (name.map(Rc::from), Some(at));
                self.histories
                    .insert(task, TaskHistory { due, name, spawned_at, ..TaskHistory::default() });
            }
            TraceEvent::Wake { task, .. } => {
                let due = if let Cause::Timer(_) = by { self.fired } else { (self.now)() };
                let Some(history) = self.histories.get_mut(&task) else { return };
                history.due = Some(history.due.map_or(due, |before| before.min(due)));
            }
            TraceEvent::Park { .. } => self.switch(Activity::Asleep),
            TraceEvent::Unpark { .. } | TraceEvent::FdReady { .. } | TraceEvent::Fire { .. } => {
                self.switch(Activity::Other);
            }
            _ => {}
        }
    }

    /// The task that is being polled has found that this deadline has come. Only a timer that is
    /// armed is late: with another one, it is the task that came late.
    pub(super) fn timer_over(&mut self, deadline: u64, is_armed: bool) {
        if let (Cause::Task(task), true) = (self.cause, is_armed) {
            let history = self.histories.get_mut(&task);
            history
                .into_iter()
                .for_each(|of| of.end_wait(&mut self.lateness, (self.now)(), deadline));
        }
    }

    /// How late a task is now, or else was at worst.
    pub(super) fn delay(&mut self, task: u64, deadline: Option<u64>) -> Option<Delay> {
        let (history, now) = (self.histories.get(&task)?, (self.now)());
        let due = history.due.into_iter().chain(deadline).min();
        let late = due.and_then(|due| self.lateness.delay(now, due, false, 0));
        late.or_else(|| history.late.clone())
    }
}

/// What follows from an event for the events after it.
impl Recorder {
    /// The event as the trace shows it, if it does. While the loop explains itself, it
    /// polls tasks: these polls are not the program's. What they cause is shown.
    fn without_own_polls<'a>(&mut self, event: TraceEvent<'a>) -> Option<TraceEvent<'a>> {
        match event {
            event if !self.is_paused => Some(event),
            TraceEvent::Poll { .. } | TraceEvent::Pending { .. } | TraceEvent::Wake { .. } => {
                self.cause = Cause::Thread;
                None
            }
            TraceEvent::End { task, .. } => Some(TraceEvent::End { task, how: End::Drop }),
            event => Some(event),
        }
    }

    /// The cause of an event. The event may be the cause of the events after it.
    fn cause_of(&mut self, event: &TraceEvent<'_>) -> Cause {
        match *event {
            TraceEvent::Poll { task } | TraceEvent::End { task, how: End::Drop } => {
                self.cause = Cause::Task(task)
            }
            TraceEvent::Fire { timer } => self.cause = Cause::Timer(timer),
            TraceEvent::FdReady { fd, .. } => self.cause = Cause::Fd(fd),
            TraceEvent::Wake { task, .. } if self.cause == Cause::Thread => {
                let job = self.histories.get_mut(&task).and_then(|history| history.job_done.take());
                return job.map_or(Cause::Thread, Cause::Job);
            }
            _ => {}
        }
        self.cause
    }

    /// Updates the history of a task. Returns how often the task was polled so far.
    fn update_history(&mut self, event: &TraceEvent<'_>) -> u64 {
        let history = match *event {
            TraceEvent::Spawn { task, .. }
            | TraceEvent::Poll { task }
            | TraceEvent::Pending { task, .. } => self.histories.entry(task).or_default(),
            TraceEvent::End { task, .. } => {
                return self.histories.remove(&task).map_or(0, |history| history.polls);
            }
            _ => return 0,
        };
        if let TraceEvent::Poll { task } = *event {
            history.polls += 1;
            let (now, due) = ((self.now)(), history.due.take());
            let name = history.name.clone();
            let poll = history.spawned_at.map(|from| Activity::Poll { task, name, from, at: None });
            self.lateness.poll(now, poll.unwrap_or(Activity::Other), &history.waits);
            due.into_iter().for_each(|due| history.end_wait(&mut self.lateness, now, due));
            // A done job that has not woken the task by now will not wake it any more.
            history.job_done = None;
        }
        history.polls
    }

    /// The tasks whose end the task awaits for the first time.
    fn new_joins(&mut self, task: u64, waits: &[WaitReason]) -> Vec<u64> {
        let joined = &mut self.histories.entry(task).or_default().joined;
        let targets = waits.iter().filter_map(WaitReason::awaited_task);
        let new: Vec<u64> = targets.filter(|target| !joined.contains(target)).collect();
        joined.extend(&new);
        new
    }
}

/// The part of a turn to which an event belongs, if the event shows that the part has begun.
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
