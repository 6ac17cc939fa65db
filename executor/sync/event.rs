//! A signal that stays.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::line::{Line, Waiting};

/// A flag to wait for. asyncio's `Event`.
///
/// Setting it wakes all who wait, in the order in which they came, and lets
/// everybody through until it is cleared. A waiter that was woken gets through,
/// even if the flag is cleared before its turn.
///
/// ```
/// use std::rc::Rc;
/// use glassloop::{spawn, sync::Event};
///
/// glassloop::block_on(async {
///     let gun = Rc::new(Event::new());
///     let runner = gun.clone();
///     let run = spawn(async move { runner.wait().await });
///     gun.set();
///     run.await.unwrap();
///     assert!(gun.is_set());
/// });
/// ```
#[derive(Default)]
pub struct Event {
    set: Cell<bool>,
    line: Line,
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Event {
        Event::default()
    }

    /// Sets the flag and wakes all who wait.
    pub fn set(&self) {
        self.set.set(true);
        self.line.serve_all();
    }

    /// Clears the flag: who comes now waits.
    pub fn clear(&self) {
        self.set.set(false);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// Waits until the flag is set; ready at once if it is.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, waiting: Waiting::new("an event", Location::caller()) }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event(set: {})", self.is_set())
    }
}

/// The future of [`Event::wait`].
#[must_use = "futures do nothing until they are awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    waiting: Waiting,
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let event = self.event;
        if event.is_set() {
            return Poll::Ready(());
        }
        self.waiting.poll(&event.line, cx)
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        self.waiting.leave(&self.event.line);
    }
}
