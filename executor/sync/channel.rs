//! A queue between tasks.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_lite::stream::Stream;

use super::line::{Line, Waiting};

/// Makes a channel that holds at most `capacity` values. asyncio's `Queue(n)`.
///
/// A send to a full channel waits: that is how a slow consumer holds a fast
/// producer back.
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
    halves(Some(capacity), Location::caller())
}

/// Makes a channel that holds any number of values. asyncio's `Queue()`.
///
/// A send never waits, so nothing holds a fast producer back.
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
    halves(None, Location::caller())
}

fn halves<T>(capacity: Option<usize>, at: &'static Location<'static>) -> (Sender<T>, Receiver<T>) {
    let channel = Rc::new(Channel {
        values: RefCell::default(),
        capacity,
        closed: Cell::new(false),
        senders: Cell::new(1),
        receivers: Cell::new(1),
        sending: Line::default(),
        receiving: Line::default(),
        streaming: Line::default(),
    });
    let sender = Sender { channel: Rc::clone(&channel) };
    (sender, Receiver::new(channel, at))
}

/// What the halves share.
///
/// A woken waiter *tries again*: nothing is reserved for it, as in asyncio. One
/// that is running may be quicker, and the woken one then goes to the back.
struct Channel<T> {
    values: RefCell<VecDeque<T>>,
    capacity: Option<usize>,
    closed: Cell<bool>,
    senders: Cell<usize>,
    receivers: Cell<usize>,
    sending: Line,
    receiving: Line,
    /// The receivers that wait as streams. `poll_next` cannot say when it waits no
    /// longer, so none of these may be counted on: all of them are woken.
    streaming: Line,
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
        self.streaming.serve_all();
        self.receiving.serve_first();
        Ok(())
    }

    fn try_recv(&self) -> Result<T, TryRecvError> {
        let first = self.values.borrow_mut().pop_front();
        match first {
            Some(value) => {
                self.sending.serve_first();
                Ok(value)
            }
            None if self.closed.get() => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    fn poll_recv(
        &self,
        line: &Line,
        waiting: &mut Waiting,
        cx: &Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        loop {
            let result = match self.try_recv() {
                Err(TryRecvError::Empty) => {
                    ready!(waiting.poll(line, cx));
                    continue;
                }
                Err(TryRecvError::Closed) => Err(RecvError),
                Ok(value) => Ok(value),
            };
            waiting.leave(line);
            return Poll::Ready(result);
        }
    }

    /// A receive that is given up passes its wake on, if there is reason for one.
    fn cancel_recv(&self, waiting: &mut Waiting) {
        if waiting.leave(&self.receiving) && self.len() > 0 {
            self.receiving.serve_first();
        }
    }

    fn cancel_send(&self, waiting: &mut Waiting) {
        if waiting.leave(&self.sending) && !self.is_full() {
            self.sending.serve_first();
        }
    }

    /// Returns whether this call closed it.
    fn close(&self) -> bool {
        let closed_now = !self.closed.replace(true);
        self.sending.serve_all();
        self.receiving.serve_all();
        self.streaming.serve_all();
        closed_now
    }
}

/// The half that sends. It may be cloned.
///
/// When the last one is dropped, the receivers get what was sent, then
/// [`RecvError`].
pub struct Sender<T> {
    channel: Rc<Channel<T>>,
}

impl<T> Sender<T> {
    /// Sends a value, as soon as there is room. Dropping the future drops the
    /// value, which then was not sent.
    ///
    /// # Errors
    /// The value comes back if the channel is closed.
    #[track_caller]
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send {
            channel: &self.channel,
            value: Some(value),
            waiting: Waiting::new("room in a channel", Location::caller()),
        }
    }

    /// Sends a value now or not at all.
    ///
    /// # Errors
    /// The value comes back if the channel is full, or closed.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel.try_send(value)
    }

    /// Closes the channel: nothing more can be sent, what was sent can still be
    /// received. Returns whether it was open.
    pub fn close(&self) -> bool {
        self.channel.close()
    }

    /// Whether the channel was closed, or all receivers are gone.
    pub fn is_closed(&self) -> bool {
        self.channel.closed.get()
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

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        let senders = &self.channel.senders;
        senders.set(senders.get() + 1);
        Sender { channel: Rc::clone(&self.channel) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let senders = &self.channel.senders;
        senders.set(senders.get() - 1);
        if senders.get() == 0 {
            self.channel.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({} in the channel)", self.len())
    }
}

/// The half that receives. It may be cloned; each value goes to one receiver.
///
/// The usual loop is `while let Ok(value) = receiver.recv().await`, which works for
/// several receivers at once. It is a [`Stream`] of the values too, for `StreamExt`'s
/// methods, which ends when the channel is closed and empty. When the last one is dropped, the channel is closed and what is in
/// it is dropped.
pub struct Receiver<T> {
    channel: Rc<Channel<T>>,
    /// The place of the stream, whose `poll_next` has no future to keep it.
    streaming: Waiting,
}

impl<T> Receiver<T> {
    fn new(channel: Rc<Channel<T>>, at: &'static Location<'static>) -> Receiver<T> {
        Receiver { channel, streaming: Waiting::new("a value from a channel, as a stream", at) }
    }

    /// Receives a value, as soon as there is one. Dropping the future loses none.
    ///
    /// # Errors
    /// If the channel is closed and empty.
    #[track_caller]
    pub fn recv(&self) -> Recv<'_, T> {
        Recv {
            channel: &self.channel,
            waiting: Waiting::new("a value from a channel", Location::caller()),
        }
    }

    /// Receives a value if there is one.
    ///
    /// # Errors
    /// If there is none, and if there will never be one.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel.try_recv()
    }

    /// Closes the channel: nothing more can be sent, what was sent can still be
    /// received. Returns whether it was open.
    pub fn close(&self) -> bool {
        self.channel.close()
    }

    /// Whether the channel was closed, or all senders are gone.
    pub fn is_closed(&self) -> bool {
        self.channel.closed.get()
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

impl<T> Clone for Receiver<T> {
    #[track_caller]
    fn clone(&self) -> Receiver<T> {
        let receivers = &self.channel.receivers;
        receivers.set(receivers.get() + 1);
        Receiver::new(Rc::clone(&self.channel), Location::caller())
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let receiver = self.get_mut();
        let channel = &receiver.channel;
        channel.poll_recv(&channel.streaming, &mut receiver.streaming, cx).map(Result::ok)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.streaming.leave(&self.channel.streaming);
        let receivers = &self.channel.receivers;
        receivers.set(receivers.get() - 1);
        if receivers.get() == 0 {
            self.channel.close();
            // Taken out first: a value's drop may look at the channel.
            let unreceived = self.channel.values.take();
            drop(unreceived);
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver({} in the channel)", self.len())
    }
}

/// The future of [`Sender::send`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Send<'a, T> {
    channel: &'a Channel<T>,
    value: Option<T>,
    waiting: Waiting,
}

// The value is moved, never pinned.
impl<T> Unpin for Send<'_, T> {}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel;
        loop {
            let Some(value) = self.value.take() else {
                let at = self.waiting.made_at();
                panic!("the Send made at {at} was polled again after it was ready. Await it once");
            };
            let result = match channel.try_send(value) {
                Err(TrySendError::Full(value)) => {
                    self.value = Some(value);
                    ready!(self.waiting.poll(&channel.sending, cx));
                    continue;
                }
                Err(TrySendError::Closed(value)) => Err(SendError(value)),
                Ok(()) => Ok(()),
            };
            self.waiting.leave(&channel.sending);
            return Poll::Ready(result);
        }
    }
}

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        self.channel.cancel_send(&mut self.waiting);
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing until they are awaited"]
pub struct Recv<'a, T> {
    channel: &'a Channel<T>,
    waiting: Waiting,
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel;
        channel.poll_recv(&channel.receiving, &mut self.waiting, cx)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        self.channel.cancel_recv(&mut self.waiting);
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
    /// There is no room at the moment.
    Full(T),
    /// The channel is closed.
    Closed(T),
}

/// The error of [`Receiver::try_recv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is no value at the moment.
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

/// Without a bound on `T`, so that every `Result` of a send can be expected.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

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
