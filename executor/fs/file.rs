//! `File`: one open file, read and written through the blocking pool.
//!
//! The pool cannot take a job back, so a read that the user cancels may still happen.
//! No byte is lost, because the *file* owns the job; the future that waits for the job
//! does not:
//!
//! ```text
//!   poll_read ─▶ Idle ── job: read ahead ─▶ Busy ── done ─▶ bytes kept here
//!                 ▲                                             │ given out
//!                 └─────────────────────────────────────────────┘ from memory
//!   poll_write ─▶ bytes collected here ── job: write ─▶ errors kept here
//! ```
//!
//! So the bytes of a cancelled read are there for the next read, and the error of a
//! failed write comes out of the next write, flush or close. For a user who reads a file
//! from end to end, the file also reads on in the background: it starts the next job when
//! it has given out the last bytes.

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

use crate::blocking::Unblock;
use crate::event_loop::EventLoop;
use crate::task::{Cost, poll_budget, spend_budget};
use crate::trace::CodeLine;

/// How many bytes a job reads ahead at first, and how many are collected before a write.
const CHUNK: usize = 64 * 1024;
/// How many bytes a job reads ahead at most, for a user who reads on and on. Each job costs
/// two changes of thread, however much it reads.
const LARGEST_WINDOW: usize = 4 * CHUNK;

/// An open file. asyncio has none: its programs pass `open` and `read` to `to_thread`,
/// and this type does the same.
///
/// A file has one position for reads, writes and seeks. A cancelled read loses no
/// byte. Writes are collected: `flush` gives them to the system, and reports the error of a
/// failed write, if no earlier call has; so does `close`. When a file is dropped, its
/// collected bytes are written in the background, and an error of that write is lost; the
/// end of the loop waits for that write.
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
    state: FileState,
    /// Bytes that were read ahead. Those in `unread` have not been given out.
    ahead: Vec<u8>,
    unread: Range<usize>,
    /// How many bytes the next job reads ahead.
    window: usize,
    /// Bytes that wait to be written.
    collected: Vec<u8>,
    /// Whether the file has a position: a pipe or a terminal has none.
    seekable: bool,
}

enum FileState {
    Idle,
    Busy(Unblock<Done>),
    /// A read has found the end of the file; the next `poll_read` reports it.
    AtEnd,
    /// A seek is done; the next `poll_seek` with this target returns the position.
    Sought(SeekFrom, u64),
}

/// The result of a job. The buffers go into the job and come back.
enum Done {
    /// A read that the user waits for.
    Read(Vec<u8>, io::Result<usize>),
    /// A read for which the user has not asked yet. An error of it, or the end of the file,
    /// is forgotten: it comes again when the user asks.
    ReadOn(Vec<u8>, io::Result<usize>),
    Written(Vec<u8>, io::Result<()>),
    /// A seek, with the target that the user has named; `None` for a seek of our own.
    Sought(Option<SeekFrom>, io::Result<u64>),
}

impl File {
    pub(super) fn new(file: fs::File, event_loop: Rc<EventLoop>, opened_at: CodeLine) -> File {
        File {
            file: Arc::new(file),
            event_loop,
            opened_at,
            state: FileState::Idle,
            ahead: Vec::new(),
            unread: 0..0,
            window: CHUNK,
            collected: Vec::new(),
            seekable: true,
        }
    }

