//! # Awaitable: a leaf future, and the waker it keeps
//!
//! Below all the `async fn`s there is a *leaf*: a future that awaits nothing, but
//! is made ready by something outside. Here a thread brings a parcel. The same
//! leaf is driven three times: by a waker made of raw pointers, by the safe trait
//! `Wake`, and by glassloop.
//!
//! ```text
//! cargo run --example awaitable
//! ```
//!
//! Take away: **a future that is not ready keeps the waker and returns; whoever
//! makes it ready calls that waker. The waker is the only link between the two.**
//!
//! In Python a leaf is an `asyncio.Future`: its `__await__` yields it to the loop,
//! and a thread ends the wait with `loop.call_soon_threadsafe(future.set_result, …)`.

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

    println!("The same by the trait `Wake`:");
    let got = block_on(by_trait, leaf());
    println!("  main got {got}");

    // Its waker is by the trait, too: see executor/task/waker.rs. From another
    // thread, it puts the task's name into a mailbox, and ends the loop's park.
    println!("The same leaf on glassloop:");
    let got = glassloop::block_on(leaf());
    println!("  main got {got}");
}

/// The leaf.
struct Delivery {
    /// What a thread is to bring, until it has been sent out.
    order: Option<&'static str>,
    doorstep: Arc<Mutex<Doorstep>>,
}

/// What the leaf and the thread share.
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
        // At every poll: the future may be with another task by now, and only the
        // newest waker counts. And under the lock: a parcel that came between
        // our look and this line would otherwise wake nobody.
        doorstep.waker = Some(cx.waker().clone());
        drop(doorstep);
        // Futures are lazy: nobody is sent out before the first poll.
        if let Some(parcel) = self.order.take() {
            let doorstep = Arc::clone(&self.doorstep);
            thread::spawn(move || deliver(parcel, &doorstep));
        }
        Poll::Pending
    }
}

/// The thread: first the parcel, then the wake, or the poll would find nothing.
fn deliver(parcel: &'static str, doorstep: &Mutex<Doorstep>) {
    let mut doorstep = doorstep.lock().expect("no panic under the lock");
    println!("  thread: puts it down, and wakes");
    doorstep.parcel = Some(parcel);
    let waker = doorstep.waker.take();
    // The lock first: the one who is woken will want it.
    drop(doorstep);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The smallest executor: one future, one thread, which sleeps in between.
fn block_on<F: Future>(waker_of: fn(Arc<Bell>) -> Waker, future: F) -> F::Output {
    let mut future = pin!(future);
    let bell = Arc::new(Bell { rung: AtomicBool::new(false), sleeper: thread::current() });
    let waker = waker_of(Arc::clone(&bell));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        bell.wait();
    }
}

/// What a wake does here: it rings, and the sleeping thread goes on.
struct Bell {
    rung: AtomicBool,
    sleeper: Thread,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.unpark();
    }

    /// A park may end for no reason, so the flag decides. A ring that came before
    /// the park is not lost: `unpark` then lets the next `park` return at once.
    fn wait(&self) {
        while !self.rung.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// The safe way to a waker.
impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        println!("  waker: wake");
        self.ring();
    }
}

fn by_trait(bell: Arc<Bell>) -> Waker {
    Waker::from(bell)
}

/// The other way, which the trait goes for us: a waker is a pointer, and a table of
/// four functions that know what is behind it. Here it is an `Arc<Bell>` in
/// disguise, so the functions are those of `Arc`: each waker owns one count.
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
        // call: `Bell` is `Send` and `Sync`. The pointer is one from
        // `Arc::into_raw`, as they all require, and brings the count that the new
        // waker owns.
        unsafe { Waker::from_raw(RawWaker::new(pointer, &TABLE)) }
    }

    unsafe fn clone(pointer: *const ()) -> RawWaker {
        println!("  waker: clone");
        // SAFETY: the pointer is from `Arc::into_raw`, and alive: the waker that is
        // being cloned owns a count. The clone gets the one that is added here.
        unsafe { Arc::increment_strong_count(pointer.cast::<Bell>()) };
        RawWaker::new(pointer, &TABLE)
    }

    /// By value: the waker is used up, and its count with it.
    unsafe fn wake(pointer: *const ()) {
        println!("  waker: wake");
        // SAFETY: the pointer is from `Arc::into_raw`. This waker owns a count and
        // will not be dropped after this call, so that we may take it.
        let bell = unsafe { Arc::from_raw(pointer.cast::<Bell>()) };
        bell.ring();
    }

    unsafe fn wake_by_ref(pointer: *const ()) {
        println!("  waker: wake by reference");
        // SAFETY: the pointer is from `Arc::into_raw`, and alive: the waker owns a
        // count and keeps it, since `ManuallyDrop` does not give ours back.
        let bell = ManuallyDrop::new(unsafe { Arc::from_raw(pointer.cast::<Bell>()) });
        bell.ring();
    }

    unsafe fn drop_waker(pointer: *const ()) {
        println!("  waker: drop");
        // SAFETY: the pointer is from `Arc::into_raw`, and the waker that is being
        // dropped owns the count that ends here.
        drop(unsafe { Arc::from_raw(pointer.cast::<Bell>()) });
    }
}
