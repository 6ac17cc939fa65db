//! # Awaitable: what `await` takes, down to the leaf future that waits itself
//!
//! An *awaitable* is anything that `.await` takes: in Rust, every future. An `async fn`
//! waits only by awaiting another future. At the end of such a chain is a *leaf future*: it
//! awaits no other future, it waits itself, and something outside of the chain makes it
//! ready. Here a thread brings a parcel. The leaf future runs twice: on an executor of a few
//! lines, and on glassloop. What `poll`, `Poll` and `Context` are: examples/coroutine.rs.
//!
//! ```text
//! cargo run --example awaitable
//! ```
//!
//! Take away: **a leaf future that is not ready keeps the waker and returns; the code
//! that makes it ready calls that waker. The waker is the only link between the two.**
//!
//! A wake may do anything: raise a flag, or push a task into a run queue. A type says what it
//! does, by this trait of the standard library, and `Waker::from` makes a waker of it. Here
//! the type is `Signal`.
//!
//! ```text
//! pub trait Wake {
//!     fn wake(self: Arc<Self>);
//!     // and `wake_by_ref`, which calls `wake` unless you write another
//! }
//! ```
//!
//! In Python the leaf future is an `asyncio.Future`: its `__await__` yields it to the
//! loop, and a thread ends the wait with
//! `loop.call_soon_threadsafe(future.set_result, …)`.
//!
//! The last part of the file, and of what it prints, may be skipped: there the leaf future runs
//! once more, with a waker made without the trait, by a table of functions.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

fn main() {
    println!("An executor of a few lines:");
    let signal = Arc::new(Signal { raised: AtomicBool::new(false), thread: thread::current() });
    let waker = Waker::from(Arc::clone(&signal));
    let got = block_on(Delivery::of("a parcel"), waker, &signal);
    println!("  main got {got}");

    // glassloop's waker is made by the trait, too: see executor/task/waker.rs. Called on
    // another thread, it sends the `Arc` behind it to the loop's inbox, and ends the
    // loop's park.
    println!("The same leaf future on glassloop:");
    let got = glassloop::block_on(Delivery::of("a parcel"));
    println!("  main got {got}");

    println!("To skip at first: the executor again, its waker made of raw pointers:");
    let waker = raw::waker(Arc::clone(&signal));
    let got = block_on(Delivery::of("a parcel"), waker, &signal);
    println!("  main got {got}");
}

// ── the leaf future, which keeps the waker ────────────────────────────────

/// The leaf future.
struct Delivery {
    /// What a thread shall bring; `None` once the thread is started.
    order: Option<&'static str>,
    shared: Arc<Mutex<Shared>>,
}

/// What the leaf future and the thread share. (`Arc` lets both own it, `Mutex` lets one at
/// a time use it.)
#[derive(Default)]
struct Shared {
    parcel: Option<&'static str>,
    waker: Option<Waker>,
}

impl Delivery {
    fn of(parcel: &'static str) -> Delivery {
        Delivery { order: Some(parcel), shared: Arc::default() }
    }
}

impl Future for Delivery {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        let mut shared = self.shared.lock().expect("no panic under the lock");
        if let Some(parcel) = shared.parcel.take() {
            println!("  poll: the parcel is there");
            return Poll::Ready(parcel);
        }
        println!("  poll: nothing there; keep the waker");
        // At every poll: the future may have moved to another task since, and only the
        // newest waker counts. And under the lock: a parcel that arrived between
        // the check above and this line would otherwise wake no task.
        shared.waker = Some(cx.waker().clone());
        drop(shared);
        // Futures are lazy: the thread starts at the first poll, not before.
        if let Some(parcel) = self.order.take() {
            let shared = Arc::clone(&self.shared);
            thread::spawn(move || deliver(parcel, &shared));
        }
        Poll::Pending
    }
}

// ── the thread, which makes it ready and calls the waker ──────────────────

