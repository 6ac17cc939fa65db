//! The tracer: a record of what a loop does, event by event.
//!
//! This module is declared first because all others emit events to it, and it knows none
//! of them. Read it last: nothing in the loop depends on it.
//!
//! ```text
//!   scheduler, timers, reactor, …
//!        │ emit                           forms
//!        ▼                              ┌─ player    a page for the browser
//!      tracer ──▶ recorder ──▶ record ──┼─ chrome    for trace viewers
//!    not traced:   number,     what,    ├─ lines     JSON, for programs
//!    one branch    time,       when,    └─ timeline  text, for the terminal
//!                  cause       why          │
//!                                           ▼
//!                                         output
//! ```
//!
//! In reading order: a `resource` is what tasks hold and wait for; a leaf future says what it
//! will `wait` for, the `notes` of a poll collect these waits, and the `holds` say who has what.
//! An `event` is one thing that the loop does; a `record` is an event with its time and cause.
//! Four forms turn records into text: `lines`, `chrome`, `timeline` and `player`, by means of
//! `json` and of the `state` that follows from the events so far. The `output` writes the text to
//! a file. A `request` says which form is wanted; `lateness` knows what the loop has done since a
//! task was due. The `recorder` does the work behind the `tracer`.

mod resource;
mod wait;
mod notes;
pub(crate) mod holds;
mod event;
mod record;
mod json;
mod state;
mod lines;
mod chrome;
mod timeline;
mod player;
mod output;
mod request;
mod lateness;
mod recorder;
mod tracer;

pub(crate) use event::{End, Unpark};
pub(crate) use lateness::{Activity, Delay};
pub(crate) use notes::{ChildNotes, LeafId, Note, Notes, Waits, address};
pub(crate) use record::TraceHeader;
pub(crate) use recorder::{JobTicket, Recorder};
pub(crate) use request::Request;
pub use resource::Resource;
pub(crate) use resource::{CodeLine, Identity};
pub(crate) use tracer::Tracer;
pub(crate) use wait::{ELSEWHERE, WaitReason, What};
