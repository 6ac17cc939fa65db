//! # 25 Web and database: a server answers from SQLite
//!
//! ```text
//! cargo run -p glassloop-interop --example 25_web_and_db
//! ```
//!
//! Twin: `25_web_and_db.py`, where `check_same_thread=False` promises that one thread at a
//! time uses the connection. Here the types check it: without the `Mutex`, `unblock`
//! refuses the job.
//!
//! What a client sends is limited: bytes and time. A length of 100 GB is refused before
//! anything is allocated.
//!
//! Take away: **a library that only blocks goes to the blocking pool; and a drop closes
//! what `async with` closes there, when the last task drops it.**

use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};
use std::{convert::Infallible, error::Error, io, rc::Rc, time::Duration};

use futures_lite::io::{BufReader, copy, sink};
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::{JoinHandle, join_all, spawn, timeout, unblock};
use rusqlite::{Connection, OptionalExtension};

/// `println!` panics when nobody reads, and a panic in a drop can abort the process.
#[path = "../../../examples/shared/terminal.rs"]
mod terminal;

const SCHEMA: &str = "
    create table user (id integer primary key, name text not null);
    insert into user values (1, 'ada'), (2, 'bob');
";

/// How many bytes the first line and the headers may have, and the body.
const HEAD: u64 = 16 * 1024;
const BODY: u64 = 64 * 1024;
/// How long a client may take for a request, or to take an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A query that must wait for another one waits for the lock: on its thread of the pool,
/// where waiting holds up no task.
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    pub(crate) async fn open() -> rusqlite::Result<Database> {
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_in_memory()?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        Ok(Database { connection: Arc::new(Mutex::new(unblock(connect).await?)) })
    }

    async fn name_of(&self, user: u32) -> rusqlite::Result<Option<String>> {
        let (sql, connection) = ("select name from user where id = ?", self.connection.clone());
        unblock(move || {
            let connection = connection.lock().expect("no query panics");
            connection.query_row(sql, [user], |row| row.get(0)).optional()
        })
        .await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        terminal::say("database closed\n");
    }
}

pub(crate) async fn serve(listener: TcpListener, database: Rc<Database>) -> io::Result<Infallible> {
    loop {
        let (stream, _peer) = listener.accept().await?;
        spawn(handle(database.clone(), stream)).detach();
    }
}

/// The task that accepts. It ends when this is dropped.
struct Server(JoinHandle<io::Result<Infallible>>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
        terminal::say("server closed\n");
    }
}

/// One connection: any number of requests, one after another.
async fn handle(database: Rc<Database>, stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(&stream);
    loop {
        let (status, body) = match timeout(PATIENCE, read_message(&mut reader)).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some([request, _body]))) => answer(&database, &request).await,
            Ok(Err(Broken::Read(error))) => return Err(error),
            Ok(Err(Broken::Refused(status))) => return refuse(&stream, status).await,
            Err(_) => return refuse(&stream, "408 Request Timeout").await,
        };
        send(&stream, status, &body).await?;
    }
}

async fn send(mut stream: &TcpStream, status: &str, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    timeout(PATIENCE, stream.write_all((head + body).as_bytes())).await?
}

/// Where the next request begins is not known, so this is the last answer. What the client
/// still sends is read for a moment: a reset would take the answer away from it.
async fn refuse(stream: &TcpStream, status: &str) -> io::Result<()> {
    send(stream, status, "refused").await?;
    stream.shutdown(Shutdown::Write)?;
    timeout(Duration::from_secs(1), copy(stream, sink())).await?.map(drop)
}

async fn answer(database: &Database, request: &str) -> (&'static str, String) {
    let user = request.strip_prefix("GET /user/").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let Some(Ok(user)) = user.map(str::parse) else {
        return ("400 Bad Request", "no such question".into());
    };
    match database.name_of(user).await {
        Ok(Some(name)) => ("200 OK", format!("user {name}")),
        Ok(None) => ("404 Not Found", "no such user".into()),
        Err(error) => ("500 Internal Server Error", error.to_string()),
    }
}

/// Why there is no message.
#[derive(Debug)]
enum Broken {
    Read(io::Error),
    /// The status that says what is wrong with it.
    Refused(&'static str),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Read(error)
    }
}

const BAD: Broken = Broken::Refused("400 Bad Request");

/// The first line and the body of a request or an answer; `None` at the end.
async fn read_message(reader: &mut BufReader<&TcpStream>) -> Result<Option<[String; 2]>, Broken> {
    let mut head = reader.take(HEAD);
    let Some(first) = read_line(&mut head).await? else { return Ok(None) };
    let mut length = None;
    loop {
        let line = read_line(&mut head).await?.ok_or(io::ErrorKind::UnexpectedEof);
        let line = line.map_err(io::Error::from)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(BAD)?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" if length.is_none_or(|length| Ok(length) == body_length(value)) => {
                length = Some(body_length(value).map_err(Broken::Refused)?);
            }
            // Two lengths, or a body in pieces: two programs may disagree where it ends.
            "content-length" | "transfer-encoding" => return Err(BAD),
            name if name.contains(char::is_whitespace) => return Err(BAD),
            _ => {}
        }
    }
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).await?;
    Ok(Some([first, String::from_utf8(body).map_err(|_| BAD)?]))
}

/// A line without its end; `None` at the end of the stream.
async fn read_line(
    head: &mut futures_lite::io::Take<&mut BufReader<&TcpStream>>,
) -> Result<Option<String>, Broken> {
    let mut line = Vec::new();
    head.read_until(b'\n', &mut line).await?;
    if !line.ends_with(b"\n") {
        return match (head.limit(), line.is_empty()) {
            (0, _) => Err(Broken::Refused("431 Request Header Fields Too Large")),
            (_, true) => Ok(None),
            (_, false) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        };
    }
    let line = String::from_utf8(line).map_err(|_| BAD)?;
    Ok(Some(line.trim_end().to_owned()))
}

fn body_length(value: &str) -> Result<usize, &'static str> {
    let digits = value.trim();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("400 Bad Request");
    }
    // A number that is too long to be read is too large as well.
    let length = digits.parse().ok().filter(|&length: &u64| length <= BODY);
    length.map(|length| length as usize).ok_or("413 Content Too Large")
}

async fn fetch(address: SocketAddr, paths: &[&str]) -> io::Result<Vec<String>> {
    let stream = TcpStream::connect(address).await?;
    let (mut reader, mut writer, mut answers) = (BufReader::new(&stream), &stream, Vec::new());
    for path in paths {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        writer.write_all(request.as_bytes()).await?;
        let answer = read_message(&mut reader).await.map_err(|why| format!("{why:?}"));
        let answer = answer.map_err(io::Error::other)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        answers.push(format!("{path} | {}", answer.join(" | ")));
    }
    Ok(answers)
}

fn main() -> Result<(), Box<dyn Error>> {
    glassloop::block_on(async {
        let database = Rc::new(Database::open().await?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let _server = Server(spawn(serve(listener, database)));
        let clients = [&["/user/1", "/user/2"][..], &["/user/3"]];
        for answers in join_all(clients.map(|paths| fetch(address, paths))).await {
            terminal::say(answers?.join("\n") + "\n");
        }
        Ok(())
    })
}
