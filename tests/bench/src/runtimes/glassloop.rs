//! glassloop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::fs::{self, File};
use glassloop::net::{TcpListener, TcpStream};

use crate::runtime::{Files, Joined, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Glassloop;

pub fn all() -> Vec<Workload> {
    [
        workloads::tasks::<Glassloop>(),
        workloads::with_timers::<Glassloop>(),
        workloads::with_sockets::<Glassloop>(),
        workloads::with_files::<Glassloop>(),
    ]
    .concat()
}

impl Runtime for Glassloop {
    const NAME: &'static str = "glassloop";
    type Join<T: 'static> = Joined<glassloop::JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        glassloop::block_on(future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(glassloop::spawn(future))
    }
}

impl Timers for Glassloop {
    fn sleep(duration: Duration) -> impl Future + 'static {
        glassloop::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = glassloop::interval(period);
        // The first tick comes at once.
        for _ in 0..=ticks {
            interval.tick().await;
        }
    }
}

impl Sockets for Glassloop {
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

    async fn read(stream: &mut TcpStream, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        let length = stream.read(&mut buffer).await.expect("the connection is whole");
        (length, buffer)
    }

    async fn write(stream: &mut TcpStream, buffer: Vec<u8>, length: usize) -> Vec<u8> {
        stream.write_all(&buffer[..length]).await.expect("the connection is whole");
        buffer
    }
}

impl Files for Glassloop {
    type File = File;

    async fn read_whole(path: &Path) -> Vec<u8> {
        fs::read(path).await.expect("the file is there")
    }

    async fn open(path: &Path) -> File {
        File::open(path).await.expect("the file is there")
    }

    async fn read_next(file: &mut File, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        let length = file.read(&mut buffer).await.expect("the file is there");
        (length, buffer)
    }
}
