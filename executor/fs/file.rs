//! `File`: one open file, read and written through the blocking pool.
//!
//! A job on the pool cannot be called back, so a read that is cancelled may still
//! happen. What keeps the bytes safe is that the *file* owns the job, not the
//! future that waits for it:
//!
//! ```text
//!   poll_read ─▶ Idle ── job: read ahead ─▶ Busy ── done ─▶ bytes kept here
//!                 ▲                                             │ served from
//!                 └─────────────────────────────────────────────┘ memory
//!   poll_write ─▶ bytes collected here ── job: write ─▶ errors kept here
//! ```
//!
//! So a read that was cancelled leaves its bytes for the next one, and a write
//! that failed says so at the next write, flush or close. And one who reads on and on
//! finds the next bytes under way: their job begins when the last are given out.

use std::fmt;
use std::fs;
use std::future::poll_fn;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_lite::{AsyncRead, AsyncSeek, AsyncSeekExt, AsyncWrite, AsyncWriteExt};

use crate::blocking::{Unblock};
use crate::event_loop::EventLoop;
use crate::trace::CodeLine;

/// How much is read ahead at first, and how much is collected before a write.
const CHUNK: usize = 64 * 1024;
/// How much is read ahead at the most, for one who reads on and on: each job costs two
/// changes of thread, whatever its size.
const FAR_AHEAD: usize = 4 * CHUNK;

/// An open file. asyncio has none; its programs hand `open` and `read` to
/// `to_thread`, as this one does.
///
/// It has one position for reads, writes and seeks. A cancelled read loses no
/// byte. Writes are collected: `flush` hands them to the system, and an error
/// appears there or at `close` at the latest. What is still collected when the
/// file is dropped is written in the background, its error is lost; the loop's
/// end waits for it.
///
/// ```
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
/// use glassloop::fs::File;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("greeting.txt");
/// glassloop::block_on(async {
///     let mut file = File::create(&path).await?;
///     file.write_all(b"hello").await?;
///     file.close().await?;
///
///     let mut text = String::new();
///     File::open(&path).await?.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
pub struct File {
    file: Arc<fs::File>,
    event_loop: Rc<EventLoop>,
    opened_at: CodeLine,
    state: State,
    /// Its bytes `unread` were read ahead, and are still to be given out.
    ahead: Vec<u8>,
    unread: Range<usize>,
    /// How much the next job is to read ahead.
    window: usize,
    /// Bytes to be written.
    collected: Vec<u8>,
    /// Whether it has a position: a pipe or a terminal has none.
    seekable: bool,
}

enum State {
    Idle,
    Busy(Unblock<Done>),
    /// A read has found the end; the next `poll_read` says so.
    AtEnd,
    /// A seek is done; the next `poll_seek` for this target takes the position.
    Sought(SeekFrom, u64),
}

/// What a job brings back. The buffers go along with it and return.
enum Done {
    Read(Vec<u8>, io::Result<usize>),
    /// What nobody has asked for yet.
    ReadOn(Vec<u8>, io::Result<usize>),
    Written(Vec<u8>, io::Result<()>),
    /// With the target that the user named, if it was the user's seek.
    Sought(Option<SeekFrom>, io::Result<u64>),
}

impl File {
    pub(super) fn new(file: fs::File, event_loop: Rc<EventLoop>, opened_at: CodeLine) -> File {
        File {
            file: Arc::new(file),
            event_loop,
            opened_at,
            state: State::Idle,
            ahead: Vec::new(),
            unread: 0..0,
            window: CHUNK,
            collected: Vec::new(),
            seekable: true,
        }
    }

    /// The file's size, times and permissions, as the system knows them: without
    /// what has not been flushed.
    ///
    /// # Errors
    /// The system's.
    pub async fn metadata(&self) -> io::Result<fs::Metadata> {
        self.call(|file| file.metadata()).await
    }

    /// Cuts the file to `size` bytes, or fills it up with zeros. Flushes first.
    ///
    /// # Errors
    /// The system's, those of earlier writes included.
    pub async fn set_len(&mut self, size: u64) -> io::Result<()> {
        self.flush().await?;
        if !self.unread.is_empty() {
            // What was read ahead may be cut off.
            self.seek(SeekFrom::Current(0)).await?;
        }
        self.state = State::Idle;
        self.call(move |file| file.set_len(size)).await
    }

    /// Flushes, and waits until the bytes are on the disk.
    ///
    /// # Errors
    /// The system's, those of earlier writes included.
    pub async fn sync_all(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.call(|file| file.sync_all()).await
    }

