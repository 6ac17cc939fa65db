//! A record, which is an event and everything that is known about it; and a form of trace,
//! which turns records into text.

use super::event::{Cause, TraceEvent};

/// An event, when it happened and why.
pub(super) struct Record<'a> {
    /// From 1, without gaps.
    pub(super) number: u64,
    /// Nanoseconds on the loop's clock since the loop was made.
    pub(super) time: u64,
    pub(super) turn: u64,
    /// The cause of the event.
    pub(super) by: Cause,
    /// How often the task of this event has been polled, this poll included.
    pub(super) poll: u64,
    pub(super) event: TraceEvent<'a>,
}

/// What is known before the first event.
pub(crate) struct TraceHeader {
    pub(crate) program: String,
    pub(crate) is_virtual: bool,
    /// The length of a slot at the finest level of the timer wheel.
    pub(crate) tick_nanoseconds: u64,
    /// How many slots a level of the wheel has, and how many levels there are.
    pub(crate) slots: usize,
    pub(crate) levels: usize,
}

impl Record<'_> {
    /// The task during whose poll the event happened.
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
    /// The loop has ended, or the trace was cut: closes what is open.
    fn end(&mut self, _text: &mut String) {}
}
