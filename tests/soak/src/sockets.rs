//! Sockets: thousands of connections, all open until the end, which talk both ways
//! in pieces of odd sizes. Every byte is checked where it arrives.
//!
//! ```text
//!   client               lane 2n                 server
//!     say  ─────── pieces of the text 2n ───────▶ hear: the same text?
//!     hear ◀────── pieces of the text 2n + 1 ──── say
//! ```
//!
//! Each direction is a *lane*. What goes over it is random, but both ends can make
//! it from the lane's number; so a byte that is lost, doubled or swapped shows at
//! once. The two ends cut it differently. At the end the ledger must say that as
//! much was heard in each lane as was said.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{Semaphore, WaitGroup, WaitGuard};
use glassloop::{JoinHandle, now, sleep_until, spawn};

use crate::plan::{Plan, Stream};
use crate::report::{Faults, Row, at_once, grouped, mebibytes};

/// A port of this machine can serve only so many connections of one address.
const LISTENERS: usize = 8;
/// So many are being connected at a time, each as a job for the pool.
const CONNECTING: usize = 256;
/// A piece is this long at most …
const PIECE: usize = 1500;
/// … but for one in so many, which is more than a socket takes at once.
const LONG_PIECE_ONCE_IN: usize = 256;
const LONG_PIECE: usize = 600_000;
/// After each piece, silence of up to this.
const SILENCE: Duration = Duration::from_secs(6);
const NUMBER_BYTES: usize = 4;

/// What the tasks of this load share.
struct Talk {
    plan: Rc<Plan>,
    faults: Faults,
    lanes: Vec<Lane>,
    /// Every task of a connection holds a guard.
    ends: WaitGroup,
    most_open: Cell<u64>,
}

#[derive(Default)]
struct Lane {
    said: Cell<u64>,
    heard: Cell<u64>,
    pieces: Cell<u64>,
}

pub async fn run(plan: Rc<Plan>) -> Row {
    let meters = plan.meters.clone();
    let _under_way = meters.begin("sockets");
    let lanes = (0..2 * plan.connections).map(|_| Lane::default()).collect();
    let (faults, ends, most_open) = Default::default();
    let talk = Rc::new(Talk { plan, faults, lanes, ends, most_open });
    match listen(&talk).await {
        Ok((addresses, servers)) => {
            connect_all(&talk, &addresses).await;
            talk.ends.wait().await;
            for server in servers {
                server.abort();
            }
        }
        Err(error) => talk.faults.note(format!("no listener: {error}")),
    }
    talk.account()
}

async fn listen(talk: &Rc<Talk>) -> io::Result<(Vec<SocketAddr>, Vec<JoinHandle<()>>)> {
    let (mut addresses, mut servers) = (Vec::new(), Vec::new());
    for _ in 0..LISTENERS {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.push(listener.local_addr()?);
        servers.push(spawn(serve(listener, Rc::clone(talk))));
    }
    Ok((addresses, servers))
}

