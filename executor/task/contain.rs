//! A panic that must not get any further.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `act`, which runs code of a user that nobody waits for: a `Drop`, a waker of
/// another crate, a job. The panic hook has reported a panic from there; it ends
/// here, so that one user's mistake does not stop another one's tasks.
pub(crate) fn contain(act: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(act)) else {
        return;
    };
    // Even the payload's own drop may panic; what comes then is forgotten.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}
