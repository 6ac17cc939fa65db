//! `File`: one open file, read and written through the blocking pool.
//!
//! The pool cannot take a job back, so the job of a call that the user gives up (its future
//! was polled and dropped) still happens. So the *file* owns the job that is out, never the
//! future. A file has at most one job of its own out, and the next call waits for that job:
//!
//! ```text
//!             a call starts a job              the next call that waits
//!    Idle ──────────────────────────▶ Busy ──────────────────────────▶ Idle
//!     ▲                                 │ the job was a read,
//!     │ any call: a read may tell it    ▼ and brought no byte
//!     └─────────────────────────────  Ended
//!
//!    job        the result of a call that was given up
//!    read       the bytes are for the next read; end and error for no other call
//!    write,     the error is the file's: the next write, flush, close, set_len or
//!    sync_all   sync_all tells it, once. A read or a seek leaves it
//!    set_len    is for nobody
//! ```
//!
//! Two do not wait: `metadata`, which only borrows the file, and the drop of the file. Each
//! makes a change itself that a job in the pool's queue was to make.
//!
//! A poll cannot know whether its call is the one that has started the job. So what a job
//! has found is an answer only if it is still true: the end of the file is given out
//! only while the file has not changed its size. An error of a read is given out to a read
//! only, and only if no other call came in between. A seek needs no job.
//!
//! For a user who reads a file from end to end, the file also reads on in the background: it
//! starts the next job when it has given out the last bytes.

use std::fs;
use std::future::poll_fn;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use futures_lite::{AsyncRead, AsyncSeek, AsyncWrite, AsyncWriteExt};

use crate::blocking::{Unblock, promise};
use crate::event_loop::EventLoop;
use crate::io::PollIo;
use crate::task::{Cost, poll_budget, spend_budget};
use crate::trace::CodeLine;

/// How many bytes a job reads ahead at first, and how many are collected before a write.
const CHUNK: usize = 64 * 1024;
/// How many bytes a job reads ahead at most, for a user who reads on and on. Each job costs
/// two changes of thread, however much it reads. An idle file keeps no larger buffer.
const LARGEST_WINDOW: usize = 4 * CHUNK;
/// How many bytes a job reads at most, for a user who asks for more at once.
const LARGEST_READ: usize = 4 * LARGEST_WINDOW;

/// An open file. asyncio has none: its programs pass `open` and `read` to `to_thread`,
/// and this type does the same.
///
/// A file has one position for reads, writes and seeks. The calls of a file happen in their
/// order, those that were given up included: such a call happens before the next one, or not
/// at all. A read that was given up loses no byte.
///
/// One read gives at most 1 MiB. The file reads ahead, at most that much, so a read may miss
/// what another handle has just written; a seek drops what was read ahead. A read into an empty
/// buffer is ready at once.
///
/// Writes are collected: `flush` gives them to the system. The error of a failed write is told
/// once, by the next write, `flush`, `close`, `set_len` or `sync_all`. When a file is dropped,
/// its collected bytes (64 KiB at most) are written, and an error of that write is lost: for
/// a regular file at once, on the loop's thread; for a pipe or a device, whose write may wait,
/// in the background, and the end of the loop waits for it.
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
    /// Bytes that wait to be written. None unless the file is idle.
    collected: Vec<u8>,
    /// The error of a write, until a call tells it.
    failed: Option<io::Error>,
}

enum FileState {
    Idle,
    /// A job is out; and the change that it makes, if it makes one.
    Busy(Unblock<Done>, Option<Arc<Change>>),
    /// A read has brought no byte: an error, or the end of a file that had this size.
    Ended(io::Result<u64>),
}

/// A write, or a new length. It is made once, by whoever first needs it made: a thread of the
/// pool, or the drop of the file. The others wait meanwhile.
type Change = LazyLock<Mutex<Option<Done>>, Box<dyn FnOnce() -> Mutex<Option<Done>> + Send>>;

