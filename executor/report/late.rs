//! Late: which task was polled late, and what took the time?

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::tree::title;
use crate::task::TaskId;
use crate::trace::{Activity, Delay};

/// How late a task was polled, and what the loop did meanwhile:
/// [`TaskInfo::late`](crate::TaskInfo::late).
///
/// A task is *due* from the moment at which it was put into the run queue; or, if a timer did
/// that, from the timer's deadline. From 1 ms on, it counts as late. That a descriptor is ready,
/// or that another thread has woken the task, the loop learns when it asks: the time before is
/// not counted. On a virtual clock nothing is late.
///
/// asyncio's debug mode says which callback was slow, and not who had to wait for it.
///
/// ```
/// use std::time::Duration;
/// use glassloop::{Culprit, sleep, spawn_named, yield_now};
///
/// let executor = glassloop::Executor::builder().real_time().explain(true).build()?;
/// executor.block_on(async {
///     let _ticker = spawn_named("ticker", async {
///         sleep(Duration::from_millis(20)).await;
///         std::future::pending::<()>().await;
///     });
///     yield_now().await;
///     let report = async { std::thread::sleep(Duration::from_millis(50)) }; // blocks the loop!
///     spawn_named("report", report).await.unwrap();
///     yield_now().await;
///     let tasks = glassloop::tasks();
///     let late = tasks[1].late.as_ref().expect("the ticker was late");
///     assert!(late.is_over && late.by >= Duration::from_millis(10));
///     let Culprit::Task { name, .. } = &late.blame[0].culprit else { panic!("{late}") };
///     assert_eq!(name.as_deref(), Some("report"));
///     println!("{late}"); // 30.1ms late: 30.0ms of them task 3 "report", from src/main.rs:12
/// });
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Late {
    /// How late: from the moment at which the task was due to its poll; or to now, if it still
    /// waits for that.
    pub by: Duration,
    /// Whether the task was polled in the end.
    pub is_over: bool,
    /// What took the time, as far as that is known; the longest first. The sum of the shares is
    /// never more than `by`.
    pub blame: Vec<Blame>,
}

/// A share of the time by which a task was [`Late`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Blame {
    /// What took the time.
    pub culprit: Culprit,
    /// How much of the time it took, by the loop's clock.
    pub took: Duration,
}

/// What can make a task [`Late`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Culprit {
    /// The polls of one task, which may have ended since. It may be the late task itself.
    Task {
        /// The task.
        task: TaskId,
        /// Its name, if it has one; `"root"` for the future of `block_on`.
        name: Option<String>,
        /// The line that spawned it; for the root, the call of `block_on`.
        spawned_at: &'static Location<'static>,
        /// Where the wait began from which the poll went on: what took the time is behind that.
        /// `None` if the poll was the first, took less than 1 ms, or had several waits before it
        /// or none that is known.
        polled_at: Option<&'static Location<'static>>,
    },
    /// Polls of several tasks, as when the run queue is long. Each of them took less than 0.01
    /// ms, or there were too many to name them.
    Polls {
        /// The line that spawned these tasks, if that was one and the same.
        spawned_at: Option<&'static Location<'static>>,
    },
    /// What other threads have sent: their wakes, and the closures of
    /// [`Remote::spawn`](crate::Remote::spawn).
    Messages,
    /// The loop slept until the deadline, and the system woke it late.
    System,
    /// The loop did not run: the program was between two calls of
    /// [`Executor::block_on`](crate::Executor::block_on).
    Stopped,
}

impl Late {
    /// The part of the time that nothing is blamed for: the loop's own work, the wakers of other
    /// crates that it called, and reports of slow polls.
    pub fn unknown(&self) -> Duration {
        self.by.saturating_sub(self.blame.iter().map(|blame| blame.took).sum())
    }

    pub(super) fn new(Delay { nanoseconds, is_over, shares }: Delay) -> Late {
        let blame = shares.into_iter().filter_map(|(activity, took)| {
            let culprit = Culprit::new(activity)?;
            Some(Blame { culprit, took })
        });
        Late { by: Duration::from_nanos(nanoseconds), is_over, blame: blame.collect() }
    }
}

impl Culprit {
    fn new(activity: Activity) -> Option<Culprit> {
        Some(match activity {
            Activity::Poll { task, name, from: spawned_at, at: polled_at } => {
                let name = name.map(|name| name.to_string());
                Culprit::Task { task: TaskId(task), name, spawned_at, polled_at }
            }
            Activity::Polls { from: spawned_at } => Culprit::Polls { spawned_at },
            Activity::Messages => Culprit::Messages,
            Activity::Asleep => Culprit::System,
            Activity::Stopped => Culprit::Stopped,
            Activity::Other => return None,
        })
    }
}

/// How many culprits are printed.
const PRINTED: usize = 3;
/// A smaller part of the delay than one in so many is not printed.
const SMALLEST: u32 = 50;

/// As in `120.1ms late: 118.0ms of them task 4 "report", from src/main.rs:20, polled at
/// src/main.rs:31; 2.1ms not known`. The three longest shares are printed, without those
/// of less than 2 %.
impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.blame.iter().skip(PRINTED).map(|blame| blame.took).sum();
        let told = self.blame.iter().take(PRINTED).map(|Blame { culprit, took }| (*took, culprit));
        let told = told.map(|(took, culprit)| (took, format!("of them {culprit}")));
        let rest = [(others, "others".to_owned()), (self.unknown(), "not known".to_owned())];
        let parts = told.chain(rest).filter(|(took, _)| *took >= self.by / SMALLEST);
        let parts: Vec<String> = parts.map(|(took, what)| format!("{took:.1?} {what}")).collect();
        write!(f, "{:.1?} late: {}", self.by, parts.join("; "))
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Culprit::Task { task, name, spawned_at, polled_at } => {
                write!(f, "{}, from {spawned_at}", title(*task, name.as_deref()))?;
                polled_at.map_or(Ok(()), |at| write!(f, ", polled at {at}"))
            }
            Culprit::Polls { spawned_at: Some(at) } => write!(f, "polls of tasks from {at}"),
            Culprit::Polls { spawned_at: None } => f.write_str("polls of several tasks"),
            Culprit::Messages => f.write_str("messages of other threads"),
            Culprit::System => f.write_str("the system, which woke the loop late"),
            Culprit::Stopped => f.write_str("while the loop did not run"),
        }
    }
}
