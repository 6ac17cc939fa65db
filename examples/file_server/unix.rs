//! What differs between systems: here for Unix.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGXFSZ, TERM_SIGNALS};
use signal_hook::iterator::Signals;

/// What a path leads to; everything is told about the open file, never again by its path.
pub(crate) enum Found {
    File(File, Metadata),
    Directory(Directory),
}

pub(crate) struct Directory {
    pub(crate) modified: SystemTime,
    open: File,
}

/// How a directory is opened to pass through it. Linux does not ask for the right to list it.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = OFlags::RDONLY;

/// How often a path is tried that changes while it is opened.
const TRIES: u32 = 8;

/// Opens a file or directory below `root`. Links are followed inside of the root; what lies
/// outside is not found.
///
/// First the path is looked up with all its links, then what it leads to is opened without
/// any. Whoever puts a link in its place in between only sees to it that nothing is opened.
pub(crate) fn open_inside(root: &Path, path: &Path) -> io::Result<Found> {
    for _ in 0..TRIES {
        let real = std::fs::canonicalize(root.join(path)).or(Err(ErrorKind::NotFound))?;
        let inside = real.strip_prefix(root).or(Err(ErrorKind::NotFound))?;
        match open_without_links(root, inside) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {} // another one by now
            opened => return look(File::from(opened?)),
        }
    }
    Err(ErrorKind::NotFound.into())
}

/// Opens name by name, each in the directory that was opened before it: a directory may be
/// moved meanwhile, or replaced by a link, but its descriptor stays the same directory.
fn open_without_links(root: &Path, inside: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let pass = flags | OFlags::DIRECTORY | PASS;
    let mut directory = openat(CWD, root, pass, Mode::empty())?;
    for name in inside.parent().into_iter().flatten() {
        directory = openat(&directory, name, pass, Mode::empty())?;
    }
    let name = inside.file_name().unwrap_or(OsStr::new("."));
    // To open a pipe or a device may have effects: look first.
    match FileType::from_raw_mode(statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode) {
        FileType::RegularFile | FileType::Directory => {}
        _ => return Err(Errno::NOENT),
    }
    // It may have become a pipe since. Without `NONBLOCK`, the open of a pipe waits for a
    // writer, and takes a thread of the pool for ever.
    let read = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    openat(&directory, name, read, Mode::empty())
}

/// Tells what was opened.
fn look(open: File) -> io::Result<Found> {
    let about = open.metadata()?;
    match about.file_type() {
        kind if kind.is_file() => Ok(Found::File(open, about)),
        kind if kind.is_dir() => {
            Ok(Found::Directory(Directory { modified: about.modified()?, open }))
        }
        _ => Err(ErrorKind::NotFound.into()),
    }
}

/// The names in a directory; those of directories with a slash.
pub(crate) fn names(directory: Directory) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut entries = Dir::new(directory.open)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        let kind = match entry.file_type() {
            // Some file systems do not tell at once.
            FileType::Unknown => statat(entries.fd()?, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |about| FileType::from_raw_mode(about.st_mode)),
            kind => kind,
        };
        if !matches!(name.to_bytes(), b"." | b"..") {
            let slash = if kind == FileType::Directory { "/" } else { "" };
            names.push(name.to_string_lossy().into_owned() + slash);
        }
    }
    Ok(names)
}

/// Calls `act` for each signal that asks to stop, on a thread of its own. From now on, such
/// a signal does nothing else.
pub(crate) fn on_signals(mut act: impl FnMut() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new(TERM_SIGNALS)?;
    thread::Builder::new().spawn(move || signals.forever().for_each(|_| act()))?;
    // A log file that may not grow any more is no reason to end: with a handler, though it
    // does nothing, the write fails instead.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map(drop)
}

/// A client takes two descriptors, and many systems allow 1024 at first: asks for more.
pub(crate) fn allow_many_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // Without them, `accept` fails for a while when all are in use, and is tried again.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
