//! The public face of the loop: `block_on`, `Executor`, `Builder`.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::path::Path;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use super::core::EventLoop;
use super::parts::Parts;
use super::remote::Remote;
use super::root::Root;
use super::slow_poll::{SlowPoll, SlowPolls};
use super::stats::Stats;
use super::tasks::{self, Tasks};
use crate::blocking::pool::DEFAULT_THREADS;
use crate::task::{JoinHandle, current};
use crate::time::{Clock, wheel};
use crate::trace::{Glass, Header, Recorder, Request};

/// `GLASSLOOP_VIRTUAL_TIME=1` gives every loop a virtual clock, so that any program
/// can be watched without its waits.
const VIRTUAL_TIME: &str = "GLASSLOOP_VIRTUAL_TIME";

/// Whether the environment asks for it. Looked up once: it took a tenth of the time that a
/// loop takes to be made, run and dropped.
fn is_time_virtual() -> bool {
    static ASKED_FOR: OnceLock<bool> = OnceLock::new();
    *ASKED_FOR.get_or_init(|| std::env::var_os(VIRTUAL_TIME).is_some_and(|value| value == "1"))
}

/// Runs a future to its end on a fresh loop, on this thread, and returns its
/// output. asyncio's `run`.
///
/// The future may borrow from its surroundings and need not be `Send`. When it is
/// done, the tasks that are left are dropped, then the jobs on the blocking pool
/// are waited for, then `block_on` returns.
///
/// # Panics
/// - If the future panics: its panic unwinds out of here, after the tasks that are
///   left have been dropped.
/// - Inside a running loop on the same thread.
/// - In a provable deadlock, naming each stuck task.
/// - If the system's poller fails.
///
/// ```
/// let name = String::from("Ada");
/// let greeting = glassloop::block_on(async { format!("hello {}", &name) });
/// assert_eq!(greeting, "hello Ada");
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    refuse_nesting("block_on");
    match Executor::new() {
        Ok(executor) => executor.block_on(future),
        Err(error) => panic!("cannot make an event loop: {error}"),
    }
}

/// The current loop's totals so far.
///
/// # Panics
/// Outside of a loop.
#[track_caller]
pub fn stats() -> Stats {
    current::expect::<EventLoop>("`glassloop::stats`").stats()
}

/// Every task of the current loop that has not ended, and what it waits for; printed, a
/// tree of who awaits whom. asyncio's `all_tasks`, and `python -m asyncio pstree`.
///
/// What a task waits for is known only if the loop takes notes of it: it does so in a
/// debug build, when it is traced, and when it was made by
/// [`Builder::explain`](crate::Builder::explain).
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// use std::time::Duration;
/// use glassloop::{TaskState, WaitsFor, sleep, spawn_named, yield_now};
///
/// let executor = glassloop::Executor::builder().explain(true).build()?;
/// executor.block_on(async {
///     let _fetch = spawn_named("fetch", sleep(Duration::from_secs(2)));
///     yield_now().await;
///     let tasks = glassloop::tasks();
///     println!("{tasks}");
///     assert_eq!(tasks[1].name.as_deref(), Some("fetch"));
///     assert_eq!(tasks[1].state, TaskState::Waiting);
///     assert!(matches!(tasks[1].waits[0].what, WaitsFor::Timer(_)));
/// });
/// # std::io::Result::Ok(())
/// ```
#[track_caller]
pub fn tasks() -> Tasks {
    tasks::of(&current::expect::<EventLoop>("`glassloop::tasks`").parts)
}

/// A way into the current loop, for other threads. asyncio's `get_running_loop`,
/// which is mostly called for its `call_soon_threadsafe`.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// use std::thread;
///
/// glassloop::block_on(async {
///     let remote = glassloop::remote();
///     let (promise, promised) = glassloop::promise();
///     thread::spawn(move || remote.spawn(async move || promise.set("run on the loop")));
///     assert_eq!(promised.await, Ok("run on the loop"));
/// });
/// ```
#[track_caller]
pub fn remote() -> Remote {
    Remote::new(&current::expect::<EventLoop>("`glassloop::remote`").parts.mailbox)
}

