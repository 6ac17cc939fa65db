//! A count of what is still to be done, and a wait until it is 0.

use std::cell::Cell;
use std::rc::Rc;

use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::trace::Identity;

/// Counts the work that is still to be done, and waits until all of it is done.
/// asyncio's `Queue.join`, with a guard instead of `task_done`: a call is easily
/// forgotten, a guard is always dropped.
///
/// Clones share the count.
///
/// ```
/// use glassloop::{spawn, sync::WaitGroup, yield_now};
///
/// glassloop::block_on(async {
///     let jobs = WaitGroup::new();
///     for _ in 0..3 {
///         let job = jobs.add();
///         spawn(async move {
///             yield_now().await;
///             drop(job); // done
///         }).detach();
///     }
///     jobs.wait().await;
/// });
/// ```
#[derive(Clone)]
pub struct WaitGroup {
    work: Rc<Work>,
}

/// What the group and its guards share.
struct Work {
    identity: Identity,
    undone: Cell<usize>,
    queue: WaitQueue,
}

impl WaitGroup {
    /// A group with nothing to wait for.
    #[track_caller]
    pub fn new() -> WaitGroup {
        let (undone, queue) = Default::default();
        WaitGroup { work: Rc::new(Work { identity: Identity::new(), undone, queue }) }
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.work.identity.set_name(name);
    }

    /// Adds one piece of work. It is done when the guard is dropped, also by a panic
    /// or an abort.
    pub fn add(&self) -> WaitGuard {
        self.work.undone.update(|undone| undone + 1);
        WaitGuard { work: Rc::clone(&self.work) }
    }

    /// Waits until all work is done; ready at once if there is none. A wait that was
    /// woken ends, even if work was added since.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        Waiting::new(&*self.work)
    }
}

impl Default for WaitGroup {
    #[track_caller]
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl_debug!(WaitGroup, |group| "WaitGroup({} undone)", group.work.undone.get());

/// A piece of work of a [`WaitGroup`]. Dropping the guard says that it is done.
#[must_use = "dropping the guard says that the work is done"]
pub struct WaitGuard {
    work: Rc<Work>,
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.work.undone.update(|undone| undone - 1);
        if self.work.undone.get() == 0 {
            self.work.queue.grant_all();
        }
    }
}

impl_debug!(WaitGuard, |_| "WaitGuard(..)");

impl WaitTarget for &Work {
    type Output = ();
    const NAME: &'static str = "a wait group";
    const KIND: &'static str = "wait group";

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&mut self, status: WaiterStatus, _: Origin) -> Option<()> {
        (self.undone.get() == 0 || status == WaiterStatus::Granted).then_some(())
    }
}
