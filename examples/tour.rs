//! # Tour: everything at once, on one thread
//!
//! Counts the lines of source files on pool threads and sends the counts over TCP to
//! a server on the same loop, while a heartbeat measures whether the loop was ever
//! blocked; then prints what happened, in measured numbers.
//!
//! ```text
//! cargo run --example tour            # this repository's own source
//! cargo run --example tour -- PATH…   # other files and directories
//! ```
//!
//! The loop writes a trace, as a page that plays what the loop did: `target/tour.html`.
//!
//! To see the loop blocked: in `count_and_send`, take out the `unblock`, so that the
//! line says `let (lines, took) = timed(|| count_lines(&file));`, and run the tour on
//! a large directory.
//!
//! Take away: **one thread can wait for any number of things at once, as long as no
//! task makes the thread itself wait, or gives it heavy work.**

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_lite::{AsyncBufReadExt, AsyncWriteExt, StreamExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{Mutex, Semaphore};
use glassloop::{Executor, fs, interval, join_all, spawn_named, unblock};

#[path = "shared/terminal.rs"]
mod terminal;
use terminal::{say, shown};

const USAGE: &str = "\
Counts lines, and explains how an event loop did that without being blocked.

Usage: cargo run --example tour [-- PATH…]

A PATH is a file or a directory; of a directory, all files below it are counted,
except hidden ones, symbolic links, and caches (such as target/).
Without a PATH: the source of glassloop. Exit code 1: something could not be read.

What the loop did can be played afterwards: the page target/tour.html, if there is a
target/ here. GLASSLOOP_TRACE=path puts the trace elsewhere, GLASSLOOP_TRACE= makes none.
";

/// How many files may be open at a time, however many there are.
const IN_FLIGHT: usize = 8;
/// The period of the heartbeat.
const BEAT: Duration = Duration::from_millis(1);
/// The trace of the loop, to be played in a browser.
const TRACE: &str = "target/tour.html";
/// A longer gap between two beats, or a longer poll of one task, counts as blocking the loop.
/// (Hundreds of tasks begin in one turn. Tracing that turn takes some 10 ms in a debug build.)
const TOO_LONG: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.iter().any(|path| path == Path::new("--help") || path == Path::new("-h")) {
        say(USAGE);
        return ExitCode::SUCCESS;
    }
    let is_option = |path: &&PathBuf| path.as_os_str().as_encoded_bytes().starts_with(b"-");
    if let Some(option) = paths.iter().find(is_option) {
        return terminal::refuse("tour", format_args!("unknown option {option:?}"));
    }
    let paths = if paths.is_empty() { own_source() } else { paths };
    let (executor, trace) = traced_loop();
    let failed = executor.block_on(tour(paths)).unwrap_or_else(|error| {
        complain(format_args!("gave up: {error}"));
        1
    });
    drop(executor); // the trace ends with the loop
    say(trace.where_to_look());
    ExitCode::from(u8::from(failed > 0))
}

/// A loop that names on stderr each task that blocks it, and that writes a trace: where the
/// environment says, or else into the folder into which cargo builds, if the tour can write
/// there.
fn traced_loop() -> (Executor, Trace) {
    let builder = || Executor::builder().slow_poll(TOO_LONG);
    let wanted = std::env::var_os("GLASSLOOP_TRACE").map(PathBuf::from);
    if wanted.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        return (builder().build().expect("an event loop"), Trace::Unwanted);
    }
    let path = wanted.clone().unwrap_or_else(|| TRACE.into());
    match builder().trace(&path).build() {
        Ok(executor) if path == Path::new("-") => (executor, Trace::Stderr),
        Ok(executor) => (executor, Trace::At(path)),
        // If the environment wants this trace, the loop says on stderr why there is none.
        Err(error) => {
            let executor = builder().build().expect("an event loop");
            (executor, Trace::Failed { is_wanted: wanted.is_some(), why: error.kind() })
        }
    }
}

