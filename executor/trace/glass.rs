//! The glass: through which a loop is seen. Each part of the loop has one, and tells it
//! what it does.
//!
//! As a rule nobody looks. Then the glass is empty, and to tell it something is one
//! branch, which the processor predicts; what would be told is not even made.

use std::rc::Rc;

use super::event::{Event, Unpark};
use super::recorder::{Life, Recorder, Ticket};
use super::wait::Place;

/// Calls `act`, out of the way: what is to be told is put together there, so that the loop
/// that nobody looks at does not even carry what it would take.
#[cold]
#[inline(never)]
fn unlikely<R>(act: impl FnOnce() -> R) -> R {
    act()
}

/// Empty, or the way to the recorder.
#[derive(Clone, Default)]
pub(crate) struct Glass(Option<Rc<Recorder>>);

impl Glass {
    /// A glass through which this recorder looks.
    pub(crate) fn watched_by(recorder: Recorder) -> Glass {
        Glass(Some(Rc::new(recorder)))
    }

    /// Whether anybody looks.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// Calls `tell` if somebody looks.
    #[inline]
    pub(crate) fn if_watched(&self, tell: impl FnOnce()) {
        if self.is_watched() {
            unlikely(tell);
        }
    }

    /// Something has happened. `event` is called only if somebody looks.
    #[inline]
    pub(crate) fn emit<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if let Some(recorder) = &self.0 {
            unlikely(move || recorder.record(event()));
        }
    }

    /// The loop begins a turn.
    #[inline]
    pub(crate) fn turn(&self) {
        if let Some(recorder) = &self.0 {
            unlikely(move || recorder.turn());
        }
    }

    /// The loop takes the messages of other threads: they are the cause of what happens
    /// next.
    pub(crate) fn messages(&self) {
        self.if_watched(|| self.0.iter().for_each(|recorder| recorder.messages()));
    }

    /// `block_on` is the cause of what happens next.
    pub(crate) fn start(&self) {
        self.if_watched(|| self.0.iter().for_each(|recorder| recorder.start()));
    }

    /// The loop stops running for now: what happens next has its cause outside.
    #[inline]
    pub(crate) fn leave(&self) {
        if let Some(recorder) = &self.0 {
            recorder.leave();
        }
    }

    /// A job is about to be handed to the pool. The ticket goes with it, and is to be
    /// dropped when the job is done, before its task is woken.
    #[inline]
    pub(crate) fn job(&self, what: &str, at: Place) -> Option<Ticket> {
        self.0.as_ref().map(|recorder| unlikely(move || recorder.job(what, at)))
    }

    /// Calls `act` unseen: what the loop does to explain itself is not the program's.
    pub(crate) fn unseen<R>(&self, act: impl FnOnce() -> R) -> R {
        let pause = |pause| self.0.iter().for_each(|recorder| recorder.pause(pause));
        pause(true);
        let result = act();
        pause(false);
        result
    }

    /// The timer for which the task may wait has another number from now on.
    pub(crate) fn reset(&self, task: u64, old: u64, new: u64) {
        if let Some(recorder) = &self.0 {
            recorder.reset(task, old, new);
        }
    }

    /// The notes on a task, if any are kept.
    pub(crate) fn life(&self, task: u64) -> Option<Life> {
        self.0.as_ref()?.life(task)
    }

    /// The loop's sleep has ended.
    #[inline]
    pub(crate) fn unpark(&self, why: impl FnOnce() -> Unpark) {
        if let Some(recorder) = &self.0 {
            unlikely(move || recorder.unpark(why()));
        }
    }
}
