//! Which trace is wanted: the path says where to, and its ending in which form.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use super::chrome::Chrome;
use super::lines::Lines;
use super::output::TraceOutput;
use super::player::Player;
use super::record::Form;
use super::timeline::Timeline;

/// `GLASSLOOP_TRACE=path` traces every loop of a program.
const VARIABLE: &str = "GLASSLOOP_TRACE";
/// So many loops of one program are traced by the variable, each into a file of its own.
const LOOPS: u64 = 100;
/// How many events a trace holds at most: what a browser can show, and what a disk can
/// well do without.
const PAGE_LIMIT: u64 = 50_000;
const FILE_LIMIT: u64 = 1_000_000;

/// A trace that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Player,
    Chrome,
    Lines,
    Timeline,
}

/// A trace that is open: its form, its output, and how many events it may hold.
pub(super) type Opened = (Box<dyn Form>, TraceOutput, u64);

impl Request {
    /// A trace at `path`.
    ///
    /// # Errors
    /// If the path's ending stands for no form.
    pub(crate) fn new(path: &OsStr) -> io::Result<Request> {
        let path = Path::new(path);
        let kind = match path.extension().and_then(OsStr::to_str) {
            _ if path == "-" => Kind::Timeline,
            Some("html") => Kind::Player,
            Some("json") => Kind::Chrome,
            Some("jsonl") => Kind::Lines,
            _ => return Err(unknown_form(path)),
        };
        Ok(Request { path: path.to_owned(), kind })
    }

    /// The trace that the environment asks of the loop that is being made. A trace that
    /// cannot be had is said on stderr.
    pub(crate) fn of_environment() -> Option<Request> {
        static WANTED: OnceLock<Option<Request>> = OnceLock::new();
        static LOOPS_MADE: Mutex<u64> = Mutex::new(0);
        let wanted = WANTED.get_or_init(|| {
            let path = env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
            Request::new(&path).inspect_err(complain).ok()
        });
        let wanted = wanted.as_ref()?;
        let mut made = LOOPS_MADE.lock().unwrap_or_else(PoisonError::into_inner);
        *made += 1;
        (*made <= LOOPS).then(|| wanted.numbered(*made))
    }

    /// The same for a later loop of the program: `trace-2.html`.
    fn numbered(&self, number: u64) -> Request {
        if number == 1 || matches!(self.kind, Kind::Timeline) {
            return self.clone();
        }
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_owned();
        let mut name: OsString = part(self.path.file_stem());
        name.push(format!("-{number}."));
        name.push(part(self.path.extension()));
        Request { path: self.path.with_file_name(name), kind: self.kind }
    }

    /// Says on stderr if the trace that the environment wants cannot be had; once, however
    /// many loops the program has.
    pub(crate) fn complain_of(&self, result: io::Result<()>) {
        static SAID: Once = Once::new();
        let _said = result.inspect_err(|error| SAID.call_once(|| complain(error)));
    }

    /// Opens the file, empty.
    ///
    /// # Errors
    /// The system's, with the path.
    pub(super) fn open(&self) -> io::Result<Opened> {
        let (form, limit): (Box<dyn Form>, u64) = match self.kind {
            Kind::Player => (Box::new(Player::default()), PAGE_LIMIT),
            Kind::Chrome => (Box::new(Chrome::default()), FILE_LIMIT),
            Kind::Lines => (Box::new(Lines), FILE_LIMIT),
            Kind::Timeline => (Box::new(Timeline::default()), FILE_LIMIT),
        };
        let output = match self.kind {
            Kind::Timeline => TraceOutput::stderr(),
            _ => TraceOutput::file(&self.path).map_err(|error| cannot_write(&self.path, &error))?,
        };
        Ok((form, output, limit))
    }
}

/// Says on stderr what went wrong: a program is not to fail because somebody wanted to
/// watch it.
fn complain(error: &io::Error) {
    // Not `eprintln!`, which panics if there is no stderr.
    let _ = writeln!(io::stderr(), "glassloop: {error}. The program runs without a trace");
}

fn unknown_form(path: &Path) -> io::Error {
    let text = format!(
        "the trace {path:?} has no known form: its name must end in .html (the player), .json \
         (Chrome's trace events) or .jsonl (a line for each event), or be - (a timeline on stderr)"
    );
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn cannot_write(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the trace {path:?} cannot be written: {error}"))
}
