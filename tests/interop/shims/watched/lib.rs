//! glassloop's `block_on` under a watchdog, for suites that have none of their own.
//!
//! The watchdog is a thread, and no timer of the loop: the loop must not be woken by
//! anything but the test.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io::{Write, stderr};
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_core::Stream;
use glassloop::Executor;

/// How long one call may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a future to its end on a loop of its own. A call that takes longer than a
/// minute ends the process, since a thread that hangs cannot be ended alone.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let _watched = Watched::new();
    glassloop::block_on(future)
}

/// Turns a stream into an iterator that blocks until the next item is there.
pub fn block_on_stream<S: Stream + Unpin>(stream: S) -> BlockingStream<S> {
    BlockingStream { stream, executor: Executor::new().expect("an executor") }
}

/// The iterator of [`block_on_stream`]. Its items come by one loop, again and again.
#[derive(Debug)]
pub struct BlockingStream<S> {
    stream: S,
    executor: Executor,
}

impl<S> BlockingStream<S> {
    /// The stream, with the items that are left.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S> Deref for BlockingStream<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl<S> DerefMut for BlockingStream<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: Stream + Unpin> Iterator for BlockingStream<S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        let _watched = Watched::new();
        let next = poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx));
        self.executor.block_on(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

/// The calls that run now: by a number, where each was made, and its start.
type Calls = BTreeMap<u64, (&'static Location<'static>, Instant)>;

static CALLS: LazyLock<Mutex<Calls>> = LazyLock::new(|| {
    thread::spawn(watch);
    Mutex::default()
});

fn calls() -> MutexGuard<'static, Calls> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        thread::sleep(Duration::from_secs(1));
        if let Some((at, _)) = calls().values().find(|(_, start)| start.elapsed() > LIMIT) {
            // Straight to the terminal: what a test prints is kept until its end.
            let text = format!("hangs: the `block_on` at {at} takes longer than {LIMIT:?}\n");
            let _ = stderr().write_all(text.as_bytes());
            std::process::abort();
        }
    }
}

/// One call, as long as it runs.
struct Watched(u64);

impl Watched {
    #[track_caller]
    fn new() -> Watched {
        let mut calls = calls();
        let number = calls.last_key_value().map_or(0, |(last, _)| last + 1);
        calls.insert(number, (Location::caller(), Instant::now()));
        Watched(number)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        calls().remove(&self.0);
    }
}
