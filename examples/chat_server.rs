//! # Chat server: a program to keep
//!
//! All clients see what one client writes.
//!
//! ```text
//! cargo run --example chat_server       # Ctrl-C ends it; -- --help tells more
//! nc 127.0.0.1 7878                     # in other terminals
//! ```
//!
//! This is `24_chat`, made for daily use. Each client has an outbox, a bounded channel of
//! the lines that it has not received yet, so that no client waits for a slow one:
//!
//! ```text
//!   ann ──▶ read ──▶ Room::post ──▶ outbox ──▶ write ──▶ bob
//!           waits    never waits    bounded    waits
//!           for ann                            for bob
//! ```
//!
//! `Room::post` puts a line into all outboxes in one go, so all clients see the same order.
//!
//! Take away: **the functions that change the shared state are not `async`. No other task
//! can run in between, and no borrow can live across an `await`.**

use std::cell::{OnceCell, RefCell};
use std::io::{self, Write as _};
use std::{error::Error, process::ExitCode, rc::Rc, time::Duration};

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, future};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::channel::{self, Receiver, Sender};
use glassloop::sync::{Event, WaitGroup, WaitGuard};
use glassloop::{println, sleep, spawn_named, timeout, yield_now};

const USAGE: &str = "\
A chat server: all clients see what one client writes. Ctrl-C ends it.

Usage: cargo run --example chat_server [-- [--port N] [--limit N]]

  --port N   listen at this port of 127.0.0.1 (default 7878; 0: any free one)
  --limit N  let in N clients at a time (default 100)";

/// In bytes. A longer line is broken into several, so that a line takes no more memory.
const LONGEST_LINE: u64 = 1000;
/// How many lines a client may be behind: this many, and one more from each client, since
/// each client can send one in a turn, before the `write` of the slow client is polled.
const FURTHEST_BEHIND: usize = 1000;

fn main() -> ExitCode {
    if std::env::args_os().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Err(error) = glassloop::block_on(run()) else { return ExitCode::SUCCESS };
    eprintln!("chat_server: {error}");
    ExitCode::FAILURE
}

/// The port to listen at, and how many clients to let in.
fn options() -> Result<(u16, u16), String> {
    let (mut port, mut limit) = (7878, 100);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(option) = arguments.next() {
        let number = match option.to_str() {
            Some("--port") => &mut port,
            Some("--limit") => &mut limit,
            _ => return Err(format!("unknown option {option:?}; see --help")),
        };
        let value = arguments.next().unwrap_or_default();
        let wrong = |error| format!("{option:?} {value:?}: {error}; see --help");
        *number = value.to_string_lossy().parse().map_err(wrong)?;
    }
    Ok((port, limit))
}

// ── from the first minute to the last ─────────────────────────────────────

async fn run() -> Result<(), Box<dyn Error>> {
    let (port, limit) = options()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let room = Rc::new(Room { limit: limit.into(), ..Room::default() });
    // The future that ends first drops the other: after a signal, no future listens.
    future::or(signal(), listen(listener, &room)).await?;
    room.close();
    // All clients get what is in their outboxes. With a limit: a client may never read it.
    let _ = timeout(Duration::from_secs(10), room.connections.wait()).await;
    Ok(())
}