/// The result of a job. The buffers go into the job and come back.
enum Done {
    /// A read, and the size that the file had before it.
    Read(Vec<u8>, u64, io::Result<usize>),
    Written(Vec<u8>, io::Result<()>),
    /// The result was promised to the call.
    LengthSet,
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
            failed: None,
        }
    }

    /// The file's size, times and permissions, as the system knows them: bytes that were
    /// not flushed do not count.
    ///
    /// # Errors
    /// The system's.
    pub async fn metadata(&self) -> io::Result<fs::Metadata> {
        let change = self.change().cloned();
        let mut job = self.job(move |file| {
            change.as_deref().map(LazyLock::force);
            file.metadata()
        });
        poll_fn(|cx| job.poll_job(cx)).await?
    }

    /// Cuts the file to `size` bytes, or fills it up with zeros. Flushes first.
    ///
    /// # Errors
    /// The system's, those of earlier writes included.
    pub async fn set_len(&mut self, size: u64) -> io::Result<()> {
        self.flush().await?;
        // The bytes that were read ahead may be cut off.
        self.seek_back()?;
        let (promise, promised) = promise();
        self.start_change(move |file| {
            drop(promise.set(file.set_len(size)));
            Done::LengthSet
        });
        poll_fn(|cx| self.poll_idle(cx)).await?;
        promised.await.expect("the job keeps its promise")
    }

    /// Flushes, and waits until the bytes are on the disk.
    ///
    /// # Errors
    /// The system's, those of earlier writes included.
    pub async fn sync_all(&mut self) -> io::Result<()> {
        self.flush().await?;
        // An error is that of a write which seemed done. So it is kept as one.
        let bytes = mem::take(&mut self.collected);
        self.start(move |file| Done::Written(bytes, file.sync_all()));
        self.flush().await
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
        self.state = FileState::Busy(self.job(work), None);
    }

    fn start_change(&mut self, work: impl FnOnce(&fs::File) -> Done + Send + 'static) {
        let file = Arc::clone(&self.file);
        let change: Change = LazyLock::new(Box::new(move || Mutex::new(Some(work(&file)))));
        let change = Arc::new(change);
        let ours = Arc::clone(&change);
        let job = self.job(move |_| {
            let mut done = ours.lock().unwrap_or_else(PoisonError::into_inner);
            done.take().expect("only this job takes the result")
        });
        self.state = FileState::Busy(job, Some(change));
    }

    /// The change that a job is making, or has made.
    fn change(&self) -> Option<&Arc<Change>> {
        let FileState::Busy(_, change) = &self.state else { return None };
        change.as_ref()
    }

    /// Waits for the job, if there is one, and keeps its result. An error is of a call that
    /// has just made a job: the pool has no thread for it.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> PollIo<()> {
        let FileState::Busy(job, _) = &mut self.state else { return Poll::Ready(Ok(())) };
        let done = ready!(job.poll_job(cx));
        self.state = FileState::Idle;
        Poll::Ready(done.map(|done| self.keep(done)))
    }

    fn keep(&mut self, done: Done) {
        match done {
            Done::Read(bytes, size, result) => {
                self.ahead = bytes;
                match result {
                    Ok(count) if count > 0 => self.unread = 0..count,
                    ended => self.state = FileState::Ended(ended.map(|_| size)),
                }
            }
            Done::Written(mut bytes, result) => {
                bytes.clear();
                self.collected = bytes;
                self.failed = self.failed.take().or(result.err());
            }
            Done::LengthSet => {}
        }
        self.free_large_buffer();
    }

    /// Frees the buffer of a large read when its bytes were given out.
    fn free_large_buffer(&mut self) {
        if self.unread.is_empty() && self.ahead.len() > LARGEST_WINDOW {
            self.ahead = Vec::new();
        }
    }

    /// Writes the collected bytes. An error of the write stays with the file, also the error
    /// that there is no thread for it: this call may be a read.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> PollIo<()> {
        ready!(self.poll_idle(cx))?;
        if self.collected.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let bytes = mem::take(&mut self.collected);
        self.start_change(move |mut file| {
            let result = file.write_all(&bytes);
            Done::Written(bytes, result)
        });
        let written = ready!(self.poll_idle(cx));
        self.failed = self.failed.take().or(written.err());
        Poll::Ready(Ok(()))
    }

    /// Seeks on this thread: the system sets a number. Only for the end it may need more than
    /// its memory, if the file is on a network. A seek that fails leaves everything as it was.
    fn seek_now(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = (&*self.file).seek(target)?;
        self.unread = 0..0;
        self.window = CHUNK;
        self.free_large_buffer();
        Ok(position)
    }

    /// Goes to where the user has stopped reading. The system's position is behind the bytes
    /// that were read ahead. A pipe or a terminal has no position: it stays as it was.
    fn seek_back(&mut self) -> io::Result<()> {
        if self.unread.is_empty() {
            return Ok(());
        }
        match self.seek_now(SeekFrom::Current(-(self.unread.len() as i64))) {
            Err(error) if error.kind() != io::ErrorKind::NotSeekable => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads ahead, at least as much as `wanted`, within limits.
    fn start_read(&mut self, wanted: usize) {
        let size = wanted.clamp(self.window, LARGEST_READ);
        if size <= LARGEST_WINDOW {
            self.free_large_buffer();
        }
        let mut bytes = mem::take(&mut self.ahead);
        self.start(move |mut file| {
            bytes.resize(bytes.len().max(size), 0);
            // The file's size first: what is appended later does not belong to this end.
            let size_before = size_of(file);
            let result = read_once(&mut file, &mut bytes[..size]);
            Done::Read(bytes, size_before, result)
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
                self.start_read(wanted);
                // The first poll starts the job. No task waits for this job yet.
                let _pending = self.poll_idle(&mut Context::from_waker(Waker::noop()));
            }
            self.window = (2 * self.window).min(LARGEST_WINDOW);
        }
    }
}

impl AsyncRead for File {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> PollIo<usize> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(poll_budget(cx));
        let file = self.get_mut();
        loop {
            ready!(file.poll_written(cx))?;
            match mem::replace(&mut file.state, FileState::Idle) {
                FileState::Ended(Err(error)) => return Poll::Ready(Err(error)),
                FileState::Ended(Ok(size)) if size == size_of(&file.file) => {
                    return Poll::Ready(Ok(0));
                }
                _ if !file.unread.is_empty() => break,
                _ => file.start_read(buffer.len()),
            }
        }
        spend_budget(Cost::System);
        let count = file.give_out(buffer);
        file.read_on(buffer.len());
        file.free_large_buffer();
        Poll::Ready(Ok(count))
    }
}

