//! smol: async-executor's `LocalExecutor`, async-io's timers and sockets, blocking's files.

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use smol::fs::{self, File};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::stream::StreamExt;
use smol::{LocalExecutor, Task, Timer};

use crate::runtime::{Files, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Smol;

pub fn all() -> Vec<Workload> {
    [
        workloads::tasks::<Smol>(),
        workloads::with_timers::<Smol>(),
        workloads::with_sockets::<Smol>(),
        workloads::with_files::<Smol>(),
    ]
    .concat()
}

thread_local! {
    /// smol's executors are values; a program keeps its own where the tasks find it.
    static EXECUTOR: RefCell<Rc<LocalExecutor<'static>>> = RefCell::default();
}

impl Runtime for Smol {
    const NAME: &'static str = "smol";
    type Join<T: 'static> = Task<T>;

    fn block_on<F: Future>(future: F) -> F::Output {
        let executor = Rc::new(LocalExecutor::new());
        EXECUTOR.set(Rc::clone(&executor));
        let output = smol::block_on(executor.run(future));
        EXECUTOR.take();
        output
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        EXECUTOR.with_borrow(|executor| executor.spawn(future))
    }
}

impl Timers for Smol {
    fn sleep(duration: Duration) -> impl Future + 'static {
        Timer::after(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut interval = Timer::interval(period);
        for _ in 0..ticks {
            interval.next().await;
        }
    }
}

impl Sockets for Smol {
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

impl Files for Smol {
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
