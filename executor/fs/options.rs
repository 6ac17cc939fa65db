//! All the ways to open a file.

use std::fs;
use std::io;
use std::panic::Location;
use std::path::Path;

use super::file::File;
use super::{FUNCTION, path_job};
use crate::current;
use crate::needs_loop::NeedsLoop;

/// How to open a file: the standard library's options. In asyncio: `to_thread(open, …)`, and
/// the mode that `open` is given.
///
/// ```
/// use futures_lite::AsyncWriteExt;
/// use glassloop::fs::{self, File};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("log.txt");
/// glassloop::block_on(async {
///     for line in ["one\n", "two\n"] {
///         let mut log = File::options().append(true).create(true).open(&path).await?;
///         log.write_all(line.as_bytes()).await?;
///         log.close().await?;
///     }
///     assert_eq!(fs::read_to_string(&path).await?, "one\ntwo\n");
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    options: fs::OpenOptions,
}

impl OpenOptions {
    /// Options that open no file yet: set at least `read`, `write` or `append`.
    #[expect(clippy::new_without_default, reason = "as in the standard library")]
    pub fn new() -> OpenOptions {
        OpenOptions { options: fs::OpenOptions::new() }
    }

    /// Opens the file to read it.
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.options.read(read);
        self
    }

    /// Opens the file to write it, from the beginning.
    pub fn write(&mut self, write: bool) -> &mut OpenOptions {
        self.options.write(write);
        self
    }

    /// Opens the file to write it, always at the end.
    pub fn append(&mut self, append: bool) -> &mut OpenOptions {
        self.options.append(append);
        self
    }

    /// Empties the file when it is opened.
    pub fn truncate(&mut self, truncate: bool) -> &mut OpenOptions {
        self.options.truncate(truncate);
        self
    }

    /// Makes the file, if there is none.
    pub fn create(&mut self, create: bool) -> &mut OpenOptions {
        self.options.create(create);
        self
    }

    /// Makes the file. If there is a file already, opening fails.
    pub fn create_new(&mut self, create_new: bool) -> &mut OpenOptions {
        self.options.create_new(create_new);
        self
    }

    /// Opens the file, on the pool. Dropping the future closes the file again; the file may be
    /// made or emptied all the same, also later.
    ///
    /// # Errors
    /// The system's, with the path. A directory cannot be opened as a file.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn open<P: AsRef<Path>>(&self, path: P) -> impl Future<Output = io::Result<File>> + use<P> {
        let at = Location::caller();
        let options = self.options.clone();
        let open = path_job("open", path.as_ref(), move |path| {
            let file = options.open(path)?;
            // Some systems open a directory like a file, and fail at the first read.
            if file.metadata()?.is_dir() {
                Err(io::ErrorKind::IsADirectory.into())
            } else {
                Ok(file)
            }
        });
        NeedsLoop::new(FUNCTION, at, async move {
            let file = open.await?;
            Ok(File::new(file, current::expect_at(FUNCTION, at), at))
        })
    }
}

/// The two most common ways to open a file.
impl File {
    /// Opens a file to read it.
    ///
    /// # Errors
    /// The system's, with the path: `NotFound`, `PermissionDenied`, …
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        File::options().read(true).open(path)
    }

    /// Creates a file to write it, or empties the file that is there.
    ///
    /// # Errors
    /// The system's, with the path.
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).open(path)
    }

    /// The options to open a file in any other way.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }
}
