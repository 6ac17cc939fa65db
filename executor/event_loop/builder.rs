//! `Builder`: all the ways to make a loop. (The ways to watch it are in `report/options.rs`.)

use std::fmt;
use std::io;
use std::panic::Location;

use super::executor::Executor;
use super::parts::EventLoop;
use crate::blocking::pool::DEFAULT_THREADS;
use crate::current;
use crate::report::Diagnostics;
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
    pub(crate) diagnostics: Diagnostics,
}

impl Executor {
    /// All the ways to make a loop.
    pub fn builder() -> Builder {
        Builder {
            virtual_time: Clock::is_virtual_by_environment(),
            blocking_threads: DEFAULT_THREADS,
            diagnostics: Diagnostics::default(),
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

    /// Makes the loop.
    ///
    /// # Errors
    /// If a [`trace`](Builder::trace) is wanted whose ending stands for no form, or which
    /// cannot be written. (One that the environment wants is only complained about.)
    pub fn build(self) -> io::Result<Executor> {
        let clock = Clock::new(self.virtual_time);
        let tracer = self.diagnostics.make_tracer(&clock)?;
        let (threads, Diagnostics { slow_polls, circles, .. }) =
            (self.blocking_threads, self.diagnostics);
        let make = |id| EventLoop::new(id, clock, threads, tracer, slow_polls, circles);
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
