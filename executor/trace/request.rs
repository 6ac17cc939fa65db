//! Which trace is wanted: its path says where it is written to, and in which form.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use super::chrome::Chrome;
use super::lines::Lines;
use super::output::{TraceOutput, is_stderr};
use super::player::Player;
use super::record::Form;
use super::timeline::Timeline;

/// `GLASSLOOP_TRACE=path` traces every loop of a program.
const VARIABLE: &str = "GLASSLOOP_TRACE";
/// How many loops of one program the variable traces, each into a file of its own.
const LOOPS: u64 = 100;
/// How many events a trace may hold: a page as many as a browser can show, a file as many
/// as a disk can easily hold.
const PAGE_LIMIT: u64 = 50_000;
const FILE_LIMIT: u64 = 1_000_000;

/// A trace that is wanted, at a path.
#[derive(Clone, Debug)]
pub(crate) struct Request(PathBuf);

impl Request {
    /// A trace at `path`.
    pub(crate) fn new(path: &Path) -> Request {
        Request(path.to_owned())
    }

    /// The trace that the environment asks for, of the loop that is being made.
    pub(crate) fn of_environment() -> Option<Request> {
        static WANTED: OnceLock<Option<Request>> = OnceLock::new();
        static LOOPS_MADE: Mutex<u64> = Mutex::new(0);
        let wanted = WANTED.get_or_init(|| {
            let path = env::var_os(VARIABLE).filter(|path| !path.is_empty());
            path.map(|path| Request(path.into()))
        });
        let wanted = wanted.as_ref()?;
        let mut made = LOOPS_MADE.lock().unwrap_or_else(PoisonError::into_inner);
        *made += 1;
        (*made <= LOOPS).then(|| wanted.numbered(*made))
    }

    /// The same for a later loop of the program: `trace-2.html`.
    fn numbered(&self, number: u64) -> Request {
        let Request(path) = self;
        if number == 1 || is_stderr(path) {
            return self.clone();
        }
        let mut name: OsString = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}."));
        name.push(path.extension().unwrap_or_default());
        Request(path.with_file_name(name))
    }

    /// Says on stderr if the trace that the environment asks for cannot be written; once,
    /// however many loops the program has.
    pub(crate) fn complain_of(result: io::Result<()>) {
        static SAID: Once = Once::new();
        let Err(error) = result else { return };
        // Not `eprintln!`, which panics if there is no stderr.
        SAID.call_once(|| {
            let _ = writeln!(io::stderr(), "glassloop: {error}. The program runs without a trace");
        });
    }

    /// Opens the file, and empties it.
    ///
    /// # Errors
    /// If no form of trace has the extension of the path; and the system's, with the path.
    pub(super) fn open(&self) -> io::Result<TraceOutput> {
        let Request(path) = self;
        let (form, limit) = form_of(path)?;
        TraceOutput::open(path, form, limit).map_err(|error| {
            io::Error::new(error.kind(), format!("the trace {path:?} cannot be written: {error}"))
        })
    }
}

/// The form of a trace at `path`, and how many events the trace may hold.
fn form_of(path: &Path) -> io::Result<(Box<dyn Form>, u64)> {
    Ok(match path.extension().and_then(OsStr::to_str) {
        _ if is_stderr(path) => (Box::new(Timeline::default()), FILE_LIMIT),
        Some("html") => (Box::new(Player::default()), PAGE_LIMIT),
        Some("json") => (Box::new(Chrome::default()), FILE_LIMIT),
        Some("jsonl") => (Box::new(Lines), FILE_LIMIT),
        _ => {
            let text = format!(
                "the trace {path:?} has no known form: its name must end in .html (the player), \
                 .json (Chrome's trace events) or .jsonl (a line for each event), or be - (a \
                 timeline on stderr)"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    })
}
