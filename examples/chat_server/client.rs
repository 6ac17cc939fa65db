//! A connection: it asks for a name, then reads and writes until one of both ends.

use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::AsyncWriteExt;
use futures_lite::future::{or, pending};
use futures_lite::io::{copy, sink};
use glassloop::net::TcpStream;
use glassloop::{now, timeout};

use crate::lines::{Lines, Piece};
use crate::outbox::Outbox;
use crate::room::{Client, Room};
use crate::text;

/// How long the server waits, after its last line, for the client to close the connection.
const PARTING: Duration = Duration::from_secs(1);
const NO_NAME: &str = "This is a chat for people, and that was no name.";

/// Serves a client to its end. An error ends this connection, and concerns no other client.
pub(crate) async fn serve(room: &Room, client: &Rc<Client>, patience: Duration) {
    let reading = async {
        if room.has(client) {
            let _ = read(room, client, patience).await;
        } else {
            client.tell("The server is full. Please come again later.");
        }
        room.show_out(client);
        pending().await // the writing goes on, until the outbox is empty
    };
    let written = or(write(&client.stream, &client.outbox, patience), reading).await;
    room.show_out(client);
    if written.is_ok() {
        let _ = part(&client.stream).await;
    }
}

/// Writes the lines from the outbox, until it is closed and empty. A line that the client
/// does not take in time is an error: so is a client that does not read.
async fn write(mut stream: &TcpStream, outbox: &Outbox, patience: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(batch) = outbox.first().await {
        timeout(patience, stream.write_all(batch.text.as_bytes())).await??;
        outbox.taken(batch.lines);
    }
    Ok(())
}

/// A connection that is closed while it has unread bytes is reset, and the client loses what
/// it has not taken yet. So the server reads on for a moment.
async fn part(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    timeout(PARTING, copy(stream, sink())).await?.map(drop)
}

async fn read(room: &Room, client: &Rc<Client>, patience: Duration) -> io::Result<()> {
    let mut lines = Lines::new(&client.stream);
    client.tell("Welcome! What is your name?");
    if !introduce(room, client, &mut lines, patience).await? {
        return Ok(());
    }
    while let Some(piece) = lines.next().await? {
        // Here a talker waits, and its next line stays in the system's buffer, then in the
        // talker's own: so nobody is sent more than everybody who reads can take.
        room.has_room(client).await;
        if !hear(room, client, piece, &mut lines) {
            break;
        }
    }
    Ok(())
}

/// Asks for a name until the client has one; false if it has to leave instead.
async fn introduce(
    room: &Room,
    client: &Rc<Client>,
    lines: &mut Lines<'_>,
    patience: Duration,
) -> io::Result<bool> {
    // One time limit for all: it also ends a connection that sends byte by byte.
    let deadline = now() + patience;
    let first = timeout(patience, lines.first_byte()).await;
    if matches!(first, Ok(Ok(Some(byte))) if text::is_no_text(byte)) {
        return Ok(dismiss(client, NO_NAME));
    }
    while client.name.get().is_none() {
        let left = deadline.saturating_duration_since(now());
        let piece = timeout(left, lines.next()).await;
        let Some(piece) = piece.ok().filter(|_| !left.is_zero()) else {
            return Ok(dismiss(client, "That took too long."));
        };
        // Not for ever: who takes nothing is dropped.
        client.outbox.has_room().await;
        match piece? {
            Some(piece) if !is_typed(&piece) => return Ok(dismiss(client, NO_NAME)),
            Some(Piece::Whole(line)) if line == "/help" => help(client),
            Some(Piece::Whole(line)) if line != "/quit" => {
                room.has_room(client).await;
                room.take_name(client, line.trim());
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether a person may have typed this as a name.
fn is_typed(piece: &Piece) -> bool {
    matches!(piece, Piece::Whole(line) if !text::is_of_the_web(line))
}

/// Returns what `introduce` returns.
fn dismiss(client: &Client, why: &str) -> bool {
    client.tell(&format!("{why} Good-bye!"));
    false
}

fn help(client: &Client) {
    client.tell("All see your lines. /who: who is here. /quit: leave.");
}

/// Does what a line says; false if the client wants to leave. Only a whole line is a command.
fn hear(room: &Room, client: &Rc<Client>, piece: Piece, lines: &mut Lines<'_>) -> bool {
    match piece {
        Piece::Whole(line) if line == "/quit" => return false,
        Piece::Whole(line) if line == "/help" => help(client),
        Piece::Whole(line) if line == "/who" => client.tell(&room.who()),
        Piece::Whole(line) | Piece::Start(line) if line.starts_with('/') => {
            client.tell("No such command. See /help.");
            lines.drop_the_rest();
        }
        Piece::Whole(line) | Piece::Start(line) | Piece::More(line) => {
            let name = client.name.get().expect("whoever is heard has a name");
            if !line.is_empty() {
                room.post(client, &format!("{name}: {line}"));
            }
        }
    }
    true
}
