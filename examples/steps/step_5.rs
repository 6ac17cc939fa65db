//! # Step 5: time
//!
//! You know: a leaf future keeps its waker where the event will find it. Here the event is a
//! time. The loop has a map of deadlines, each with a waker; it sleeps no longer than to the
//! first, and wakes the tasks whose deadlines have come.
//!
//! ```text
//! cargo run --example step_5
//! cargo run --example flaw 5     # wrong first: a sleep that stops the loop, and one that
//!                                # leaves its timer behind
//! ```
//!
//! **Still wrong:** the more timers there are, the longer each of them takes.
//!
//! In the real executor: `executor/time/sleep.rs`; `executor/time/clock.rs` has virtual time,
//! too: the loop goes to the next deadline without waiting for it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use futures_lite::FutureExt;

// ── the loop ────────────────────────────────── executor/event_loop/core.rs

thread_local! {
    /// The loop that runs on this thread.
    static CURRENT: RefCell<Option<Rc<EventLoop>>> = const { RefCell::new(None) };
}

struct EventLoop {
    /// By id; `None` while the task is being polled. executor/task/scheduler.rs
    tasks: RefCell<BTreeMap<u64, Option<Task>>>,
    next_id: Cell<u64>,
    queue: Arc<RunQueue>,
    started: Instant,
    timers: RefCell<Timers>,
}

/// The id of the future that `block_on` polls itself. That one may borrow from the caller, and
/// its output goes to the caller; a task owns all that it has.
const ROOT: u64 = 0;

/// Runs a future to its end, and meanwhile the tasks that it spawns.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let entered = EventLoop::enter();
    let event_loop = &entered.0;
    let mut root = pin!(future);
    let waker = TaskWaker::new(ROOT, &event_loop.queue);
    waker.wake_by_ref();
    loop {
        event_loop.wait();
        event_loop.fire_timers();
        // Only the tasks that are ready now. A task that becomes ready meanwhile is polled in
        // the next turn; or a task that always wakes itself would keep the turn going for ever.
        for id in event_loop.queue.take() {
            if id != ROOT {
                event_loop.poll_task(id);
            } else if let Poll::Ready(output) = waker.poll(root.as_mut()) {
                return output;
            }
        }
    }
}

/// While this lives, the loop is the current one.
struct Entered(Rc<EventLoop>);

impl Drop for Entered {
    fn drop(&mut self) {
        // One by one, out of the table: the drop of a future may use the table. (And not
        // `while let`, which would keep the table borrowed during the drop.)
        loop {
            let Some(task) = self.0.tasks.borrow_mut().pop_first() else { break };
            drop(task);
        }
        CURRENT.take();
    }
}

impl EventLoop {
    fn enter() -> Entered {
        assert!(CURRENT.with_borrow(Option::is_none), "a loop runs already: use `.await` here");
        let event_loop = Rc::new(EventLoop {
            tasks: RefCell::default(),
            next_id: Cell::new(ROOT + 1),
            queue: Arc::new(RunQueue { ids: Mutex::default(), thread: thread::current() }),
            started: Instant::now(),
            timers: RefCell::default(),
        });
        CURRENT.set(Some(Rc::clone(&event_loop)));
        Entered(event_loop)
    }

    fn current() -> Rc<EventLoop> {
        CURRENT.with_borrow(Clone::clone).expect("this needs a running loop: call `block_on`")
    }

    fn next_id(&self) -> u64 {
        self.next_id.replace(self.next_id.get() + 1)
    }

    fn add(&self, future: BoxFuture) -> u64 {
        let id = self.next_id();
        let waker = TaskWaker::new(id, &self.queue);
        let task = Task { future, waker: Arc::clone(&waker) };
        self.tasks.borrow_mut().insert(id, Some(task));
        waker.wake(); // to be polled for the first time
        id
    }

