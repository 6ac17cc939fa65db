//! What differs between systems: here for all but Unix.
//!
//! The standard library cannot open a file by the descriptor of its directory. So whoever may
//! change the files below the root can, at the right moment, put a link to another place
//! there, and a client may be sent what it leads to. Keep such users out.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a path leads to.
pub(crate) enum Found {
    File(File, Metadata),
    Directory(Directory),
}

pub(crate) struct Directory {
    pub(crate) modified: SystemTime,
    path: PathBuf,
}

/// Opens a file or directory below `root`. Links are followed inside of the root; what lies
/// outside is not found.
pub(crate) fn open_inside(root: &Path, path: &Path) -> io::Result<Found> {
    let path = fs::canonicalize(root.join(path)).or(Err(ErrorKind::NotFound))?;
    let about = fs::metadata(&path)?;
    match path.starts_with(root) {
        true if about.is_dir() => {
            Ok(Found::Directory(Directory { modified: about.modified()?, path }))
        }
        true if about.is_file() => {
            let file = File::open(&path)?;
            let about = file.metadata()?;
            Ok(Found::File(file, about))
        }
        _ => Err(ErrorKind::NotFound.into()),
    }
}

/// The names in a directory; those of directories with a slash.
pub(crate) fn names(directory: Directory) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory.path)?.map(|entry| {
        let entry = entry?;
        let slash = if entry.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
        Ok(entry.file_name().to_string_lossy().into_owned() + slash)
    });
    entries.collect()
}

/// This system has no signals; Ctrl-C ends the program at once.
pub(crate) fn on_signals(act: impl FnMut() + Send + 'static) -> io::Result<()> {
    drop(act);
    Ok(())
}

/// This system has no limit on open files that would matter.
pub(crate) fn allow_many_files() {}
