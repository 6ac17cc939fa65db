//! A channel with room for one value, between two tasks of one thread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The value, and the waker of the one who waits for it.
#[derive(Default)]
pub struct OneSlot<T> {
    value: Cell<Option<T>>,
    waiting: RefCell<Option<Waker>>,
}

impl<T> OneSlot<T> {
    /// Puts the value there and wakes the receiver. The slot must be empty.
    #[inline]
    pub fn send(&self, value: T) {
        let before = self.value.replace(Some(value));
        assert!(before.is_none(), "the two take turns, so the slot was empty");
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits for a value.
    #[inline]
    pub async fn receive(&self) -> T {
        poll_fn(|context| {
            if let Some(value) = self.value.take() {
                return Poll::Ready(value);
            }
            *self.waiting.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}
