//! The budget: how much a task may do in one poll before it leaves a turn to the others.
//!
//! A leaf future that is ready at once does not suspend its task. So a task whose leaves are
//! always ready (a socket with a quick peer, an `interval` that is late, a channel that is
//! never empty) would keep the loop for itself, and no `timeout` around it would fire. Each
//! leaf that can be ready again and again in one poll asks here first:
//!
//! ```text
//!   ready!(poll_budget(cx));      nothing left? `Pending`, for one turn
//!   …ready? spend_budget(cost)    what has to wait costs nothing
//! ```
//!
//! These leaves have no share, since they are `Pending` at their first poll in any case:
//! `yield_now`, `Async::readable` and `writable`, the jobs of `unblock` and `fs`. The entries of
//! a directory come from such jobs, 64 at most from each. A read into an empty buffer is always
//! ready, and has no share either.
//!
//! The budget is the thread's, not the scheduler's: one poll runs on a thread at a time, and
//! so the waits of `sync`, which know no loop, pay for it with one instruction.

use std::cell::Cell;
use std::task::{Context, Poll};

/// What a poll may spend.
const BUDGET: u32 = 128;

/// What it costs that a leaf is ready.
#[derive(Clone, Copy)]
pub(crate) enum Cost {
    /// It happens in memory: 128 of these in one poll.
    Memory = 1,
    /// It is a system call, or a tick of an interval: 16 of these in one poll.
    System = BUDGET as isize / 16,
}

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(BUDGET) };
}

/// A poll of a task begins.
#[inline]
pub(super) fn refill_budget() {
    LEFT.with(|left| left.set(BUDGET));
}

/// `Pending`, for one turn, when the task has used up its budget of this poll.
#[inline]
pub(crate) fn poll_budget(cx: &Context<'_>) -> Poll<()> {
    match LEFT.with(Cell::get) {
        0 => refuse(cx),
        _ => Poll::Ready(()),
    }
}

#[cold]
fn refuse(cx: &Context<'_>) -> Poll<()> {
    // Refill after one refusal. A nested executor (another `block_on` inside this poll)
    // never returns to the loop, so nothing else would refill it.
    refill_budget();
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// A leaf is ready.
#[inline]
pub(crate) fn spend_budget(cost: Cost) {
    LEFT.with(|left| left.set(left.get().saturating_sub(cost as u32)));
}
