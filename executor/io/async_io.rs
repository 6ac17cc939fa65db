//! `Async<T>`: any pollable type of the standard library, made awaitable.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncRead, AsyncWrite};

use super::PollIo;
use super::platform::{self, Pollable};
use super::reactor::{Direction, IoWaiter, Source};
use super::readiness::Readiness;
use crate::current;
use crate::event_loop::EventLoop;
use crate::task::{Cost, RegisteredWaker, poll_budget, spend_budget};
use crate::trace::{CodeLine, LeafId, address};

/// A socket, pipe or other descriptor, tied to the current loop. asyncio's
/// `loop.add_reader` and `loop.add_writer`.
///
/// It makes `T` non-blocking and owns it. Its operations are `T`'s own, tried
/// again whenever the descriptor is ready:
///
/// ```
/// # #[cfg(unix)] {
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use glassloop::Async;
///
/// glassloop::block_on(async {
///     let (mut near, far) = UnixStream::pair()?;
///     let far = Async::new(far)?;
///     near.write_all(b"hello")?;
///     let mut buffer = [0; 8];
///     let count = far.read_with(|mut far: &UnixStream| far.read(&mut buffer)).await?;
///     assert_eq!(&buffer[..count], b"hello");
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// # }
/// ```
///
/// For the output of a child process, take the kind of pipe that can be read by
/// reference: `Async::new(PipeReader::from(OwnedFd::from(child.stdout)))`, as
/// `examples/28_subprocess.rs` does.
///
/// After 16 operations that did not have to wait, the next one in the same poll waits
/// for a turn: a peer that never stops must not keep the loop to one task. An operation in
/// another loop than its own panics.
///
/// Several tasks may wait for the same direction. An event wakes the one that has waited
/// longest; as long as the descriptor stays ready, the others follow. It
/// implements the `futures-lite` I/O traits if `&T` implements `Read` and
/// `Write`. Dropping it closes the descriptor.
pub struct Async<T: Pollable + 'static> {
    /// Always there, but for the moment in which `into_inner` takes it.
    source: Option<Rc<Source<T>>>,
    event_loop: Rc<EventLoop>,
    /// The line of `Async::new`: reads and writes through traits have no other.
    made_at: CodeLine,
}

