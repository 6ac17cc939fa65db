//! The floor of the sockets: epoll, read, write, in one loop that knows its connections.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::workload::{Job, Workload};
use crate::workloads::echo::{BUFFER, LENGTH};
use crate::workloads::one_way::{CHUNK, MEBIBYTE};

pub(super) fn all() -> Vec<Workload> {
    vec![
        Workload::new("echo_1", 20_000, echo),
        Workload::new("echo_64", 40_000, echo).scale(64),
        Workload::new("echo_1000", 60_000, echo).scale(1000),
        Workload::new("tcp_one_way", 1024, one_way),
    ]
}

/// One end of a connection.
struct End {
    stream: TcpStream,
    /// How many round trips it has yet to begin; a server has none.
    to_ask: u64,
    is_server: bool,
}

/// Servers have the even places, and each is followed by its client.
fn ends(connections: u64, to_ask: u64) -> Vec<End> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let mut ends = Vec::new();
    for _ in 0..connections {
        let client = TcpStream::connect(address).expect("the listener is there");
        let (server, _) = listener.accept().expect("the client has connected");
        for stream in [&server, &client] {
            stream.set_nonblocking(true).expect("the system allows it");
            stream.set_nodelay(true).expect("the system allows it");
        }
        ends.push(End { stream: server, to_ask: 0, is_server: true });
        ends.push(End { stream: client, to_ask, is_server: false });
    }
    ends
}

fn echo(job: &Job) {
    let each = job.operations.div_ceil(job.scale);
    let mut ends = ends(job.scale, each - 1);
    let epoll = epoll::create(CreateFlags::CLOEXEC).expect("the system has epoll");
    job.meter.start();
    for (place, end) in ends.iter_mut().enumerate() {
        let data = EventData::new_u64(place as u64);
        epoll::add(&epoll, &end.stream, data, EventFlags::IN).expect("a socket can be awaited");
        if !end.is_server {
            end.stream.write_all(&[1; LENGTH]).expect("there is room for one message");
        }
    }
    let mut answered = 0;
    let mut events = Vec::with_capacity(1024);
    while answered < each * job.scale {
        events.clear();
        let room = rustix::buffer::spare_capacity(&mut events);
        epoll::wait(&epoll, room, None).expect("something comes");
        for event in &events {
            answered += serve_or_ask(&mut ends[event.data.u64() as usize]);
        }
    }
    job.meter.stop();
}

/// Reads once and writes once. Returns 1 if that was an answer.
fn serve_or_ask(end: &mut End) -> u64 {
    let mut buffer = [0; BUFFER];
    let length = end.stream.read(&mut buffer).expect("it was ready");
    assert_eq!(length, LENGTH, "a message this short comes as a whole");
    if !end.is_server && end.to_ask == 0 {
        return 1;
    }
    end.to_ask = end.to_ask.saturating_sub(1);
    end.stream.write_all(&buffer[..LENGTH]).expect("there is room for one message");
    u64::from(!end.is_server)
}

/// Writes a chunk, reads what has come, and so on: what is written is read while it is
/// still in the processor's cache.
fn one_way(job: &Job) {
    let ends = ends(1, 0);
    let (mut receiver, mut sender) = (&ends[0].stream, &ends[1].stream);
    let total = job.operations as usize * MEBIBYTE;
    let (mut sent, mut received) = (0, 0);
    let (output, mut input) = (vec![7; CHUNK], vec![0; CHUNK]);
    job.meter.start();
    while received < total {
        match sender.write(&output[..CHUNK.min(total - sent)]) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("the connection is whole: {error}"),
        }
        while received < sent {
            match receiver.read(&mut input) {
                Ok(length) => received += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the connection is whole: {error}"),
            }
        }
    }
    job.meter.stop();
    assert_eq!(received, total);
}
