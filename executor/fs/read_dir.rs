//! The entries of a directory, as a stream.

use std::fs::{self, DirEntry};
use std::io;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_lite::stream::Stream;

use super::{FUNCTION, path_job};
use crate::blocking::Unblock;
use crate::current;
use crate::event_loop::EventLoop;
use crate::needs_loop::NeedsLoop;
use crate::trace::CodeLine;

/// How many entries one job fetches.
const BATCH: usize = 64;

/// Opens a directory, to list its entries in no particular order. In asyncio:
/// `to_thread(os.scandir, …)`.
///
/// # Errors
/// The system's, with the path. The error of a single entry is an item of the stream.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// use futures_lite::StreamExt;
/// use glassloop::fs;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// glassloop::block_on(async {
///     fs::write(folder.join("a"), "").await?;
///     let mut entries = fs::read_dir(folder).await?;
///     while let Some(entry) = entries.next().await {
///         assert_eq!(entry?.file_name(), "a");
///     }
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<ReadDir>> {
    let at = Location::caller();
    let open = path_job("list", path.as_ref(), |path| fs::read_dir(path));
    NeedsLoop::new(FUNCTION, at, async move {
        let entries = open.await?;
        let event_loop = current::expect_at(FUNCTION, at);
        let job = Some(fetch(&event_loop, at, entries));
        Ok(ReadDir { event_loop, at, fetched: Vec::new().into_iter(), job })
    })
}

/// The stream of [`read_dir`]: each job on the pool fetches a few entries. Dropping the
/// stream closes the directory.
pub struct ReadDir {
    event_loop: Rc<EventLoop>,
    at: CodeLine,
    fetched: vec::IntoIter<io::Result<DirEntry>>,
    /// Fetches the next entries; `None` at the end.
    job: Option<Unblock<Batch>>,
}

/// Some entries, and the directory, from which the next job fetches more.
type Batch = (Vec<io::Result<DirEntry>>, fs::ReadDir);

/// Makes a job; its first poll starts it, so that nothing is fetched before the user asks.
fn fetch(event_loop: &Rc<EventLoop>, at: CodeLine, mut entries: fs::ReadDir) -> Unblock<Batch> {
    let work = move || (entries.by_ref().take(BATCH).collect(), entries);
    Unblock::new(Rc::clone(event_loop), "a directory", at, work)
}

impl Stream for ReadDir {
    type Item = io::Result<DirEntry>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.fetched.next() {
                return Poll::Ready(Some(entry));
            }
            let Some(job) = &mut self.job else { return Poll::Ready(None) };
            let done = ready!(job.poll_job(cx));
            self.job = None;
            let (batch, entries) = done?;
            if !batch.is_empty() {
                self.job = Some(fetch(&self.event_loop, self.at, entries));
            }
            self.fetched = batch.into_iter();
        }
    }
}

impl_debug!(ReadDir, |_| "ReadDir(..)");