impl<T: Pollable + 'static> Async<T> {
    /// Makes `io` non-blocking and ties it to the current loop.
    ///
    /// # Errors
    /// The system's, if `io` cannot be watched. Regular files cannot (on Linux
    /// the error is `EPERM`): they are always "ready" and block all the same; use
    /// [`fs`](crate::fs) for them.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn new(io: T) -> io::Result<Async<T>> {
        let tied = Async::tie(io, "`Async::new`", Location::caller())?;
        platform::set_nonblocking(tied.get_ref())?;
        Ok(tied)
    }

    /// Ties a descriptor to the current loop, for `what`, which was called at `made_at`. The
    /// caller makes it non-blocking, and only afterwards: a descriptor that is refused stays
    /// as it was, since another program may share it.
    #[track_caller]
    pub(crate) fn tie(io: T, what: &str, made_at: CodeLine) -> io::Result<Async<T>> {
        let event_loop = current::expect_at(what, made_at);
        let source = Some(event_loop.reactor.register(io)?);
        Ok(Async { source, event_loop, made_at })
    }

    /// What it was made of. The descriptor is non-blocking.
    pub fn get_ref(&self) -> &T {
        &self.source().io
    }

    /// Releases the descriptor from the loop, and returns what it was made of.
    /// The descriptor stays non-blocking.
    ///
    /// # Errors
    /// None on the systems of today.
    pub fn into_inner(mut self) -> io::Result<T> {
        let source = self.source.take().expect("taken here only");
        self.event_loop.reactor.deregister(&*source);
        Rc::try_unwrap(source).map(|source| source.io).map_err(|_| {
            io::Error::other("the descriptor is being dispatched to; it cannot be released now")
        })
    }

    /// Waits until a read would not block.
    ///
    /// That may have changed by the time of the read; so try, and wait again on
    /// `WouldBlock`, or let [`read_with`](Self::read_with) do it.
    ///
    /// # Errors
    /// The system's, if the descriptor cannot be watched any more.
    #[track_caller]
    pub fn readable(&self) -> Readiness<'_, T> {
        self.readiness(Direction::Read, Location::caller())
    }

    /// Waits until a write would not block. See [`readable`](Self::readable).
    ///
    /// # Errors
    /// The system's, if the descriptor cannot be watched any more.
    #[track_caller]
    pub fn writable(&self) -> Readiness<'_, T> {
        self.readiness(Direction::Write, Location::caller())
    }

    /// Calls `operation` until it does not say `WouldBlock`, and waits until the
    /// descriptor is readable in between.
    ///
    /// Dropping the future between two tries loses nothing.
    ///
    /// # Errors
    /// Those of `operation`, but for `WouldBlock` and `Interrupted`.
    #[track_caller]
    pub fn read_with<R>(
        &self,
        operation: impl FnMut(&T) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        self.retry(Direction::Read, operation, Location::caller())
    }

    /// Calls `operation` until it does not say `WouldBlock`, and waits until the
    /// descriptor is writable in between. See [`read_with`](Self::read_with).
    ///
    /// # Errors
    /// Those of `operation`, but for `WouldBlock` and `Interrupted`.
    #[track_caller]
    pub fn write_with<R>(
        &self,
        operation: impl FnMut(&T) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        self.retry(Direction::Write, operation, Location::caller())
    }

    /// The same, called by the user at the line `at`.
    pub(crate) async fn retry<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&T) -> io::Result<R>,
        at: CodeLine,
    ) -> io::Result<R> {
        loop {
            poll_fn(|cx| self.poll_turn(cx, at)).await;
            if let Some(result) = self.attempt(|io| operation(io)) {
                return result;
            }
            self.readiness(direction, at).await?;
        }
    }

    fn readiness(&self, direction: Direction, made_at: CodeLine) -> Readiness<'_, T> {
        let (event_loop, source) = (&*self.event_loop, self.source());
        Readiness { event_loop, source, direction, waiting: None, made_at }
    }

    /// Asked before each operation: is this its loop, and may its task go on in this poll?
    #[track_caller]
    fn poll_turn(&self, cx: &Context<'_>, at: CodeLine) -> Poll<()> {
        current::expect_own(self.event_loop.id, "a socket or an `Async`", at);
        poll_budget(cx)
    }

    /// The same for poll functions: `operation`, or wait.
    #[track_caller]
    pub(crate) fn poll_with<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> PollIo<R> {
        ready!(self.poll_turn(cx, self.made_at));
        if let Some(result) = self.attempt(|io| operation(io)) {
            self.event_loop.scheduler.notes.take_back(self.leaf(direction));
            return Poll::Ready(result);
        }
        self.poll_wait(direction, cx)
    }

    /// The wait of a poll function. A read and a write may wait at once; and the numbers from
    /// 1 on are those of `Readiness`.
    fn leaf(&self, direction: Direction) -> LeafId {
        (address(self.source()), u64::MAX - direction as u64)
    }

    fn poll_wait<R>(&self, direction: Direction, cx: &Context<'_>) -> PollIo<R> {
        let what = || direction.wait_on(self.source().number());
        let reactor = &self.event_loop.reactor;
        reactor.arm(self.source(), direction)?;
        let waker = RegisteredWaker::register(cx, self.leaf(direction), what, self.made_at);
        let (id, is_leaf) = (reactor.waiter_id(), false);
        self.source().wait(direction, IoWaiter { id, is_leaf, waker });
        Poll::Pending
    }

    /// Calls `operation` until a signal does not interrupt it; `None` if it would block.
    fn attempt<R>(&self, mut operation: impl FnMut(&T) -> io::Result<R>) -> Option<io::Result<R>> {
        loop {
            match operation(self.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                result => {
                    spend_budget(Cost::System);
                    return Some(result);
                }
            }
        }
    }

    /// Wakes the tasks that wait for what a shutdown has ended: they try again. Not every
    /// system reports its own end as an event.
    pub(crate) fn wake_after(&self, shutdown: Shutdown) {
        if shutdown != Shutdown::Write {
            self.source().wake_all(Direction::Read);
        }
        if shutdown != Shutdown::Read {
            self.source().wake_all(Direction::Write);
        }
    }

    fn source(&self) -> &Source<T> {
        self.source.as_ref().expect("taken by into_inner only")
    }
}

impl<T: Pollable + 'static> Drop for Async<T> {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            self.event_loop.reactor.deregister(&*source);
        }
    }
}

impl<T: Pollable + fmt::Debug + 'static> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}

impl<T: Pollable + 'static> AsyncRead for &Async<T>
where
    for<'a> &'a T: Read,
{
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> PollIo<usize> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // Refused without a try once only: who polls again has a reason. And not in another
        // executor inside this poll, nor in a combinator with a waker of its own: no event
        // may come before the end of the poll.
        let is_own = |cx: &Context<'_>| self.event_loop.scheduler.key_of(cx.waker()).is_some();
        if self.source().drained.take() && is_own(cx) {
            return self.poll_wait(Direction::Read, cx);
        }
        let result = ready!(self.poll_with(Direction::Read, cx, |mut io| io.read(buffer)));
        self.source().note_read(*result.as_ref().unwrap_or(&0), buffer.len());
        Poll::Ready(result)
    }
}

impl<T: Pollable + 'static> AsyncWrite for &Async<T>
where
    for<'a> &'a T: Write,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> PollIo<usize> {
        self.poll_with(Direction::Write, cx, |mut io| io.write(buffer))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollIo<()> {
        self.poll_with(Direction::Write, cx, |mut io| io.flush())
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollIo<()> {
        self.poll_flush(cx)
    }
}

super::forward::impl_io_by_value!(
    [T: Pollable + 'static] Async<T>,
    [for<'a> &'a T: Read] [for<'a> &'a T: Write]
);
