//! A queue of values between tasks.
//!
//! *Who wakes whom when a slot of a bounded channel falls free?* The task that takes a
//! value out, by `recv`, `try_recv` or the stream, wakes the sender that has waited
//! longest. The same holds in the other direction: the task that puts a value in wakes
//! the `recv` that has waited longest, and every stream that waits.
//!
//! *What may a woken task find?* Nothing is reserved for it (as in asyncio), so it tries
//! again when it is polled. If another task was quicker, it finds the channel full (or
//! empty) again, and waits again at the back of the queue.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_lite::stream::Stream;

use super::waiting::{Origin, WaitQueue, WaitTarget, WaiterStatus, Waiting};
use crate::task::{drop_each, polled_again};
use crate::trace::{CodeLine, Identity};

/// Makes a channel that holds at most `capacity` values. asyncio's `Queue(n)`.
///
/// A send to a full channel waits. So a slow consumer slows a fast producer down.
///
/// # Panics
/// If `capacity` is 0.
///
/// ```
/// use glassloop::{spawn, sync::channel};
///
/// glassloop::block_on(async {
///     let (sender, receiver) = channel::bounded(1);
///     let producer = spawn(async move {
///         for n in 1..=3 {
///             sender.send(n).await.unwrap();
///         }
///     });
///     let mut sum = 0;
///     while let Ok(n) = receiver.recv().await {
///         sum += n;
///     }
///     assert_eq!(sum, 6);
///     producer.await.unwrap();
/// });
/// ```
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(
        capacity > 0,
        "`channel::bounded` was given a capacity of 0 at {}: nothing could ever be sent through. \
         Use at least 1; to hand over a single value, use `sync::oneshot`",
        Location::caller()
    );
    halves(Some(capacity))
}

/// Makes a channel that holds any number of values. asyncio's `Queue()`.
///
/// A send never waits, so nothing slows a fast producer down.
///
/// ```
/// use glassloop::sync::channel;
///
/// glassloop::block_on(async {
///     let (sender, receiver) = channel::unbounded();
///     sender.try_send("one").unwrap();
///     sender.try_send("two").unwrap();
///     assert_eq!(receiver.len(), 2);
///     assert_eq!(receiver.recv().await, Ok("one"));
/// });
/// ```
#[track_caller]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    halves(None)
}

#[track_caller]
fn halves<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let channel = Rc::new(Channel {
        identity: Identity::new(),
        values: RefCell::default(),
        capacity,
        closed: Cell::new(false),
        senders: Cell::new(1),
        receivers: Cell::new(1),
        sending: WaitQueue::default(),
        receiving: WaitQueue::default(),
        streaming: WaitQueue::default(),
    });
    let sender = Sender { channel: Rc::clone(&channel) };
    (sender, Receiver::new(channel))
}

/// What the halves share.
struct Channel<T> {
    identity: Identity,
    values: RefCell<VecDeque<T>>,
    capacity: Option<usize>,
    closed: Cell<bool>,
    senders: Cell<usize>,
    receivers: Cell<usize>,
    sending: WaitQueue,
    receiving: WaitQueue,
    /// The receivers that wait as streams. A stream cannot say that it gives up its wait,
    /// so the value that it was woken for may stay. Therefore all streams are woken, and a
    /// `recv` too.
    streaming: WaitQueue,
}

impl<T> Channel<T> {
    fn len(&self) -> usize {
        self.values.borrow().len()
    }

    fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.len() >= capacity)
    }

    fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        if self.closed.get() {
            return Err(TrySendError::Closed(value));
        }
        if self.is_full() {
            return Err(TrySendError::Full(value));
        }
        self.values.borrow_mut().push_back(value);
        self.streaming.grant_all();
        self.receiving.grant_first();
        Ok(())
    }

    /// Takes the first value. `None` if the channel is empty, and may get values yet.
    fn receive(&self) -> Option<Result<T, RecvError>> {
        let first = self.values.borrow_mut().pop_front();
        if first.is_some() {
            self.sending.grant_first();
        }
        first.map(Ok).or(self.closed.get().then_some(Err(RecvError)))
    }

    /// Closes the channel. Returns whether it was open.
    fn close(&self) -> bool {
        let closed_now = !self.closed.replace(true);
        self.sending.grant_all();
        self.receiving.grant_all();
        self.streaming.grant_all();
        closed_now
    }
}

