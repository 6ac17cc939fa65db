//! # Step 2: a waker, and a thread that sleeps
//!
//! You know: an executor polls a future until it is ready. Here it sleeps in between, so
//! somebody must wake it. With each poll, in `cx`, the future gets a *waker*. The contract:
//!
//! - A future that says `Pending` has left its waker with somebody who will call it. Otherwise it
//!   is never polled again.
//! - It may be woken too often: a poll for nothing does no harm. It must not be woken too seldom.
//! - The waker of the *last* poll counts: between two polls, the future may have moved to another
//!   task.
//!
//! ```text
//! cargo run --example step_2
//! cargo run --example flaw 2     # wrong first: an executor that burns the processor,
//!                                # and one that sleeps for ever
//! ```
//!
//! **Still wrong:** there is one future. If it waits, nothing else runs. And if a promise is
//! dropped, the future that waits for it waits for ever.
//!
//! In the real executor: `executor/task/waker.rs` is the waker, `executor/blocking/promise.rs`
//! the promise.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

// ── the executor ─────────────────────────── executor/event_loop/executor.rs

/// Runs a future to its end: polls it, and sleeps until it is woken, and polls it again.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut root = pin!(future);
    let signal = Arc::new(Signal { raised: AtomicBool::new(false), thread: thread::current() });
    let waker = Waker::from(Arc::clone(&signal));
    loop {
        if let Poll::Ready(output) = root.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        signal.wait();
    }
}

/// What is behind the waker: a flag, and the thread that sleeps. Any thread may wake, hence
/// the `Arc` around it and the atomic flag.
struct Signal {
    raised: AtomicBool,
    thread: Thread,
}

impl Wake for Signal {
    /// The standard library makes a `Waker` of any `Arc` whose type has this trait.
    fn wake(self: Arc<Self>) {
        // The flag first: a thread that woke up before it would see no flag and sleep again.
        self.raised.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Signal {
    /// A park may end for no reason, so the flag decides. No `unpark` is lost: if the thread
    /// is not parked yet, its next park ends at once.
    fn wait(&self) {
        while !self.raised.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
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

/// A leaf future that counts how often it is polled.
struct Counted<T> {
    promised: Promised<T>,
    polls: u32,
}

impl<T> Future for Counted<T> {
    type Output = (T, u32);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(T, u32)> {
        self.polls += 1;
        let polls = self.polls;
        Pin::new(&mut self.promised).poll(cx).map(|value| (value, polls))
    }
}

/// Orders a parcel. A thread brings it, 200 milliseconds later.
fn order(parcel: &'static str) -> Counted<&'static str> {
    let (promise, promised) = promise();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        promise.set(parcel);
    });
    Counted { promised, polls: 0 }
}

fn main() {
    let (parcel, polls) = block_on(order("a book"));
    println!("{parcel}, after {polls} polls");
    let (parcel, polls) = block_on(async { order("a lamp").await });
    println!("{parcel}, after {polls} polls");
}
