//! A signal that stays until it is cleared.

use std::cell::Cell;

use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::trace::Identity;

/// A flag to wait for. asyncio's `Event`.
///
/// Setting the flag wakes all tasks that wait, in the order in which they came. Until
/// it is cleared, a wait is ready at once. A task that was woken goes on, even if the
/// flag is cleared before the task is polled.
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
pub struct Event {
    identity: Identity,
    set: Cell<bool>,
    queue: WaitQueue,
}

impl Event {
    /// An event that is not set.
    #[track_caller]
    pub fn new() -> Event {
        Event { identity: Identity::new(), set: Cell::new(false), queue: WaitQueue::default() }
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.identity.set_name(name);
    }

    /// Sets the flag, and wakes all tasks that wait.
    pub fn set(&self) {
        self.set.set(true);
        self.queue.grant_all();
    }

    /// Clears the flag: a task that comes from now on waits.
    pub fn clear(&self) {
        self.set.set(false);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// Waits until the flag is set; ready at once if it is.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        Waiting::new(self)
    }
}

impl Default for Event {
    #[track_caller]
    fn default() -> Event {
        Event::new()
    }
}

impl_debug!(Event, |event| "Event(set: {})", event.is_set());

impl WaitTarget for &Event {
    type Output = ();
    const NAME: &'static str = "an event";
    const KIND: &'static str = "event";

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&mut self, status: WaiterStatus, _: Origin) -> Option<()> {
        (self.is_set() || status == WaiterStatus::Granted).then_some(())
    }
}