/// The half that sends. It may be cloned.
///
/// When the last one is dropped, the receivers get the values that are still in the
/// channel, then [`RecvError`].
pub struct Sender<T> {
    channel: Rc<Channel<T>>,
}

impl<T> Sender<T> {
    /// Sends a value, as soon as a slot is free. Dropping the future before it is ready
    /// drops the value, which is then not sent.
    ///
    /// # Errors
    /// The value comes back if the channel is closed.
    #[track_caller]
    pub fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
        let at = Location::caller();
        Waiting::new(Sending { channel: &self.channel, value: Some(value), at })
    }

    /// Sends a value now or not at all.
    ///
    /// # Errors
    /// The value comes back if the channel is full, or closed.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel.try_send(value)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.channel.senders.update(|senders| senders + 1);
        Sender { channel: Rc::clone(&self.channel) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.channel.senders.update(|senders| senders - 1);
        if self.channel.senders.get() == 0 {
            self.channel.close();
        }
    }
}

/// The half that receives. It may be cloned; each value goes to one receiver.
///
/// The usual loop is `while let Ok(value) = receiver.recv().await`, which works for
/// several receivers at once. A receiver is also a [`Stream`] of the values, for the
/// methods of `StreamExt`; the stream ends when the channel is closed and empty. When
/// the last receiver is dropped, the channel is closed, and the values in it are
/// dropped.
pub struct Receiver<T> {
    channel: Rc<Channel<T>>,
    /// The wait of the stream, which outlives a call of `poll_next`.
    stream: Waiting<Streaming<T>>,
}

impl<T> Receiver<T> {
    /// The stream waits since the line that made this receiver.
    #[track_caller]
    fn new(channel: Rc<Channel<T>>) -> Receiver<T> {
        Receiver { stream: Waiting::new(Streaming(Rc::clone(&channel))), channel }
    }

    /// Receives a value, as soon as there is one. Dropping the future loses no value.
    ///
    /// # Errors
    /// If the channel is closed and empty.
    #[track_caller]
    pub fn recv(&self) -> impl Future<Output = Result<T, RecvError>> {
        Waiting::new(Receiving(&self.channel))
    }

    /// Receives a value if there is one.
    ///
    /// # Errors
    /// If the channel is empty, and if it is closed and empty.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.channel.receive() {
            Some(received) => received.map_err(|RecvError| TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }
}

impl<T> Clone for Receiver<T> {
    #[track_caller]
    fn clone(&self) -> Receiver<T> {
        self.channel.receivers.update(|receivers| receivers + 1);
        Receiver::new(Rc::clone(&self.channel))
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.get_mut().stream).poll(cx).map(Result::ok)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // First: otherwise `close` wakes the task for a stream that is gone.
        self.stream.leave();
        self.channel.receivers.update(|receivers| receivers - 1);
        if self.channel.receivers.get() == 0 {
            self.channel.close();
            // Taken out of the channel first: the drop of a value may use the channel.
            drop_each(self.channel.values.take());
        }
    }
}

