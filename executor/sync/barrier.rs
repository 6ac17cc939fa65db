//! A meeting point: no task goes on before all have arrived.

use std::panic::Location;

use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::trace::Identity;

/// Holds tasks until a given number of them has arrived, then lets all of them go
/// on. After that it can be used again. asyncio's `Barrier`.
///
/// ```
/// use glassloop::{join_all, sync::Barrier};
///
/// let results = glassloop::block_on(async {
///     let barrier = Barrier::new(3);
///     join_all((0..3).map(|_| barrier.wait())).await
/// });
/// assert_eq!(results.iter().filter(|result| result.is_leader()).count(), 1);
/// ```
pub struct Barrier {
    identity: Identity,
    parties: usize,
    queue: WaitQueue,
}

impl Barrier {
    /// A barrier for `parties` tasks.
    ///
    /// # Panics
    /// If `parties` is 0: no task could ever arrive last.
    #[track_caller]
    pub fn new(parties: usize) -> Barrier {
        assert!(
            parties > 0,
            "`Barrier::new` was given 0 tasks to wait for at {}. Give it the number of tasks \
             that call `wait`, at least 1",
            Location::caller()
        );
        Barrier { identity: Identity::new(), parties, queue: WaitQueue::default() }
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.identity.set_name(name);
    }

    /// Waits for the other tasks. The last task to arrive goes on at once, and is the
    /// leader. Dropping the future takes the arrival back.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = BarrierWaitResult> {
        Waiting::new(self)
    }
}

impl_debug!(Barrier, |barrier| "Barrier({} of {} arrived)", barrier.queue.len(), barrier.parties);

impl WaitTarget for &Barrier {
    type Output = BarrierWaitResult;
    const NAME: &'static str = "a barrier";
    const KIND: &'static str = "barrier";

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&mut self, status: WaiterStatus, _: Origin) -> Option<BarrierWaitResult> {
        match status {
            WaiterStatus::New if self.queue.len() + 1 == self.parties => {
                self.queue.grant_all();
                Some(BarrierWaitResult { leader: true })
            }
            // A queued task is counted already: it must not arrive a second time.
            WaiterStatus::New | WaiterStatus::Queued => None,
            WaiterStatus::Granted => Some(BarrierWaitResult { leader: false }),
        }
    }
}

/// What [`Barrier::wait`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    leader: bool,
}

impl BarrierWaitResult {
    /// Whether this task arrived last: true for exactly one task of each round.
    pub fn is_leader(&self) -> bool {
        self.leader
    }
}
