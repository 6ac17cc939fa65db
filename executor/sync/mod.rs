//! Between tasks: locks, signals and queues, for the tasks of one loop.
//!
//! Read `wait_queue` first, in which each waiter has its place, then `waiting`: it
//! is the one future of all waits, and each of the other files says only when such a
//! wait is over. `mutex` is the plainest of them, `condvar` the hardest, since it
//! waits twice.
//!
//! None of it is `Send`, and none needs an atomic: only one task runs at a time. None
//! needs a running loop either.
//!
//! Tasks are granted what they wait for in the order in which they came. A lock or a
//! permit is handed over, so that no other task can take it in between. A channel
//! reserves nothing: a task that was woken tries again (asyncio's rules, both). A wait
//! that is dropped after it was granted passes on what it was given.

mod wait_queue;
mod waiting;
mod wait_list;
mod line;
mod mutex;
mod semaphore;
mod event;
mod barrier;
mod wait_group;
pub mod oneshot;
pub mod channel;
mod condvar;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, CondvarWait};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use semaphore::{OwnedPermit, Permit, Semaphore};
pub use wait_group::{WaitGroup, WaitGuard};
