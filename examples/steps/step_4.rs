//! # Step 4: a task has an end: join, abort, panic
//!
//! You know: a loop polls the tasks whose ids are in the run queue. Here `spawn` gives a
//! *handle*, which is a future: its output is the task's output, or why there is none. To *abort*
//! a task is to drop its future: so all that the future holds is dropped, too. A panic ends the
//! task only: `catch_unwind` of the crate futures-lite makes a future whose output is a panic, if
//! there was one. (`AssertUnwindSafe` says: no code uses what the panic has left
//! half done, since the future is dropped.) The promise of step 2 is not needed before step 8.
//!
//! ```text
//! cargo run --example step_4
//! cargo run --example flaw 4     # wrong first: a task that nobody tells of the end it
//!                                # waits for; a panic that ends the loop
//! ```
//!
//! **Still wrong:** a task cannot wait for a time.
//!
//! In the real executor: `executor/task/task.rs` keeps the future and, later, its output in one
//! place, so that a spawn makes one allocation or two where this one makes three;
//! `executor/task/join_handle.rs`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic happens under this lock")
}

// ── the program ───────────────────────────────────────────────────────────

/// Says when it is dropped.
struct Lamp;

impl Drop for Lamp {
    fn drop(&mut self) {
        println!("  the lamp is switched off");
    }
}

async fn add(a: u32, b: u32) -> u32 {
    yield_now().await;
    a + b
}

async fn fail() -> u32 {
    yield_now().await;
    panic!("no luck today")
}

async fn shine() -> u32 {
    let _lamp = Lamp;
    loop {
        yield_now().await;
    }
}

fn main() {
    // A panic prints its message itself. It is printed below, so not here.
    panic::set_hook(Box::new(|_| ()));
    block_on(async {
        let (adder, failer, shiner) = (spawn(add(20, 22)), spawn(fail()), spawn(shine()));
        report("the adder", adder.await);
        report("the failer", failer.await);
        println!("abort");
        shiner.abort();
        report("the shiner", shiner.await);
    });
}

fn report(name: &str, result: Result<u32, JoinError>) {
    match result {
        Ok(output) => println!("{name} gave {output}"),
        Err(JoinError::Aborted) => println!("{name} was aborted"),
        Err(JoinError::Panicked(panic)) => {
            let text = panic.downcast_ref::<&str>().unwrap_or(&"something");
            println!("{name} failed with: {text}");
        }
    }
}
