//! Whether a loop is traced, and to which path: the program or the environment says so.

use std::env;
use std::ffi::OsStr;
use std::io;

use crate::time::{Clock, wheel};
use crate::trace::{Recorder, Request, TraceHeader, Tracer};

/// The tracer of a new loop; usually an empty one.
///
/// # Errors
/// If a trace at `path` is wanted and cannot be written. (For a trace that only the
/// environment asks for there is a line on stderr instead, and the loop runs without it.)
pub(crate) fn make_tracer(
    explain: bool,
    path: Option<&OsStr>,
    clock: &Clock,
) -> io::Result<Tracer> {
    let request = match path {
        Some(path) => Some(Request::new(path)?),
        None => Request::of_environment(),
    };
    if !explain && request.is_none() {
        return Ok(Tracer::default());
    }
    let time = clock.clone();
    let mut recorder = Recorder::new(move || time.nanoseconds_now());
    if let Some(request) = request {
        let opened = recorder.write_to(&request, &header(clock));
        if path.is_some() { opened? } else { Request::complain_of(opened) }
    }
    Ok(Tracer::to(recorder))
}

/// The header of a trace.
fn header(clock: &Clock) -> TraceHeader {
    let program = env::current_exe().ok();
    let name = program.as_ref().and_then(|path| path.file_stem());
    TraceHeader {
        program: name.unwrap_or_default().to_string_lossy().into_owned(),
        is_virtual: clock.is_virtual(),
        tick_nanoseconds: wheel::TICK,
        slots: wheel::SLOTS,
        levels: wheel::LEVELS,
    }
}
