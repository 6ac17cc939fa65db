//! What the workloads need and no runtime should bring: the same code for all.
//!
//! A runtime's own `yield_now` and channels may know its internals. What is compared here
//! is the executor, so the futures that wait are the same everywhere, and made by hand.

mod one_slot;
mod pinned;
mod poll_once;
mod random;
mod yield_now;

pub use one_slot::OneSlot;
pub use pinned::Pinned;
pub use poll_once::poll_once;
pub use random::Random;
pub use yield_now::{YieldNow, yield_now};