async fn serve(listener: TcpListener, talk: Rc<Talk>) {
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                let guard = talk.ends.add();
                spawn(server_end(stream, Rc::clone(&talk), guard)).detach();
            }
            Err(error) => {
                talk.faults.note(format!("accept: {error}"));
                // The same error would come again at once.
                glassloop::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn connect_all(talk: &Rc<Talk>, addresses: &[SocketAddr]) {
    let connecting = Rc::new(Semaphore::new(CONNECTING));
    for number in 0..talk.plan.connections {
        let permit = connecting.acquire_owned().await;
        if talk.plan.is_over() {
            // Too slow a machine for so many: the table will say how many there were.
            return;
        }
        let (address, guard) = (addresses[number % addresses.len()], talk.ends.add());
        let talk = Rc::clone(talk);
        spawn(async move {
            let connected = TcpStream::connect(address).await;
            drop(permit);
            match connected {
                Ok(stream) => client_end(stream, number, talk, guard).await,
                Err(error) => talk.faults.note(error),
            }
        })
        .detach();
    }
}

/// The client tells its number first, so that the server knows which text to expect.
async fn client_end(mut stream: TcpStream, number: usize, talk: Rc<Talk>, guard: WaitGuard) {
    talk.plan.meters.connections.add(1);
    talk.most_open.set(talk.most_open.get().max(talk.plan.meters.connections.get()));
    let introduced = stream.write_all(&(number as u32).to_le_bytes()).await;
    match introduced {
        Ok(()) => talk_both_ways(stream, 2 * number, 2 * number + 1, &talk, guard).await,
        Err(error) => talk.faults.note(format!("connection {number}: {error}")),
    }
    talk.plan.meters.connections.subtract(1);
}

async fn server_end(mut stream: TcpStream, talk: Rc<Talk>, guard: WaitGuard) {
    let mut number = [0; NUMBER_BYTES];
    let introduced = stream.read_exact(&mut number).await;
    let number = u32::from_le_bytes(number) as usize;
    match introduced {
        Ok(()) if number < talk.plan.connections => {
            talk_both_ways(stream, 2 * number + 1, 2 * number, &talk, guard).await;
        }
        Ok(()) => talk.faults.note(format!("a connection calls itself number {number}")),
        Err(error) => talk.faults.note(format!("a connection without a number: {error}")),
    }
}

/// One task for each direction, on clones of one stream.
async fn talk_both_ways(
    stream: TcpStream,
    say_in: usize,
    hear_in: usize,
    talk: &Rc<Talk>,
    _guard: WaitGuard,
) {
    let hearing = {
        let (stream, talk) = (stream.clone(), Rc::clone(talk));
        spawn(async move { hear(stream, hear_in, &talk).await })
    };
    if let Err(error) = say(stream, say_in, talk).await {
        talk.faults.note(format!("lane {say_in}, writing: {error}"));
    }
    match hearing.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => talk.faults.note(format!("lane {hear_in}, reading: {error}")),
        Err(error) => talk.faults.note(format!("lane {hear_in}, the reading task: {error}")),
    }
}

async fn say(mut stream: TcpStream, lane: usize, talk: &Talk) -> io::Result<()> {
    let mut text = talk.plan.text(Stream::Lanes, lane);
    let mut random = talk.plan.random(Stream::Cuts, lane);
    while !talk.plan.is_over() {
        let longest = if random.once_in(LONG_PIECE_ONCE_IN) { LONG_PIECE } else { PIECE };
        // An odd length, so that no two cuts fall together.
        let piece = text.piece(random.between(1..=longest) | 1);
        stream.write_all(&piece).await?;
        let entry = &talk.lanes[lane];
        entry.said.set(entry.said.get() + piece.len() as u64);
        entry.pieces.set(entry.pieces.get() + 1);
        drop(piece);
        sleep_until(talk.plan.stop.min(now() + random.duration(SILENCE))).await;
    }
    stream.close().await
}

async fn hear(mut stream: TcpStream, lane: usize, talk: &Talk) -> io::Result<()> {
    let mut text = talk.plan.text(Stream::Lanes, lane);
    let mut random = talk.plan.random(Stream::Rooms, lane);
    loop {
        let mut buffer = vec![0; random.between(1..=PIECE) | 1];
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let heard = &talk.lanes[lane].heard;
        if let Some(index) = text.find_difference(&buffer[..length]) {
            let place = heard.get() + index as u64;
            talk.faults.note(format!("lane {lane}: byte {place} is not what was sent"));
            // What follows would all be wrong.
            return Ok(());
        }
        heard.set(heard.get() + length as u64);
        talk.plan.meters.bytes.add(length as u64);
    }
}

impl Talk {
    fn account(&self) -> Row {
        for (number, lane) in self.lanes.iter().enumerate() {
            let (said, heard) = (lane.said.get(), lane.heard.get());
            self.faults.expect(said == heard, || {
                format!("lane {number}: {said} bytes were said, {heard} heard")
            });
        }
        let sum = |of: fn(&Lane) -> u64| self.lanes.iter().map(of).sum::<u64>();
        let (heard, pieces) = (sum(|lane| lane.heard.get()), sum(|lane| lane.pieces.get()));
        self.faults.expect_some(heard, self.plan.connections);
        let checked = format!(
            "{} bytes ({}) in {} pieces, each byte, both ways",
            grouped(heard),
            mebibytes(heard),
            grouped(pieces)
        );
        let how_many = at_once(self.most_open.get(), self.plan.asked.sockets);
        Row::new("TCP connections", how_many, checked, &self.faults)
    }
}
