//! The mistake of awaiting a future that has given its output already.

use std::fmt::Display;

/// Panics because `future`, which names its line, was polled after it was ready.
#[cold]
#[track_caller]
pub(crate) fn polled_again(future: impl Display) -> ! {
    panic!("{future} was polled again after it was ready. Await it once")
}
