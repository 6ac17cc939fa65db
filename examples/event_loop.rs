//! # Loop: what runs the coroutines
//!
//! A complete event loop: some sixty lines for the loop itself, with its tasks and
//! timers, and forty more for its wakers and a `sleep`. The same program runs on this
//! loop and on glassloop, and the traces are equal.
//!
//! ```text
//! cargo run --example event_loop
//! ```
//!
//! Take away: **a loop is a run queue of tasks that are ready, a map of timers that
//! will make tasks ready, and a way to sleep while no task is ready.**
//!
//! asyncio's `BaseEventLoop` holds the same: `_ready`, `_scheduled`, `_selector`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

// ── the loop ────────────────────────────────── executor/event_loop/core.rs

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A loop. It has no sockets, files, joins or aborts; a task that panics ends the loop;
/// a task that is woken twice is polled twice. glassloop handles all of these.
struct MiniLoop {
    /// The tasks, by number; `None` where one has ended. executor/task/slab.rs
    tasks: RefCell<Vec<Option<Task>>>,
    ready: Arc<RunQueue>,
    /// By deadline, then by number: equal deadlines in the order of the calls. A map
    /// is enough here; glassloop has a timer wheel. executor/time/wheel.rs
    timers: RefCell<BTreeMap<(Duration, u64), Waker>>,
    sleeps: Cell<u64>,
    /// The loop's clock stands still while tasks run. executor/time/clock.rs
    now: Cell<Duration>,
    started: Instant,
}

impl MiniLoop {
    fn new() -> MiniLoop {
        let ready = RunQueue { numbers: Mutex::default(), thread: thread::current() };
        MiniLoop {
            tasks: RefCell::default(),
            ready: Arc::new(ready),
            timers: RefCell::default(),
            sleeps: Cell::new(0),
            now: Cell::new(Duration::ZERO),
            started: Instant::now(),
        }
    }

    /// Runs turns until every task has ended.
    fn run(&self) {
        while self.tasks.borrow().iter().any(Option::is_some) {
            self.wait();
            self.fire_timers();
            self.run_ready();
        }
    }

    /// Sleeps until a task is ready or a deadline has come. executor/task/parker.rs
    fn wait(&self) {
        let deadline = self.timers.borrow().keys().next().map(|&(deadline, _)| deadline);
        loop {
            match deadline.map(|deadline| deadline.saturating_sub(self.started.elapsed())) {
                // The deadline, not the real time: even if the loop is late, two
                // deadlines are two turns, so the output is always the same.
                Some(Duration::ZERO) => return self.now.set(deadline.unwrap_or_default()),
                _ if !self.ready.numbers().is_empty() => return,
                Some(left) => thread::park_timeout(left),
                None => thread::park(), // only another thread can wake a task now
            }
        }
    }

    /// Wakes the tasks whose deadline has come. executor/time/timers.rs
    fn fire_timers(&self) {
        let later = self.timers.borrow_mut().split_off(&(self.now.get(), u64::MAX));
        // Taken out first, woken then: a waker may do anything, and may use the map.
        let due = self.timers.replace(later);
        due.into_values().for_each(Waker::wake);
    }

    /// Polls the tasks that are ready now. A task that becomes ready meanwhile runs in
    /// the next turn, or a task that always wakes itself would starve the timers.
    fn run_ready(&self) {
        let ready_now = std::mem::take(&mut *self.ready.numbers());
        for number in ready_now {
            let Some(mut task) = self.tasks.borrow_mut()[number].take() else {
                continue; // a late wake of a task that has ended
            };
            let waker = Waker::from(Arc::new(TaskWaker { number, ready: self.ready.clone() }));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                self.tasks.borrow_mut()[number] = Some(task);
            }
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let number = self.tasks.borrow().len();
        self.tasks.borrow_mut().push(Some(Box::pin(future)));
        self.ready.push(number);
    }
}

// ── wakers ─────────────────── executor/task/waker.rs, executor/task/run_queue.rs

/// The numbers of the tasks that are to be polled, first in, first out. Any thread may
/// wake a task: hence the lock, and the `unpark`.
struct RunQueue {
    numbers: Mutex<VecDeque<usize>>,
    thread: Thread,
}

impl RunQueue {
    fn push(&self, number: usize) {
        self.numbers().push_back(number);
        self.thread.unpark();
    }

    fn numbers(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.numbers.lock().expect("no panic under the lock")
    }
}

struct TaskWaker {
    number: usize,
    ready: Arc<RunQueue>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.number);
    }
}

// ── sleep ────────────────────────────────────────── executor/time/sleep.rs

struct MiniSleep {
    event_loop: Rc<MiniLoop>,
    key: (Duration, u64),
}

/// The leaf future of this loop. The call fixes the deadline, not the first poll.
fn mini_sleep(event_loop: &Rc<MiniLoop>, duration: Duration) -> MiniSleep {
    let number = event_loop.sleeps.replace(event_loop.sleeps.get() + 1);
    let key = (event_loop.now.get() + duration, number);
    MiniSleep { event_loop: Rc::clone(event_loop), key }
}

impl Future for MiniSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.key.0 <= self.event_loop.now.get() {
            return Poll::Ready(());
        }
        // The same key at every poll: the newest waker replaces the older one.
        self.event_loop.timers.borrow_mut().insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

// ── the program ───────────────────────────────────────────────────────────

type Trace = Rc<RefCell<Vec<String>>>;

/// A task that ticks. Its `sleep` is an argument, so it runs on any loop.
async fn ticker<S: Future>(
    name: &'static str,
    (period, ticks): (u64, usize),
    sleep: impl Fn(Duration) -> S,
    trace: Trace,
) {
    for tick in 1..=ticks {
        sleep(Duration::from_millis(period)).await;
        trace.borrow_mut().push(format!("{name}{tick}"));
    }
}

/// At 100 ms both tasks tick. The slow one is first, because it called `sleep` first:
/// the slow one called it at 50 ms, the quick one at 80 ms.
const QUICK: (u64, usize) = (20, 6);
const SLOW: (u64, usize) = (50, 2);

fn on_mini_loop() -> Vec<String> {
    let event_loop = Rc::new(MiniLoop::new());
    let trace = Trace::default();
    for (name, rhythm) in [("quick", QUICK), ("SLOW", SLOW)] {
        let its_loop = Rc::clone(&event_loop);
        let sleep = move |duration| mini_sleep(&its_loop, duration);
        event_loop.spawn(ticker(name, rhythm, sleep, trace.clone()));
    }
    event_loop.run();
    trace.take()
}

fn on_glassloop() -> Vec<String> {
    // Virtual time: the clock of this loop goes from deadline to deadline, too. The loop
    // does not even wait in between.
    let executor = glassloop::Executor::builder().virtual_time().build().expect("an executor");
    let trace = Trace::default();
    let tasks = [("quick", QUICK), ("SLOW", SLOW)]
        .map(|(name, rhythm)| ticker(name, rhythm, glassloop::sleep, trace.clone()))
        .map(|task| executor.spawn(task));
    executor.block_on(glassloop::join_all(tasks));
    trace.take()
}

fn main() {
    let (mini, glass) = (on_mini_loop(), on_glassloop());
    println!("this file: {}", mini.join(" "));
    println!("glassloop: {}", glass.join(" "));
    assert_eq!(mini, glass, "two loops, one order");
    println!("\nThe same order: it follows from the deadlines, and not from luck.");
}
