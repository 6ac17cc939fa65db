//! Many futures that cannot move, in one allocation.
//!
//! `Vec<Pin<Box<F>>>` would do the same with an allocation for each, and a benchmark of
//! timers would be one of the allocator.

use std::pin::Pin;

/// Futures at places that never change.
pub struct Pinned<F>(Box<[F]>);

impl<F> Pinned<F> {
    pub fn new(futures: impl Iterator<Item = F>) -> Self {
        Self(futures.collect())
    }

    /// Each one in turn.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = Pin<&mut F>> {
        // SAFETY: A boxed slice neither grows nor moves its elements; they are reached
        // through this method alone, and dropped in place with the box.
        #[allow(unsafe_code)]
        self.0.iter_mut().map(|future| unsafe { Pin::new_unchecked(future) })
    }
}
