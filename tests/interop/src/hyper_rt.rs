//! What hyper wants from a loop: bytes, tasks and time, as the traits of `hyper::rt`.
//!
//! ```text
//! hyper::rt::Read, Write   Stream<TcpStream>   the futures-io traits
//! hyper::rt::Executor      Loop                spawn
//! hyper::rt::Timer         Loop                sleep, now
//! ```
//!
//! To use hyper on glassloop, copy this file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_lite::{AsyncRead, AsyncWrite};
use hyper::rt::{Executor, Read, ReadBufCursor, Sleep, Timer, Write};
use send_wrapper::SendWrapper;

/// A stream of the `futures-io` traits as one of hyper's.
#[derive(Debug)]
pub struct Stream<S> {
    io: S,
    chunk: Box<[u8]>,
}

impl<S> Stream<S> {
    /// Wraps a stream.
    pub fn new(io: S) -> Stream<S> {
        Stream { io, chunk: vec![0; 16 * 1024].into() }
    }
}

impl<S: AsyncRead + Unpin> Read for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // hyper's buffer may be uninitialized, which the futures-io traits cannot
        // express: so the bytes go through one of our own. One line of unsafe code
        // (`ReadBufCursor::advance`) would save the copy.
        let Stream { io, chunk } = self.get_mut();
        let length = chunk.len().min(buffer.remaining());
        let count = ready!(Pin::new(io).poll_read(cx, &mut chunk[..length]))?;
        buffer.put_slice(&chunk[..count]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Write for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}

/// The current loop, as hyper's executor and timer.
#[derive(Clone, Copy, Debug)]
pub struct Loop;

/// Without `Send`, which hyper does not ask for: what it spawns may use `Rc`.
impl<F> Executor<F> for Loop
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        glassloop::spawn(future).detach();
    }
}

impl Timer for Loop {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap(SendWrapper::new(glassloop::sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap(SendWrapper::new(glassloop::sleep_until(deadline))))
    }

    fn now(&self) -> Instant {
        glassloop::now()
    }
}

/// hyper asks for a timer that is `Send`, though it never sends it anywhere. The
/// wrapper takes hyper at its word, and panics if it is ever broken.
struct Nap(SendWrapper<glassloop::Sleep>);

impl Sleep for Nap {}

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut *self.0).poll(cx)
    }
}
