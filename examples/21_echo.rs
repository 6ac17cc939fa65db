//! # 21 Echo: a TCP server and its clients in one loop
//!
//! ```text
//! cargo run --example 21_echo
//! ```
//!
//! Twin: `21_echo.py`, where `start_server` accepts and spawns by itself.
//!
//! Take away: **a server is a loop around `accept` that spawns a task for each
//! connection, and dropping that loop closes the server.**

use std::{convert::Infallible, io, net::SocketAddr};

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncWriteExt, StreamExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::{println, spawn_named};

async fn serve(listener: TcpListener) -> io::Result<Infallible> {
    loop {
        let (stream, _peer) = listener.accept().await?;
        spawn_named("echo", echo(stream)).detach();
    }
}

/// Reads and writes by reference: the two directions of one stream.
async fn echo(stream: TcpStream) -> io::Result<()> {
    let (mut lines, mut writer) = (BufReader::new(&stream).lines(), &stream);
    while let Some(line) = lines.try_next().await? {
        writer.write_all(format!("echo {line}\n").as_bytes()).await?;
    }
    Ok(())
}

async fn client(address: SocketAddr, name: &str, count: u32) -> io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    let (mut lines, mut writer) = (BufReader::new(&stream).lines(), &stream);
    for i in 0..count {
        writer.write_all(format!("{name} {i}\n").as_bytes()).await?;
        let reply = lines.try_next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        println!("{reply}");
    }
    Ok(())
}

fn main() -> io::Result<()> {
    glassloop::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = spawn_named("server", serve(listener));
        client(address, "one", 2).await?;
        client(address, "two", 1).await?;
        server.abort(); // a request: the listener is dropped when the task's turn comes
        assert!(server.await.is_err_and(|error| error.is_cancelled()));
        println!("server closed");
        Ok(())
    })
}
