//! # File server: a program to keep
//!
//! Shows the files below a directory to any web browser. The server does little, but it
//! has what every server needs: limits, timeouts, and an orderly end.
//!
//! ```text
//! cargo run --example file_server                    # this directory, at port 8000
//! cargo run --example file_server -- --port 0 docs   # another one, at any free port
//! ```
//!
//! Each step is a function; the functions come in this order:
//!
//! ```text
//!   start ──▶ run ──▶ accept_all ──▶ serve ─┬─▶ read_request
//!              ▲         spawns one for     ├─▶ answer ──▶ list, or a file
//!              └ a signal   each client     └─▶ send
//! ```
//!
//! Take away: **a server is a loop that accepts, a task for each client, and a limit
//! on everything that a client could have too much of: places, bytes and time.**

use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::{cell::Cell, env, error::Error, net::Shutdown, rc::Rc, time::Duration};

use futures_lite::io::{AsyncRead, BufReader, Cursor, copy, sink};
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, Stream, StreamExt, future};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{OwnedPermit, Semaphore, WaitGroup};
use glassloop::{fs, sleep, spawn, timeout};

const USAGE: &str = "\
Usage: file_server [--port N] [DIRECTORY]

Serves the files below DIRECTORY (default: here) over HTTP, to this machine only, and
nothing outside, even if a link leads there. --port 0 is any free one (default: 8000).
Ctrl-C stops the server, a second one at once.";

/// How many clients have a place at a time; the others wait to be accepted.
const PLACES: usize = 256;
/// How many bytes of each client are in memory: of its request, then of its answer.
const PIECE: u64 = 16 * 1024;
/// How long a client may keep the server waiting: for its request, and for each piece.
const IDLE: Duration = Duration::from_secs(15);

// ── from the command line to the end of the program ───────────────────────

