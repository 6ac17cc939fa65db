//! What a runtime must be able to do, to run the workloads.
//!
//! [`Runtime`] is all that most workloads need; [`Timers`], [`Sockets`] and [`Files`] are
//! separate, since not every runtime has them. An implementation uses what the runtime's
//! own documentation would: no workload may be slow for lack of a good adapter.

use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Tasks on one thread, which need not be `Send`.
pub trait Runtime: 'static {
    /// What the result lines call it.
    const NAME: &'static str;

    /// The handle of a task; awaits its output. Dropping it may or may not cancel the
    /// task, so the workloads keep every handle.
    type Join<T: 'static>: Future<Output = T> + 'static;

    /// Makes a fresh loop, runs `future` on it, and drops the loop.
    fn block_on<F: Future>(future: F) -> F::Output;

    /// Starts a task on the loop of this thread.
    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static;
}

/// Sleeping.
pub trait Timers: Runtime {
    /// Ends `duration` after it was first polled, which every workload does at once.
    fn sleep(duration: Duration) -> impl Future + 'static;

    /// Lets `ticks` periods pass, with one timer that is armed again for each. Ticks that
    /// are late do not move those that follow.
    fn tick(period: Duration, ticks: u64) -> impl Future<Output = ()> + 'static;
}

/// TCP. A buffer is lent to the call and comes back with the result, as the runtimes on
/// io_uring need it; for the others, moving a `Vec` there and back costs nothing.
/// Every buffer is as long as its capacity, and stays so.
pub trait Sockets: Runtime {
    type Listener: 'static;
    type Stream: 'static;

    /// A listener at a port of the system's choice.
    fn listen() -> impl Future<Output = (Self::Listener, SocketAddr)>;

    /// The next connection, with Nagle's delay off.
    fn accept(listener: &Self::Listener) -> impl Future<Output = Self::Stream>;

    /// A connection to `address`, with Nagle's delay off.
    fn connect(address: SocketAddr) -> impl Future<Output = Self::Stream>;

    /// What has arrived, at least one byte; 0 at the end.
    fn read(stream: &mut Self::Stream, buffer: Vec<u8>) -> impl Future<Output = (usize, Vec<u8>)>;

    /// Writes the first `length` bytes.
    fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        length: usize,
    ) -> impl Future<Output = Vec<u8>>;
}

/// Files, without blocking the loop where the runtime knows how.
pub trait Files: Runtime {
    type File: 'static;

    /// A whole file.
    fn read_whole(path: &Path) -> impl Future<Output = Vec<u8>>;

    fn open(path: &Path) -> impl Future<Output = Self::File>;

    /// The next bytes of the file, as many as `buffer` is long; 0 at the end.
    fn read_next(file: &mut Self::File, buffer: Vec<u8>) -> impl Future<Output = (usize, Vec<u8>)>;
}

/// The handle of a runtime whose handles yield a `Result`: a task that panicked or was
/// cancelled is a broken benchmark.
pub struct Joined<H>(pub H);

impl<H, T, E> Future for Joined<H>
where
    H: Future<Output = Result<T, E>> + Unpin,
    E: Debug,
{
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(context).map(|ended| ended.expect("the task ran to its end"))
    }
}
