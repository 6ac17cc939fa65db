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
//! Take away: **a library that only blocks goes to the blocking pool; and a drop closes
//! what `async with` closes there, when the last task drops it.**

use std::sync::{Arc, Mutex};
use std::{convert::Infallible, error::Error, io, net::SocketAddr, rc::Rc};

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::{JoinHandle, join_all, spawn, unblock};
use rusqlite::{Connection, OptionalExtension};

const SCHEMA: &str = "
    create table user (id integer primary key, name text not null);
    insert into user values (1, 'ada'), (2, 'bob');
";

/// A query that must wait for another one waits for the lock: on its thread of the pool,
/// where waiting holds up no task.
struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    async fn open() -> rusqlite::Result<Database> {
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
        println!("database closed");
    }
}

async fn serve(listener: TcpListener, database: Rc<Database>) -> io::Result<Infallible> {
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
        println!("server closed");
    }
}

/// One connection: any number of requests, one after another.
async fn handle(database: Rc<Database>, stream: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = (BufReader::new(&stream), &stream);
    while let Some([request, _body]) = read_message(&mut reader).await? {
        let (status, body) = answer(&database, &request).await;
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        writer.write_all((head + &body).as_bytes()).await?;
    }
    Ok(())
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

/// The first line and the body of a request or an answer; `None` at the end.
async fn read_message(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<[String; 2]>> {
    let (mut lines, mut length) = (reader.lines(), 0);
    let Some(first) = lines.try_next().await? else { return Ok(None) };
    while let Some(header) = lines.try_next().await?.filter(|line| !line.is_empty()) {
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(Some([first, String::from_utf8(body).map_err(io::Error::other)?]))
}

async fn fetch(address: SocketAddr, paths: &[&str]) -> io::Result<Vec<String>> {
    let stream = TcpStream::connect(address).await?;
    let (mut reader, mut writer, mut answers) = (BufReader::new(&stream), &stream, Vec::new());
    for path in paths {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        writer.write_all(request.as_bytes()).await?;
        let answer = read_message(&mut reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
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
            println!("{}", answers?.join("\n"));
        }
        Ok(())
    })
}
