//! An event with everything that is known about it, and what a form of trace makes of
//! it: text.

use super::event::{Cause, TraceEvent};

/// An event, when it happened and why.
pub(super) struct Record<'a> {
    /// From 1, without gaps.
    pub(super) number: u64,
    /// Nanoseconds on the loop's clock since the loop was made.
    pub(super) time: u64,
    pub(super) turn: u64,
    /// What the loop was at when it happened.
    pub(super) by: Cause,
    /// How often the task of this event has been polled, this poll included.
    pub(super) poll: u64,
    pub(super) event: TraceEvent<'a>,
}

/// What is known before the first event.
pub(crate) struct TraceHeader {
    pub(crate) program: String,
    pub(crate) is_virtual: bool,
    /// Of the timer wheel: how long a slot of the finest level is, and how many slots
    /// and levels there are.
    pub(crate) tick_nanoseconds: u64,
    pub(crate) slots: usize,
    pub(crate) levels: usize,
}

impl Record<'_> {
    /// The task during whose poll it happened.
    pub(super) fn polled(&self) -> Option<u64> {
        match self.by {
            Cause::Task(task) => Some(task),
            _ => None,
        }
    }
}

/// A form of trace. It appends to a text, which is written out after each call.
pub(super) trait Form {
    fn begin(&mut self, header: &TraceHeader, text: &mut String);
    fn write(&mut self, record: &Record<'_>, text: &mut String);
    /// The loop has ended in order: closes what is open.
    fn end(&mut self, _text: &mut String) {}
}
