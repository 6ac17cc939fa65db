//! Between tasks: locks, signals and queues, for the tasks of one loop.
//!
//! Everything here stands on one `wait_list`, in which each waiter has its place;
//! `line` ties it to the futures that wait. None of it is `Send`, and none needs
//! an atomic: only one task runs at a time. None needs a running loop either.
//!
//! Waiters are served in the order in which they came. Locks and permits are
//! handed over, so that nobody barges in; a channel's receiver that was woken
//! tries again (asyncio's rules, both). A waiter that is cancelled after it was
//! served passes on what it was given.

mod wait_list;
mod line;
mod mutex;
mod semaphore;
mod event;
mod condvar;
mod barrier;
pub mod channel;
pub mod oneshot;
mod wait_group;

pub use barrier::{Barrier, BarrierWait, BarrierWaitResult};
pub use condvar::{Condvar, CondvarWait};
pub use event::{Event, EventWait};
pub use mutex::{Lock, Mutex, MutexGuard};
pub use semaphore::{Acquire, OwnedPermit, Permit, Semaphore};
pub use wait_group::{WaitGroup, WaitGroupWait, WaitGuard};