/// A loop that can be kept: to spawn before it runs, to run it again and again, to
/// reach it from other threads. asyncio's `Runner`.
///
/// It belongs to the thread on which it was made. Dropping it drops every task, in
/// the order in which they were spawned, and waits for the jobs on its blocking
/// pool.
///
/// ```
/// use glassloop::Executor;
///
/// let executor = Executor::new()?;
/// let task = executor.spawn(async { 6 * 7 });
/// assert_eq!(executor.block_on(task).unwrap(), 42);
/// # std::io::Result::Ok(())
/// ```
pub struct Executor {
    event_loop: Rc<EventLoop>,
}

impl Executor {
    /// Makes a loop with the defaults of [`Builder`].
    ///
    /// # Errors
    /// None at present: the system's poller is asked for when the first descriptor
    /// is awaited.
    pub fn new() -> io::Result<Executor> {
        Executor::builder().build()
    }

    /// All the ways to make a loop.
    pub fn builder() -> Builder {
        Builder {
            virtual_time: is_time_virtual(),
            blocking_threads: DEFAULT_THREADS,
            slow_polls: SlowPolls::default(),
            explain: cfg!(debug_assertions),
            trace: None,
        }
    }

    /// Runs a future to its end and returns its output. May be called again and
    /// again: tasks that are left survive in between, and stand still.
    ///
    /// It returns as soon as the future is ready. Tasks that were spawned before
    /// are polled before it.
    ///
    /// # Panics
    /// As the function [`block_on`]. If it panics, the tasks that are left have been
    /// dropped, and the executor can be used again.
    ///
    /// ```
    /// let executor = glassloop::Executor::new()?;
    /// let (sender, receiver) = glassloop::sync::channel::unbounded();
    /// drop(executor.spawn(async move {
    ///     for n in 0.. {
    ///         sender.send(n).await.unwrap();
    ///         glassloop::yield_now().await;
    ///     }
    /// }));
    /// assert_eq!(executor.block_on(receiver.recv()), Ok(0));
    /// assert_eq!(executor.block_on(receiver.recv()), Ok(1));
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        refuse_nesting("block_on");
        // Entered for as long as the future is there: its Drop may use the loop.
        let _entered = self.event_loop.parts.enter(&self.event_loop);
        let mut leftovers = Leftovers { executor: self, forsaken: false };
        let mut output = None;
        {
            let future = pin!(async { output = Some(future.await) });
            leftovers.forsaken = true;
            self.run(Location::caller(), future);
            leftovers.forsaken = false;
        }
        output.expect("the loop runs until the root is ready")
    }

    fn run(
        &self,
        called_at: &'static Location<'static>,
        future: Pin<&mut dyn Future<Output = ()>>,
    ) {
        let scheduler = &self.event_loop.parts.scheduler;
        let mut root = Root::new(scheduler, called_at, future);
        self.event_loop.parts.root.set(Some((root.id, called_at)));
        let run = catch_unwind(AssertUnwindSafe(|| self.event_loop.run(&mut root)));
        self.event_loop.parts.root.set(None);
        scheduler.glass().leave();
        // The root's own panic, or the loop's: a deadlock, a poller that failed.
        if let Some(panic) = root.end(scheduler).or(run.err()) {
            scheduler.drop_all_tasks();
            resume_unwind(panic);
        }
    }

    /// Spawns a task, before or between calls of [`block_on`](Self::block_on), or
    /// inside of one. It runs only while the executor runs. See
    /// [`spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let scheduler = &self.event_loop.parts.scheduler;
        scheduler.spawn(None, Location::caller(), future)
    }

    /// Turns while something is ready, I/O and due timers included, and returns
    /// when nothing is. It never sleeps and never moves virtual time. For tests,
    /// and for a loop inside another one. asyncio's idiom is
    /// `loop.call_soon(loop.stop); loop.run_forever()`.
    ///
    /// # Panics
    /// Inside a running loop on the same thread.
    ///
    /// ```
    /// let executor = glassloop::Executor::new()?;
    /// let task = executor.spawn(async { glassloop::yield_now().await });
    /// executor.run_until_stalled();
    /// assert!(task.is_finished());
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn run_until_stalled(&self) {
        refuse_nesting("run_until_stalled");
        let _entered = self.event_loop.parts.enter(&self.event_loop);
        self.event_loop.run_until_stalled();
        self.event_loop.parts.glass.leave();
    }

    /// A way into this loop for other threads.
    pub fn remote(&self) -> Remote {
        Remote::new(&self.event_loop.parts.mailbox)
    }

    /// Every task that has not ended, and what it waits for. See [`tasks`](crate::tasks).
    pub fn tasks(&self) -> Tasks {
        tasks::of(&self.event_loop.parts)
    }

    /// The totals so far.
    pub fn stats(&self) -> Stats {
        self.event_loop.stats()
    }
}

