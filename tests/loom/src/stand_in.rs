//! What stands in for the standard library, `crossbeam-channel` and `polling`.
//!
//! Atomics, locks and threads are loom's, which tries every order in which they can
//! act on each other. The channels and the poller are models: they promise what the
//! real ones promise (each operation happens at one moment; a notified poller does not
//! sleep), with loom's locks inside.

/// Time does not pass in a model: who waits with a deadline waits for the other end.
pub mod thread {
    use std::io;
    use std::sync::Arc;

    use loom::sync::{Condvar, Mutex};
    pub use std::thread::Result;

    loom::thread_local! {
        static CURRENT: Thread = Thread::default();
    }

    /// A thread with its park token. (Loom's own loses the token of a thread that
    /// happens to wait for a lock when it is unparked.)
    #[derive(Clone)]
    pub struct Thread(Arc<Token>);

    struct Token {
        there: Mutex<bool>,
        changed: Condvar,
    }

    impl Default for Thread {
        fn default() -> Thread {
            Thread(Arc::new(Token { there: Mutex::new(false), changed: Condvar::new() }))
        }
    }

    impl Thread {
        pub fn unpark(&self) {
            *self.0.there.lock().unwrap() = true;
            self.0.changed.notify_one();
        }
    }

    pub fn current() -> Thread {
        CURRENT.with(Thread::clone)
    }

    pub fn park() {
        let thread = current();
        let mut there = thread.0.there.lock().unwrap();
        while !*there {
            there = thread.0.changed.wait(there).unwrap();
        }
        *there = false;
    }

    pub fn park_timeout(_: std::time::Duration) {
        park();
    }

    pub struct Builder(loom::thread::Builder);

    impl Builder {
        pub fn new() -> Builder {
            Builder(loom::thread::Builder::new())
        }

        pub fn name(self, name: String) -> Builder {
            Builder(self.0.name(name))
        }

        pub fn spawn(self, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
            self.0.spawn(body).map(JoinHandle)
        }
    }

    pub struct JoinHandle<T>(loom::thread::JoinHandle<T>);

    impl<T> JoinHandle<T> {
        pub fn join(self) -> Result<T> {
            self.0.join()
        }

        /// Loom cannot say, and it is only asked in order to forget early.
        pub fn is_finished(&self) -> bool {
            false
        }
    }
}

pub mod atomic {
    pub use loom::sync::atomic::*;
}

pub mod sync {
    pub use loom::sync::{Mutex, MutexGuard};
    /// The reference counts are the standard library's own.
    pub use std::sync::{Arc, PoisonError};
}

/// An unbounded channel, as far as the executor uses one.
pub mod channel {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::time::Duration;

    use loom::sync::{Condvar, Mutex};

    struct Line<T> {
        items: VecDeque<T>,
        senders: usize,
        receivers: usize,
    }

    struct Channel<T> {
        line: Mutex<Line<T>>,
        changed: Condvar,
    }

    pub struct Sender<T>(Arc<Channel<T>>);
    pub struct Receiver<T>(Option<Arc<Channel<T>>>);

    pub struct SendError<T>(pub T);

