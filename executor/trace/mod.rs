//! The glass: what can be seen of a loop from outside, event by event.
//!
//! This room stands first because all the others tell it what they do, and it knows none
//! of them. It is best read last: nothing in the loop depends on it.
//!
//! ```text
//!   scheduler, timers, reactor, …
//!        │ emit                       forms
//!        ▼                          ┌─ player    a page for the browser
//!      glass ──▶ recorder ──▶ record ─ chrome    for trace viewers
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
//! behind the `glass`.

mod wait;
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
mod glass;

pub(crate) use event::{End, Event, Interest, Spot, Unpark};
pub(crate) use glass::Glass;
pub(crate) use record::Header;
pub(crate) use recorder::Recorder;
pub(crate) use request::Request;
pub(crate) use wait::{Place, Wait, What};
