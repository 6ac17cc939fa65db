//! A single value, from one task to another.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::task::drop_each;
use crate::trace::Identity;

/// Makes a channel for one value. asyncio's `Future`, divided into the half that sets
/// the result and the half that awaits it.
///
/// ```
/// use glassloop::{spawn, sync::oneshot};
///
/// glassloop::block_on(async {
///     let (sender, receiver) = oneshot::channel();
///     let answer = spawn(receiver);
///     sender.send(42).unwrap();
///     assert_eq!(answer.await.unwrap(), Ok(42));
/// });
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (value, sender_gone, receiver_gone, queue) = Default::default();
    let identity = Identity::new();
    let slot = Rc::new(ValueSlot { identity, value, sender_gone, receiver_gone, queue });
    let waiting = Waiting::new(Rc::clone(&slot));
    (Sender { slot: Rc::clone(&slot) }, Receiver { slot, waiting })
}

/// What the halves share.
struct ValueSlot<T> {
    identity: Identity,
    value: RefCell<Option<T>>,
    sender_gone: Cell<bool>,
    receiver_gone: Cell<bool>,
    /// Of the receiver: there is one waiter at most.
    queue: WaitQueue,
}

/// The half that sends. Dropping it unsent gives the receiver [`Closed`].
pub struct Sender<T> {
    slot: Rc<ValueSlot<T>>,
}

impl<T> Sender<T> {
    /// Sends the value.
    ///
    /// # Errors
    /// The value comes back if the receiver is gone.
    pub fn send(self, value: T) -> Result<(), T> {
        if self.is_closed() {
            return Err(value);
        }
        // The drop of `self` wakes the receiver.
        self.slot.value.replace(Some(value));
        Ok(())
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        self.slot.receiver_gone.get()
    }

    /// Gives it a name for reports. See [`tasks`](crate::tasks).
    pub fn set_name(&self, name: &'static str) {
        self.slot.identity.set_name(name);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.slot.sender_gone.set(true);
        self.slot.queue.grant_all();
    }
}

impl_debug!([T] Sender<T>, |_| "oneshot::Sender(..)");

/// The half that receives: a future of the value, or of [`Closed`].
///
/// After it has given the value, it gives `Closed`. If it is dropped, a later send gets
/// its value back.
#[must_use = "futures do nothing until they are awaited"]
pub struct Receiver<T> {
    slot: Rc<ValueSlot<T>>,
    waiting: Waiting<Rc<ValueSlot<T>>>,
}

impl<T> WaitTarget for Rc<ValueSlot<T>> {
    type Output = Result<T, Closed>;
    const NAME: &'static str = "a oneshot's value";
    const KIND: &'static str = "oneshot";

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&mut self, _: WaiterStatus, _: Origin) -> Option<Result<T, Closed>> {
        let value = self.value.take();
        (value.is_some() || self.sender_gone.get()).then(|| value.ok_or(Closed))
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        Pin::new(&mut self.get_mut().waiting).poll(cx)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.slot.receiver_gone.set(true);
        // Taken out of the slot first: the drop of the value may use the channel.
        drop_each(self.slot.value.take());
    }
}

impl_debug!([T] Receiver<T>, |_| "oneshot::Receiver(..)");

/// The error of a [`Receiver`]: the sender was dropped and sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender was dropped without sending a value")
    }
}

impl Error for Closed {}
