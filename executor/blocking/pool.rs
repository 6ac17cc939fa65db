//! The blocking pool: a few threads for the work that can never be ready.
//!
//! A file, a name lookup, a long computation: the loop cannot wait for these, it
//! can only do them, and would stand still meanwhile. So it hands them to a
//! thread, through a channel, and is woken when they are done.
//!
//! ```text
//!   submit ─▶ channel ─▶ a worker takes the job ─▶ done: wake, then count down
//!      │                     ▲         │ idle too long
//!      └─ more jobs than ────┘         ▼
//!         workers: start one         ends
//! ```
//!
//! The pool knows nothing of futures: a job is a closure.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::task::contain;

/// How many threads a loop has at most for blocking work, unless
/// [`Builder::blocking_threads`](crate::Builder::blocking_threads) says otherwise.
///
/// Enough that a few slow jobs do not hold up the quick ones, and few enough that
/// the threads of a small machine are not spent on waiting.
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
}

/// What the pool and its workers share.
struct Crew {
    jobs: Receiver<Job>,
    count: Mutex<Count>,
    keep_alive: Duration,
    /// Called after each job.
    job_done: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Count {
    /// Jobs that were submitted and are not done.
    out: usize,
    /// Workers that may still take a job.
    workers: usize,
    submitted: u64,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Pool {
    /// A pool of at most `max_threads` threads, each of which ends after
    /// being idle for `keep_alive`. After each job, `job_done` is called on its
    /// thread.
    pub fn new(
        max_threads: usize,
        keep_alive: Duration,
        job_done: impl Fn() + Send + Sync + 'static,
    ) -> Pool {
        let (sender, jobs) = crossbeam_channel::unbounded();
        let crew = Crew { jobs, count: Mutex::default(), keep_alive, job_done: Box::new(job_done) };
        Pool { sender: RefCell::new(Some(sender)), crew: Arc::new(crew), max_threads }
    }

    /// Hands a job to the pool. It will run, whatever happens, once this returns
    /// `Ok`; jobs beyond the number of threads wait in line.
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
        let mut count = self.crew.count();
        if count.out >= count.workers
            && count.workers < self.max_threads
            && let Err(error) = self.start_worker(&mut count)
            && count.workers == 0
        {
            return Err(Refused { job, error });
        }
        count.out += 1;
        count.submitted += 1;
        sender.send(job).expect("the crew holds the other end");
        Ok(())
    }

    /// Waits until every job that was submitted is done and every thread has
    /// ended. No more jobs are taken.
    pub fn shutdown(&self) {
        // Without a sender, the workers end when the line is empty.
        self.sender.take();
        let threads = std::mem::take(&mut self.crew.count().threads);
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn start_worker(&self, count: &mut Count) -> io::Result<()> {
        let crew = Arc::clone(&self.crew);
        let builder = thread::Builder::new().name("glassloop-blocking".into());
        let thread = builder.spawn(move || crew.work()).map_err(no_thread)?;
        count.workers += 1;
        // Those that have ended since need not be remembered.
        count.threads.retain(|thread| !thread.is_finished());
        count.threads.push(thread);
        Ok(())
    }

    /// How many jobs were submitted and are not done.
    pub fn jobs_out(&self) -> usize {
        self.crew.count().out
    }

    /// How many threads are running, or ready to.
    pub fn threads(&self) -> usize {
        self.crew.count().workers
    }

    /// How many jobs were submitted, ever.
    pub fn submitted(&self) -> u64 {
        self.crew.count().submitted
    }
}

/// The system's own error is `EAGAIN`: of the kind `WouldBlock`, which a poll function
/// would take for "wait", and without a word of threads.
fn no_thread(error: io::Error) -> io::Error {
    io::Error::other(format!("no thread can be started for blocking work: {error}"))
}

impl Crew {
    fn count(&self) -> MutexGuard<'_, Count> {
        // No code of the user runs under this lock: it cannot be poisoned.
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    fn work(&self) {
        loop {
            match self.jobs.recv_timeout(self.keep_alive) {
                Ok(job) => self.run(job),
                // No job for a while, or never again. Under the lock, under
                // which jobs are submitted, the answer is final.
                Err(error) => {
                    let mut count = self.count();
                    if error.is_disconnected() || self.jobs.is_empty() {
                        count.workers -= 1;
                        return;
                    }
                }
            }
        }
    }

    fn run(&self, job: Job) {
        contain(job);
        // The job has woken its task before it counts as done, so that the loop
        // sees the wake before it sees that nothing is out.
        self.count().out -= 1;
        (self.job_done)();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({})", self.error)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("threads", &self.threads())
            .field("jobs_out", &self.jobs_out())
            .finish()
    }
}
