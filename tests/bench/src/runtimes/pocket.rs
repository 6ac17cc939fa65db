//! The pocket executor: the last of the steps (`examples/steps/step_8.rs`), the plain design
//! in one file. What it costs against `executor/` answers why that one is longer.
//!
//! Left out, since step 8 does not offer it: files that are open (so the rows of files are
//! missing; the trait wants a whole read and single ones). Made up for: an interval is a new
//! sleep for each tick, and an accepted connection keeps Nagle's delay, which needs two
//! answers in a row to show; the workloads send one for each question.

use std::future::Future;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::runtime::{Joined, Runtime, Sockets, Timers};
use crate::workload::Workload;
use crate::workloads;

// Its program, and what the workloads have no use for.
#[allow(dead_code)]
#[path = "../../../../examples/steps/step_8.rs"]
mod step_8;

use step_8::{Async, JoinHandle};

pub struct Pocket;

pub fn all() -> Vec<Workload> {
    let mut all = [
        workloads::tasks::<Pocket>(),
        workloads::with_timers::<Pocket>(),
        workloads::with_sockets::<Pocket>(),
    ]
    .concat();
    // A turn for each operation, and system calls in each turn: a tenth is enough.
    for workload in all.iter_mut().filter(|workload| TURN_BY_TURN.contains(&workload.name)) {
        workload.operations /= 10;
    }
    all
}

const TURN_BY_TURN: [&str; 4] =
    ["yield1", "yield1_listening", "ping_pong", "ping_pong_async_channel"];

impl Runtime for Pocket {
    const NAME: &'static str = "pocket";
    type Join<T: 'static> = Joined<JoinHandle<T>>;

    fn block_on<F: Future>(future: F) -> F::Output {
        step_8::block_on(future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Joined(step_8::spawn(future))
    }
}

impl Timers for Pocket {
    fn sleep(duration: Duration) -> impl Future + 'static {
        step_8::sleep(duration)
    }

    async fn tick(period: Duration, ticks: u64) {
        let mut next = Instant::now();
        for _ in 0..ticks {
            next += period;
            step_8::sleep(next.saturating_duration_since(Instant::now())).await;
        }
    }
}

impl Sockets for Pocket {
    type Listener = Async<TcpListener>;
    type Stream = Async<TcpStream>;

    async fn listen() -> (Async<TcpListener>, SocketAddr) {
        let listener = Async::bind().expect("a port is free");
        let address = listener.address().expect("it is bound");
        (listener, address)
    }

    async fn accept(listener: &Async<TcpListener>) -> Async<TcpStream> {
        listener.accept().await.expect("a connection comes")
    }

    async fn connect(address: SocketAddr) -> Async<TcpStream> {
        // As `Async::connect` does it; but that one gives no way to the socket's options.
        let stream = step_8::unblock(move || TcpStream::connect(address)).await;
        let stream = stream.expect("the listener is there");
        stream.set_nodelay(true).expect("the system allows it");
        Async::stream(stream).expect("the poller takes it")
    }

    async fn read(stream: &mut Async<TcpStream>, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        let length = stream.read(&mut buffer).await.expect("the connection is whole");
        (length, buffer)
    }

    async fn write(stream: &mut Async<TcpStream>, buffer: Vec<u8>, length: usize) -> Vec<u8> {
        stream.write_all(&buffer[..length]).await.expect("the connection is whole");
        buffer
    }
}
