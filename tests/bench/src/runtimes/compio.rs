//! compio, with the driver that it chooses itself: io_uring on Linux.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use compio::BufResult;
use compio::buf::{IntoInner, IoBuf};
use compio::fs::{self, File};
use compio::io::{AsyncRead, AsyncReadAt, AsyncWriteExt};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::JoinHandle;

use crate::runtime::{Files, Joined, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Compio;

pub fn all() -> Vec<Workload> {
    [
        workloads::tasks::<Compio>(),
        workloads::with_timers::<Compio>(),
        workloads::with_sockets::<Compio>(),
        workloads::with_files::<Compio>(),
    ]
    .concat()
}

impl Runtime for Compio {
    const NAME: &'static str = "compio";
    type Join<T: 'static> = Joined<JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        compio::runtime::Runtime::new().expect("compio starts").block_on(future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(compio::runtime::spawn(future))
    }
}

impl Timers for Compio {
    fn sleep(duration: Duration) -> impl Future + 'static {
        compio::time::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = compio::time::interval(period);
        // The first tick comes at once.
        for _ in 0..=ticks {
            interval.tick().await;
        }
    }
}

impl Sockets for Compio {
    type Listener = TcpListener;
    type Stream = TcpStream;

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        let (stream, _) = listener.accept().await.expect("a connection comes");
        stream.set_nodelay(true).expect("the system allows it");
        stream
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).await.expect("the listener is there");
        stream.set_nodelay(true).expect("the system allows it");
        stream
    }

    async fn read(stream: &mut TcpStream, buffer: Vec<u8>) -> (usize, Vec<u8>) {
        let BufResult(length, buffer) = stream.read(buffer).await;
        (length.expect("the connection is whole"), buffer)
    }

    async fn write(stream: &mut TcpStream, buffer: Vec<u8>, length: usize) -> Vec<u8> {
        let BufResult(written, slice) = stream.write_all(buffer.slice(..length)).await;
        written.expect("the connection is whole");
        slice.into_inner()
    }
}

impl Files for Compio {
    /// The file, and how far it was read.
    type File = (File, u64);

    async fn read_whole(path: &Path) -> Vec<u8> {
        fs::read(path).await.expect("the file is there")
    }

    async fn open(path: &Path) -> (File, u64) {
        (File::open(path).await.expect("the file is there"), 0)
    }

    async fn read_next((file, position): &mut (File, u64), buffer: Vec<u8>) -> (usize, Vec<u8>) {
        let BufResult(length, buffer) = file.read_at(buffer, *position).await;
        let length = length.expect("the file is there");
        *position += length as u64;
        (length, buffer)
    }
}
