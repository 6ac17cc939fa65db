//! TCP on the loopback device, 64 bytes there and back. One operation is a round trip.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use crate::runtime::Sockets;
use crate::workload::{Job, Workload};

/// The length of a message.
pub(crate) const LENGTH: usize = 64;

/// The length of a buffer. It has room for more than a message, as it would elsewhere: a
/// read that does not fill it tells the runtime that nothing is left.
pub(crate) const BUFFER: usize = 1024;

pub fn all<R: Sockets>() -> Vec<Workload> {
    vec![
        Workload::new("echo_1", 20_000, |job| R::block_on(echo::<R>(job))),
        Workload::new("echo_64", 40_000, |job| R::block_on(echo::<R>(job))).scale(64),
        Workload::new("echo_1000", 60_000, |job| R::block_on(echo::<R>(job))).scale(1000),
        Workload::new("echo_outside", 20_000, |job| R::block_on(echo_outside::<R>(job))),
    ]
}

/// Both ends on the loop, over `scale` connections.
async fn echo<R: Sockets>(job: &Job) {
    let (servers, clients) = connections::<R>(job.scale).await;
    let each = job.operations.div_ceil(job.scale);
    job.meter.start();
    let servers: Vec<_> = servers.into_iter().map(|end| R::spawn(serve::<R>(end))).collect();
    let clients: Vec<_> = clients.into_iter().map(|end| R::spawn(ask::<R>(end, each))).collect();
    for client in clients {
        client.await;
    }
    let mut bytes = 0;
    for server in servers {
        bytes += server.await;
    }
    job.meter.stop();
    assert_eq!(bytes, each * job.scale * LENGTH as u64, "each byte came, once");
}

/// Both ends of so many connections, accepted and connected on the loop.
pub(crate) async fn connections<R: Sockets>(number: u64) -> (Vec<R::Stream>, Vec<R::Stream>) {
    let (listener, address) = R::listen().await;
    let accepting = R::spawn(async move {
        let mut accepted = Vec::new();
        for _ in 0..number {
            accepted.push(R::accept(&listener).await);
        }
        accepted
    });
    let mut connected = Vec::new();
    for _ in 0..number {
        connected.push(R::connect(address).await);
    }
    (accepting.await, connected)
}

/// Sends back what comes, until the end. Returns how many bytes.
pub(crate) async fn serve<R: Sockets>(mut stream: R::Stream) -> u64 {
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        let (length, filled) = R::read(&mut stream, buffer).await;
        if length == 0 {
            return bytes;
        }
        bytes += length as u64;
        buffer = R::write(&mut stream, filled, length).await;
    }
}

/// Asks and waits for the answer, so many times.
pub(crate) async fn ask<R: Sockets>(mut stream: R::Stream, times: u64) {
    let mut buffer = vec![0; BUFFER];
    for number in 0..times {
        buffer = ask_once::<R>(&mut stream, buffer, number).await;
    }
}

/// One round trip.
pub(crate) async fn ask_once<R: Sockets>(
    stream: &mut R::Stream,
    mut buffer: Vec<u8>,
    number: u64,
) -> Vec<u8> {
    buffer.resize(BUFFER, 0);
    buffer[..LENGTH].fill(number as u8);
    let mut buffer = R::write(stream, buffer, LENGTH).await;
    let mut received = 0;
    while received < LENGTH {
        let (length, filled) = R::read(stream, buffer).await;
        assert!(length > 0, "the server ends after the client");
        assert_eq!(filled[length - 1], number as u8, "the answer is what was asked");
        received += length;
        buffer = filled;
    }
    buffer
}

/// The client is a thread that knows nothing of the loop, as it would be elsewhere: what
/// helps only when both ends share a loop does not help here.
async fn echo_outside<R: Sockets>(job: &Job) {
    let (listener, address) = R::listen().await;
    let times = job.operations;
    let client = thread::spawn(move || ask_blocking(address, times));
    let stream = R::accept(&listener).await;
    let bytes = R::spawn(serve::<R>(stream)).await;
    client.join().expect("the client gets its answers");
    assert_eq!(bytes, times * LENGTH as u64, "each byte came, once");
}

fn ask_blocking(address: SocketAddr, times: u64) {
    let mut stream = TcpStream::connect(address).expect("the listener is there");
    stream.set_nodelay(true).expect("the system allows it");
    let mut answer = [0; LENGTH];
    for number in 0..times {
        let question = [number as u8; LENGTH];
        stream.write_all(&question).expect("the server reads");
        stream.read_exact(&mut answer).expect("the server answers");
        assert_eq!(answer, question);
    }
}