    /// A call that touches neither position nor buffers.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&fs::File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let file = Arc::clone(&self.file);
        let event_loop = Rc::clone(&self.event_loop);
        let mut job = Unblock::new(event_loop, "a file", self.opened_at, move || call(&file));
        poll_fn(|cx| job.poll_job(cx)).await?
    }

    fn start(&mut self, job: impl FnOnce(&fs::File) -> Done + Send + 'static) {
        let file = Arc::clone(&self.file);
        let event_loop = Rc::clone(&self.event_loop);
        let job = Unblock::new(event_loop, "a file", self.opened_at, move || job(&file));
        self.state = State::Busy(job);
    }

    /// Waits for the job that is out, if one is, and keeps what it brings.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Busy(job) = &mut self.state else {
            return Poll::Ready(Ok(()));
        };
        let done = ready!(job.poll_job(cx));
        self.state = State::Idle;
        Poll::Ready(done.and_then(|done| self.keep(done)))
    }

    fn keep(&mut self, done: Done) -> io::Result<()> {
        match done {
            Done::Read(bytes, result) => self.keep_read(bytes, result),
            Done::ReadOn(bytes, result) => {
                self.ahead = bytes;
                // An error, or the end, comes again when somebody asks.
                self.unread = 0..result.unwrap_or(0);
                Ok(())
            }
            Done::Written(mut bytes, result) => {
                bytes.clear();
                self.collected = bytes;
                result
            }
            Done::Sought(None, Err(error)) if error.kind() == io::ErrorKind::NotSeekable => {
                self.seekable = false;
                Ok(())
            }
            Done::Sought(target, result) => result.map(|position| {
                // Only now: a seek that fails leaves everything as it was.
                self.unread = 0..0;
                self.window = CHUNK;
                self.state = target.map_or(State::Idle, |target| State::Sought(target, position));
            }),
        }
    }

    fn keep_read(&mut self, bytes: Vec<u8>, result: io::Result<usize>) -> io::Result<()> {
        self.ahead = bytes;
        self.unread = 0..result?;
        if self.unread.is_empty() {
            self.state = State::AtEnd;
        }
        Ok(())
    }

    /// Writes out what was collected.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_idle(cx))?;
        if self.collected.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let bytes = std::mem::take(&mut self.collected);
        self.start(move |mut file| {
            let result = file.write_all(&bytes);
            Done::Written(bytes, result)
        });
        self.poll_idle(cx)
    }

    fn start_seek(&mut self, named: Option<SeekFrom>, target: SeekFrom) {
        self.start(move |mut file| Done::Sought(named, file.seek(target)));
    }

    /// Reads ahead, at least as much as `wanted`.
    fn start_read(&mut self, wanted: usize, done: fn(Vec<u8>, io::Result<usize>) -> Done) {
        let mut bytes = std::mem::take(&mut self.ahead);
        let size = wanted.max(self.window);
        self.start(move |mut file| {
            bytes.resize(bytes.len().max(size), 0);
            let result = read_once(&mut file, &mut bytes[..size]);
            done(bytes, result)
        });
    }

    /// Gives out what was read ahead, as much as goes into `buffer`.
    fn give_out(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.unread.len().min(buffer.len());
        let from = self.unread.start;
        buffer[..count].copy_from_slice(&self.ahead[from..from + count]);
        self.unread.start += count;
        count
    }

    /// All that was read ahead has been given out, to one who reads on and on. Then the
    /// next job may read while its bytes are being used; it makes the *pipe* between the
    /// two threads, of this bounded size.
    fn read_on(&mut self, wanted: usize) {
        let was_full = self.unread.end >= self.window;
        if self.unread.is_empty() && was_full && matches!(self.state, State::Idle) {
            if self.window == FAR_AHEAD {
                self.start_read(wanted, Done::ReadOn);
                // A job begins when it is polled. Nobody waits for this one yet.
                let _pending = self.poll_idle(&mut Context::from_waker(Waker::noop()));
            }
            self.window = (2 * self.window).min(FAR_AHEAD);
        }
    }
}

impl AsyncRead for File {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let file = self.get_mut();
        ready!(file.poll_written(cx))?;
        let at_end = matches!(file.state, State::AtEnd);
        file.state = State::Idle;
        if file.unread.is_empty() && !buffer.is_empty() && !at_end {
            file.start_read(buffer.len(), Done::Read);
            ready!(file.poll_idle(cx))?;
            file.state = State::Idle;
        }
        let count = file.give_out(buffer);
        file.read_on(buffer.len());
        Poll::Ready(Ok(count))
    }
}

/// One read, started again after an interruption.
fn read_once(file: &mut &fs::File, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => return result,
        }
    }
}

impl AsyncWrite for File {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let file = self.get_mut();
        ready!(file.poll_idle(cx))?;
        if file.collected.len() >= CHUNK {
            ready!(file.poll_written(cx))?;
        }
        if !file.unread.is_empty() && file.seekable {
            // The write belongs where the reader stopped, not where it has read
            // ahead to.
            let back = -(file.unread.len() as i64);
            file.start_seek(None, SeekFrom::Current(back));
            ready!(file.poll_idle(cx))?;
        }
        file.state = State::Idle;
        let count = bytes.len().min(CHUNK - file.collected.len());
        file.collected.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        let file = self.get_mut();
        ready!(file.poll_written(cx))?;
        if let State::Sought(named, position) = file.state
            && named == target
        {
            file.state = State::Idle;
            return Poll::Ready(Ok(position));
        }
        let ahead = file.unread.len() as i64;
        let from_there = match target {
            SeekFrom::Current(by) => match by.checked_sub(ahead) {
                Some(by) => SeekFrom::Current(by),
                None => return Poll::Ready(Err(io::ErrorKind::InvalidInput.into())),
            },
            absolute => absolute,
        };
        file.start_seek(Some(target), from_there);
        ready!(file.poll_idle(cx))?;
        Pin::new(file).poll_seek(cx, target)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if !self.collected.is_empty() {
            let bytes = std::mem::take(&mut self.collected);
            let file = Arc::clone(&self.file);
            let write = move || drop((&*file).write_all(&bytes));
            if let Err(refused) = self.event_loop.pool.submit(Box::new(write)) {
                // No thread, or no loop any more: here and now, then.
                (refused.job)();
            }
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("File").field(&self.file).finish()
    }
}