/// The whole program, as the root future of the loop: each `spawn` begins a task
/// that runs by itself, and each `await` that has to wait lets the other tasks run.
/// Returns how many paths could not be read.
async fn tour(paths: Vec<PathBuf>) -> io::Result<usize> {
    let began = Instant::now();
    let pulse = Rc::new(Pulse::new());
    let heart = spawn_named("heartbeat", beat(Rc::clone(&pulse)));

    // Port 0: the system chooses a free port. A client may connect before the server
    // accepts; the system keeps the connection until then.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = spawn_named("server", serve(listener));
    let visit = Rc::new(Visit::new(TcpStream::connect(address).await?)?);

    let files = find_files(paths, &visit).await;
    count_and_send_all(files, &visit).await?;
    // The end of the stream tells the server that it has all counts.
    visit.connection.lock().await.close().await?;
    let ledger = server.await.expect("the server does not panic")?;

    heart.abort();
    pulse.feel(); // the time since the last beat counts, too
    say(what_happened(&ledger, &visit, &pulse, began.elapsed()));
    say(why_not_blocked(&pulse));
    say(in_numbers());
    Ok(visit.failed.get())
}

// ── the heartbeat: is the loop ever blocked? ──────────────────────────────

struct Pulse {
    last: Cell<Instant>,
    longest_gap: Cell<Duration>,
    beats: Cell<usize>,
}

impl Pulse {
    fn new() -> Pulse {
        Pulse { last: Cell::new(Instant::now()), longest_gap: Cell::default(), beats: Cell::new(0) }
    }

    fn feel(&self) {
        let now = Instant::now();
        let gap = now - self.last.replace(now);
        self.longest_gap.set(gap.max(self.longest_gap.get()));
    }
}

/// Ticks until it is aborted. A task that blocks the loop delays the ticks as well, and
/// the gap shows it: the pulse measures when this task runs, not when the tick was due.
async fn beat(pulse: Rc<Pulse>) {
    let mut ticks = interval(BEAT);
    loop {
        ticks.tick().await;
        pulse.feel();
        pulse.beats.set(pulse.beats.get() + 1);
    }
}

// ── finding the files ─────────────────────────────────────────────────────

/// All files that the paths name or contain. The paths that are not visited yet are in a
/// list: an `async fn` that called itself would be a struct that contains itself.
async fn find_files(mut unvisited: Vec<PathBuf>, visit: &Visit) -> Vec<PathBuf> {
    unvisited.reverse(); // `pop` takes from the end
    let mut files = Vec::new();
    while let Some(path) = unvisited.pop() {
        match fs::metadata(&path).await {
            Ok(data) if data.is_file() => files.push(path),
            Ok(data) if data.is_dir() => match list(&path).await {
                Ok(children) => {
                    visit.listed.set(visit.listed.get() + 1);
                    unvisited.extend(children);
                }
                Err(error) => visit.fail(error),
            },
            Ok(_) => visit.fail(format_args!("{}: no file, no directory", path.display())),
            Err(error) => visit.fail(error),
        }
    }
    files
}

/// The files and directories in a directory. Links are left out: they may lead back to
/// a directory above.
async fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(directory).await?;
    let mut children = Vec::new();
    while let Some(entry) = entries.try_next().await? {
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if name == "CACHEDIR.TAG" {
            return Ok(Vec::new()); // this file marks a cache; cargo puts one into target/
        }
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if !hidden && (kind.is_file() || kind.is_dir()) {
            children.push(entry.path());
        }
    }
    Ok(children)
}

/// The source of glassloop: in the current directory, or else where this example was compiled.
fn own_source() -> Vec<PathBuf> {
    let is_here = Path::new("executor/lib.rs").is_file();
    let root = Path::new(if is_here { "" } else { env!("CARGO_MANIFEST_DIR") });
    let parts = ["executor", "examples", "tests"].map(|part| root.join(part));
    parts.into_iter().filter(|part| part.is_dir()).collect()
}

// ── counting: a task for each file ────────────────────────────────────────

/// What the tasks share. All run on one thread: a `Cell` is enough, no atomics are needed.
struct Visit {
    open_files: Semaphore,
    connection: Mutex<TcpStream>,
    most_at_once: Cell<usize>,
    pool_time: Cell<Duration>,
    listed: Cell<usize>,
    failed: Cell<usize>,
}

impl Visit {
    fn new(connection: TcpStream) -> io::Result<Visit> {
        // Short lines without answers: the system shall not hold them back to fill a packet.
        connection.set_nodelay(true)?;
        Ok(Visit {
            open_files: Semaphore::new(IN_FLIGHT),
            connection: Mutex::new(connection),
            most_at_once: Cell::default(),
            pool_time: Cell::default(),
            listed: Cell::default(),
            failed: Cell::default(),
        })
    }

    /// Reports a path that cannot be read, and counts it. The other paths are still visited.
    fn fail(&self, error: impl Display) {
        complain(error);
        self.failed.set(self.failed.get() + 1);
    }
}

