//! The blocking pool: a few threads for the work that can never be ready.
//!
//! A file, a name lookup, a long computation: the loop cannot wait for these, it can only
//! do them, and would stand still meanwhile. So the loop hands each of them to a thread,
//! through a channel, and is woken when the job is done.
//!
//! ```text
//!   submit ─▶ channel ─▶ a worker takes the job ─▶ done: wake, then count down
//!      │                     ▲         │ idle too long
//!      └─ more jobs than ────┘         ▼
//!         workers: start one         ends
//! ```
//!
//! The pool knows nothing of futures: a job is a closure.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::task::contain;

/// How many threads a loop has at most for blocking work, unless
/// [`Builder::blocking_threads`](crate::Builder::blocking_threads) says otherwise.
///
/// Enough that a few slow jobs do not delay the quick ones, and few enough for a small
/// machine.
pub const DEFAULT_THREADS: usize = 64;

/// How long a worker waits for another job before it ends.
pub const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A piece of blocking work. A panic in it is contained.
pub type Job = Box<dyn FnOnce() + Send>;

/// A job that the pool could not take, and why.
pub struct Refused {
    /// The job, which has not run.
    pub job: Job,
    /// That no thread can be started, with the system's error; or that the pool has been
    /// shut down.
    pub error: io::Error,
}

/// A pool of threads, started when they are needed.
///
/// Dropping it waits for every job that was submitted, and for the threads.
pub struct Pool {
    /// `None` after the shutdown.
    sender: RefCell<Option<Sender<Job>>>,
    crew: Arc<Crew>,
    max_threads: usize,
    submitted: Cell<u64>,
}

/// The state that the pool and its workers share.
struct Crew {
    jobs: Receiver<Job>,
    /// How many jobs were submitted and are not done. The loop reads this at every park, so
    /// there is no lock around it.
    out: AtomicUsize,
    workers: Mutex<Workers>,
    keep_alive: Duration,
    /// Called when no job is unfinished any more.
    all_done: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Workers {
    /// How many of them may still take a job.
    count: usize,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Pool {
    /// A pool of at most `max_threads` threads, each of which ends after
    /// being idle for `keep_alive`. After the last unfinished job, `all_done` is called on
    /// that job's thread.
    pub fn new(
        max_threads: usize,
        keep_alive: Duration,
        all_done: impl Fn() + Send + Sync + 'static,
    ) -> Pool {
        let (sender, jobs) = crossbeam_channel::unbounded();
        let (out, workers, submitted) = Default::default();
        let crew = Crew { jobs, out, workers, keep_alive, all_done: Box::new(all_done) };
        let (sender, crew) = (RefCell::new(Some(sender)), Arc::new(crew));
        Pool { sender, crew, max_threads, submitted }
    }

    /// Hands a job to the pool. Once this has returned `Ok`, the job will run, whatever
    /// happens; jobs beyond the number of threads wait in a queue.
    ///
    /// # Errors
    /// If there is no thread at all and none can be started, with the system's error
    /// in the text; if at least one is running, the job waits for it instead. And
    /// always after the [`shutdown`](Self::shutdown).
    pub fn submit(&self, job: Job) -> Result<(), Refused> {
        let sender = self.sender.borrow();
        let Some(sender) = sender.as_ref() else {
            let error = io::Error::other("the event loop of this blocking pool has ended");
            return Err(Refused { job, error });
        };
        let mut workers = self.crew.workers();
        if self.jobs_out() >= workers.count
            && workers.count < self.max_threads
            && let Err(error) = self.start_worker(&mut workers)
            && workers.count == 0
        {
            return Err(Refused { job, error });
        }
        self.crew.out.fetch_add(1, Ordering::Relaxed);
        self.submitted.set(self.submitted.get() + 1);
        sender.send(job).expect("the crew holds the other end");
        Ok(())
    }

    /// Waits until every job that was submitted is done and every thread has
    /// ended. No more jobs are taken.
    pub fn shutdown(&self) {
        // Without a sender, the workers end when the queue is empty.
        self.sender.take();
        let threads = std::mem::take(&mut self.crew.workers().threads);
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn start_worker(&self, workers: &mut Workers) -> io::Result<()> {
        let crew = Arc::clone(&self.crew);
        let builder = thread::Builder::new().name("glassloop-blocking".into());
        let thread = builder.spawn(move || crew.work()).map_err(no_thread)?;
        workers.count += 1;
        // Threads that have ended since need not be joined.
        workers.threads.retain(|thread| !thread.is_finished());
        workers.threads.push(thread);
        Ok(())
    }

    /// How many jobs were submitted and are not done.
    pub fn jobs_out(&self) -> usize {
        // Acquire: the loop that sees that a job is done also sees the wake that it sent.
        self.crew.out.load(Ordering::Acquire)
    }

    /// How many threads are running, or ready to.
    pub fn threads(&self) -> usize {
        self.crew.workers().count
    }

    /// How many jobs were submitted, ever.
    pub fn submitted(&self) -> u64 {
        self.submitted.get()
    }
}

/// The system's own error is `EAGAIN`. Its kind is `WouldBlock`, which a poll function
/// would take for "wait", and its text does not speak of threads.
fn no_thread(error: io::Error) -> io::Error {
    io::Error::other(format!("no thread can be started for blocking work: {error}"))
}

impl Crew {
    fn workers(&self) -> MutexGuard<'_, Workers> {
        // No code of the user runs under this lock: it cannot be poisoned.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    fn work(&self) {
        loop {
            match self.jobs.recv_timeout(self.keep_alive) {
                Ok(job) => self.run(job),
                // No job for a while, or never again. No job can arrive while we hold the
                // lock, so an empty queue is final.
                Err(error) => {
                    let mut workers = self.workers();
                    if error.is_disconnected() || self.jobs.is_empty() {
                        workers.count -= 1;
                        return;
                    }
                }
            }
        }
    }

    fn run(&self, job: Job) {
        contain(job);
        // The job has woken its task before it counts as done, so that the loop sees the
        // wake before it sees that no job is unfinished.
        if self.out.fetch_sub(1, Ordering::Release) == 1 {
            // Only the last job reports "none left"; otherwise each job would wake the loop
            // twice.
            (self.all_done)();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl_debug!(Refused, |refused| "Refused({})", refused.error);

impl_debug!(Pool, |pool| "Pool {{ threads: {}, jobs_out: {} }}", pool.threads(), pool.jobs_out());
