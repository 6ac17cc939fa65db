//! monoio, with each of its drivers.

use std::future::Future;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use monoio::buf::IoBuf;
use monoio::fs::{self, File};
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::task::JoinHandle;
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use crate::runtime::{Files, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

/// monoio on the driver `D`.
pub struct Monoio<D>(PhantomData<D>);

/// Makes a loop on a driver; monoio has no trait for that.
pub trait Driver: 'static {
    const NAME: &'static str;
    fn block_on<F: Future>(future: F) -> F::Output;
}

impl Driver for LegacyDriver {
    const NAME: &'static str = "monoio-epoll";

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = RuntimeBuilder::<LegacyDriver>::new().enable_timer().build();
        runtime.expect("monoio starts").block_on(future)
    }
}

impl Driver for IoUringDriver {
    const NAME: &'static str = "monoio-uring";

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = RuntimeBuilder::<IoUringDriver>::new().enable_timer().build();
        runtime.expect("monoio starts").block_on(future)
    }
}

pub fn all<D: Driver>() -> Vec<Workload> {
    [
        workloads::tasks::<Monoio<D>>(),
        workloads::with_timers::<Monoio<D>>(),
        workloads::with_sockets::<Monoio<D>>(),
        workloads::with_files::<Monoio<D>>(),
    ]
    .concat()
}

impl<D: Driver> Runtime for Monoio<D> {
    const NAME: &'static str = D::NAME;
    type Join<T: 'static> = JoinHandle<T>;

    fn block_on<F: Future>(future: F) -> F::Output {
        D::block_on(future)
    }

    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        monoio::spawn(future)
    }
}

impl<D: Driver> Timers for Monoio<D> {
    fn sleep(duration: Duration) -> impl Future + 'static {
        monoio::time::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = monoio::time::interval(period);
        // The first tick comes at once.
        for _ in 0..=ticks {
            interval.tick().await;
        }
    }
}

impl<D: Driver> Sockets for Monoio<D> {
    type Listener = TcpListener;
    type Stream = TcpStream;

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
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
        let (length, buffer) = stream.read(buffer).await;
        (length.expect("the connection is whole"), buffer)
    }

    async fn write(stream: &mut TcpStream, buffer: Vec<u8>, length: usize) -> Vec<u8> {
        let (written, slice) = stream.write_all(buffer.slice(..length)).await;
        written.expect("the connection is whole");
        slice.into_inner()
    }
}

impl<D: Driver> Files for Monoio<D> {
    /// The file, and how far it was read.
    type File = (File, u64);

    async fn read_whole(path: &Path) -> Vec<u8> {
        fs::read(path).await.expect("the file is there")
    }

    async fn open(path: &Path) -> (File, u64) {
        (File::open(path).await.expect("the file is there"), 0)
    }

    async fn read_next((file, position): &mut (File, u64), buffer: Vec<u8>) -> (usize, Vec<u8>) {
        let (length, buffer) = file.read_at(buffer, *position).await;
        let length = length.expect("the file is there");
        *position += length as u64;
        (length, buffer)
    }
}
