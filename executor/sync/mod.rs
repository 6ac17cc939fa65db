//! Between tasks: locks, signals and queues, for the tasks of one loop.
//!
//! Read the files in the order below. `wait_queue` is the queue in which waiters are
//! kept. `waiting` is the future of every wait. Each of the other files is one thing to
//! wait for, and says when a wait for it is over; `condvar` is the last, since it waits
//! twice.
//!
//! None of it is `Send`, and none needs an atomic: only one task runs at a time. None
//! needs a running loop either.
//!
//! Waiters are granted in the order in which they came. A lock or a permit is handed
//! over, so no other task can take it in between. A channel reserves nothing: a task
//! that was woken tries again. (Both are asyncio's rules.) A wait that is dropped after
//! it was granted passes on what it was granted.

mod wait_queue;
mod waiting;
mod semaphore;
mod mutex;
mod event;
mod barrier;
mod wait_group;
pub mod oneshot;
pub mod channel;
mod condvar;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::Condvar;
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use semaphore::{HeldPermit, OwnedPermit, Permit, Semaphore};
pub use wait_group::{WaitGroup, WaitGuard};
