//! # Chat server: a program to keep
//!
//! All clients see what one client writes.
//!
//! ```text
//! cargo run --example chat_server       # Ctrl-C ends it; -- --help tells more
//! nc 127.0.0.1 7878                     # in other terminals
//! ```
//!
//! This is `24_chat`, made for daily use. Each client has an outbox, the lines that it has not
//! taken yet. A talker is read on when no outbox is full:
//!
//! ```text
//!   ann ──▶ read ───▶ has_room ──▶ post ───▶ outbox ──▶ write ──▶ bob
//!           waits     waits for    never     64 KiB     waits
//!           for ann   all others   waits                for bob
//! ```
//!
//! So a client that reads gets every line, however fast another one writes. (The system asks it
//! for some 100 KB at a time: on Linux, 5 KB a second are enough.) A client that takes nothing
//! for 30 seconds does not read, and is dropped: else it would stop the room. The same time is
//! all that a client has to give its name.
//!
//! `post` puts a line into all outboxes in one go, so all clients see the same order; they share
//! its text. An outbox takes 64 KiB. (Measured: of 3 MB that one client sends to 98 that do not
//! read, the server holds 2 MB, in 6 MB of memory.)
//!
//! ```text
//!   main ──▶ client ──┬▶ lines ──▶ text     what is a line, a character, a name?
//!   start,   read,    ├▶ room               who is here, who gets what
//!   accept,  write,   └▶ outbox             the lines for one client
//!   stop     part
//! ```
//!
//! `log` and `terminal` are in `examples/shared`: they write to the terminal.
//!
//! Take away: **the functions that change the shared state are not `async`. No other task
//! can run in between, and no borrow can live across an `await`.**

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{self, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::future;
use glassloop::net::TcpListener;
use glassloop::sync::{Semaphore, WaitGroup};
use glassloop::{sleep, spawn_named, timeout};

use log::Log;
use room::{Client, Room};

mod client;
mod lines;
#[path = "../shared/log.rs"]
mod log;
mod outbox;
mod room;
#[path = "../shared/terminal.rs"]
mod terminal;
mod text;

const USAGE: &str = "\
Usage: chat_server [--port N] [--limit N] [--patience SECONDS]

A chat server, for this machine only: all clients see what one client writes.

  --port N            listen at this port; 0 is any free one (default: 7878)
  --limit N           let in N clients at a time (default: 100)
  --patience SECONDS  how long a client may take to give its name, and to take a
                      line; then it is dropped (default: 30)
  -h, --help          print this

Ctrl-C tells all clients and ends the server, a second one ends it at once.
";

/// How many connections there may be besides those of the clients: they are told that the
/// server is full, or are about to end. More of them wait in the system's queue.
const BESIDES: usize = 16;
/// How long the end waits until the clients have what is in their outboxes.
const LAST_LINES: Duration = Duration::from_secs(10);
/// How many bytes the system keeps for a client. (Linux takes twice that, for its own needs.)
#[cfg(unix)]
const SEND_BUFFER: usize = 64 * 1024;

struct Options {
    port: u16,
    limit: usize,
    patience: Duration,
}

// ── from the command line to the end of the program ───────────────────────

fn main() -> ExitCode {
    let log = Log::new("chat_server");
    let code = match options(std::env::args_os().skip(1)) {
        Ok(None) => {
            terminal::say(USAGE);
            ExitCode::SUCCESS
        }
        Ok(Some(options)) => match glassloop::block_on(run(options, &log)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                log.complain(&error.to_string());
                ExitCode::FAILURE
            }
        },
        Err(misuse) => terminal::refuse("chat_server", misuse),
    };
    log.flush();
    code
}

/// Reads the command line; `None` if it asks for help.
fn options(mut words: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let (mut port, mut limit, mut patience) = (7878, 100, 30);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("--port") => port = number(words.next(), 0).ok_or(needs("--port", 0))?,
            Some("--limit") => limit = number(words.next(), 1).ok_or(needs("--limit", 1))?,
            Some("--patience") => {
                patience = number(words.next(), 1).ok_or(needs("--patience", 1))?;
            }
            _ => return Err(format!("unknown argument {word:?}")),
        }
    }
    let patience = Duration::from_secs(patience.into());
    Ok(Some(Options { port, limit: limit.into(), patience }))
}

fn number(word: Option<OsString>, least: u16) -> Option<u16> {
    let number = word.as_deref().and_then(OsStr::to_str)?.parse().ok()?;
    (number >= least).then_some(number)
}

fn needs(option: &str, least: u16) -> String {
    format!("{option} needs a number from {least} to {}", u16::MAX)
}

async fn run(options: Options, log: &Log) -> io::Result<()> {
    let listener = bind(options.port)?;
    let room = Rc::new(Room::new(options.limit));
    let connections = WaitGroup::new();
    // The future that ends first drops the other: after a signal, no future listens.
    future::or(signal(), listen(listener, &options, &room, &connections, log)).await?;
    room.close();
    // All clients get what is in their outboxes. With a limit: a client may never read it.
    let _ = timeout(LAST_LINES, connections.wait()).await;
    Ok(())
}

fn bind(port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // This does not wait: the address needs no look-up.
    let listener = net::TcpListener::bind(address).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
    })?;
    limit_buffers(&listener);
    TcpListener::from_std(listener)
}

async fn listen(
    listener: TcpListener,
    options: &Options,
    room: &Rc<Room>,
    connections: &WaitGroup,
    log: &Log,
) -> io::Result<()> {
    log.say(&format!("listening; try: nc 127.0.0.1 {}", listener.local_addr()?.port()));
    let (places, patience) = (Rc::new(Semaphore::new(options.limit + BESIDES)), options.patience);
    loop {
        let place = places.acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _peer)) => {
                let (room, client) = (room.clone(), Rc::new(Client::new(stream)));
                room.let_in(&client);
                let guards = (place, connections.add());
                let serve = async move {
                    client::serve(&room, &client, patience).await;
                    drop((client, guards)); // the socket first
                };
                spawn_named("client", serve).detach();
            }
            Err(error) => {
                log.complain(&format!("cannot let anyone in: {error}"));
                // What the system lacks, descriptors perhaps, it still lacks.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Without a limit, the system keeps megabytes for a client that does not read. A connection
/// inherits this from its listener; where it cannot be set, the server works all the same.
#[cfg(unix)]
fn limit_buffers(listener: &net::TcpListener) {
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(listener, SEND_BUFFER);
}

#[cfg(not(unix))]
fn limit_buffers(_: &net::TcpListener) {}

/// Waits for Ctrl-C or SIGTERM, as `23_graceful_shutdown` does. A second signal ends the
/// program at once, even if the loop is stuck.
#[cfg(unix)]
async fn signal() -> io::Result<()> {
    use futures_lite::AsyncReadExt;
    use signal_hook::{consts, flag, low_level};
    let (signals, handler) = std::os::unix::net::UnixStream::pair()?;
    let is_second = std::sync::Arc::default();
    for signal in [consts::SIGINT, consts::SIGTERM] {
        // In this order: the first signal must find the flag unset.
        flag::register_conditional_default(signal, std::sync::Arc::clone(&is_second))?;
        flag::register(signal, std::sync::Arc::clone(&is_second))?;
        low_level::pipe::register(signal, handler.try_clone()?)?;
    }
    glassloop::Async::new(signals)?.read_exact(&mut [0]).await
}

/// On other systems these signals end the program, which is the default.
#[cfg(not(unix))]
async fn signal() -> io::Result<()> {
    future::pending().await
}
