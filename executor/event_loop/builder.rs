//! `Builder`: all the ways to make a loop.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::time::Duration;

use super::executor::Executor;
use super::parts::EventLoop;
use crate::blocking::pool::DEFAULT_THREADS;
use crate::current;
use crate::report::{SlowPoll, SlowPolls, make_tracer};
use crate::time::Clock;

/// The ways to make an [`Executor`].
///
/// ```
/// use std::time::Duration;
///
/// let executor = glassloop::Executor::builder()
///     .virtual_time()
///     .blocking_threads(4)
///     .build()?;
/// executor.block_on(glassloop::yield_now());
/// # std::io::Result::Ok(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    virtual_time: bool,
    blocking_threads: usize,
    slow_polls: SlowPolls,
    explain: bool,
    trace: Option<OsString>,
}

impl Executor {
    /// All the ways to make a loop.
    pub fn builder() -> Builder {
        Builder {
            virtual_time: Clock::is_virtual_by_environment(),
            blocking_threads: DEFAULT_THREADS,
            slow_polls: SlowPolls::default(),
            explain: cfg!(debug_assertions),
            trace: None,
        }
    }
}

impl Builder {
    /// Gives the loop a clock that stands still while anything is ready, and jumps
    /// to the next deadline instead of sleeping.
    ///
    /// It jumps only when no blocking job is unfinished and no awaited descriptor is
    /// ready. So it suits programs whose peers live on the
    /// same loop: a test with hours of timeouts takes milliseconds, and takes the
    /// same course each time. In asyncio this takes a loop of one's own.
    ///
    /// `GLASSLOOP_VIRTUAL_TIME=1` in the environment does it for every loop of a
    /// program, without a change to its code. The variable is read once, for the first loop.
    pub fn virtual_time(mut self) -> Builder {
        self.virtual_time = true;
        self
    }

    /// Gives the loop the real clock, whatever the environment says: for a program
    /// that measures.
    pub fn real_time(mut self) -> Builder {
        self.virtual_time = false;
        self
    }

    /// How many threads the blocking pool may have; 64 without this call. They are
    /// started when they are needed, and end after being idle for 10 seconds.
    ///
    /// # Panics
    /// If `max` is 0: no file could be read then.
    #[track_caller]
    pub fn blocking_threads(mut self, max: usize) -> Builder {
        assert!(
            max > 0,
            "`Builder::blocking_threads` was given 0 at {}: files, name lookups and `unblock` \
             need at least 1",
            Location::caller()
        );
        self.blocking_threads = max;
        self
    }

    /// Reports on stderr each poll that took longer than `limit`: meanwhile,
    /// nothing else ran. asyncio's debug mode with `slow_callback_duration`.
    pub fn slow_poll(self, limit: Duration) -> Builder {
        self.on_slow_poll(limit, |slow| eprintln!("glassloop: {slow}"))
    }

    /// Calls `report` after each poll that took longer than `limit`, by the real
    /// clock. Without it, polls are not measured.
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
        self.slow_polls = SlowPolls::over(limit, report);
        self
    }

    /// Whether the loop takes notes of what its tasks wait for, for [`tasks`](crate::tasks).
    /// Without this call it does so in a debug build, and in a loop that is traced; in a
    /// release build it costs nothing. asyncio's debug mode.
    pub fn explain(mut self, explain: bool) -> Builder {
        self.explain = explain;
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
        self.trace = Some(path.as_ref().as_os_str().to_owned());
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    /// If a [`trace`](Self::trace) is wanted whose ending stands for no form, or which
    /// cannot be written. (One that the environment wants is only complained about.)
    pub fn build(self) -> io::Result<Executor> {
        let clock = match self.virtual_time {
            true => Clock::standing_still(),
            false => Clock::real(),
        };
        let tracer = make_tracer(self.explain, self.trace.as_deref(), &clock)?;
        let make = |id| EventLoop::new(id, clock, self.blocking_threads, tracer, self.slow_polls);
        Ok(Executor { event_loop: current::make(make) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("virtual_time", &self.virtual_time)
            .field("blocking_threads", &self.blocking_threads)
            .finish_non_exhaustive()
    }
}
