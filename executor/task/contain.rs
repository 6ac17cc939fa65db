//! A panic that must not get any further.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
