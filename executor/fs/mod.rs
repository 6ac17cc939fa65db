//! Files, on the blocking pool. The system's poller (epoll on Linux, kqueue on macOS, IOCP
//! on Windows) cannot watch a regular file: for the poller such a file is always ready, and
//! a read of it blocks all the same.
//!
//! Each function on a whole file or a path is one job. A [`File`] reads ahead and collects
//! writes, so that few jobs move many bytes: a job costs two changes of thread.
//!
//! In reading order: `file` is an open file; `options` opens it; `read_dir` lists a
//! directory; `whole` has the functions on whole files and paths.

use std::io;
use std::panic::Location;
use std::path::Path;

use crate::blocking::unblock_io;
use crate::needs_loop::NeedsLoop;

mod file;
mod options;
mod read_dir;
mod whole;

pub use file::File;
pub use options::OpenOptions;
pub use read_dir::{ReadDir, read_dir};
pub use whole::{
    canonicalize, copy, create_dir_all, metadata, read, read_to_string, remove_dir_all,
    remove_file, rename, write,
};

/// What the reports call a function of this module.
const FUNCTION: &str = "a function of `glassloop::fs`";

/// A job on the file at `path`. Its caller is a function that the user has called, and the
/// job belongs to the user's line. An error names the act and the path, which the standard
/// library's errors leave out.
#[track_caller]
fn path_job<T, F>(
    act: &'static str,
    path: &Path,
    job: F,
) -> impl Future<Output = io::Result<T>> + use<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Path) -> io::Result<T> + Send + 'static,
{
    let (at, path) = (Location::caller(), path.to_owned());
    let named = move || {
        job(&path).map_err(|error| {
            let text = format!("cannot {act} {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })
    };
    NeedsLoop::new(FUNCTION, at, unblock_io("`glassloop::fs`", at, named))
}
