//! The tracer: each part of the loop has one, and emits to it what the part does. There is
//! one method for each event, and no other module of the crate builds an event. (The
//! recorder adds the events that follow from others: phases, joins, jobs that are done.)
//!
//! As a rule a loop is not traced. Then the tracer is empty, and each call of a method is
//! one branch, which the processor predicts; the event itself is not even built.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::event::{End, Spot, TraceEvent, Unpark};
use super::lateness::{Activity, Delay};
use super::notes::{Notes, Waits};
use super::recorder::{JobTicket, Recorder, TaskHistory};
use super::resource::CodeLine;

/// Calls `act`. Cold and not inlined: building the event stays off the hot path.
#[cold]
#[inline(never)]
fn unlikely<R>(act: impl FnOnce() -> R) -> R {
    act()
}

/// Empty, or a reference to the loop's recorder.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Rc<RefCell<Recorder>>>);

impl Tracer {
    /// A tracer whose events go to this recorder.
    pub(crate) fn to(recorder: Recorder) -> Tracer {
        Tracer(Some(Rc::new(RefCell::new(recorder))))
    }

    /// Whether the loop is traced.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Calls `act` with the recorder, if the loop is traced. `act` must not emit an event:
    /// the recorder stays borrowed.
    #[inline]
    fn record(&self, act: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &self.0 {
            unlikely(move || act(&mut recorder.borrow_mut()));
        }
    }

    /// Records an event, which `event` builds only if the loop is traced.
    #[inline]
    fn emit<'a>(&self, event: impl FnOnce() -> TraceEvent<'a>) {
        self.record(move |recorder| recorder.record(event()));
    }
}

/// What happens to tasks.
impl Tracer {
    /// A task was made, and is in the run queue.
    #[inline]
    pub(crate) fn spawned(&self, task: u64, name: Option<&str>, at: CodeLine) {
        self.emit(move || TraceEvent::Spawn { task, name, at });
    }

    /// A task is about to be polled. From now on its leaves write notes of what they wait
    /// for.
    #[inline]
    pub(crate) fn polling(&self, task: u64, notes: &Notes) {
        self.record(move |recorder| {
            recorder.record(TraceEvent::Poll { task });
            notes.start(recorder.time(), recorder.take_waits(task));
        });
    }

    /// The poll of the task returned `Pending`. The notes say what the task waits for.
    #[inline]
    pub(crate) fn pending(&self, task: u64, notes: &Notes) {
        self.record(move |recorder| {
            recorder.record(TraceEvent::Pending { task, waits: &notes.waits() });
            recorder.waits(task, notes.taken());
        });
    }

    /// The task has ended.
    #[inline]
    pub(crate) fn ended(&self, task: u64, how: End<'_>) {
        self.emit(move || TraceEvent::End { task, how });
    }

    /// A waker of the task was called. `again`: the task is in the run queue already.
    #[inline]
    pub(crate) fn woken(&self, task: u64, again: bool) {
        self.emit(move || TraceEvent::Wake { task, again });
    }

    /// Calls `act` with what a task waits for, if the loop is traced and the task is not in the
    /// run queue.
    pub(crate) fn with_waits<R>(&self, task: u64, act: impl FnOnce(&Waits) -> R) -> Option<R> {
        self.0.as_ref()?.borrow().waits_of(task).map(act)
    }

    /// What is known of a task, if the loop is traced.
    pub(crate) fn history(&self, task: u64) -> Option<TaskHistory> {
        self.0.as_ref()?.borrow().history(task)
    }

    /// How late a task is now, or else was at worst. `deadline`: that of the timer for which the
    /// task waits.
    pub(crate) fn delay(&self, task: u64, deadline: Option<u64>) -> Option<Delay> {
        self.0.as_ref()?.borrow_mut().delay(task, deadline)
    }

    /// The loop does something else after a poll: it reports the poll.
    pub(crate) fn reporting(&self) {
        self.record(|recorder| recorder.switch(Activity::Other));
    }
}

/// What happens to timers. `slot` is the level and the slot in the wheel; `None` for a
/// timer whose tick the cursor has reached.
impl Tracer {
    /// A timer was put into the wheel.
    #[inline]
    pub(crate) fn timer_armed(&self, timer: u64, deadline: u64, slot: Option<(u8, u8)>) {
        self.emit(move || TraceEvent::Arm { timer, deadline, spot: spot(slot) });
    }

    /// A timer has moved to a finer slot.
    #[inline]
    pub(crate) fn timer_cascaded(&self, timer: u64, slot: Option<(u8, u8)>) {
        self.emit(move || TraceEvent::Cascade { timer, spot: spot(slot) });
    }