/// Runs on the thread. Stores the parcel first and wakes then, or the poll that follows
/// the wake would find no parcel.
fn deliver(parcel: &'static str, shared: &Mutex<Shared>) {
    let mut shared = shared.lock().expect("no panic under the lock");
    println!("  thread: brings the parcel, and wakes");
    shared.parcel = Some(parcel);
    let waker = shared.waker.take();
    // Unlock before waking: the poll that follows takes the same lock.
    drop(shared);
    if let Some(waker) = waker {
        waker.wake();
    }
}

// ── the executor, which made the waker and polls after a wake ─────────────

/// The smallest executor: one future, and one thread that sleeps between two polls.
fn block_on<F: Future>(future: F, waker: Waker, signal: &Signal) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        signal.wait();
    }
}

/// What is behind the waker: a flag, and the thread that sleeps.
struct Signal {
    raised: AtomicBool,
    thread: Thread,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        println!("  waker: wake");
        self.raise();
    }
}

impl Signal {
    /// The flag first: a thread that woke up before it would see no flag and sleep again.
    fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        self.thread.unpark();
    }

    /// A park may end for no reason, so the flag decides. No `unpark` is lost: if the
    /// thread is not parked yet, its next park ends at once.
    fn wait(&self) {
        while !self.raised.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

// ── to skip at a first reading ────────────────────────────────────────────
//
// What comes now is for the curious. No other example needs it: they all make their wakers
// by the trait `Wake`.

/// What the trait does inside. A waker is a pointer, and a table of four functions that
/// know the type behind the pointer:
///
/// ```text
/// RawWaker::new(data: *const (), vtable: &'static RawWakerVTable)
/// RawWakerVTable::new(clone, wake, wake_by_ref, drop)
/// ```
///
/// So `Waker` is one type, whatever a wake does; and an executor that has no `Arc`, on a
/// machine without an allocator, can make wakers from any other pointer. Here the pointer
/// comes from an `Arc<Signal>`, so the functions do what `Arc` does: each waker owns one
/// count. All of it is `unsafe`: the compiler cannot see what is behind the pointer.
#[allow(unsafe_code, reason = "what `Wake` does for us, made visible")]
mod raw {
    use std::mem::ManuallyDrop;
    use std::sync::Arc;
    use std::task::{RawWaker, RawWakerVTable, Waker};

    use super::Signal;

    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

    pub(super) fn waker(signal: Arc<Signal>) -> Waker {
        let pointer = Arc::into_raw(signal).cast::<()>();
        // SAFETY: the contract of `RawWaker` asks for functions that any thread may
        // call: `Signal` is `Send` and `Sync`. The pointer is from `Arc::into_raw`, as
        // all four functions require, and brings the count that the new waker owns.
        unsafe { Waker::from_raw(RawWaker::new(pointer, &TABLE)) }
    }

    unsafe fn clone(pointer: *const ()) -> RawWaker {
        println!("  waker: clone");
        // SAFETY: the pointer is from `Arc::into_raw`, and alive: the waker that is
        // being cloned owns a count. The clone owns the count that is added here.
        unsafe { Arc::increment_strong_count(pointer.cast::<Signal>()) };
        RawWaker::new(pointer, &TABLE)
    }

    /// Wakes by value: the waker is used up, and its count with it.
    unsafe fn wake(pointer: *const ()) {
        println!("  waker: wake");
        // SAFETY: the pointer is from `Arc::into_raw`. The waker owns a count and is
        // not dropped after this call, so this call may take the count.
        let signal = unsafe { Arc::from_raw(pointer.cast::<Signal>()) };
        signal.raise();
    }

    unsafe fn wake_by_ref(pointer: *const ()) {
        println!("  waker: wake by reference");
        // SAFETY: the pointer is from `Arc::into_raw`, and alive: the waker owns a
        // count and keeps it, since `ManuallyDrop` does not lower the count.
        let signal = ManuallyDrop::new(unsafe { Arc::from_raw(pointer.cast::<Signal>()) });
        signal.raise();
    }

    unsafe fn drop_waker(pointer: *const ()) {
        println!("  waker: drop");
        // SAFETY: the pointer is from `Arc::into_raw`, and the waker that is being
        // dropped owns the count that is taken back here.
        drop(unsafe { Arc::from_raw(pointer.cast::<Signal>()) });
    }
}