/// After a panic of the root, drops what the drop of the root future itself has left.
struct Leftovers<'a> {
    executor: &'a Executor,
    forsaken: bool,
}

impl Drop for Leftovers<'_> {
    fn drop(&mut self) {
        if self.forsaken {
            self.executor.event_loop.parts.scheduler.drop_all_tasks();
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // A Drop of a task may still use the loop.
        let _entered = self.event_loop.parts.enter(&self.event_loop);
        self.event_loop.close();
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Executor({})", self.stats())
    }
}

/// Two loops on one thread cannot both wait: the inner one would stop the outer.
#[track_caller]
fn refuse_nesting(what: &str) {
    assert!(
        !current::is_inside(),
        "`{what}` was called at {}, inside a running event loop, which would stand still \
         meanwhile. Await the future instead, or spawn it as a task; blocking code belongs in \
         `glassloop::unblock`",
        Location::caller()
    );
}

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

impl Builder {
    /// Gives the loop a clock that stands still while anything is ready, and jumps
    /// to the next deadline instead of sleeping.
    ///
    /// It jumps only when no blocking job is out and a look at the awaited
    /// descriptors found nothing. So it suits programs whose peers live on the
    /// same loop: a test with hours of timeouts takes milliseconds, and takes the
    /// same course each time. In asyncio this takes a loop of one's own.
    ///
    /// `GLASSLOOP_VIRTUAL_TIME=1` in the environment does it for every loop of a
    /// program, without a change to its code. It is looked up once, for the first loop.
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
        self.slow_polls = SlowPolls::watch(limit, report);
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
        let glass = self.glass(&clock)?;
        let parts = Parts::new(clock, self.blocking_threads, glass);
        Ok(Executor { event_loop: Rc::new(EventLoop::new(parts, self.slow_polls)) })
    }
}

impl Builder {
    /// Through which the loop is to be watched: as a rule by nobody.
    fn glass(&self, clock: &Clock) -> io::Result<Glass> {
        let wanted = self.trace.as_ref().map(|path| Request::new(path)).transpose()?;
        let by_environment = match wanted {
            Some(_) => None,
            None => Request::of_environment(),
        };
        if !self.explain && wanted.is_none() && by_environment.is_none() {
            return Ok(Glass::default());
        }
        let time = clock.clone();
        let recorder = Recorder::new(move || time.nanoseconds_now());
        if let Some(request) = wanted {
            recorder.write_to(&request, &header(clock))?;
        }
        if let Some(request) = by_environment {
            request.complain_of(recorder.write_to(&request, &header(clock)));
        }
        Ok(Glass::watched_by(recorder))
    }
}

/// What stands at the head of a trace.
fn header(clock: &Clock) -> Header {
    let program = env::current_exe().ok();
    let name = program.as_ref().and_then(|path| path.file_stem());
    Header {
        program: name.unwrap_or_default().to_string_lossy().into_owned(),
        is_virtual: clock.is_virtual(),
        tick_nanoseconds: wheel::TICK,
        slots: wheel::SLOTS,
        levels: wheel::LEVELS,
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
