//! How a loop is watched: what the program, or its environment, asks for.

use std::env;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::circles::{Circle, CircleWatch};
use super::slow_poll::{SlowPoll, SlowPolls};
use crate::event_loop::Builder;
use crate::time::{Clock, wheel};
use crate::trace::{Recorder, Request, TraceHeader, Tracer};

/// What a [`Builder`] was asked for.
#[derive(Default)]
pub(crate) struct Diagnostics {
    pub(crate) slow_polls: Option<SlowPolls>,
    pub(crate) circles: CircleWatch,
    explain: Option<bool>,
    trace: Option<Request>,
}

impl Diagnostics {
    /// The tracer of a new loop; usually an empty one.
    ///
    /// # Errors
    /// If a trace is wanted and cannot be written. (For a trace that only the environment
    /// asks for there is a line on stderr instead, and the loop runs without it.)
    pub(crate) fn make_tracer(&self, clock: &Clock) -> io::Result<Tracer> {
        let request = self.trace.clone().or_else(Request::of_environment);
        let is_watched =
            self.explain.unwrap_or(cfg!(debug_assertions)) || self.slow_polls.is_some();
        if !is_watched && request.is_none() {
            return Ok(Tracer::default());
        }
        let time = clock.clone();
        let mut recorder = Recorder::new(move || time.nanoseconds_now());
        if let Some(request) = request {
            let opened = recorder.write_to(&request, &header(clock));
            if self.trace.is_some() { opened? } else { Request::complain_of(opened) }
        }
        Ok(Tracer::to(recorder))
    }
}

impl Builder {
    /// Reports on stderr each poll that took longer than `limit`: meanwhile,
    /// nothing else ran. It also says which tasks are late by then, and what else took their
    /// time. asyncio's debug mode with `slow_callback_duration`, which names only the callback.
    pub fn slow_poll(self, limit: Duration) -> Builder {
        self.on_slow_poll(limit, |slow| eprintln!("glassloop: {slow}"))
    }

    /// Calls `report` after each poll that took longer than `limit`, by the real
    /// clock. To know who is late because of it, the loop takes notes, as with
    /// [`explain`](Self::explain).
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc, time::Duration};
    ///
    /// let slow_polls = Rc::new(Cell::new(0));
    /// let count = slow_polls.clone();
    /// let executor = glassloop::Executor::builder()
    ///     .on_slow_poll(Duration::from_millis(1), move |_| count.set(count.get() + 1))
    ///     .build()?;
    /// executor.block_on(async {
    ///     std::thread::sleep(Duration::from_millis(2)); // blocks the loop!
    /// });
    /// assert_eq!(slow_polls.get(), 1);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn on_slow_poll(
        mut self,
        limit: Duration,
        report: impl Fn(&SlowPoll) + 'static,
    ) -> Builder {
        self.diagnostics.slow_polls = Some(SlowPolls { limit, report: Box::new(report) });
        self
    }

    /// Calls `report` once for each circle of tasks that wait for each other, when it has
    /// closed: see [`Tasks::circles`](crate::Tasks::circles). Without this call the circle is
    /// written to stderr. In both cases only in a loop that takes notes
    /// ([`explain`](Self::explain)). If nothing at all can go on any more, there is the report
    /// of a deadlock instead.
    ///
    /// ```
    /// let executor = glassloop::Executor::builder()
    ///     .explain(true)
    ///     .on_circle(|circle| panic!("{circle}"))
    ///     .build()?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn on_circle(mut self, report: impl Fn(&Circle) + 'static) -> Builder {
        self.diagnostics.circles = CircleWatch::new(Box::new(report));
        self
    }

    /// Whether the loop takes notes of what its tasks wait for, and of what makes them late, for
    /// [`tasks`](crate::tasks). Without this call it does so in a debug build; in a loop that is
    /// traced, or whose slow polls are reported, it always does. In another loop of a release
    /// build it costs nothing. asyncio's debug mode.
    pub fn explain(mut self, explain: bool) -> Builder {
        self.diagnostics.explain = Some(explain);
        self
    }

    /// Writes a trace of everything that the loop does to `path`. The ending says in
    /// which form: `.html` is a page that plays it, `.json` is for Perfetto and
    /// `chrome://tracing`, `.jsonl` has a line for each event; and `-` stands for a
    /// timeline on stderr.
    ///
    /// `GLASSLOOP_TRACE=path` in the environment does it for every loop of a program,
    /// without a change to its code: the second loop writes `path-2.html`, and so on.
    /// `docs/trace.md` describes the events.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("trace.html");
    /// let executor = glassloop::Executor::builder().trace(&path).build()?;
    /// executor.block_on(glassloop::yield_now());
    /// # assert!(path.exists());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn trace(mut self, path: impl AsRef<Path>) -> Builder {
        self.diagnostics.trace = Some(Request::new(path.as_ref()));
        self
    }
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
