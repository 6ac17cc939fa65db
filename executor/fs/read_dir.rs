//! The entries of a directory, as a stream.

use std::fmt;
use std::fs::{self, DirEntry};
use std::io;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::vec;

use futures_lite::stream::Stream;

use super::path_job;
use crate::blocking::{Pool, Unblock};
use crate::task::current;

/// How many entries are fetched by one job.
const BATCH: usize = 64;

/// Opens a directory, to list its entries in no particular order. In asyncio:
/// `to_thread(os.scandir, …)`.
///
/// # Errors
/// The system's, with the path; and then those of single entries, in the stream.
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
    async move {
        Ok(ReadDir {
            state: State::Idle(open.await?),
            pool: current::expect_at("`fs::read_dir`", at),
            fetched: Vec::new().into_iter(),
        })
    }
}

/// The stream of [`read_dir`]: a few entries at a time are fetched on the pool.
pub struct ReadDir {
    pool: Rc<Pool>,
    fetched: vec::IntoIter<io::Result<DirEntry>>,
    state: State,
}

type Batch = (Vec<io::Result<DirEntry>>, fs::ReadDir);

enum State {
    Idle(fs::ReadDir),
    Busy(Unblock<Batch>),
    AtEnd,
}

impl Stream for ReadDir {
    type Item = io::Result<DirEntry>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<DirEntry>>> {
        loop {
            if let Some(entry) = self.fetched.next() {
                return Poll::Ready(Some(entry));
            }
            match std::mem::replace(&mut self.state, State::AtEnd) {
                State::Idle(mut entries) => {
                    let fetch = move || (entries.by_ref().take(BATCH).collect(), entries);
                    self.state = State::Busy(Unblock::new(Rc::clone(&self.pool), fetch));
                }
                State::Busy(mut job) => {
                    let Poll::Ready(done) = job.poll_job(cx) else {
                        self.state = State::Busy(job);
                        return Poll::Pending;
                    };
                    let (batch, entries) = done?;
                    if !batch.is_empty() {
                        self.state = State::Idle(entries);
                    }
                    self.fetched = batch.into_iter();
                }
                State::AtEnd => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadDir(..)")
    }
}
