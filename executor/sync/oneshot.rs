//! A single value, from one task to another.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::line::{Line, Waiting};

/// Makes a channel for one value. asyncio's `Future`, cut into the half that
/// sets the result and the half that awaits it.
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
    let shared = Rc::new(Shared {
        value: RefCell::new(None),
        sender_gone: Cell::new(false),
        receiver_gone: Cell::new(false),
        line: Line::default(),
    });
    let receiver = Receiver {
        shared: Rc::clone(&shared),
        waiting: Waiting::new("a oneshot's value", Location::caller()),
    };
    (Sender { shared }, receiver)
}

struct Shared<T> {
    value: RefCell<Option<T>>,
    sender_gone: Cell<bool>,
    receiver_gone: Cell<bool>,
    /// At most one waits here.
    line: Line,
}

/// The half that sends. Dropping it unsent gives the receiver [`Closed`].
pub struct Sender<T> {
    shared: Rc<Shared<T>>,
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
        self.shared.value.replace(Some(value));
        Ok(())
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.receiver_gone.get()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.sender_gone.set(true);
        self.shared.line.serve_all();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("oneshot::Sender(..)")
    }
}

/// The half that receives: a future of the value, or of [`Closed`].
///
/// Once it has given the value, it gives `Closed`. Dropping it gives a later send
/// its value back.
#[must_use = "futures do nothing until they are awaited"]
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
    waiting: Waiting,
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let receiver = self.get_mut();
        let shared = &receiver.shared;
        let value = shared.value.take();
        if value.is_some() || shared.sender_gone.get() {
            receiver.waiting.leave(&shared.line);
            return Poll::Ready(value.ok_or(Closed));
        }
        receiver.waiting.poll(&shared.line, cx).map(|()| Err(Closed))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receiver_gone.set(true);
        self.waiting.leave(&self.shared.line);
        // Taken out first: the value's drop may look at the channel.
        let unreceived = self.shared.value.take();
        drop(unreceived);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("oneshot::Receiver(..)")
    }
}

/// The error of a [`Receiver`]: the sender was dropped and sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender was dropped without sending a value")
    }
}

impl Error for Closed {}