/// What both halves can do.
macro_rules! impl_half {
    ($half:ident, $others:literal) => {
        impl<T> $half<T> {
            /// Closes the channel: nothing more can be sent, and the values that are in it can
            /// still be received. Returns whether the channel was open.
            pub fn close(&self) -> bool {
                self.channel.close()
            }

            #[doc = concat!("Whether the channel was closed, or all ", $others, " are gone.")]
            pub fn is_closed(&self) -> bool {
                self.channel.closed.get()
            }

            /// Gives the channel a name for reports. See [`tasks`](crate::tasks).
            pub fn set_name(&self, name: &'static str) {
                self.channel.identity.set_name(name);
            }

            /// How many values are in the channel.
            pub fn len(&self) -> usize {
                self.channel.len()
            }

            /// Whether no value is in the channel.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        impl_debug!([T] $half<T>, |half| "{}({} in the channel)", stringify!($half), half.len());
    };
}

impl_half!(Sender, "receivers");
impl_half!(Receiver, "senders");

// The three waits of a channel try at every poll, whatever the status: nothing is
// reserved. A waiter that is still in the queue may find a value or a free slot, and must
// take it: the task that polls it now may be another one than the task that is woken.

/// A send, which keeps its value until a slot is free.
struct Sending<'a, T> {
    channel: &'a Channel<T>,
    value: Option<T>,
    at: CodeLine,
}

impl<T> WaitTarget for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;
    const NAME: &'static str = "room in a channel";
    const KIND: &'static str = "channel";

    fn identity(&self) -> &Identity {
        &self.channel.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.channel.sending
    }

    #[track_caller]
    fn try_take(&mut self, _: WaiterStatus, _: Origin) -> Option<Self::Output> {
        let Some(value) = self.value.take() else {
            polled_again(format_args!("the Send made at {}", self.at))
        };
        match self.channel.try_send(value) {
            Ok(()) => Some(Ok(())),
            Err(TrySendError::Closed(value)) => Some(Err(SendError(value))),
            Err(TrySendError::Full(value)) => {
                self.value = Some(value);
                None
            }
        }
    }

    /// Wakes the next sender, if the slot is still free.
    fn pass_on(&mut self) {
        if !self.channel.is_full() {
            self.channel.sending.grant_first();
        }
    }
}

/// A receive, which waits until a value is there.
struct Receiving<'a, T>(&'a Channel<T>);

impl<T> WaitTarget for Receiving<'_, T> {
    type Output = Result<T, RecvError>;
    const NAME: &'static str = "a value from a channel";
    const KIND: &'static str = "channel";

    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.0.receiving
    }

    fn try_take(&mut self, _: WaiterStatus, _: Origin) -> Option<Self::Output> {
        self.0.receive()
    }

    /// Wakes the next receive, if the value is still there.
    fn pass_on(&mut self) {
        if self.0.len() > 0 {
            self.0.receiving.grant_first();
        }
    }
}

/// A receiver that waits as a stream. It passes nothing on: all streams were woken.
struct Streaming<T>(Rc<Channel<T>>);

impl<T> WaitTarget for Streaming<T> {
    type Output = Result<T, RecvError>;
    const NAME: &'static str = "a value from a channel, as a stream";
    const KIND: &'static str = "channel";

    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    fn queue(&self) -> &WaitQueue {
        &self.0.streaming
    }

    fn try_take(&mut self, _: WaiterStatus, _: Origin) -> Option<Self::Output> {
        self.0.receive()
    }
}

/// The error of [`Sender::send`]: the channel is closed. The value is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// The error of [`Receiver::recv`]: the channel is closed and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// The error of [`Sender::try_send`]. The value is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// The channel is full at the moment.
    Full(T),
    /// The channel is closed.
    Closed(T),
}

/// The error of [`Receiver::try_recv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// The channel is empty at the moment.
    Empty,
    /// The channel is closed and empty.
    Closed,
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(value) | TrySendError::Closed(value) => value,
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed; the value was not sent")
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed and empty")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "the channel is full; the value was not sent",
            TrySendError::Closed(_) => "the channel is closed; the value was not sent",
        })
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "the channel is empty",
            TryRecvError::Closed => "the channel is closed and empty",
        })
    }
}

// Without a bound on `T`, so that `expect` works on every `Result` of a send.
impl_debug!([T] SendError<T>, |_| "SendError(..)");

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> Error for SendError<T> {}
impl Error for RecvError {}
impl<T> Error for TrySendError<T> {}
impl Error for TryRecvError {}
