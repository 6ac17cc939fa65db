//! # Step 3: many tasks
//!
//! You know: an executor polls a future, and sleeps until its waker is called. Here it has many
//! futures. A future that the executor owns is a *task*. Each has its own waker, with a number
//! in it, the task's *id*; a wake pushes the id to the *run queue*, and the executor polls the
//! tasks that are in the queue. That is an *event loop*.
//!
//! ```text
//! cargo run --example step_3
//! cargo run --example flaw 3     # wrong first: tasks that are polled twice, or after their
//!                                # end, or never again
//! ```
//!
//! **Still wrong:** nobody learns when a task ends, or what it has found. A panic in one task goes
//! up through `block_on`: no other task is polled again, and the thread cannot run another loop.
//!
//! In the real executor: `executor/event_loop/core.rs` is the loop, `executor/task/scheduler.rs`
//! has the tasks, `executor/task/waker.rs` the two ways of a wake: any thread's, and a cheaper
//! one for the loop's own thread.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

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
}

/// The id of the future that `block_on` polls itself. That one may borrow from the caller, and
/// its output goes to the caller; a task owns all that it has.
const ROOT: u64 = 0;

/// Runs a future to its end, and meanwhile the tasks that it spawns.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let event_loop = EventLoop::enter();
    let mut root = pin!(future);
    let waker = TaskWaker::new(ROOT, &event_loop.queue);
    waker.wake_by_ref();
    loop {
        event_loop.wait();
        // Only the tasks that are ready now. A task that becomes ready meanwhile is polled in
        // the next turn; or a task that always wakes itself would keep the turn going for ever.
        for id in event_loop.queue.take() {
            if id != ROOT {
                event_loop.poll_task(id);
            } else if let Poll::Ready(output) = waker.poll(root.as_mut()) {
                CURRENT.take();
                return output;
            }
        }
    }
}

impl EventLoop {
    fn enter() -> Rc<EventLoop> {
        assert!(CURRENT.with_borrow(Option::is_none), "a loop runs already: use `.await` here");
        let event_loop = Rc::new(EventLoop {
            tasks: RefCell::default(),
            next_id: Cell::new(ROOT + 1),
            queue: Arc::new(RunQueue { ids: Mutex::default(), thread: thread::current() }),
        });
        CURRENT.set(Some(Rc::clone(&event_loop)));
        event_loop
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

    /// Sleeps until a task is ready.
    fn wait(&self) {
        while self.queue.is_empty() {
            thread::park();
        }
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

/// Starts a task. `'static`: it may outlive the function that spawns it.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    EventLoop::current().add(Box::pin(future));
}

/// Lets the other tasks run: it wakes its own task, and is ready at the next poll.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

// ── a value from another thread ───────────────── executor/blocking/promise.rs

/// Makes a promise, and the future of what it promises.
pub fn promise<T>() -> (Promise<T>, Promised<T>) {
    let shared = Arc::new(Mutex::new(Shared { value: None, waker: None }));
    (Promise(Arc::clone(&shared)), Promised(shared))
}

/// The thread's half: it brings the value.
pub struct Promise<T>(Arc<Mutex<Shared<T>>>);

/// The task's half, a leaf future: it waits for the value.
pub struct Promised<T>(Arc<Mutex<Shared<T>>>);

struct Shared<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

impl<T> Promise<T> {
    /// Brings the value, and wakes the task that waits for it.
    pub fn set(self, value: T) {
        let mut shared = lock(&self.0);
        // The value first, then the wake: the poll that follows looks for the value.
        shared.value = Some(value);
        let waker = shared.waker.take();
        // Unlocked first: that poll takes the same lock, and a waker may be anybody's code.
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Promised<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut shared = lock(&self.0);
        if let Some(value) = shared.value.take() {
            return Poll::Ready(value);
        }
        // Under the same lock as the check above: a value that comes between the two would
        // find no waker. At every poll: the waker of the last one counts.
        shared.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic happens under this lock")
}

// ── the program ───────────────────────────────────────────────────────────

async fn count(name: &'static str, to: u32) {
    for number in 1..=to {
        println!("{name} {number}");
        yield_now().await;
    }
}

fn main() {
    block_on(async {
        let (promise, promised) = promise();
        spawn(async {
            count("left", 3).await;
            thread::spawn(|| promise.set("a parcel"));
        });
        spawn(count("  right", 2));
        println!("two tasks, and neither has begun");
        println!("main has got {}", promised.await);
    });
}
