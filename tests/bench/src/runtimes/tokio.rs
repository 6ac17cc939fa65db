//! tokio: its current-thread runtime with a `LocalSet`, which is its way to run tasks that
//! are not `Send`.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, LocalSet};

use crate::runtime::{Files, Joined, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Tokio;

pub fn all() -> Vec<Workload> {
    [
        workloads::tasks::<Tokio>(),
        workloads::with_timers::<Tokio>(),
        workloads::with_sockets::<Tokio>(),
        workloads::with_files::<Tokio>(),
    ]
    .concat()
}

impl Runtime for Tokio {
    const NAME: &'static str = "tokio";
    type Join<T: 'static> = Joined<JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        LocalSet::new().block_on(&runtime.expect("tokio starts"), future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(tokio::task::spawn_local(future))
    }
}

impl Timers for Tokio {
    fn sleep(duration: Duration) -> impl Future + 'static {
        tokio::time::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = tokio::time::interval(period);
        // The first tick comes at once.
        for _ in 0..=ticks {
            interval.tick().await;
        }
    }
}

impl Sockets for Tokio {
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

impl Files for Tokio {
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