fn main() -> ExitCode {
    let outcome = start().inspect_err(|error| eprintln!("file_server: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}

/// Does what the command line says.
fn start() -> Result<(), Box<dyn Error>> {
    let (mut root, mut port) = (None, 8000);
    let mut words = env::args_os().skip(1);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--help") => return Ok(writeln!(io::stdout(), "{USAGE}")?),
            Some("--port") => {
                let number = words.next().and_then(|word| word.to_str()?.parse().ok());
                port = number.ok_or("--port needs a number up to 65535; see --help")?;
            }
            Some(word) if word.starts_with('-') => Err(format!("no option {word}; see --help"))?,
            _ if root.is_some() => Err("more than one DIRECTORY; see --help")?,
            _ => root = Some(word.into()),
        }
    }
    Ok(glassloop::block_on(run(root.unwrap_or_else(|| ".".into()), port))?)
}

async fn run(root: PathBuf, port: u16) -> io::Result<()> {
    let root = fs::canonicalize(root).await?;
    drop(fs::read_dir(&root).await?); // fails now, with a reason, if it cannot be listed
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let mut signals = signals()?;
    say(&format!("Serving {} at http://{}/", root.display(), listener.local_addr()?));
    let server = Rc::new(Server { root, running: WaitGroup::new(), served: Cell::new(0) });
    // The future that ends first drops the other; `accept_all` drops the listener with it.
    future::or(async { drop(signals.next().await) }, server.clone().accept_all(listener)).await;
    say("Stopping when the running answers are done; another Ctrl-C stops at once.");
    future::or(async { drop(signals.next().await) }, server.running.wait()).await;
    say(&format!("Served {} requests.", server.served.get()));
    Ok(()) // the loop then drops the tasks of clients that have not sent a request
}

/// Unlike `println!`, does not panic when nobody reads stdout any more.
fn say(what: &str) {
    let _ = writeln!(io::stdout(), "{what}");
}

// ── clients and their requests ────────────────────────────────────────────

/// What the tasks share.
struct Server {
    root: PathBuf,
    running: WaitGroup,
    served: Cell<u64>,
}

impl Server {
    async fn accept_all(self: Rc<Self>, listener: TcpListener) {
        let places = Rc::new(Semaphore::new(PLACES));
        loop {
            // First the place, then the client: a client without a place waits in the
            // system's queue of connections.
            let place = places.acquire_owned().await;
            match listener.accept().await {
                // Detached: the error of a connection concerns its client alone.
                Ok((stream, _peer)) => spawn(self.clone().serve(stream, place)).detach(),
                Err(error) => {
                    eprintln!("file_server: cannot accept a client, trying again: {error}");
                    // Too many open files, perhaps: at once, accept would fail again.
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Answers one request; the next one needs another connection.
    async fn serve(self: Rc<Self>, stream: TcpStream, _place: OwnedPermit) -> io::Result<()> {
        let request = timeout(IDLE, read_request(&stream)).await??;
        let running = self.running.add();
        let answer = self.answer(&request).await.unwrap_or_else(Answer::refusal);
        say(&format!("{request:?} {}", answer.status)); // quoted: it may hold anything
        send(answer, request.starts_with("HEAD "), &stream).await?;
        self.served.set(self.served.get() + 1);
        drop(running);
        // A connection that is closed while it has unread bytes is reset, and the answer
        // may be lost. So the server waits for the client to close first, but not for ever.
        stream.shutdown(Shutdown::Write)?;
        timeout(IDLE, copy(&stream, sink())).await?.map(drop)
    }

    /// The answer to the first line of a request.
    async fn answer(&self, request: &str) -> io::Result<Answer> {
        let target = match request.split(' ').collect::<Vec<_>>()[..] {
            ["GET" | "HEAD", target, "HTTP/1.0" | "HTTP/1.1"] => target,
            [_, _, "HTTP/1.0" | "HTTP/1.1"] => return Err(ErrorKind::Unsupported.into()),
            _ => return Err(ErrorKind::InvalidInput.into()),
        };
        let path = target.split('?').next().and_then(decode).ok_or(ErrorKind::InvalidInput)?;
        // The path behind all links. A path outside of the root is not found.
        let place = fs::canonicalize(self.root.join(&path)).await.or(Err(ErrorKind::NotFound))?;
        let found = fs::metadata(&place).await?;
        match place.starts_with(&self.root) {
            true if found.is_dir() => list(&place, &path).await,
            true if found.is_file() => {
                let (kind, body) = (media_type(&place), Box::new(fs::File::open(&place).await?));
                Ok(Answer { status: "200 OK", kind, length: found.len(), body })
            }
            _ => Err(ErrorKind::NotFound.into()), // also a pipe: opening it might never end
        }
    }
}

/// The first line of a request; the headers are read, but not needed.
async fn read_request(stream: &TcpStream) -> io::Result<String> {
    let mut lines = BufReader::new(stream.take(PIECE)).split(b'\n');
    let request = lines.try_next().await?.ok_or(ErrorKind::UnexpectedEof)?;
    while lines.try_next().await?.is_some_and(|line| line != b"\r") {}
    Ok(String::from_utf8_lossy(&request).trim_end().to_owned())
}

/// A page with a link to each entry of a directory, which was asked for as `path`.
async fn list(directory: &Path, path: &str) -> io::Result<Answer> {
    let (mut entries, mut names) = (fs::read_dir(directory).await?, vec!["../".to_owned()]);
    while let Some(entry) = entries.try_next().await? {
        let slash = if entry.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names[1..].sort(); // the parent stays in front
    let mut page = "<!DOCTYPE html>\n<ul>\n".to_owned();
    for name in names {
        let link = encode(&format!("/{path}/{name}").replace("//", "/"));
        let text = name.replace('&', "&amp;").replace('<', "&lt;");
        page += &format!("<li><a href=\"{link}\">{text}</a>\n");
    }
    Ok(Answer::text("200 OK", "text/html; charset=utf-8", page))
}

/// Sends an answer piece by piece, so that large files need little memory.
async fn send(answer: Answer, is_head: bool, mut stream: &TcpStream) -> io::Result<()> {
    let Answer { status, kind, length, body } = answer;
    let fields = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\nAllow: GET, HEAD");
    let head = format!("HTTP/1.1 {status}\r\n{fields}\r\nConnection: close\r\n\r\n");
    // No more than `Content-Length`, even if the file grows meanwhile.
    let (mut piece, mut body) = (head.into_bytes(), body.take(if is_head { 0 } else { length }));
    while !piece.is_empty() {
        // A limit for each piece: a long download goes on, a stalled download ends.
        timeout(IDLE, stream.write_all(&piece)).await??;
        piece.resize(PIECE as usize, 0);
        let count = body.read(&mut piece).await?;
        piece.truncate(count);
    }
    Ok(())
}

// ── HTTP ──────────────────────────────────────────────────────────────────

struct Answer {
    status: &'static str,
    kind: &'static str,
    length: u64,
    body: Box<dyn AsyncRead + Unpin>,
}

impl Answer {
    fn text(status: &'static str, kind: &'static str, text: String) -> Answer {
        Answer { status, kind, length: text.len() as u64, body: Box::new(Cursor::new(text)) }
    }

    fn refusal(error: io::Error) -> Answer {
        let status = match error.kind() {
            ErrorKind::InvalidInput => "400 Bad Request",
            ErrorKind::PermissionDenied => "403 Forbidden",
            ErrorKind::NotFound => "404 Not Found",
            ErrorKind::Unsupported => "405 Method Not Allowed",
            _ => "500 Internal Server Error",
        };
        Answer::text(status, "text/plain", format!("{status}\n"))
    }
}

/// The media type of a file, by the ending of its name.
fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|end| end.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "txt" | "md" | "rs" | "py" => "text/plain; charset=utf-8",
        "css" => "text/css",
        "js" => "text/javascript",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}

/// The path that a target names, unless it is absolute or has a `..` in it.
fn decode(target: &str) -> Option<String> {
    let mut parts = target.strip_prefix('/')?.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let mut rest = part.chars();
        let (high, low) = (rest.next()?.to_digit(16)?, rest.next()?.to_digit(16)?);
        bytes.push((high * 16 + low) as u8);
        bytes.extend(rest.as_str().bytes());
    }
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    String::from_utf8(bytes).ok().filter(|path| Path::new(path).components().all(is_name))
}

fn encode(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let code = |byte| if is_plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") };
    path.bytes().map(code).collect()
}

// ── what differs between systems ──────────────────────────────────────────

/// An item for each signal that asks to stop; from now on, such a signal does nothing else.
#[cfg(unix)]
fn signals() -> io::Result<impl Stream<Item = io::Result<u8>> + Unpin> {
    let (reader, handler) = std::os::unix::net::UnixStream::pair()?;
    for &signal in signal_hook::consts::TERM_SIGNALS {
        // The handler may do next to nothing: it writes a byte.
        signal_hook::low_level::pipe::register(signal, handler.try_clone()?)?;
    }
    Ok(glassloop::Async::new(reader)?.bytes())
}

/// This system has no signals; Ctrl-C ends the program at once.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Stream<Item = io::Result<u8>> + Unpin> {
    Ok(futures_lite::stream::pending())
}
