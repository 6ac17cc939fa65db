//! A panic that must not get any further.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Calls `act`, which runs code of a user whose panic has nobody to go to: a `Drop`, a
/// waker of another crate, a job. The panic hook has reported the panic; it ends here, so
/// that one user's mistake does not stop another user's tasks.
pub(crate) fn contain(act: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(act)) else { return };
    // The drop of the payload may panic too; the payload of that panic is leaked.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// Drops values of a user one by one, so that the panic of one drop neither keeps the next
/// from its drop nor meets another panic, which would end the process.
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    values.into_iter().for_each(|value| contain(|| drop(value)));
}

/// A waker that was cloned from a `Context`: often of another executor, or of a combinator.
/// Its code may do anything. A panic of its wake or of its drop ends here: whoever wakes
/// it, replaces it or gives it up goes on, and so do the wakers behind it. (A panic of its
/// clone goes to the code that polls with it.)
pub(crate) struct ContainedWaker(Option<Waker>);

impl ContainedWaker {
    #[inline(never)]
    pub(crate) fn new(waker: &Waker) -> ContainedWaker {
        ContainedWaker(Some(waker.clone()))
    }

    /// Wakes. The caller holds no borrow and no lock: this may run any code.
    #[inline(never)]
    pub(crate) fn wake(mut self) {
        let waker = self.0.take();
        contain(|| waker.into_iter().for_each(Waker::wake));
    }

    pub(super) fn will_wake(&self, other: &ContainedWaker) -> bool {
        self.0.as_ref().zip(other.0.as_ref()).is_some_and(|(own, other)| own.will_wake(other))
    }
}

impl Drop for ContainedWaker {
    // Out of the way of the usual case, the wakers of this crate's tasks.
    #[inline(never)]
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            contain(|| drop(waker));
        }
    }
}
