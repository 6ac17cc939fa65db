//! glommio.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::io::BufferedFile;
use glommio::net::{TcpListener, TcpStream};
use glommio::timer::Timer;
use glommio::{LocalExecutor, Task};

use crate::runtime::{Files, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

pub struct Glommio;

pub fn all() -> Vec<Workload> {
    [
        workloads::tasks::<Glommio>(),
        workloads::with_timers::<Glommio>(),
        workloads::with_sockets::<Glommio>(),
        workloads::with_files::<Glommio>(),
    ]
    .concat()
}

impl Runtime for Glommio {
    const NAME: &'static str = "glommio";
    type Join<T: 'static> = Task<T>;

    fn block_on<F: Future>(future: F) -> F::Output {
        LocalExecutor::default().run(future)
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        glommio::spawn_local(future)
    }
}

impl Timers for Glommio {
    fn sleep(duration: Duration) -> impl Future + 'static {
        Timer::new(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut deadline = Instant::now() + period;
        let mut timer = Timer::new(period);
        for _ in 1..ticks {
            (&mut timer).await;
            deadline += period;
            timer.reset(deadline.saturating_duration_since(Instant::now()));
        }
        timer.await;
    }
}

impl Sockets for Glommio {
    type Listener = TcpListener;
    type Stream = TcpStream;

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        let stream = listener.accept().await.expect("a connection comes");
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

impl Files for Glommio {
    /// The file, and how far it was read.
    type File = (BufferedFile, u64);

    async fn read_whole(path: &Path) -> Vec<u8> {
        let file = BufferedFile::open(path).await.expect("the file is there");
        let size = file.file_size().await.expect("the file is there");
        let bytes = file.read_at(0, size as usize).await.expect("the file is there");
        file.close().await.expect("nothing was written");
        bytes.to_vec()
    }

    async fn open(path: &Path) -> (BufferedFile, u64) {
        (BufferedFile::open(path).await.expect("the file is there"), 0)
    }

    /// glommio brings buffers of its own. A program would use them as they are, so nothing
    /// but the beginning, which is checked, is copied.
    async fn read_next(
        (file, position): &mut (BufferedFile, u64),
        mut buffer: Vec<u8>,
    ) -> (usize, Vec<u8>) {
        let bytes = file.read_at(*position, buffer.len()).await.expect("the file is there");
        *position += bytes.len() as u64;
        let beginning = bytes.len().min(8);
        buffer[..beginning].copy_from_slice(&bytes[..beginning]);
        (bytes.len(), buffer)
    }
}
