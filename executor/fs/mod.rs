//! Files, on the blocking pool: a regular file is never "not ready", it just
//! takes its time, so no poller can watch it.
//!
//! The functions on whole files are one job each. A [`File`] reads ahead and
//! collects writes, so that a job pays for its way to the pool and back.

use std::io;
use std::panic::Location;
use std::path::Path;

use crate::blocking::unblock_io;

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

/// A job on the file at `path`, called by the user at the line that called us. Its
/// error names the act and the path, which the standard library's errors leave out.
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
    let path = path.to_owned();
    let named = move || {
        job(&path).map_err(|error| {
            let text = format!("cannot {act} {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })
    };
    unblock_io("`glassloop::fs`", Location::caller(), named)
}