    impl<T> std::fmt::Debug for SendError<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("SendError(..)")
        }
    }

    #[derive(Debug, PartialEq, Eq)]
    pub struct RecvError {
        disconnected: bool,
    }

    impl RecvError {
        pub fn is_disconnected(&self) -> bool {
            self.disconnected
        }
    }

    pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
        let line = Line { items: VecDeque::new(), senders: 1, receivers: 1 };
        let channel = Arc::new(Channel { line: Mutex::new(line), changed: Condvar::new() });
        (Sender(channel.clone()), Receiver(Some(channel)))
    }

    /// No sender here ever finds it full.
    pub fn bounded<T>(_: usize) -> (Sender<T>, Receiver<T>) {
        unbounded()
    }

    pub fn never<T>() -> Receiver<T> {
        Receiver(None)
    }

    impl<T> Sender<T> {
        pub fn send(&self, item: T) -> Result<(), SendError<T>> {
            let mut line = self.0.line.lock().unwrap();
            if line.receivers == 0 {
                return Err(SendError(item));
            }
            line.items.push_back(item);
            drop(line);
            self.0.changed.notify_all();
            Ok(())
        }
    }

    impl<T> Receiver<T> {
        fn channel(&self) -> Option<&Channel<T>> {
            self.0.as_deref()
        }

        pub fn try_recv(&self) -> Result<T, RecvError> {
            let Some(channel) = self.channel() else {
                return Err(RecvError { disconnected: false });
            };
            let mut line = channel.line.lock().unwrap();
            let disconnected = line.senders == 0;
            line.items.pop_front().ok_or(RecvError { disconnected })
        }

        pub fn recv(&self) -> Result<T, RecvError> {
            let channel = self.channel().expect("nobody waits for a channel of never");
            let mut line = channel.line.lock().unwrap();
            loop {
                if let Some(item) = line.items.pop_front() {
                    return Ok(item);
                }
                if line.senders == 0 {
                    return Err(RecvError { disconnected: true });
                }
                line = channel.changed.wait(line).unwrap();
            }
        }

        /// A time that is over at once: so the worker that goes home while a job comes
        /// is among the orders that are tried. Any other waits for ever.
        pub fn recv_timeout(&self, time: Duration) -> Result<T, RecvError> {
            if time.is_zero() { self.try_recv() } else { self.recv() }
        }

        pub fn len(&self) -> usize {
            self.channel().map_or(0, |channel| channel.line.lock().unwrap().items.len())
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    impl<T> Clone for Sender<T> {
        fn clone(&self) -> Self {
            self.0.line.lock().unwrap().senders += 1;
            Sender(self.0.clone())
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.line.lock().unwrap().senders -= 1;
            self.0.changed.notify_all();
        }
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            let Some(channel) = self.channel() else { return };
            let mut line = channel.line.lock().unwrap();
            line.receivers -= 1;
            let left = std::mem::take(&mut line.items);
            drop(line);
            drop(left);
        }
    }
}

/// A poller on which no event ever happens: what ends its waits is a notification.
pub mod polling {
    use std::io;
    use std::time::{Duration, Instant};

    use loom::sync::{Condvar, Mutex};

    #[derive(Default)]
    pub struct Events;

    impl Events {
        pub fn clear(&mut self) {}

        pub fn is_empty(&self) -> bool {
            true
        }

        pub fn iter(&self) -> impl Iterator<Item = Event> {
            std::iter::empty()
        }
    }

    #[derive(Clone, Copy)]
    pub struct Event {
        pub key: usize,
        pub readable: bool,
        pub writable: bool,
    }

    impl Event {
        pub fn new(key: usize, readable: bool, writable: bool) -> Event {
            Event { key, readable, writable }
        }

        pub fn none(key: usize) -> Event {
            Event::new(key, false, false)
        }
    }

    pub enum PollMode {
        Oneshot,
        Level,
    }

    pub struct Poller {
        notified: Mutex<bool>,
        notification: Condvar,
    }

    impl Poller {
        pub fn new() -> io::Result<Poller> {
            Ok(Poller { notified: Mutex::new(false), notification: Condvar::new() })
        }

        /// # Safety
        /// The model keeps no descriptor.
        pub unsafe fn add_with_mode<S>(&self, _: S, _: Event, _: PollMode) -> io::Result<()> {
            Ok(())
        }

        pub fn modify_with_mode<S>(&self, _: S, _: Event, _: PollMode) -> io::Result<()> {
            Ok(())
        }

        pub fn delete<S>(&self, _: S) -> io::Result<()> {
            Ok(())
        }

        pub fn wait(&self, _: &mut Events, limit: Option<Duration>) -> io::Result<usize> {
            assert!(limit.is_none(), "the loop waits by deadline, or without end");
            let mut notified = self.notified.lock().unwrap();
            while !*notified {
                notified = self.notification.wait(notified).unwrap();
            }
            *notified = false;
            Ok(0)
        }

        /// Deadlines are only used for a poll without waiting.
        pub fn wait_deadline(&self, _: &mut Events, _: Instant) -> io::Result<usize> {
            *self.notified.lock().unwrap() = false;
            Ok(0)
        }

        pub fn notify(&self) -> io::Result<()> {
            *self.notified.lock().unwrap() = true;
            self.notification.notify_one();
            Ok(())
        }
    }
}