    fn poll_task(&self, id: u64) {
        // Out of the table for the time of the poll: the poll may spawn, and use the table.
        let Some(mut task) = self.tasks.borrow_mut().get_mut(&id).and_then(Option::take) else {
            return; // a late wake: the task has ended
        };
        if task.waker.poll(task.future.as_mut()).is_ready() {
            self.tasks.borrow_mut().remove(&id);
        } else if let Some(place) = self.tasks.borrow_mut().get_mut(&id) {
            *place = Some(task);
        } // else it is no longer in the table: it has aborted itself (step 4), and is dropped here
    }

    /// Sleeps until a task is ready or a timer is due.
    fn wait(&self) {
        while self.queue.is_empty() {
            match self.until_next_timer() {
                Some(Duration::ZERO) => return,
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
        }
    }

    /// Wakes the tasks whose timers are due.
    fn fire_timers(&self) {
        // Taken out first, woken then: a waker may do anything, and use the timers.
        let due = self.timers.borrow_mut().advance(self.started.elapsed().as_millis() as u64);
        due.into_iter().for_each(Waker::wake);
    }

    fn until_next_timer(&self) -> Option<Duration> {
        let next = self.timers.borrow().next()?;
        Some(Duration::from_millis(next).saturating_sub(self.started.elapsed()))
    }
}

// ── the run queue ─────────────────────────────── executor/task/run_queue.rs

/// The ids of the tasks to poll, first in, first out. Any thread may push one.
struct RunQueue {
    ids: Mutex<VecDeque<u64>>,
    thread: Thread,
}

impl RunQueue {
    fn push(&self, id: u64) {
        lock(&self.ids).push_back(id);
        // The push first: a loop that woke up before it would find nothing and sleep again.
        // No `unpark` is lost: if the loop is not parked yet, its next park ends at once.
        self.thread.unpark();
    }

    fn take(&self) -> VecDeque<u64> {
        mem::take(&mut *lock(&self.ids))
    }

    fn is_empty(&self) -> bool {
        lock(&self.ids).is_empty()
    }
}

// ── a task, and its waker ──────────── executor/task/task.rs, executor/task/waker.rs

type BoxFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    future: BoxFuture,
    waker: Arc<TaskWaker>,
}

/// Any thread may hold a waker and call it. The tasks never leave the thread of the loop, so they
/// may hold an `Rc`; hence the waker holds no task, only the task's id and the way to the queue.
struct TaskWaker {
    id: u64,
    queue: Arc<RunQueue>,
    /// From the wake to the poll: the id is in the queue, or in what the turn has taken out of
    /// it. It must not be pushed twice.
    queued: AtomicBool,
}

impl TaskWaker {
    fn new(id: u64, queue: &Arc<RunQueue>) -> Arc<TaskWaker> {
        Arc::new(TaskWaker { id, queue: Arc::clone(queue), queued: AtomicBool::new(false) })
    }

    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        // Before the poll: a wake during the poll must push the id again. And `swap`, not
        // `store`: this poll must see what other threads did before they woke the task.
        self.queued.swap(false, Ordering::AcqRel);
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.push(self.id);
        }
    }
}

// ── spawn, join, abort ─────────────────────── executor/task/join_handle.rs

/// Starts a task. It runs until `block_on` returns, at most.
pub fn spawn<F: Future + 'static>(future: F) -> JoinHandle<F::Output> {
    let event_loop = EventLoop::current();
    let slot = Rc::new(JoinSlot { result: Cell::new(None), joiner: Cell::new(None) });
    let id = event_loop.add(Box::pin({
        let slot = Rc::clone(&slot);
        async move {
            // A panic ends this task, and not the loop.
            let result = AssertUnwindSafe(future).catch_unwind().await;
            slot.end(result.map_err(JoinError::Panicked));
        }
    }));
    JoinHandle { id, event_loop, slot }
}

/// Awaits a task's output. Dropping the handle does not end the task.
pub struct JoinHandle<T> {
    id: u64,
    event_loop: Rc<EventLoop>,
    slot: Rc<JoinSlot<T>>,
}

/// Why a task gave no output.
#[derive(Debug)]
pub enum JoinError {
    /// It was aborted.
    Aborted,
    /// It panicked, with this value.
    Panicked(Box<dyn Any + Send>),
}