async fn listen(listener: TcpListener, room: &Rc<Room>) -> io::Result<()> {
    println!("listening; try: nc 127.0.0.1 {}", listener.local_addr()?.port());
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => room.let_in(stream),
            Err(error) => {
                // Unlike `eprintln!`, this does not panic if nobody reads stderr.
                let _ = writeln!(io::stderr(), "chat_server: cannot let anyone in: {error}");
                // What the system lacks, descriptors perhaps, it still lacks.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Waits for Ctrl-C or SIGTERM, as `23_graceful_shutdown` does. A second signal ends the
/// program at once, even if the loop is stuck.
#[cfg(unix)]
async fn signal() -> io::Result<()> {
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

// ── a connection ──────────────────────────────────────────────────────────

/// Reads and writes until the reading or the writing ends, or the client has to leave. An
/// error ends this connection, and concerns no other client.
async fn connection(room: Rc<Room>, client: Rc<Client>, lines: Receiver<Rc<str>>) {
    let talk = future::or(write(&client.stream, lines), read(&room, &client));
    future::or(client.leaves.wait(), async { drop(talk.await) }).await;
    room.show_out(&client);
}

/// Writes the lines from the outbox, until the outbox is closed and empty.
async fn write(mut stream: &TcpStream, lines: Receiver<Rc<str>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Ok(line) = lines.recv().await {
        stream.write_all(line.as_bytes()).await?;
    }
    Ok(())
}

async fn read(room: &Room, client: &Rc<Client>) -> io::Result<()> {
    let (mut reader, mut line) = (BufReader::new(&client.stream), Vec::new());
    while (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await? > 0 {
        // Control characters would move the cursor of the other terminals, or ring their bell.
        let text = String::from_utf8_lossy(&line).replace(char::is_control, " ");
        room.hear(client, text.trim_end());
        line.clear();
        // A client may send a whole book. Here all other tasks run: so the writers keep
        // up, and a client falls behind only if it does not read.
        yield_now().await;
    }
    Ok(())
}

// ── the room: nothing here is async ───────────────────────────────────────

#[derive(Default)]
struct Room {
    clients: RefCell<Vec<Rc<Client>>>,
    limit: usize,
    connections: WaitGroup,
}

struct Client {
    stream: TcpStream,
    outbox: Sender<Rc<str>>,
    /// Unset until the client has given a name. Before that it sees no messages.
    name: OnceCell<String>,
    /// Set when the connection has to end.
    leaves: Event,
    /// Dropped with the client, when the connection has ended: `run` waits for that.
    _open: WaitGuard,
}

impl Client {
    /// Answers this client alone. If its outbox is full, the client does not read, and the
    /// answer is lost.
    fn tell(&self, text: &str) {
        let _ = self.outbox.try_send(format!("{text}\n").into());
    }
}

impl Room {
    /// If the server is full, the outbox gets a line that says so, and is closed.
    fn let_in(self: &Rc<Room>, stream: TcpStream) {
        let (outbox, lines) = channel::bounded(FURTHEST_BEHIND + self.limit);
        let (name, leaves, _open) = (OnceCell::new(), Event::new(), self.connections.add());
        let client = Rc::new(Client { stream, outbox, name, leaves, _open });
        if self.clients.borrow().len() < self.limit {
            client.tell("* Welcome! What is your name?");
            self.clients.borrow_mut().push(Rc::clone(&client));
        } else {
            client.tell("* The server is full. Please come again later.");
            client.outbox.close();
        }
        spawn_named("client", connection(Rc::clone(self), client, lines)).detach();
    }

    /// Puts a line into the outboxes of all clients that have a name, except the sender. A
    /// client whose outbox is full does not read: it has to leave.
    fn post(&self, sender: &Rc<Client>, text: &str) {
        let line: Rc<str> = format!("{text}\n").into();
        for client in self.clients.borrow().iter() {
            let receives = client.name.get().is_some() && !Rc::ptr_eq(client, sender);
            if receives && client.outbox.try_send(Rc::clone(&line)).is_err() {
                client.leaves.set();
            }
        }
    }

    fn show_out(&self, client: &Rc<Client>) {
        self.clients.borrow_mut().retain(|other| !Rc::ptr_eq(other, client));
        if let Some(name) = client.name.get() {
            self.post(client, &format!("* {name} left"));
        }
    }

    fn names(&self) -> Vec<String> {
        let clients = self.clients.borrow();
        clients.iter().filter_map(|client| client.name.get().cloned()).collect()
    }

    fn close(&self) {
        for client in self.clients.take() {
            client.tell("* The server is going down. Good-bye!");
            client.outbox.close(); // so `write` ends as soon as it has written all lines
        }
    }

    /// Does what a line says.
    fn hear(&self, client: &Rc<Client>, text: &str) {
        match (client.name.get(), text) {
            (_, "/quit") => client.leaves.set(),
            (_, "/help") => client.tell("* All see your lines. /who: who is here. /quit: leave."),
            (None, _) => self.take_name(client, text.trim()),
            (_, "") => {}
            (_, "/who") => client.tell(&format!("* Here: {}", self.names().join(" "))),
            _ if text.starts_with('/') => client.tell("* No such command. See /help."),
            (Some(name), _) => self.post(client, &format!("{name}: {text}")),
        }
    }

    fn take_name(&self, client: &Rc<Client>, name: &str) {
        let fits = (1..=20).contains(&name.chars().count());
        if !fits || !name.chars().all(char::is_alphanumeric) {
            client.tell("* A name has 1 to 20 letters or digits. Please try again.");
        } else if self.names().iter().any(|other| other == name) {
            client.tell(&format!("* {name} is taken. Please try another one."));
        } else {
            client.tell(&format!("* You are {name} now. /help tells what you can do."));
            client.name.get_or_init(|| name.to_owned());
            self.post(client, &format!("* {name} joined"));
        }
    }
}