async fn count_and_send_all(files: Vec<PathBuf>, visit: &Rc<Visit>) -> io::Result<()> {
    let count = |file: PathBuf| {
        spawn_named(shown(&file.to_string_lossy()), count_and_send(file, Rc::clone(visit)))
    };
    let tasks: Vec<_> = files.into_iter().map(count).collect();
    for outcome in join_all(tasks).await {
        outcome.expect("a counting task does not panic")?;
    }
    Ok(())
}

async fn count_and_send(path: PathBuf, visit: Rc<Visit>) -> io::Result<()> {
    // Thousands of tasks may wait here: each takes a little memory. Thousands of open
    // files would be more than the system allows.
    let permit = visit.open_files.acquire().await;
    let in_flight = IN_FLIGHT - visit.open_files.available();
    visit.most_at_once.set(in_flight.max(visit.most_at_once.get()));

    let file = path.clone();
    let (lines, took) = unblock(move || timed(|| count_lines(&file))).await;
    drop(permit);
    visit.pool_time.set(visit.pool_time.get() + took);
    match lines {
        Err(error) => visit.fail(format_args!("cannot read {}: {error}", path.display())),
        Ok(lines) => {
            // A line break in a file's name must not end the line that is sent.
            let line = format!("{lines} {}\n", shown(&path.to_string_lossy()));
            // Locked until the line is written, or two lines could get mixed up.
            visit.connection.lock().await.write_all(line.as_bytes()).await?;
        }
    }
    Ok(())
}

/// The work of a pool thread. A file is never "not ready", so the loop cannot wait for
/// it; and counting is computing. Both would block the loop.
fn count_lines(path: &Path) -> io::Result<u64> {
    let mut reader = io::BufReader::with_capacity(64 * 1024, std::fs::File::open(path)?);
    let mut lines = 0;
    loop {
        // Bytes, not text: a file need not be UTF-8 to have lines.
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(lines);
        }
        lines += chunk.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let length = chunk.len();
        reader.consume(length);
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}

// ── the server ────────────────────────────────────────────────────────────

/// What arrived: the sum, and the counts that it is made of.
struct Ledger {
    total: u64,
    entries: Vec<(u64, String)>,
}

/// Serves one connection, to its end. The server has no thread: while there is nothing
/// to read, `try_next` waits, and the other tasks run.
async fn serve(listener: TcpListener) -> io::Result<Ledger> {
    let (stream, _peer) = listener.accept().await?;
    let mut lines = futures_lite::io::BufReader::new(stream).lines();
    let mut ledger = Ledger { total: 0, entries: Vec::new() };
    while let Some(line) = lines.try_next().await? {
        let (count, path) = line.split_once(' ').unwrap_or((&line, ""));
        let count: u64 = count.parse().map_err(io::Error::other)?;
        ledger.total += count;
        ledger.entries.push((count, path.to_owned()));
    }
    // The longest file first, for the report.
    ledger.entries.sort_by(|(a, path), (b, other)| b.cmp(a).then(path.cmp(other)));
    Ok(ledger)
}

// ── the report ────────────────────────────────────────────────────────────

fn what_happened(ledger: &Ledger, visit: &Visit, pulse: &Pulse, took: Duration) -> String {
    format!(
        "\
{files}, {lines}, in {took:.1?}, by one loop thread and its pool{failed}.
{longest}
What happened

  find   Pool threads looked at the paths, and listed {listed}.
         The loop awaited what they found.
  read   {files} to read and count, {IN_FLIGHT} at most at a time (most seen: {most}).
         Added up over the pool threads, that took {pool_time:.1?}.
  send   Each count went over TCP to a server task on the same loop, which
         added up {lines}.
  beat   Meanwhile a heartbeat was due every {BEAT:?}. It came {beats}, and the
         longest gap between two beats was {gap:.1?}.
",
        failed = failures(visit),
        listed = many_of(visit.listed.get(), "directory", "directories"),
        files = many(ledger.entries.len(), "file"),
        lines = many(ledger.total, "line"),
        longest = longest(&ledger.entries),
        most = visit.most_at_once.get(),
        pool_time = visit.pool_time.get(),
        beats = many(pulse.beats.get(), "time"),
        gap = pulse.longest_gap.get(),
    )
}

fn failures(visit: &Visit) -> String {
    match visit.failed.get() {
        0 => String::new(),
        failed => format!(" ({} could not be read, see above)", many(failed, "path")),
    }
}