/// What a task and its handle share.
struct JoinSlot<T> {
    result: Cell<Option<Result<T, JoinError>>>,
    joiner: Cell<Option<Waker>>,
}

impl<T> JoinSlot<T> {
    fn end(&self, result: Result<T, JoinError>) {
        // The first end counts: a task may abort itself, and then run to its end.
        self.result.set(self.result.take().or(Some(result)));
        if let Some(joiner) = self.joiner.take() {
            joiner.wake();
        }
    }
}

impl<T> JoinHandle<T> {
    /// Ends the task where it waits: its future is dropped, with all that it owns. (What it shares
    /// with others stays.)
    pub fn abort(&self) {
        let task = self.event_loop.tasks.borrow_mut().remove(&self.id);
        if let Some(task) = task {
            // First the news, then the drop: the drop may panic.
            self.slot.end(Err(JoinError::Aborted));
            drop(task);
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.slot.result.take() {
            return Poll::Ready(result);
        }
        self.slot.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

// ── time ───────────────────────── executor/time/sleep.rs, executor/time/timers.rs

/// Sleeps for `duration` from this call on: rounded up to a millisecond, and longer if another
/// task keeps the thread.
pub fn sleep(duration: Duration) -> Sleep {
    let event_loop = EventLoop::current();
    let deadline = event_loop.started.elapsed().saturating_add(duration);
    // Rounded up: a sleep never ends early.
    let deadline = u64::try_from(deadline.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let number = event_loop.next_id();
    Sleep { key: (deadline.min(FOREVER), number), event_loop }
}

/// In milliseconds since the loop began: some 8,900 years. (Step 6 has use for 48 bits.)
const FOREVER: u64 = (1 << 48) - 1;

/// A timer's deadline, in milliseconds since the loop began, and its number: equal deadlines
/// come in the order of the calls.
type TimerKey = (u64, u64);

/// The leaf future of time.
pub struct Sleep {
    key: TimerKey,
    event_loop: Rc<EventLoop>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Duration::from_millis(self.key.0) <= self.event_loop.started.elapsed() {
            return Poll::Ready(());
        }
        // With the same key at every poll: the waker of the last poll replaces the older one.
        self.event_loop.timers.borrow_mut().insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let _waker = self.event_loop.timers.borrow_mut().remove(self.key);
    }
}

/// The timers, in the order of their deadlines.
#[derive(Default)]
struct Timers {
    armed: BTreeMap<TimerKey, Waker>,
}

impl Timers {
    fn insert(&mut self, key: TimerKey, waker: Waker) {
        self.armed.insert(key, waker);
    }

    fn remove(&mut self, key: TimerKey) -> Option<Waker> {
        self.armed.remove(&key)
    }

    /// When the loop must advance next.
    fn next(&self) -> Option<u64> {
        self.armed.keys().next().map(|key| key.0)
    }

    /// Takes out the timers that are due at `now`, in the order of their keys.
    fn advance(&mut self, now: u64) -> Vec<Waker> {
        let later = self.armed.split_off(&(now + 1, 0));
        mem::replace(&mut self.armed, later).into_values().collect()
    }
}

/// How many timers are armed.
pub fn timers() -> usize {
    EventLoop::current().timers.borrow().armed.len()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic happens under this lock")
}

// ── the program ───────────────────────────────────────────────────────────

fn main() {
    block_on(async {
        // Each number sleeps as long as it says: so they come in their order.
        let sleepers = [300, 100, 200, 400].map(|number| {
            spawn(async move {
                sleep(Duration::from_millis(number)).await;
                println!("{number}");
            })
        });
        // A week, but dropped before.
        let week = spawn(sleep(Duration::from_secs(7 * 24 * 60 * 60)));
        for sleeper in sleepers {
            sleeper.await.expect("a sleeper only sleeps");
        }
        println!("a week has {} timer", timers());
        week.abort();
        println!("once aborted, it has {}", timers());
    });
}
