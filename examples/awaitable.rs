//! # Awaitable: what `await` takes, down to the leaf future that waits itself
//!
//! An *awaitable* is anything that `.await` takes: in Rust, every future. An `async fn`
//! waits only by awaiting another future. At the end of such a chain is a *leaf future*: it
//! awaits no other future, it waits itself, and something outside of the chain makes it
//! ready. Here a thread brings a parcel. The same leaf future runs three times: with a
//! waker made of raw pointers, with the safe trait `Wake`, and on glassloop.
//!
//! ```text
//! cargo run --example awaitable
//! ```
//!
//! Take away: **a leaf future that is not ready keeps the waker and returns; the code
//! that makes it ready calls that waker. The waker is the only link between the two.**
//!
//! In Python the leaf future is an `asyncio.Future`: its `__await__` yields it to the
//! loop, and a thread ends the wait with
//! `loop.call_soon_threadsafe(future.set_result, …)`.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

fn main() {
    let leaf = || Delivery::of("a parcel");

    println!("A waker of raw pointers:");
    let got = block_on(by_hand::waker, leaf());
    println!("  main got {got}");

    println!("The same with the trait `Wake`:");
    let got = block_on(by_trait, leaf());
    println!("  main got {got}");

    // glassloop's waker uses the trait, too: see executor/task/waker.rs. Called on
    // another thread, it sends the `Arc` behind it to the loop's inbox, and ends the
    // loop's park.
    println!("The same leaf future on glassloop:");
    let got = glassloop::block_on(leaf());
    println!("  main got {got}");
}

/// The leaf future.
struct Delivery {
    /// What a thread shall bring; `None` once the thread is started.
    order: Option<&'static str>,
    doorstep: Arc<Mutex<Doorstep>>,
}

/// What the leaf future and the thread share.
#[derive(Default)]
struct Doorstep {
    parcel: Option<&'static str>,
    waker: Option<Waker>,
}

impl Delivery {
    fn of(parcel: &'static str) -> Delivery {
        Delivery { order: Some(parcel), doorstep: Arc::default() }
    }
}

impl Future for Delivery {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        let mut doorstep = self.doorstep.lock().expect("no panic under the lock");
        if let Some(parcel) = doorstep.parcel.take() {
            println!("  poll: the parcel is there");
            return Poll::Ready(parcel);
        }
        println!("  poll: nothing there; keep the waker");
        // At every poll: the future may have moved to another task since, and only the
        // newest waker counts. And under the lock: a parcel that arrived between
        // the check above and this line would otherwise wake no task.
        doorstep.waker = Some(cx.waker().clone());
        drop(doorstep);
        // Futures are lazy: the thread starts at the first poll, not before.
        if let Some(parcel) = self.order.take() {
            let doorstep = Arc::clone(&self.doorstep);
            thread::spawn(move || deliver(parcel, &doorstep));
        }
        Poll::Pending
    }
}

/// Runs on the thread. Stores the parcel first and wakes then, or the poll that follows
/// the wake would find no parcel.
fn deliver(parcel: &'static str, doorstep: &Mutex<Doorstep>) {
    let mut doorstep = doorstep.lock().expect("no panic under the lock");
    println!("  thread: puts it down, and wakes");
    doorstep.parcel = Some(parcel);
    let waker = doorstep.waker.take();
    // Unlock before waking: the poll that follows takes the same lock.
    drop(doorstep);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The smallest executor: one future, and one thread that sleeps between two polls.
fn block_on<F: Future>(waker_of: fn(Arc<Bell>) -> Waker, future: F) -> F::Output {
    let mut future = pin!(future);
    let bell = Arc::new(Bell { rung: AtomicBool::new(false), thread: thread::current() });
    let waker = waker_of(Arc::clone(&bell));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        bell.wait();
    }
}

/// What a wake does here: it sets the flag, and ends the thread's park.
struct Bell {
    rung: AtomicBool,
    thread: Thread,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.thread.unpark();
    }

    /// A park may end for no reason, so the flag decides. A ring before the park
    /// is not lost: `unpark` lets the next `park` return at once.
    fn wait(&self) {
        while !self.rung.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// The safe way to make a waker.
impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        println!("  waker: wake");
        self.ring();
    }
}

fn by_trait(bell: Arc<Bell>) -> Waker {
    Waker::from(bell)
}

/// What the trait does inside: a waker is a pointer, and a table of four functions
/// that know the type behind the pointer. Here the pointer comes from an `Arc<Bell>`,
/// so the functions do what `Arc` does: each waker owns one count.
#[allow(unsafe_code, reason = "what `Wake` does for us, made visible")]
mod by_hand {
    use std::mem::ManuallyDrop;
    use std::sync::Arc;
    use std::task::{RawWaker, RawWakerVTable, Waker};

    use super::Bell;

    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

    pub(super) fn waker(bell: Arc<Bell>) -> Waker {
        let pointer = Arc::into_raw(bell).cast::<()>();
        // SAFETY: the contract of `RawWaker` asks for functions that any thread may
        // call: `Bell` is `Send` and `Sync`. The pointer is from `Arc::into_raw`, as
        // all four functions require, and brings the count that the new waker owns.
        unsafe { Waker::from_raw(RawWaker::new(pointer, &TABLE)) }
    }

    unsafe fn clone(pointer: *const ()) -> RawWaker {
        println!("  waker: clone");
        // SAFETY: the pointer is from `Arc::into_raw`, and alive: the waker that is
        // being cloned owns a count. The clone owns the count that is added here.
        unsafe { Arc::increment_strong_count(pointer.cast::<Bell>()) };
        RawWaker::new(pointer, &TABLE)
    }

    /// Wakes by value: the waker is used up, and its count with it.
    unsafe fn wake(pointer: *const ()) {
        println!("  waker: wake");
        // SAFETY: the pointer is from `Arc::into_raw`. The waker owns a count and is
        // not dropped after this call, so this call may take the count.
        let bell = unsafe { Arc::from_raw(pointer.cast::<Bell>()) };
        bell.ring();
    }

    unsafe fn wake_by_ref(pointer: *const ()) {
        println!("  waker: wake by reference");
        // SAFETY: the pointer is from `Arc::into_raw`, and alive: the waker owns a
        // count and keeps it, since `ManuallyDrop` does not lower the count.
        let bell = ManuallyDrop::new(unsafe { Arc::from_raw(pointer.cast::<Bell>()) });
        bell.ring();
    }

    unsafe fn drop_waker(pointer: *const ()) {
        println!("  waker: drop");
        // SAFETY: the pointer is from `Arc::into_raw`, and the waker that is being
        // dropped owns the count that is taken back here.
        drop(unsafe { Arc::from_raw(pointer.cast::<Bell>()) });
    }
}