/// The first few of the entries, as a table.
fn longest(entries: &[(u64, String)]) -> String {
    const SHOWN: usize = 5;
    let row = |(count, path): &(u64, String)| format!("\n  {count:>7}  {path}");
    let mut table: String = entries.iter().take(SHOWN).map(row).collect();
    if entries.len() > SHOWN {
        table += &format!("\n           and {}", many(entries.len() - SHOWN, "other file"));
    }
    if table.is_empty() { table } else { table + "\n" }
}

fn why_not_blocked(pulse: &Pulse) -> String {
    // The report claims only what the heartbeat has confirmed.
    if pulse.longest_gap.get() > TOO_LONG {
        return BLOCKED.to_owned();
    }
    format!(
        "
Why the loop was never blocked for as long as {TOO_LONG:?}

  While pool threads read the files, the loop polled the tasks that had been
  woken. When no task was ready, the loop slept, until a pool thread, the socket
  or the next heartbeat woke it. If the loop had read the files itself, there
  would have been no heartbeat during that time.
"
    )
}

const BLOCKED: &str = "
Why did the heartbeat stop for so long?

  Either a task computed or blocked without an await (then the loop has named the
  task above; was an `unblock` taken out?), or one turn had very many tasks to poll,
  or other threads had the processors: those of the pool, or of other programs. A
  trace takes time, too: the loop writes it itself (GLASSLOOP_TRACE= makes none).
";

fn in_numbers() -> String {
    let stats = glassloop::stats();
    format!(
        "
The loop in numbers

  turns         {:>7}   rounds: poll for I/O events, fire timers, poll the ready tasks
  polls         {:>7}   times a task was resumed
  wakes         {:>7}   times a task was pushed to the run queue
  parks         {:>7}   times no task was ready, and the loop slept
  timers fired  {:>7}   heartbeats that the loop had to wait for
  jobs          {:>7}   pieces of work given to pool threads
",
        stats.turns, stats.polls, stats.wakes, stats.parks, stats.timers_fired, stats.jobs,
    )
}

/// What became of the trace.
enum Trace {
    Unwanted,
    Stderr,
    At(PathBuf),
    Failed { is_wanted: bool, why: io::ErrorKind },
}

impl Trace {
    /// Where the trace is. To be asked when the loop has ended, and the trace with it.
    fn where_to_look(&self) -> String {
        let sentence = match self {
            Trace::Unwanted => "There is no trace: GLASSLOOP_TRACE is empty.".to_owned(),
            Trace::Stderr => "The trace is on stderr, as GLASSLOOP_TRACE says.".to_owned(),
            Trace::At(path) => where_it_is(path),
            Trace::Failed { is_wanted: true, .. } => "There is no trace, see above.".to_owned(),
            Trace::Failed { is_wanted: false, why } => format!(
                "There is no trace: no page could be written into target/ ({why}).\n\
                 GLASSLOOP_TRACE=path.html puts it elsewhere."
            ),
        };
        format!("\n{sentence}\n")
    }
}

/// Says only what the file at `path` bears out: the disk may have been full.
fn where_it_is(path: &Path) -> String {
    let shown = shown(&path.to_string_lossy());
    match last_bytes(path) {
        Ok(end) if end.contains("\"cut\"") => {
            format!("The trace has the beginning, up to its limit: {shown}")
        }
        Ok(end) if !IS_THE_END.iter().any(|mark| end.contains(mark)) => {
            format!("The trace could not be written to its end: {shown}")
        }
        Ok(_) if path == Path::new(TRACE) => {
            format!("See it again, step by step and backwards: open {TRACE} in a browser.")
        }
        Ok(_) => format!("The trace is where GLASSLOOP_TRACE says: {shown}"),
        Err(error) => format!("Whether the trace is whole cannot be seen ({error}): {shown}"),
    }
}

/// What only a trace has that was written to its end, in its three forms.
const IS_THE_END: [&str; 2] = ["\"ev\":\"end\"", "\n]"];

fn last_bytes(path: &Path) -> io::Result<String> {
    // Not of a device or a pipe, which may have no end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let (mut file, mut end) = (std::fs::File::open(path)?, Vec::new());
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(1000)))?;
    file.take(1000).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn many(count: impl Display, noun: &str) -> String {
    many_of(count, noun, &format!("{noun}s"))
}

fn many_of(count: impl Display, one: &str, several: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { one } else { several };
    format!("{count} {noun}")
}

fn complain(what: impl Display) {
    terminal::complain("tour", what);
}