    /// The file's size, times and permissions, as the system knows them: bytes that were
    /// not flushed do not count.
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
            // The bytes that were read ahead may be cut off. A seek drops them.
            self.seek(SeekFrom::Current(0)).await?;
        }
        self.state = FileState::Idle;
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
        let mut job = self.job(call);
        poll_fn(|cx| job.poll_job(cx)).await?
    }

    fn job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&fs::File) -> T + Send + 'static,
    ) -> Unblock<T> {
        let (file, event_loop) = (Arc::clone(&self.file), Rc::clone(&self.event_loop));
        Unblock::new(event_loop, "a file", self.opened_at, move || work(&file))
    }

    /// Makes a job; its first poll starts it.
    fn start(&mut self, work: impl FnOnce(&fs::File) -> Done + Send + 'static) {
        self.state = FileState::Busy(self.job(work));
    }

    /// Waits for the job, if there is one, and keeps its result.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let FileState::Busy(job) = &mut self.state else { return Poll::Ready(Ok(())) };
        let done = ready!(job.poll_job(cx));
        self.state = FileState::Idle;
        Poll::Ready(done.and_then(|done| self.keep(done)))
    }

    fn keep(&mut self, done: Done) -> io::Result<()> {
        match done {
            Done::Read(bytes, result) => {
                self.ahead = bytes;
                self.unread = 0..result?;
                if self.unread.is_empty() {
                    self.state = FileState::AtEnd;
                }
            }
            Done::ReadOn(bytes, result) => {
                self.ahead = bytes;
                self.unread = 0..result.unwrap_or(0);
            }
            Done::Written(mut bytes, result) => {
                bytes.clear();
                self.collected = bytes;
                result?;
            }
            Done::Sought(None, Err(error)) if error.kind() == io::ErrorKind::NotSeekable => {
                self.seekable = false;
            }
            Done::Sought(named, result) => self.keep_position(named, result?),
        }
        Ok(())
    }

    /// A seek has succeeded. A seek that fails leaves everything as it was.
    fn keep_position(&mut self, named: Option<SeekFrom>, position: u64) {
        self.unread = 0..0;
        self.window = CHUNK;
        if let Some(target) = named {
            self.state = FileState::Sought(target, position);
        }
    }

    /// Writes the collected bytes.
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

    /// Gives out bytes that were read ahead, as many as fit into `buffer`.
    fn give_out(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.unread.len().min(buffer.len());
        let from = self.unread.start;
        buffer[..count].copy_from_slice(&self.ahead[from..from + count]);
        self.unread.start += count;
        count
    }

    /// Makes the window larger, up to its limit, for a user who has read all of it. At the
    /// limit, starts the next read: the pool reads while the user works on the last bytes.
    fn read_on(&mut self, wanted: usize) {
        let was_full = self.unread.end >= self.window;
        if self.unread.is_empty() && was_full && matches!(self.state, FileState::Idle) {
            if self.window == LARGEST_WINDOW {
                self.start_read(wanted, Done::ReadOn);
                // The first poll starts the job. No task waits for this job yet.
                let _pending = self.poll_idle(&mut Context::from_waker(Waker::noop()));
            }
            self.window = (2 * self.window).min(LARGEST_WINDOW);
        }
    }
}

impl AsyncRead for File {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(poll_budget(cx));
        let file = self.get_mut();
        ready!(file.poll_written(cx))?;
        let at_end = matches!(file.state, FileState::AtEnd);
        file.state = FileState::Idle;
        if file.unread.is_empty() && !at_end {
            file.start_read(buffer.len(), Done::Read);
            ready!(file.poll_idle(cx))?;
            file.state = FileState::Idle;
        }
        spend_budget(Cost::System);
        let count = file.give_out(buffer);
        file.read_on(buffer.len());
        Poll::Ready(Ok(count))
    }
}

/// One read. A signal may interrupt it; then it is tried again.
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
        ready!(poll_budget(cx));
        let file = self.get_mut();
        ready!(file.poll_idle(cx))?;
        if file.collected.len() >= CHUNK {
            ready!(file.poll_written(cx))?;
        }
        if !file.unread.is_empty() && file.seekable {
            // The write belongs where the user has stopped reading. The system's position
            // is behind the bytes that were read ahead.
            let back = SeekFrom::Current(-(file.unread.len() as i64));
            file.start(move |mut file| Done::Sought(None, file.seek(back)));
            ready!(file.poll_idle(cx))?;
        }
        spend_budget(Cost::System);
        file.state = FileState::Idle;
        let count = bytes.len().min(CHUNK - file.collected.len());
        file.collected.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(poll_budget(cx));
        let written = ready!(self.get_mut().poll_written(cx));
        spend_budget(Cost::System);
        Poll::Ready(written)
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
        if let FileState::Sought(named, position) = file.state
            && named == target
        {
            file.state = FileState::Idle;
            return Poll::Ready(Ok(position));
        }
        let ahead = file.unread.len() as i64;
        let from_system = match target {
            SeekFrom::Current(by) => match by.checked_sub(ahead) {
                Some(by) => SeekFrom::Current(by),
                None => return Poll::Ready(Err(io::ErrorKind::InvalidInput.into())),
            },
            absolute => absolute,
        };
        file.start(move |mut file| Done::Sought(Some(target), file.seek(from_system)));
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
                // There is no thread, or the loop has ended. Write here and now instead.
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
