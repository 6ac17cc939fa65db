//! The tracer: what can be seen of a loop from outside, event by event.
//!
//! This room stands first because all the others tell it what they do, and it knows none
//! of them. It is best read last: nothing in the loop depends on it.
//!
//! ```text
//!   scheduler, timers, reactor, …
//!        │ emit                       forms
//!        ▼                          ┌─ player    a page for the browser
//!      tracer ──▶ recorder ──▶ record ─ chrome    for trace viewers
//!   nobody looks?   numbers,  what,  ├─ lines     JSON, for programs
//!   one branch      time,     when,  └─ timeline  text, for the terminal
//!                   cause     why         │
//!                                         ▼
//!                                       output
//! ```
//!
//! In reading order: a leaf says what it will `wait` for; an `event` is what is seen; a
//! `record` of it, with its time and cause, is put into a form, of which `json` and what
//! was `seen` before are the means: `lines`, `chrome`, `timeline`, `player`. The `output`
//! takes the text. A `request` says which form is wanted; the `recorder` does the work,
//! behind the `tracer`.

mod wait;
mod notes;
mod event;
mod record;
mod json;
mod seen;
mod lines;
mod chrome;
mod timeline;
mod player;
mod output;
mod request;
mod recorder;
mod tracer;

pub(crate) use event::{End, Unpark};
pub(crate) use notes::{LeafAddress, Notes, address};
pub(crate) use record::TraceHeader;
pub(crate) use recorder::{JobTicket, Recorder};
pub(crate) use request::Request;
pub(crate) use tracer::Tracer;
pub(crate) use wait::{CodeLine, WaitReason, What};
