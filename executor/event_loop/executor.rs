//! The way into the loop: `block_on` and `Executor`.

use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;

use super::parts::EventLoop;
use super::remote::Remote;
use super::root::Root;
use crate::current;
use crate::task::JoinHandle;
use crate::trace::CodeLine;

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
    Remote::new(&current::expect("`glassloop::remote`").inbox)
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
    pub(crate) event_loop: Rc<EventLoop>,
}

impl Executor {
    /// Makes a loop with the defaults of [`Builder`](crate::Builder).
    ///
    /// # Errors
    /// None at present: the system's poller is asked for when the first descriptor
    /// is awaited.
    pub fn new() -> io::Result<Executor> {
        Executor::builder().build()
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
        let _entered = current::enter(&self.event_loop);
        let mut leftovers = Leftovers { executor: self, root_is_running: false };
        let mut output = None;
        {
            let future = pin!(async { output = Some(future.await) });
            leftovers.root_is_running = true;
            self.run(Location::caller(), future);
            leftovers.root_is_running = false;
        }
        output.expect("the loop runs until the root is ready")
    }

    #[track_caller]
    fn run(&self, called_at: CodeLine, future: Pin<&mut dyn Future<Output = ()>>) {
        let scheduler = &self.event_loop.scheduler;
        let mut root = Root::new(scheduler, called_at, future);
        let run = catch_unwind(AssertUnwindSafe(|| self.event_loop.run(&mut root)));
        match (root.end(scheduler), run) {
            (None, Ok(Ok(()))) => {}
            (None, Ok(Err(deadlock))) => {
                // First: a Drop may ask whether its thread is panicking.
                scheduler.drop_all_tasks();
                panic!("{deadlock}");
            }
            // The root's own panic, or the loop's: a poller that failed.
            (Some(panic), _) | (None, Err(panic)) => {
                scheduler.drop_all_tasks();
                resume_unwind(panic);
            }
        }
    }

    /// Spawns a task, before or between calls of [`block_on`](Self::block_on), or
    /// inside of one. It runs only while the executor runs. See
    /// [`spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F: Future<Output: 'static> + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        self.event_loop.scheduler.spawn(None, Location::caller(), future)
    }

    /// Runs turns while something is ready, I/O and due timers included, and returns
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
        let _entered = current::enter(&self.event_loop);
        self.event_loop.run_until_stalled();
        self.event_loop.tracer.leave();
    }

    /// A way into this loop for other threads.
    pub fn remote(&self) -> Remote {
        Remote::new(&self.event_loop.inbox)
    }
}

/// While `block_on` unwinds, drops the tasks that the drop of the root future has spawned.
struct Leftovers<'a> {
    executor: &'a Executor,
    root_is_running: bool,
}

impl Drop for Leftovers<'_> {
    fn drop(&mut self) {
        if self.root_is_running {
            self.executor.event_loop.scheduler.drop_all_tasks();
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // A Drop of a task may still use the loop.
        let _entered = current::enter(&self.event_loop);
        self.event_loop.close();
    }
}

impl_debug!(Executor, |executor| "Executor({})", executor.stats());

/// Two loops on one thread cannot both wait: the inner one would stop the outer.
#[track_caller]
fn refuse_nesting(what: &str) {
    assert!(
        current::get().is_none(),
        "`{what}` was called at {}, inside a running event loop, which would stand still \
         meanwhile. Await the future instead, or spawn it as a task; blocking code belongs in \
         `glassloop::unblock`",
        Location::caller()
    );
}