/// A pipe or a device has none: 0.
fn size_of(file: &fs::File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
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
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> PollIo<usize> {
        ready!(poll_budget(cx));
        let file = self.get_mut();
        ready!(file.poll_idle(cx))?;
        if file.collected.len() >= CHUNK {
            ready!(file.poll_written(cx))?;
        }
        spend_budget(Cost::System);
        file.state = FileState::Idle;
        file.failed.take().map_or(Ok(()), Err)?;
        file.seek_back()?;
        let count = bytes.len().min(CHUNK - file.collected.len());
        file.collected.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollIo<()> {
        ready!(poll_budget(cx));
        let file = self.get_mut();
        ready!(file.poll_written(cx))?;
        spend_budget(Cost::System);
        file.state = FileState::Idle;
        Poll::Ready(file.failed.take().map_or(Ok(()), Err))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollIo<()> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, target: SeekFrom) -> PollIo<u64> {
        ready!(poll_budget(cx));
        let file = self.get_mut();
        ready!(file.poll_written(cx))?;
        spend_budget(Cost::System);
        file.state = FileState::Idle;
        let ahead = file.unread.len() as i64;
        let from_system = match target {
            SeekFrom::Current(by) => by.checked_sub(ahead).map(SeekFrom::Current),
            absolute => Some(absolute),
        };
        let from_system = from_system.ok_or(io::ErrorKind::InvalidInput)?;
        Poll::Ready(file.seek_now(from_system))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let (bytes, change) = (mem::take(&mut self.collected), self.change());
        if bytes.is_empty() && change.is_none() {
            return;
        }
        let regular = self.file.metadata().is_ok_and(|file| file.is_file());
        if regular {
            // Whoever opens the path next finds all of it, and nothing comes later.
            change.map(|change| LazyLock::force(change));
        }
        let file = Arc::clone(&self.file);
        let write = move || drop((&*file).write_all(&bytes));
        if regular {
            write();
        } else if let Err(refused) = self.event_loop.pool.submit(Box::new(write)) {
            // There is no thread, or the loop has ended. Write here and now instead.
            (refused.job)();
        }
    }
}

impl_debug!(File, |file| "File({:?})", file.file);
