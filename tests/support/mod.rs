//! What the chapters of the specification share: a watchdog, a loop on virtual
//! time, and a few instruments that record what happened.

#![allow(dead_code, unreachable_pub, reason = "each chapter uses its own part of this")]

use std::cell::RefCell;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use glassloop::Executor;

pub mod alone;

#[cfg_attr(unix, path = "sockets_unix.rs")]
#[cfg_attr(not(unix), path = "sockets_elsewhere.rs")]
pub mod sockets;

/// How long a test may take before it counts as hanging, in seconds. Generous: the
/// machine may be busy. A test that hangs would otherwise hold up the whole run.
const LIMIT: u64 = 15;

/// Another limit, for a tool that makes everything slow, as valgrind does.
const LIMIT_VARIABLE: &str = "GLASSLOOP_TEST_LIMIT";

/// The limit once a test has hung. The run is red then, and the learner who broke the loop need
/// not wait for all the others that hang, too.
const LIMIT_AFTER_A_HANG: u64 = 4;

static HAS_HUNG: AtomicBool = AtomicBool::new(false);

fn limit() -> Duration {
    let Ok(seconds) = std::env::var(LIMIT_VARIABLE) else {
        let has_hung = HAS_HUNG.load(Ordering::Relaxed);
        return Duration::from_secs(if has_hung { LIMIT_AFTER_A_HANG } else { LIMIT });
    };
    let seconds = seconds.parse();
    Duration::from_secs(seconds.expect("GLASSLOOP_TEST_LIMIT is a whole number of seconds"))
}

/// Lets other threads run for a while, in which a loop most likely falls asleep. On a busy machine
/// each yield takes long, and fewer are enough.
pub fn let_others_run() {
    let begun = Instant::now();
    let in_time = |_: &u32| begun.elapsed() < Duration::from_millis(200);
    (0..1000).take_while(in_time).for_each(|_| thread::yield_now());
}

/// Runs a test under a watchdog. A test that hangs fails, and its thread keeps running, so
/// that the other tests still run.
pub fn within_limit<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    within_limit_as(&name, test)
}

/// The same, for one of several runs of a test, with the name of the run.
pub fn within_limit_as<R: Send + 'static>(
    name: &str,
    test: impl FnOnce() -> R + Send + 'static,
) -> R {
    within(limit(), name, test)
}

/// The same with a limit of its own, for a test of slower programs.
pub fn within<R: Send + 'static>(
    limit: Duration,
    name: &str,
    test: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (sender, receiver) = channel();
    let body = thread::Builder::new().name(name.to_owned());
    let body = body.spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(test));
        let _ = sender.send(());
        result
    });
    let body = body.expect("a thread for the test");
    if let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(limit) {
        HAS_HUNG.store(true, Ordering::Relaxed);
        panic!("hangs: `{name}` did not end within {limit:?}. Is a wake lost, or does it spin?");
    }
    match body.join().expect("its panics are caught") {
        Ok(result) => result,
        Err(panic) => resume_unwind(panic),
    }
}

/// Runs a test as the root future of a loop on virtual time, under the watchdog.
pub fn on_virtual_loop<F, R>(test: impl FnOnce() -> F + Send + 'static) -> R
where
    F: Future<Output = R>,
    R: Send + 'static,
{
    within_limit(move || virtual_executor().block_on(test()))
}

/// Runs a test as the root future of a loop on real time, under the watchdog.
pub fn on_loop<F, R>(test: impl FnOnce() -> F + Send + 'static) -> R
where
    F: Future<Output = R>,
    R: Send + 'static,
{
    within_limit(move || glassloop::block_on(test()))
}

pub fn virtual_executor() -> Executor {
    Executor::builder().virtual_time().build().expect("an executor")
}

/// Calls `act`, which must panic, and returns the text of the panic.
pub fn panic_text<R>(act: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(_) => panic!("no panic, though one was promised"),
        Err(payload) => payload_text(&*payload),
    }
}

/// The text of a panic's payload.
pub fn payload_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// A trace that tasks write to and the test compares at the end.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn new() -> Log {
        Log::default()
    }

    pub fn add(&self, entry: impl Display) {
        self.0.borrow_mut().push(entry.to_string());
    }

    /// What was written since the last call.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Writes to a log when it is dropped.
pub struct OnDrop(pub Log, pub &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// A waker that counts how often it is woken, and whose copies can be counted.
#[derive(Default)]
pub struct WakeCount(AtomicUsize);

impl WakeCount {
    pub fn new() -> (Arc<WakeCount>, Waker) {
        let count = Arc::new(WakeCount::default());
        (count.clone(), Waker::from(count))
    }

    pub fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls a future once, with the waker of the surrounding task.
pub async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// Polls a future once, with the given waker.
pub fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Waits for so many turns of the loop: in each, every ready task is polled.
pub async fn turns(count: usize) {
    for _ in 0..count {
        glassloop::yield_now().await;
    }
}

/// Starts a thread with the task's waker, and waits until the thread has woken the task.
pub async fn woken_by_a_thread() {
    let woken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut thread = None;
    std::future::poll_fn(|cx| {
        if woken.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let (woken, waker) = (woken.clone(), cx.waker().clone());
        thread = Some(thread::spawn(move || {
            woken.store(true, Ordering::SeqCst);
            waker.wake();
        }));
        Poll::Pending
    })
    .await;
    thread.expect("the first poll has started it").join().unwrap();
}
