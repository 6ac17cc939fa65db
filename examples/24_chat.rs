//! # 24 Chat: a server whose tasks share their state
//!
//! ```text
//! cargo run --example 24_chat
//! ```
//!
//! Twin: `24_chat.py`, where the shared state is a global dictionary.
//!
//! Take away: **tasks of one loop share a `RefCell` without a lock, as long as no
//! borrow lives across an `await`: copy what you need, then await.**

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncWriteExt, StreamExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::{println, sleep, spawn_named};

#[derive(Clone, Default)]
struct Room {
    clients: Rc<RefCell<BTreeMap<String, TcpStream>>>,
}

impl Room {
    async fn serve(self, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, _peer) = listener.accept().await?;
            spawn_named("visitor", self.clone().handle(stream)).detach();
        }
    }

    async fn handle(self, stream: TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream.clone()).lines();
        let Some(name) = lines.try_next().await? else { return Ok(()) };
        let seat = self.sit_down(&name, &stream);
        self.broadcast(&format!("* {name} joined"), &name).await?;
        while let Some(line) = lines.try_next().await? {
            self.broadcast(&format!("{name}: {line}"), &name).await?;
        }
        drop(seat);
        self.broadcast(&format!("* {name} left"), &name).await
    }

    fn sit_down(&self, name: &str, stream: &TcpStream) -> Seat {
        self.clients.borrow_mut().insert(name.to_owned(), stream.clone());
        Seat { room: self.clone(), name: name.to_owned() }
    }

    async fn broadcast(&self, text: &str, sender: &str) -> io::Result<()> {
        let clients = self.clients.borrow().clone(); // the borrow ends on this line
        for (_, mut stream) in clients.iter().filter(|(name, _)| *name != sender) {
            stream.write_all(format!("{text}\n").as_bytes()).await?;
        }
        Ok(())
    }

    fn is_online(&self, name: &str) -> bool {
        self.clients.borrow().contains_key(name)
    }

    fn online(&self) -> usize {
        self.clients.borrow().len()
    }
}

/// Keeps a client in the list of the room. An error or an abort drops it too, and so takes
/// the client out of the list.
struct Seat {
    room: Room,
    name: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.clients.borrow_mut().remove(&self.name);
    }
}

struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn join(address: SocketAddr, name: &str) -> io::Result<Client> {
        let stream = BufReader::new(TcpStream::connect(address).await?);
        let mut client = Client { stream };
        client.say(name).await?;
        Ok(client)
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\n").as_bytes()).await
    }

    async fn sees(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        Ok(line.trim_end().to_owned())
    }
}

fn main() -> io::Result<()> {
    glassloop::block_on(async {
        let room = Room::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = spawn_named("server", room.clone().serve(listener));

        let mut ann = Client::join(address, "ann").await?;
        while !room.is_online("ann") {
            sleep(Duration::from_millis(5)).await;
        }
        let mut bob = Client::join(address, "bob").await?;
        println!("ann sees {}", ann.sees().await?);
        ann.say("hi bob").await?;
        println!("bob sees {}", bob.sees().await?);
        bob.say("hi ann").await?;
        println!("ann sees {}", ann.sees().await?);
        drop(bob);
        println!("ann sees {}", ann.sees().await?);
        drop(ann);
        server.abort();
        while room.online() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
        println!("online {}", room.online());
        Ok(())
    })
}
