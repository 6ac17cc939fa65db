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
//! The way of a request through the files of this folder:
//!
//! ```text
//!   main ───▶ clients ──▶ request         what does the client ask for?
//!   start,    accept,  ├▶ answer ─┬▶ names     decode, encode, the type of a file
//!   stop      answer,  │          ├▶ system    open, but nothing outside of the root
//!             part     │          └▶ listing   a page for a directory
//!                      └▶ send            piece by piece
//! ```
//!
//! `log` writes to the terminal, `terminal` knows what a terminal may see (both are in
//! `examples/shared`). `system` is one of two files: `unix.rs`, `elsewhere.rs`.
//! `docs/file_server.md` compares this server with two others, request by request.
//!
//! Take away: **a server is a loop that accepts, a task for each client, and a limit
//! on everything that a client could have too much of: places, bytes and time.**

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_lite::future;
use glassloop::fs;
use glassloop::net::TcpListener;

use clients::Server;
use log::Log;

mod answer;
mod clients;
mod listing;
#[path = "../shared/log.rs"]
mod log;
mod names;
mod request;
mod send;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "elsewhere.rs")]
mod system;
#[path = "../shared/terminal.rs"]
mod terminal;

const USAGE: &str = "\
Usage: file_server [--port N] [--clients N] [DIRECTORY]

Serves the files below DIRECTORY (default: here) over HTTP, to this machine only, and
nothing outside, even if a link leads there. A directory is shown as its index.html or
index.htm, or else as a list.

  --port N      listen at this port; 0 is any free one (default: 8000)
  --clients N   let in so many clients at a time; the others wait (default: 1000)
  -h, --help    print this

Ctrl-C stops the server when the running answers are done, a second one at once.";

/// What the command line asks for.
struct Options {
    root: PathBuf,
    port: u16,
    clients: usize,
}

// ── from the command line to the end of the program ───────────────────────

fn main() -> ExitCode {
    let log = Arc::new(Log::new("file_server"));
    let served = Arc::new(AtomicU64::new(0));
    let code = match options(std::env::args_os().skip(1)) {
        Ok(None) => {
            USAGE.lines().for_each(|line| log.say(line));
            0
        }
        Ok(Some(options)) => serve(options, &log, &served),
        Err(misuse) => {
            log.complain(&format!("{misuse}; see --help"));
            2
        }
    };
    log.flush();
    ExitCode::from(code)
}

/// Reads the command line; `None` if it asks for help.
fn options(mut words: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let (mut root, mut port, mut clients) = (None, 8000, 1000);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("--port") => {
                port = number(words.next()).ok_or("--port needs a number up to 65535")?;
            }
            Some("--clients") => {
                let number = number(words.next()).filter(|&number: &u16| number > 0);
                clients = number.ok_or("--clients needs a number from 1 to 65535")?.into();
            }
            _ if word.as_encoded_bytes().starts_with(b"-") => {
                return Err(format!("no option {}", word.display()));
            }
            _ if root.is_some() => return Err("more than one DIRECTORY".into()),
            _ => root = Some(word.into()),
        }
    }
    Ok(Some(Options { root: root.unwrap_or_else(|| ".".into()), port, clients }))
}

fn number<N: std::str::FromStr>(word: Option<OsString>) -> Option<N> {
    word.as_deref().and_then(OsStr::to_str)?.parse().ok()
}

/// Runs the loop; returns the exit code.
fn serve(options: Options, log: &Arc<Log>, served: &Arc<AtomicU64>) -> u8 {
    match glassloop::block_on(run(options, log, served)) {
        Ok(()) => {
            log.say(&count(served));
            0
        }
        Err(error) => {
            log.complain(&error.to_string());
            1
        }
    }
}

async fn run(options: Options, log: &Arc<Log>, served: &Arc<AtomicU64>) -> io::Result<()> {
    let root = fs::canonicalize(options.root).await?;
    drop(fs::read_dir(&root).await?); // fails now, with a reason, if it cannot be listed
    system::allow_many_files();
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let stop = stop(log.clone(), served.clone())?;
    log.say(&format!("Serving {} at http://{}/", root.display(), listener.local_addr()?));
    let server = Rc::new(Server::new(root, log.clone(), served.clone()));
    // The future that ends first drops the other; `accept_all` drops the listener with it.
    future::or(stop, server.clone().accept_all(listener, options.clients)).await;
    log.say("Stopping when the running answers are done; another Ctrl-C stops at once.");
    server.running.wait().await;
    Ok(()) // the loop then drops the tasks of clients that have not sent a request
}

/// Ready at the first signal to stop. The second one ends the program where it stands. A
/// thread waits for it, not the loop: the loop might be waiting for its pool, and the pool
/// for a disk that does not answer.
fn stop(log: Arc<Log>, served: Arc<AtomicU64>) -> io::Result<impl Future<Output = ()>> {
    let (promise, promised) = glassloop::promise();
    let mut first = Some(promise);
    system::on_signals(move || match first.take() {
        Some(promise) => drop(promise.set(())),
        None => {
            log.say(&count(&served));
            log.flush();
            process::exit(0);
        }
    })?;
    Ok(async {
        if promised.await.is_err() {
            future::pending::<()>().await; // a system without signals has dropped the promise
        }
    })
}

fn count(served: &AtomicU64) -> String {
    format!("Served {} requests.", served.load(Ordering::Relaxed))
}
