//! Whether a loop is traced, and where to: as the program asks, or its environment.

use std::env;
use std::ffi::OsStr;
use std::io;

use crate::time::{Clock, wheel};
use crate::trace::{Recorder, Request, TraceHeader, Tracer};

/// The tracer of a new loop: as a rule an empty one.
///
/// # Errors
/// If a trace at `path` is wanted and cannot be had. (A trace that only the environment
/// asks for is complained about, and left out.)
pub(crate) fn make_tracer(
    explain: bool,
    path: Option<&OsStr>,
    clock: &Clock,
) -> io::Result<Tracer> {
    let wanted = path.map(Request::new).transpose()?;
    let by_environment = match wanted {
        Some(_) => None,
        None => Request::of_environment(),
    };
    if !explain && wanted.is_none() && by_environment.is_none() {
        return Ok(Tracer::default());
    }
    let time = clock.clone();
    let recorder = Recorder::new(move || time.nanoseconds_now());
    if let Some(request) = wanted {
        recorder.write_to(&request, &header(clock))?;
    }
    if let Some(request) = by_environment {
        request.complain_of(recorder.write_to(&request, &header(clock)));
    }
    Ok(Tracer::to(recorder))
}

/// What the head of a trace says.
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