    /// A timer's deadline has come. What it wakes is due since then.
    #[inline]
    pub(crate) fn timer_fired(&self, timer: u64, deadline: u64) {
        self.record(move |recorder| recorder.fire(timer, deadline));
    }

    /// The task that is being polled finds that a deadline has come. `is_armed`: the task has
    /// waited for it, and the timer has not fired.
    #[inline]
    pub(crate) fn timer_over(&self, deadline: u64, is_armed: bool) {
        self.record(move |recorder| recorder.timer_over(deadline, is_armed));
    }

    /// A timer was taken out of the wheel before its deadline.
    #[inline]
    pub(crate) fn timer_cancelled(&self, timer: u64) {
        self.emit(move || TraceEvent::Cancel { timer });
    }

    /// The timer that `task` waits for has another number from now on.
    #[inline]
    pub(crate) fn timer_renumbered(&self, task: Option<u64>, notes: &Notes, old: u64, new: u64) {
        self.record(move |recorder| {
            notes.renumber_timer(old, new);
            task.into_iter().for_each(|task| recorder.renumber_timer(task, old, new));
        });
    }
}

/// What happens to descriptors and jobs.
impl Tracer {
    /// The system's poller was asked to report these directions of a descriptor: reading,
    /// writing.
    #[inline]
    pub(crate) fn watched(&self, fd: u64, want: (bool, bool)) {
        self.emit(move || match want {
            (false, false) => TraceEvent::Unwatch { fd },
            want => TraceEvent::Watch { fd, want: directions(want) },
        });
    }

    /// The system's poller has reported these directions. `tasks` waited for them.
    #[inline]
    pub(crate) fn fd_ready(&self, fd: u64, got: (bool, bool), tasks: impl Iterator<Item = u64>) {
        self.record(move |recorder| {
            let (got, tasks) = (directions(got), tasks.collect::<Vec<u64>>());
            recorder.record(TraceEvent::FdReady { fd, got, tasks: &tasks });
        });
    }

    /// A job is about to be handed to the pool. The job takes the ticket along, and drops
    /// it when the job is done, before it wakes the task.
    #[inline]
    pub(crate) fn job(&self, what: &str, at: CodeLine) -> Option<JobTicket> {
        self.0.as_ref().map(|recorder| unlikely(move || recorder.borrow_mut().job(what, at)))
    }
}

/// What the loop does.
impl Tracer {
    /// The loop begins a turn. Calls `explain` if the loop is traced.
    #[inline]
    pub(crate) fn turn(&self, explain: impl FnOnce()) {
        if self.0.is_some() {
            unlikely(|| {
                self.record(|recorder| recorder.turn());
                explain();
            });
        }
    }

    /// The tasks that have begun to wait for others since the last call.
    pub(crate) fn take_new_waits(&self) -> Vec<u64> {
        let recorder = self.0.as_ref();
        recorder.map(|recorder| recorder.borrow_mut().take_new_waits()).unwrap_or_default()
    }

    /// The loop takes the messages of other threads, which cause what happens next.
    pub(crate) fn messages(&self) {
        self.record(|recorder| recorder.messages());
    }

    /// `block_on` causes what happens next.
    pub(crate) fn start(&self) {
        self.record(|recorder| recorder.start());
    }

    /// The loop stops running for now. Code outside of the loop causes what happens next.
    pub(crate) fn leave(&self) {
        self.record(|recorder| recorder.leave());
    }

    /// The loop goes to sleep, for `limit` at most.
    pub(crate) fn parked(&self, limit: impl FnOnce() -> Option<Duration>) {
        self.record(move |recorder| recorder.park(limit()));
    }

    /// The loop's sleep has ended.
    pub(crate) fn unparked(&self, why: impl FnOnce() -> Unpark) {
        self.record(move |recorder| recorder.unpark(why()));
    }

    /// The program prints a line.
    pub(crate) fn printed(&self, text: &str) {
        self.emit(move || TraceEvent::Out { text });
    }

    /// The loop has ended.
    pub(crate) fn loop_ended(&self) {
        self.emit(|| TraceEvent::LoopEnd);
    }

    /// Calls `act`, and leaves its polls out of the trace: the loop explains itself, and
    /// what it does for that is not the program's.
    pub(crate) fn untraced<R>(&self, act: impl FnOnce() -> R) -> R {
        self.record(|recorder| recorder.pause(true));
        let result = act();
        self.record(|recorder| recorder.pause(false));
        result
    }
}

/// A place in the timer wheel, as the trace writes it.
fn spot(slot: Option<(u8, u8)>) -> Spot {
    let (level, slot) = slot.map_or((-1, 0), |(level, slot)| (level as i8, slot));
    Spot { level, slot }
}

/// Reading and writing, as the trace writes them.
fn directions(read_and_write: (bool, bool)) -> &'static str {
    match read_and_write {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "",
    }
}
