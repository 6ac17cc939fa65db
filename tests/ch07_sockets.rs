//! Chapter 7: sockets. What a descriptor promises, and what the reactor promises to the
//! tasks that wait for a descriptor.
//!
//! All peers run on the same loop, so virtual time is enough: it never jumps over bytes
//! that are on their way.
//!
//! 73 · `ECONNABORTED`, and every other error that only a failing system gives, is in
//! `system_faults.rs`: here, Linux returns a connection that was reset before `accept`,
//! and the first read reports the reset.

mod support;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt, future};
use glassloop::net::{TcpListener, TcpStream, UdpSocket};
use glassloop::{Async, join_all, sleep, spawn, stats, timeout, yield_now};
use support::sockets::{StdStream, Stream, impl_pollable, pair, std_pair};
use support::{
    Log, WakeCount, on_loop, on_virtual_loop, panic_text, poll_once, poll_with, turns,
    virtual_executor, within_limit,
};

const SECOND: Duration = Duration::from_secs(1);

/// Both ends of a TCP connection.
async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = future::zip(TcpStream::connect(address), listener.accept()).await;
    (near.unwrap(), far.unwrap().0)
}

/// Both ends of a Unix stream, as descriptors of the loop.
fn async_pair() -> (Async<StdStream>, Async<StdStream>) {
    let (near, far) = std_pair();
    (Async::new(near).unwrap(), Async::new(far).unwrap())
}

/// Writes until the system takes no more; returns how many bytes it took.
fn fill(mut stream: &StdStream) -> usize {
    let mut total = 0;
    loop {
        match stream.write(&[b'x'; 4096]) {
            Ok(count) => total += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return total;
            }
        }
    }
}

/// 66 · as in asyncio. Breaks when the address of a port that the system chose is not
/// the one to connect to.
#[test]
fn what_one_end_of_a_connection_writes_the_other_end_reads() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = tcp_pair().await;
        assert_eq!(near.peer_addr().unwrap(), far.local_addr().unwrap());
        near.write_all(b"ping").await.unwrap();
        let mut bytes = [0; 4];
        far.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ping");
        far.write_all(b"pong").await.unwrap();
        near.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"pong");
    });
}

/// 66 · as in asyncio. Breaks when a write that the system took in part only is not
/// continued, or does not wait.
#[test]
fn a_megabyte_arrives_whole_and_in_order() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = tcp_pair().await;
        let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writer = spawn(async move {
            near.write_all(&sent).await.unwrap();
            near.close().await.unwrap();
        });
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        assert!(received == expected, "{} bytes came, not the ones sent", received.len());
        writer.await.unwrap();
    });
}

/// 66 · as in asyncio. Breaks when `close` ends both directions.
#[test]
fn a_half_closed_stream_can_still_read() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = tcp_pair().await;
        near.write_all(b"question").await.unwrap();
        near.close().await.unwrap();
        let mut question = String::new();
        far.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "question", "the end of one direction is read as the end");
        far.write_all(b"answer").await.unwrap();
        drop(far);
        let mut answer = String::new();
        near.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer", "the other direction was still open");
    });
}

/// 66 · as in asyncio. Breaks when the end is an event that is reported once: the
/// second read would wait for ever.
#[test]
fn at_the_end_every_read_gives_zero_again_and_again() {
    on_virtual_loop(|| async {
        let (tcp, tcp_peer) = tcp_pair().await;
        let (other, other_peer) = pair();
        drop((tcp_peer, other_peer));
        for _ in 0..3 {
            assert_eq!((&tcp).read(&mut [0; 8]).await.unwrap(), 0);
            assert_eq!((&other).read(&mut [0; 8]).await.unwrap(), 0);
        }
    });
}

/// 66 · as in asyncio. Breaks when an error event wakes no task: the reader would wait for
/// ever. Only the first read can report the reset, since the system forgets it.
#[test]
fn a_reset_is_an_error_once_and_then_the_end() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = tcp_pair().await;
        near.write_all(b"ab").await.unwrap();
        let reader = spawn(async move {
            let first = near.read(&mut [0; 8]).await.map_err(|error| error.kind());
            let second = near.read(&mut [0; 8]).await.map_err(|error| error.kind());
            (first, second)
        });
        // Closing a socket that has unread bytes resets the connection.
        far.read_exact(&mut [0]).await.unwrap();
        drop(far);
        assert_eq!(reader.await.unwrap(), (Err(ErrorKind::ConnectionReset), Ok(0)));
    });
}

/// 66 · as in asyncio, where closing never fails. Breaks when a close shuts the connection
/// down, and reports an error because the peer has left already.
#[test]
fn closing_a_connection_that_the_peer_has_reset_is_no_error() {
    on_virtual_loop(|| async {
        let (mut near, far) = tcp_pair().await;
        near.write_all(b"nobody reads this").await.unwrap();
        drop(far);
        assert!(near.read(&mut [0]).await.is_err(), "the reset has arrived");
        near.close().await.unwrap();
    });
}

/// 66 · as in asyncio. Breaks when the result of a connect that did not succeed at
/// once is not checked.
#[test]
fn a_connect_to_nobody_is_refused() {
    on_virtual_loop(|| async {
        // The port of a connected socket is taken, and nobody listens there.
        let (near, _far) = tcp_pair().await;
        let error = TcpStream::connect(near.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

/// 66 · The same for a path.
#[cfg(unix)]
#[test]
fn a_connect_to_a_unix_listener_that_is_gone_is_refused() {
    use glassloop::net::{UnixListener, UnixStream};

    on_virtual_loop(|| async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[cfg(not(windows))]
fn is_after_the_end(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

/// `WSAESHUTDOWN`, to which the standard library gives no kind.
#[cfg(windows)]
fn is_after_the_end(error: &io::Error) -> bool {
    error.raw_os_error() == Some(10058)
}

/// 66 · as in asyncio. Breaks when the process does not ignore `SIGPIPE`: this test
/// would not fail, the whole run would be gone.
#[test]
fn a_write_after_the_close_is_a_broken_pipe_and_no_signal() {
    on_virtual_loop(|| async {
        let (mut near, _far) = tcp_pair().await;
        near.close().await.unwrap();
        let error = near.write(b"late").await.unwrap_err();
        assert!(is_after_the_end(&error), "we have closed it ourselves: {error}");
    });
}

/// 66 · The same for a peer that is gone. TCP learns of it only by the answer to a write.
#[cfg(unix)]
#[test]
fn a_write_to_a_unix_stream_whose_peer_is_gone_is_a_broken_pipe_and_no_signal() {
    on_virtual_loop(|| async {
        let (mut near, far) = pair();
        drop(far);
        let error = near.write(b"late").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "the peer has closed the connection");
    });
}

/// 66 · as in asyncio's `start_server`. Breaks when the listener accepts one
/// connection per event and forgets the others.
#[test]
fn a_listener_accepts_all_connections_that_came_at_once() {
    on_virtual_loop(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clients = join_all((0..10).map(|_| TcpStream::connect(address))).await;
        let mut expected: Vec<_> =
            clients.iter().map(|client| client.as_ref().unwrap().local_addr().unwrap()).collect();
        let accepted: Vec<_> = listener.incoming().take(10).collect().await;
        let mut peers: Vec<_> =
            accepted.iter().map(|stream| stream.as_ref().unwrap().peer_addr().unwrap()).collect();
        expected.sort();
        peers.sort();
        assert_eq!(peers, expected);
    });
}

/// 66 · as in asyncio. Breaks when datagrams are treated like a stream.
#[test]
fn a_datagram_keeps_its_boundaries_and_says_where_it_came_from() {
    on_virtual_loop(|| async {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (near_address, far_address) = (near.local_addr().unwrap(), far.local_addr().unwrap());
        near.send_to(b"one", far_address).await.unwrap();
        near.send_to(b"three", far_address).await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(far.recv_from(&mut buffer).await.unwrap(), (3, near_address));
        assert_eq!(far.recv_from(&mut buffer).await.unwrap(), (5, near_address));
        near.connect(far_address).await.unwrap();
        far.connect(near_address).await.unwrap();
        far.send(b"back").await.unwrap();
        assert_eq!(near.recv(&mut buffer).await.unwrap(), 4);
    });
}

/// 67 · as in asyncio. Breaks when a descriptor can keep only one waiting task.
#[test]
fn two_tasks_may_use_the_two_directions_of_one_stream_at_once() {
    on_virtual_loop(|| async {
        let (near, far) = tcp_pair().await;
        let near = Rc::new(near);
        let (reading, writing) = (near.clone(), near);
        let reader = spawn(async move {
            let mut bytes = vec![0; 300_000];
            (&*reading).read_exact(&mut bytes).await.map(|()| bytes.len())
        });
        let writer = spawn(async move { (&*writing).write_all(&vec![1; 300_000]).await });
        // The peer sends first, so that both directions are full for a while.
        (&far).write_all(&vec![2; 300_000]).await.unwrap();
        (&far).read_exact(&mut vec![0; 300_000]).await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), 300_000);
        writer.await.unwrap().unwrap();
    });
}

/// 67 · deliberately not as in asyncio, which has one reader per descriptor. Breaks
/// when the second task's waker replaces that of the first task.
#[test]
fn two_tasks_that_wait_for_the_same_direction_are_both_woken() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let far = Rc::new(far);
        let readers = [(), ()].map(|()| {
            let far = far.clone();
            spawn(async move {
                let mut byte = [0];
                far.read_with(|mut io: &StdStream| io.read(&mut byte)).await.unwrap();
                byte[0]
            })
        });
        yield_now().await;
        near.get_ref().write_all(b"ab").unwrap();
        // The limit is there for the loop: without a timer it would take a lost wake for a
        // deadlock, poll everybody once more, and so repair what is to be seen.
        let bytes = timeout(SECOND, join_all(readers)).await.expect("both are woken");
        let bytes = bytes.into_iter().map(Result::unwrap);
        let mut bytes: Vec<u8> = bytes.collect();
        bytes.sort();
        assert_eq!(bytes, b"ab", "each of them has read one byte");
    });
}

/// 67 · deliberately not as in asyncio, which has one reader per descriptor. Breaks
/// when `poll_read` keeps one waker per descriptor.
#[test]
fn two_tasks_in_read_on_the_same_stream_are_both_woken() {
    on_virtual_loop(|| async {
        let (near, far) = pair();
        let far = Rc::new(far);
        let readers = [(), ()].map(|()| {
            let far = far.clone();
            spawn(async move {
                let mut byte = [0];
                (&*far).read_exact(&mut byte).await.unwrap();
                byte[0]
            })
        });
        yield_now().await;
        (&near).write_all(b"ab").await.unwrap();
        // The limit is there for the loop: without a timer it would take a lost wake for a
        // deadlock, poll everybody once more, and so repair what is to be seen.
        let bytes = timeout(SECOND, join_all(readers)).await.expect("both are woken");
        let bytes = bytes.into_iter().map(Result::unwrap);
        let mut bytes: Vec<u8> = bytes.collect();
        bytes.sort();
        assert_eq!(bytes, b"ab", "each of them has read one byte");
    });
}

/// 68 · as in asyncio. Breaks when the registration is replaced instead of extended.
#[test]
fn waiting_to_write_does_not_end_the_wait_to_read() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let (log, far) = (Log::new(), Rc::new(far));
        let (reading, read) = (far.clone(), log.clone());
        let reader = spawn(async move {
            reading.readable().await.unwrap();
            read.add("readable");
        });
        yield_now().await;
        far.writable().await.unwrap();
        log.add("writable");
        near.get_ref().write_all(b"x").unwrap();
        reader.await.unwrap();
        assert_eq!(log.take(), ["writable", "readable"]);
    });
}

/// 68 · as in asyncio. Breaks when the registration is replaced instead of extended.
#[test]
fn waiting_to_read_does_not_end_the_wait_to_write() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let (log, far) = (Log::new(), Rc::new(far));
        let filled = fill(far.get_ref());
        let (writing, written) = (far.clone(), log.clone());
        let writer = spawn(async move {
            writing.writable().await.unwrap();
            written.add("writable");
        });
        yield_now().await;
        near.get_ref().write_all(b"x").unwrap();
        far.readable().await.unwrap();
        log.add("readable");
        near.get_ref().read_exact(&mut vec![0; filled]).unwrap();
        writer.await.unwrap();
        assert_eq!(log.take(), ["readable", "writable"]);
    });
}

/// 68 · as in asyncio, where a reader stays registered. Breaks when the interest is taken
/// back at every event, or set though it is set: each wait would cost a system call.
#[test]
fn who_waits_again_for_a_descriptor_finds_the_interest_still_set() {
    on_virtual_loop(|| async {
        let (writes, _far) = Buffered::pair();
        assert!(poll_once(&mut writes.writable()).await.is_pending());
        let asked = writes.get_ref().asked.get();
        writes.writable().await.unwrap();
        writes.writable().await.unwrap();
        assert_eq!(writes.get_ref().asked.get(), asked, "it waits to write as before");

        let (reads, mut far) = Buffered::pair();
        let read = || Box::pin(reads.read_with(|inside| (&inside.socket).read(&mut [0])));
        let (mut first, mut second) = (read(), read());
        assert!(poll_once(&mut first).await.is_pending());
        let asked = reads.get_ref().asked.get();
        far.write_all(b"1").unwrap();
        assert_eq!(first.await.unwrap(), 1);
        assert!(poll_once(&mut second).await.is_pending());
        assert_eq!(reads.get_ref().asked.get(), asked, "it waits to read as before");
    });
}

/// 69 · as in asyncio. Breaks when the loop does not notice that no interest is left: it
/// would poll for I/O again and again, although there is no descriptor to wait for.
#[test]
fn a_loop_whose_last_descriptor_is_gone_asks_the_system_no_more() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        assert!(timeout(SECOND, far.readable()).await.is_err());
        assert!(stats().io_polls > 0, "until now the loop had to poll for I/O");
        drop((near, far));
        let before = stats().io_polls;
        for _ in 0..10 {
            sleep(SECOND).await;
        }
        assert_eq!(stats().io_polls, before);
    });
}

/// Breaks when the events of `stats` do not change, or count the polls for I/O.
#[test]
fn the_loop_counts_the_events_that_the_system_reports() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let before = stats().events;
        for n in 1..=3 {
            let mut wait = far.readable();
            assert!(poll_once(&mut wait).await.is_pending());
            near.get_ref().write_all(b"x").unwrap();
            wait.await.unwrap();
            far.get_ref().read_exact(&mut [0]).unwrap();
            assert_eq!(stats().events - before, n, "one event for one byte");
        }
    });
}

/// 69 · as in asyncio. Breaks when an event makes the descriptor "not ready" again,
/// though only a part of the bytes was read.
#[test]
fn a_descriptor_stays_ready_until_a_read_would_block() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        near.get_ref().write_all(b"abc").unwrap();
        let mut seen = Vec::new();
        for _ in 0..3 {
            far.readable().await.unwrap();
            let mut byte = [0];
            far.get_ref().read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        assert_eq!(seen, b"abc", "one write, three times readable");
        assert!(timeout(SECOND, far.readable()).await.is_err(), "now a read would block");
    });
}

/// 69 · as in asyncio's transports, but not its `add_reader`, which calls back for
/// ever. Breaks when a level-triggered interest stays armed.
#[test]
fn nothing_spins_on_a_ready_descriptor_that_nobody_reads() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        near.get_ref().write_all(b"unread").unwrap();
        far.readable().await.unwrap();
        let before = stats().events;
        for _ in 0..1000 {
            sleep(SECOND).await;
        }
        let events = stats().events - before;
        assert!(events <= 1, "{events} reports on a descriptor that no task waits for");
    });
}

/// 69 · as in asyncio. Breaks when the hang-up of a peer, which cannot be masked, is
/// reported at every poll for I/O.
#[test]
fn nothing_spins_on_a_peer_that_has_hung_up() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        assert!(timeout(SECOND, far.readable()).await.is_err());
        drop(near);
        // A task waits for another descriptor, so the loop keeps polling for I/O.
        let (_silent, awaited) = async_pair();
        drop(spawn(async move { awaited.readable().await }));
        let before = stats().events;
        for _ in 0..1000 {
            sleep(SECOND).await;
        }
        let events = stats().events - before;
        assert!(events <= 2, "{events} reports on a descriptor that no task waits for");
        far.readable().await.unwrap();
    });
}

/// 70 · as in asyncio. The futures borrow or own the stream, so the stream cannot be dropped
/// before them; a task that is aborted drops both. Breaks when the reactor keeps the
/// descriptor open.
#[test]
fn aborting_a_task_that_waits_on_a_stream_closes_the_stream() {
    on_virtual_loop(|| async {
        let (near, mut far) = tcp_pair().await;
        let task = spawn(async move { (&near).read(&mut [0]).await });
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "the peer sees the end");
    });
}

/// 70 · as in asyncio's `Transport.close`. Breaks when the hang-up wakes no task.
#[test]
fn shutting_a_stream_down_ends_the_read_that_waits_for_it() {
    on_virtual_loop(|| async {
        let (near, _far) = tcp_pair().await;
        let near = Rc::new(near);
        let reading = near.clone();
        let task = spawn(async move { (&*reading).read(&mut [0]).await });
        yield_now().await;
        near.shutdown(Shutdown::Both).unwrap();
        assert_eq!(task.await.unwrap().unwrap(), 0);
    });
}

/// 70 · as in asyncio's `Transport.close`, which calls back by itself. Breaks when the wake is
/// left to an event: not every system reports what this end has done itself.
#[test]
fn a_shutdown_wakes_all_that_wait_for_that_half_and_needs_no_event() {
    async fn wakes_all<S>(near: S, shutdown: impl Fn(&S, Shutdown) -> io::Result<()>)
    where
        S: AsyncRead + AsyncWrite + Clone + Unpin + 'static,
    {
        let read = |mut near: S| async move { near.read(&mut [0]).await };
        let readers: Vec<_> = (0..3).map(|_| spawn(read(near.clone()))).collect();
        let write = |mut near: S| async move {
            loop {
                if let Err(error) = near.write_all(&[0; 10_000]).await {
                    return error;
                }
            }
        };
        let writers: Vec<_> = (0..3).map(|_| spawn(write(near.clone()))).collect();
        sleep(SECOND).await; // until the system takes no more
        shutdown(&near, Shutdown::Read).unwrap();
        turns(2).await;
        for reader in readers {
            assert!(reader.is_finished(), "a turn after the shutdown");
            assert_eq!(reader.await.unwrap().unwrap(), 0);
        }
        assert!(writers.iter().all(|writer| !writer.is_finished()), "the other half is open");
        shutdown(&near, Shutdown::Write).unwrap();
        turns(2).await;
        for writer in writers {
            assert!(writer.is_finished(), "a turn after the shutdown");
            let _error: io::Error = writer.await.unwrap();
        }
    }

    on_virtual_loop(|| async {
        let (near, _far) = tcp_pair().await;
        wakes_all(near, TcpStream::shutdown).await;
        let (near, _far) = pair();
        wakes_all(near, Stream::shutdown).await;
    });
}

thread_local! {
    /// Sockets that a waker of another crate can reach.
    static WITHIN_REACH: RefCell<Vec<Stream>> = const { RefCell::new(Vec::new()) };
    /// How often such a waker was woken.
    static WAKES: Cell<usize> = const { Cell::new(0) };
}

/// A waker of another crate that drops the sockets within reach when it is woken.
struct DropsSockets;

impl Wake for DropsSockets {
    fn wake(self: Arc<Self>) {
        WAKES.set(WAKES.get() + 1);
        WITHIN_REACH.take();
    }
}

/// Lets a waker of another crate wait to read.
fn wait_to_read(mut stream: &Stream, waker: Arc<impl Wake + Send + Sync + 'static>) {
    let waker = Waker::from(waker);
    let poll = Pin::new(&mut stream).poll_read(&mut Context::from_waker(&waker), &mut [0]);
    assert!(poll.is_pending(), "nothing has been written yet");
}

/// 72 · as in asyncio, where it takes a check of `handle._cancelled`. Breaks when the
/// batch holds references to sockets, or when the map is borrowed while it wakes.
#[test]
fn an_event_for_a_socket_that_was_dropped_in_the_same_batch_is_ignored() {
    on_virtual_loop(|| async {
        let (near, far): (Vec<_>, Vec<_>) = (0..5).map(|_| pair()).unzip();
        far.iter().for_each(|far| wait_to_read(far, Arc::new(DropsSockets)));
        WITHIN_REACH.set(far);
        for near in &near {
            (&*near).write_all(b"x").await.unwrap();
        }
        sleep(SECOND).await;
        assert_eq!(WAKES.get(), 1, "the first one woken has dropped all five");
    });
}

/// A waker of another crate that replaces the old sockets by new ones.
struct ReplacesSockets(Arc<WakeCount>);

impl Wake for ReplacesSockets {
    fn wake(self: Arc<Self>) {
        WAKES.set(WAKES.get() + 1);
        drop(WITHIN_REACH.take());
        // The system gives out the lowest free number: that of an old socket.
        let (near, far): (Vec<_>, Vec<_>) = (0..3).map(|_| pair()).unzip();
        near.iter().chain(&far).for_each(|new| wait_to_read(new, self.0.clone()));
        WITHIN_REACH.set(near.into_iter().chain(far).collect());
    }
}

/// 70 · as in asyncio. Breaks when sources are found by the descriptor's number, which
/// the system gives out again at once.
#[test]
fn a_new_descriptor_with_an_old_number_gets_no_old_event() {
    on_virtual_loop(|| async {
        let (woken_wrongly, _) = WakeCount::new();
        let (near, far): (Vec<_>, Vec<_>) = (0..5).map(|_| pair()).unzip();
        let replaces = Arc::new(ReplacesSockets(woken_wrongly.clone()));
        far.iter().for_each(|far| wait_to_read(far, replaces.clone()));
        WITHIN_REACH.set(far);
        for near in &near {
            (&*near).write_all(b"x").await.unwrap();
        }
        sleep(SECOND).await;
        assert_eq!(WAKES.get(), 1, "the first one woken has dropped all five");
        assert_eq!(woken_wrongly.wakes(), 0, "nothing was written to the new sockets");
        WITHIN_REACH.take();
    });
}

/// 71 · as in asyncio. Breaks when a wait that was dropped stays in the list of wakers.
#[test]
fn a_wait_that_is_dropped_leaves_no_waker_behind() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let (count, waker) = WakeCount::new();
        let mut wait = far.readable();
        assert!(poll_with(&mut wait, &waker).is_pending());
        assert_eq!(Arc::strong_count(&count), 3, "the wait keeps a waker");
        drop(wait);
        assert_eq!(Arc::strong_count(&count), 2, "a dropped wait drops its waker");
        near.get_ref().write_all(b"x").unwrap();
        sleep(SECOND).await;
        assert_eq!(count.wakes(), 0, "the wait was dropped, and must not be woken");
    });
}

/// 71 · no counterpart in asyncio. Breaks when only the newest of several polls of the
/// same wait takes its waker away again.
#[test]
fn only_the_newest_waker_of_a_wait_is_kept_and_woken() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let (old, old_waker) = WakeCount::new();
        let (new, new_waker) = WakeCount::new();
        let mut wait = far.readable();
        assert!(poll_with(&mut wait, &old_waker).is_pending());
        assert!(poll_with(&mut wait, &new_waker).is_pending());
        near.get_ref().write_all(b"x").unwrap();
        sleep(SECOND).await;
        assert_eq!((old.wakes(), new.wakes()), (0, 1));
        assert!(poll_once(&mut wait).await.is_ready());
    });
}

/// 71 · asyncio would sleep for ever. Breaks when the wait stays registered: the loop
/// would believe that the descriptor is still awaited.
#[test]
fn a_wait_that_timed_out_or_was_aborted_leaves_no_registration_behind() {
    within_limit(|| {
        let text = panic_text(|| {
            virtual_executor().block_on(async {
                let (_near, far) = async_pair();
                let far = Rc::new(far);
                assert!(timeout(SECOND, far.readable()).await.is_err());
                let waiting = far.clone();
                let task = spawn(async move { waiting.readable().await });
                yield_now().await;
                task.abort();
                assert!(task.await.is_err());
                pending::<()>().await;
            });
        });
        assert!(text.contains("deadlock"), "no descriptor is awaited, so nothing can come: {text}");
    });
}

/// 71 · has no counterpart in asyncio, whose streams keep no waker. A trait's
/// `poll_read` cannot say that it waits no longer, so one waker per task may stay with
/// the socket until the next event. Breaks when each read that is given up leaves one.
#[test]
fn reads_that_were_given_up_leave_one_waker_at_most_and_the_next_event_takes_it() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = pair();
        let (count, waker) = WakeCount::new();
        let owners = Arc::strong_count(&count);
        for _ in 0..10 {
            assert!(poll_with(&mut far.read(&mut [0]), &waker).is_pending());
        }
        assert_eq!(Arc::strong_count(&count), owners + 1, "one waker, however many reads");
        near.write_all(b"x").await.unwrap();
        sleep(SECOND).await;
        assert_eq!((Arc::strong_count(&count), count.wakes()), (owners, 1));
    });
}

/// 71 · has no counterpart in asyncio, where one task at a time may read. Breaks when the
/// bound on the wakers of combinators counts the wakers of tasks, too: a hundred tasks
/// would wake each other for ever.
#[test]
fn any_number_of_tasks_may_wait_to_read_one_stream_and_none_wakes_another() {
    on_virtual_loop(|| async {
        let (near, far) = pair();
        let read = |mut far: Stream| async move { far.read(&mut [0]).await };
        let tasks: Vec<_> = (0..100).map(|_| spawn(read(far.clone()))).collect();
        yield_now().await;
        let before = stats().polls;
        turns(5).await;
        assert_eq!(stats().polls - before, 5, "only the root is polled");
        drop(near);
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), 0, "all of them are woken by the end");
        }
    });
}

/// 71 · has no counterpart in asyncio. A waker that is not of a task of this crate may
/// belong to any executor, so each must be woken before it is dropped. Breaks when one of
/// the 64 is not.
#[test]
fn a_stream_keeps_64_wakers_of_combinators_and_wakes_the_oldest_for_one_more() {
    on_virtual_loop(|| async {
        let (_near, mut far) = pair();
        let wakers: Vec<_> = (0..65).map(|_| WakeCount::new()).collect();
        let mut wakes = Vec::new();
        for (_, waker) in &wakers {
            assert!(poll_with(&mut far.read(&mut [0]), waker).is_pending());
            wakes.push(wakers.iter().map(|(count, _)| count.wakes()).sum::<usize>());
        }
        assert_eq!(wakes[63], 0, "64 are kept, and none is woken for nothing");
        assert_eq!(wakes[64], 1, "the 65th waker pushes one waker out");
        assert_eq!(wakers[0].0.wakes(), 1, "the oldest waker is woken, so its task polls again");
    });
}

/// 71 · as in asyncio's `sock_accept`. Breaks when a cancelled accept has taken the
/// connection already.
#[test]
fn an_accept_that_was_cancelled_by_a_timeout_loses_no_connection() {
    on_virtual_loop(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(timeout(SECOND, listener.accept()).await.is_err());
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(&mut accept).await.is_pending());
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        // By now the event has come, and the task that waits is woken, but not polled.
        drop(accept);
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

/// 71 · as in asyncio. Breaks when a cancelled read has taken bytes already.
#[test]
fn a_read_that_was_cancelled_by_a_timeout_loses_no_byte() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = pair();
        assert!(timeout(SECOND, far.read(&mut [0; 8])).await.is_err());
        near.write_all(b"abc").await.unwrap();
        let mut bytes = [0; 3];
        far.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"abc");
    });
}

/// 73 · as in asyncio. Breaks when an operation that a signal interrupted is reported
/// as failed.
#[test]
fn an_operation_that_a_signal_interrupts_is_tried_again() {
    on_virtual_loop(|| async {
        let (_near, far) = async_pair();
        let mut tries = 0;
        let result = far.read_with(|_| {
            tries += 1;
            match tries {
                3 => Ok("done"),
                _ => Err(io::Error::from(ErrorKind::Interrupted)),
            }
        });
        assert_eq!(result.await.unwrap(), "done");
        assert_eq!(tries, 3);
    });
}

/// 74 · as in asyncio, whose `add_reader` gives the same error. Breaks when the error
/// is taken for "always ready".
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_regular_file_cannot_be_watched() {
    on_virtual_loop(|| async {
        let error = Async::new(tempfile::tempfile().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "the kernel says EPERM: {error}");
        let (_near, far) = async_pair();
        assert!(poll_once(&mut far.readable()).await.is_pending(), "the loop is unharmed");
    });
}

/// 74 · asyncio's `add_reader` puts the new callback into the place of the old one.
/// Breaks when the second registration takes the events of the first.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_descriptor_that_is_registered_twice_is_an_error_and_the_first_goes_on() {
    on_virtual_loop(|| async {
        let (near, far) = std_pair();
        let far = Rc::new(far);
        let first = Async::new(far.clone()).unwrap();
        let error = Async::new(far).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "the kernel says EEXIST: {error}");
        (&near).write_all(b"x").unwrap();
        first.readable().await.expect("the first is still registered");
    });
}

/// A type that can name another descriptor later.
struct Turncoat {
    sockets: [StdStream; 2],
    chosen: Cell<usize>,
}

impl_pollable!(Turncoat, self => &self.sockets[self.chosen.get()]);

/// 70 · no counterpart in asyncio. Ownership keeps a registered descriptor open, as long as
/// the type names the same descriptor each time. Breaks when the loop relies on that: it
/// would change or remove the interest of a descriptor that it has never registered.
#[test]
fn a_type_that_names_another_descriptor_than_at_first_is_refused() {
    on_virtual_loop(|| async {
        let [(near, first), (_, second)] = [(), ()].map(|()| std_pair());
        let turncoat = Turncoat { sockets: [first, second], chosen: Cell::new(0) };
        let turncoat = Async::new(turncoat).unwrap();
        turncoat.get_ref().chosen.set(1);
        let error = turncoat.readable().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        turncoat.get_ref().chosen.set(0);
        (&near).write_all(b"x").unwrap();
        turncoat.readable().await.expect("it names the first descriptor again");
        turncoat.get_ref().chosen.set(1);
        drop(turncoat);
        near.set_nonblocking(true).unwrap();
        let read = (&near).read(&mut [0]).map_err(|error| error.kind());
        assert_ne!(read, Err(ErrorKind::WouldBlock), "the first is closed, too, and not leaked");
    });
}

#[test]
fn a_connect_with_a_limit_connects_or_gives_the_systems_error() {
    on_loop(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect_timeout(address, SECOND * 10).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        drop(listener);
        let refused = TcpStream::connect_timeout(address, SECOND * 10).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let no_time = TcpStream::connect_timeout(address, Duration::ZERO).await.unwrap_err();
        assert_eq!(no_time.kind(), ErrorKind::InvalidInput, "a limit of zero is a mistake");
    });
}

#[test]
fn a_clone_of_a_stream_is_the_same_connection_which_closes_with_the_last() {
    on_loop(|| async {
        let (near, mut far) = pair();
        let (mut writer, mut reader) = (near.clone(), near);
        let reading = spawn(async move {
            let mut text = [0; 4];
            reader.read_exact(&mut text).await.map(|()| text)
        });
        yield_now().await;
        writer.write_all(b"ping").await.unwrap();
        far.read_exact(&mut [0; 4]).await.unwrap();
        far.write_all(b"pong").await.unwrap();
        assert_eq!(&reading.await.unwrap().unwrap(), b"pong", "one clone waits, one writes");
        // The reader's clone is dropped; the connection is still open.
        writer.write_all(b"more").await.unwrap();
        drop(writer);
        let mut rest = String::new();
        far.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "more", "then the end, since the last clone is dropped");
    });
}

/// 66 · as in asyncio (`StreamWriter.write_eof`). Breaks when only TCP's shutdown is real.
#[test]
fn a_stream_that_is_shut_down_ends_for_the_peer() {
    on_virtual_loop(|| async {
        let (near, mut far) = pair();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "the peer reads the end");
        far.write_all(b"x").await.unwrap();
        assert_eq!((&near).read(&mut [0]).await.unwrap(), 1, "the other half is still open");
    });
}

/// 66 · asyncio always sets it. Breaks when the call does not reach the system.
#[test]
fn set_nodelay_reaches_the_socket() {
    on_virtual_loop(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = TcpStream::from_std(socket.try_clone().unwrap()).unwrap();
        for nodelay in [true, false] {
            stream.set_nodelay(nodelay).unwrap();
            assert_eq!(socket.nodelay().unwrap(), nodelay);
        }
    });
}

/// A socket with a buffer of its own, which a flush empties. It counts the calls that ask
/// for its descriptor.
struct Buffered {
    socket: StdStream,
    buffer: RefCell<Vec<u8>>,
    asked: Cell<usize>,
}

impl Buffered {
    fn pair() -> (Async<Buffered>, StdStream) {
        let (near, far) = std_pair();
        let (buffer, asked) = Default::default();
        (Async::new(Buffered { socket: near, buffer, asked }).unwrap(), far)
    }
}

impl_pollable!(Buffered, self => {
    self.asked.set(self.asked.get() + 1);
    &self.socket
});

impl Write for &Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.socket).write_all(&self.buffer.take())
    }
}

/// 66 · as in asyncio, whose transports flush before they close. Breaks when a flush or a
/// close ignores the source's own buffer.
#[test]
fn a_flush_or_a_close_of_async_flushes_the_type_inside() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = Buffered::pair();
        let mut text = [0; 4];
        near.write_all(b"one ").await.unwrap();
        near.flush().await.unwrap();
        far.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"one ");
        near.write_all(b"two ").await.unwrap();
        near.close().await.unwrap();
        far.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"two ", "by the close");
        let mut by_reference = &near;
        by_reference.write_all(b"ref ").await.unwrap();
        by_reference.flush().await.unwrap();
        far.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"ref ");
        by_reference.write_all(b"end ").await.unwrap();
        by_reference.close().await.unwrap();
        far.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"end ");
    });
}

/// The tests that need a process of their own: a low limit of descriptors, or a descriptor
/// that is closed while another value owns it.
#[cfg(target_os = "linux")]
mod in_a_process_of_its_own {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, Ordering};

    use super::*;
    use crate::support::alone::{alone, shell};

    /// 73 · as in asyncio, which logs the error and pauses for a second. Breaks when
    /// an error of `accept` counts as the end of the listener.
    #[test]
    fn too_many_open_files_is_an_error_of_accept_and_the_listener_stays_usable() {
        alone(shell("ulimit -n 40"), || {
            glassloop::block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                let mut hoard = Vec::new();
                while let Ok(file) = std::fs::File::open("/dev/null") {
                    hoard.push(file);
                }
                let too_many = 24;
                for _ in 0..3 {
                    let error = listener.accept().await.unwrap_err();
                    assert_eq!(error.raw_os_error(), Some(too_many), "EMFILE: {error}");
                }
                drop(hoard);
                let (_, peer) = listener.accept().await.expect("the listener is still usable");
                assert_eq!(peer, client.local_addr().unwrap(), "the connection is not lost");
            });
        });
    }

    /// 75 · as in asyncio, where the error comes out of `run`. Breaks when errors of the
    /// poller are ignored: the loop would poll again and again, at full speed.
    #[test]
    fn a_fatal_error_of_the_poller_panics_with_that_error() {
        alone(shell(":"), || {
            let executor = glassloop::Executor::new().unwrap();
            let text = panic_text(|| {
                executor.block_on(async {
                    let (_near, far) = async_pair();
                    let mut wait = far.readable();
                    assert!(poll_once(&mut wait).await.is_pending());
                    close(the_poller());
                    let _ = wait.await;
                });
            });
            // Its end would close the poller again, which std takes for a fault of ours. So
            // it stays for good, where a leak checker sees that it is not lost.
            static KEPT: AtomicPtr<glassloop::Executor> = AtomicPtr::new(ptr::null_mut());
            KEPT.store(Box::into_raw(Box::new(executor)), Ordering::Relaxed);
            assert!(text.contains("poller"), "the text must say what failed: {text}");
            assert!(text.contains("Bad file descriptor"), "it must have the error: {text}");
        });
    }

    /// 70 · asyncio's `add_reader` goes wrong in the same way. Safe code cannot do this.
    /// Breaks when the loop takes the error of one closed descriptor for an error of the poller.
    #[test]
    fn a_descriptor_that_is_closed_under_a_task_harms_only_that_task() {
        alone(shell(":"), || {
            glassloop::block_on(async {
                let (_near, far) = async_pair();
                let mut wait = far.readable();
                assert!(poll_once(&mut wait).await.is_pending());
                close(far.get_ref().as_raw_fd());
                let error = far.writable().await.unwrap_err();
                let bad_descriptor = 9;
                assert_eq!(error.raw_os_error(), Some(bad_descriptor), "EBADF: {error}");
                let (near, mut other) = pair();
                (&near).write_all(b"x").await.unwrap();
                assert_eq!(other.read(&mut [0]).await.unwrap(), 1, "the others still work");
                drop(wait);
                // Its end would close the number again, which std takes for a fault of ours.
                std::mem::forget(far);
            });
        });
    }

    /// 70 · asyncio's selector would raise out of `run`. Breaks when the loop ends because it
    /// cannot take a descriptor from the poller that another value has closed.
    #[test]
    fn a_descriptor_that_is_closed_while_nobody_waits_is_the_error_of_its_next_operation() {
        alone(shell(":"), || {
            glassloop::block_on(async {
                let (mut near, mut far) = async_pair();
                let other = spawn(async {
                    for _ in 0..20 {
                        sleep(Duration::from_millis(1)).await;
                    }
                });
                near.write_all(b"x").await.unwrap();
                far.readable().await.unwrap();
                // Another handle of the same socket: it stays registered, and is ready.
                let _same = far.get_ref().try_clone().unwrap();
                close(far.get_ref().as_raw_fd());
                other.await.expect("another task goes on");
                let bad_descriptor = Some(9);
                let error = far.readable().await.unwrap_err();
                assert_eq!(error.raw_os_error(), bad_descriptor, "EBADF: {error}");
                let error = far.read(&mut [0]).await.unwrap_err();
                assert_eq!(error.raw_os_error(), bad_descriptor, "EBADF: {error}");
                // Its end would close the number again, which std takes for a fault of ours.
                std::mem::forget(far);
            });
        });
    }

    /// The number of the loop's poller.
    fn the_poller() -> RawFd {
        let is_poller = |path: &std::path::Path| {
            std::fs::read_link(path).is_ok_and(|to| to.ends_with("anon_inode:[eventpoll]"))
        };
        let paths = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
        let pollers: Vec<_> = paths.filter(|path| is_poller(path)).collect();
        let [poller] = &pollers[..] else {
            panic!("one loop, one poller, but there are {pollers:?}");
        };
        poller.file_name().unwrap().to_str().unwrap().parse().unwrap()
    }

    /// Closes a descriptor that another value owns.
    fn close(number: RawFd) {
        // SAFETY: The descriptor is open. Another value owns it on purpose: that is the
        // fault that the test injects, in a process that does nothing else.
        #[allow(unsafe_code)]
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
}

/// 70 · no counterpart in asyncio. Breaks when an event that nobody waits for ends the loop, or
/// makes it spin, because its type names another descriptor by then.
#[test]
fn a_type_that_changes_its_descriptor_while_nobody_waits_harms_nobody_else() {
    on_virtual_loop(|| async {
        let [(near, first), (_far, second)] = [(), ()].map(|()| std_pair());
        let turncoat = Turncoat { sockets: [first, second], chosen: Cell::new(0) };
        let turncoat = Async::new(turncoat).unwrap();
        (&near).write_all(b"x").unwrap();
        turncoat.readable().await.unwrap();
        turncoat.get_ref().chosen.set(1);
        let (mut other, mut peer) = pair();
        let before = stats().events;
        for round in 0..20 {
            let echo = spawn({
                let mut peer = peer.clone();
                async move { peer.write_all(&[round]).await }
            });
            let mut byte = [0];
            other.read_exact(&mut byte).await.expect("the other socket goes on");
            assert_eq!(byte, [round]);
            echo.await.unwrap().unwrap();
        }
        peer.close().await.unwrap();
        assert!(stats().events - before < 60, "the loop is told of it again and again");
        let error = turncoat.readable().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "the next operation: {error}");
        turncoat.get_ref().chosen.set(0);
        turncoat.readable().await.expect("it names the first descriptor again");
    });
}

/// 69 · as in asyncio. Breaks when a read of nothing waits until there is something.
#[test]
fn an_empty_read_is_ready_with_zero_at_once_in_every_state() {
    async fn is_ready(reader: &mut (impl AsyncRead + Unpin), state: &str) {
        for _ in 0..40 {
            let read = poll_once(&mut reader.read(&mut [])).await;
            assert!(matches!(read, Poll::Ready(Ok(0))), "{state}: {read:?}");
        }
    }

    async fn in_every_state<S: AsyncRead + AsyncWrite + Unpin>(mut near: S, mut far: S) {
        is_ready(&mut far, "nothing is there").await;
        near.write_all(&[7; 30]).await.unwrap();
        is_ready(&mut far, "bytes are there").await;
        assert_eq!(far.read(&mut [0; 20]).await.unwrap(), 20);
        is_ready(&mut far, "after a read that filled its buffer").await;
        assert_eq!(far.read(&mut [0; 20]).await.unwrap(), 10);
        is_ready(&mut far, "after a short read").await;
        assert!(poll_once(&mut far.read(&mut [0])).await.is_pending());
        is_ready(&mut far, "after a read that had to wait").await;
        near.write_all(&[7; 30]).await.unwrap();
        for _ in 0..16 {
            far.read_exact(&mut [0]).await.unwrap();
        }
        is_ready(&mut far, "after all operations of a poll").await;
        drop(near);
        while far.read(&mut [0]).await.unwrap() > 0 {}
        is_ready(&mut far, "at the end").await;
    }

    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        in_every_state(near, far).await;
        let (near, far) = pair();
        in_every_state(near, far).await;
        let (near, far) = tcp_pair().await;
        in_every_state(near, far).await;
    });
}

/// 69 · as above, for a pipe.
#[cfg(unix)]
#[test]
fn an_empty_read_of_a_pipe_is_ready_with_zero_after_a_short_read() {
    on_virtual_loop(|| async {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut reader = Async::new(reader).unwrap();
        writer.write_all(b"hello").unwrap();
        assert_eq!(reader.read(&mut [0; 9]).await.unwrap(), 5);
        let read = poll_once(&mut reader.read(&mut [])).await;
        assert!(matches!(read, Poll::Ready(Ok(0))), "{read:?}");
    });
}

/// 69 · Breaks when a read that was refused without a try is refused again: a task that polls
/// it again in the same poll would wait for an event that the loop cannot take.
#[test]
fn a_read_that_was_refused_without_a_try_tries_when_it_is_polled_again() {
    on_virtual_loop(|| async {
        let (mut near, far) = std_pair();
        let mut far = Async::new(far).unwrap();
        near.write_all(b"hello").unwrap();
        assert_eq!(far.read(&mut [0; 64]).await.unwrap(), 5);
        near.write_all(b"again").unwrap();
        assert!(poll_once(&mut far.read(&mut [0; 64])).await.is_pending(), "without a try");
        let polled = poll_once(&mut far.read(&mut [0; 64])).await;
        assert!(matches!(polled, Poll::Ready(Ok(5))), "the bytes are there: {polled:?}");
    });
}

/// 69 · Breaks when a read in another executor's poll waits without a try: no event reaches
/// it there.
#[test]
fn an_executor_inside_of_a_task_may_hold_both_ends_of_a_socket() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = async_pair();
        future::block_on(async {
            for round in 0..50 {
                near.write_all(&[round; 5]).await.unwrap();
                let mut bytes = [0; 64];
                assert_eq!(far.read(&mut bytes).await.unwrap(), 5);
                assert_eq!(bytes[..5], [round; 5]);
            }
        });
    });
}

/// Whether a descriptor is non-blocking, which all its duplicates are then.
#[cfg(target_os = "linux")]
fn is_nonblocking(io: &impl std::os::fd::AsFd) -> bool {
    use std::os::fd::AsRawFd;
    let number = io.as_fd().as_raw_fd();
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    i64::from_str_radix(flags, 8).unwrap() & 0o4000 != 0
}

/// 74 · Breaks when a descriptor is changed before it is known whether it can be watched:
/// what shares it, perhaps the terminal of another program, gets `WouldBlock` from then on.
#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_that_is_refused_stays_as_it_was() {
    on_virtual_loop(|| async {
        let file = tempfile::tempfile().unwrap();
        Async::new(file.try_clone().unwrap()).expect_err("a file cannot be watched");
        assert!(!is_nonblocking(&file), "a file");
        let (_near, far) = std_pair();
        let far = Rc::new(far);
        far.set_nonblocking(false).unwrap();
        let first = Async::new(far.clone()).unwrap();
        assert!(is_nonblocking(&far), "what is watched is non-blocking");
        far.set_nonblocking(false).unwrap();
        Async::new(far.clone()).expect_err("registered twice");
        assert!(!is_nonblocking(&far), "a socket");
        drop(first);
    });
    let (_near, far) = std_pair();
    let same = far.try_clone().unwrap();
    panic_text(|| Stream::from_std(far));
    assert!(!is_nonblocking(&same), "a socket that was given to no loop");
}

/// 67 · as in asyncio, where one task accepts. Breaks when an event wakes every task that
/// waits: a connection then costs as much as there are tasks.
#[test]
fn a_connection_wakes_one_of_the_tasks_that_wait_to_accept() {
    on_virtual_loop(|| async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let accepted = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (listener, accepted) = (listener.clone(), accepted.clone());
                spawn(async move {
                    loop {
                        listener.accept().await.unwrap();
                        accepted.set(accepted.get() + 1);
                    }
                })
            })
            .collect();
        yield_now().await;
        let before = stats().polls;
        let mut clients = Vec::new();
        for count in 1..=50 {
            clients.push(std::net::TcpStream::connect(address).unwrap());
            while accepted.get() < count {
                yield_now().await;
            }
        }
        let polls = stats().polls - before;
        assert!(polls < 50 * 100, "{polls} polls for 50 connections");
        assert!(tasks.iter().all(|task| !task.is_finished()));
    });
}

/// 67 · Breaks when the task that an event has woken is dropped, and takes the event along.
#[test]
fn an_event_is_not_lost_with_the_task_that_it_woke() {
    on_virtual_loop(|| async {
        let (near, far) = async_pair();
        let far = Rc::new(far);
        let read = |far: Rc<Async<StdStream>>| async move {
            far.read_with(|mut io: &StdStream| io.read(&mut [0])).await
        };
        let mut tasks: Vec<_> = (0..5).map(|_| spawn(read(far.clone()))).collect();
        yield_now().await;
        near.get_ref().write_all(b"x").unwrap();
        let mut events = stats().events;
        for woken in &tasks[..4] {
            // The root is in the run queue before the task that the event wakes. On a slow
            // machine, each turn has an event: none may be missed.
            while stats().events == events {
                yield_now().await;
            }
            events = stats().events;
            woken.abort();
        }
        for aborted in tasks.drain(..4) {
            assert!(aborted.await.unwrap_err().is_cancelled(), "aborted before its turn");
        }
        let last = timeout(SECOND, tasks.remove(0)).await.expect("the event is not lost");
        assert_eq!(last.unwrap().unwrap(), 1);
    });
}

/// How often another task had a turn while `work` ran.
async fn turns_of_others_during<T>(work: impl Future<Output = T>) -> usize {
    let turns = Rc::new(Cell::new(0));
    let counted = turns.clone();
    let other = spawn(async move {
        loop {
            counted.set(counted.get() + 1);
            yield_now().await;
        }
    });
    work.await;
    other.abort();
    turns.get()
}

/// 21 · Breaks when a task is polled on as long as its descriptors are ready.
#[test]
fn a_task_whose_socket_is_always_ready_does_not_keep_the_loop_to_itself() {
    on_virtual_loop(async || {
        let (near, mut far) = async_pair();
        near.get_ref().write_all(&[7; 100]).unwrap();
        let by_poll_read = turns_of_others_during(async {
            for _ in 0..50 {
                far.read_exact(&mut [0]).await.unwrap();
            }
        });
        assert_eq!(by_poll_read.await, 3, "after 16, 32 and 48 reads");
        let by_read_with = turns_of_others_during(async {
            for _ in 0..50 {
                far.read_with(|mut far| far.read(&mut [0])).await.unwrap();
            }
        });
        assert_eq!(by_read_with.await, 3, "after 16, 32 and 48 reads");
        let by_write = turns_of_others_during(async {
            for _ in 0..50 {
                far.write_all(&[1]).await.unwrap();
            }
        });
        assert_eq!(by_write.await, 3, "after 16, 32 and 48 writes");
    });
}

/// Breaks when a task that has used up its budget stays refused until its poll ends: a poll
/// in which another executor runs does not end, and would spin for ever.
#[test]
fn an_executor_inside_of_a_task_may_read_as_much_as_there_is() {
    on_virtual_loop(|| async {
        let (near, mut far) = async_pair();
        near.get_ref().write_all(&[7; 100]).unwrap();
        let mut all = [0; 100];
        future::block_on(async {
            for byte in &mut all {
                far.read_exact(std::slice::from_mut(byte)).await.unwrap();
            }
        });
        assert_eq!(all, [7; 100]);
    });
}

/// 18 · Breaks when the budget counts tries that have to wait, or the reads of other polls.
#[test]
fn the_first_16_operations_of_a_poll_cost_no_turn() {
    on_virtual_loop(async || {
        let (near, mut far) = async_pair();
        for _ in 0..20 {
            assert!(poll_once(&mut far.read(&mut [0])).await.is_pending(), "nothing is there");
        }
        near.get_ref().write_all(&[7; 16]).unwrap();
        let turns = turns_of_others_during(async {
            for _ in 0..16 {
                far.read_exact(&mut [0]).await.unwrap();
            }
        });
        assert_eq!(turns.await, 0);
    });
}

/// A socket that counts how often it is read.
struct Counted {
    stream: StdStream,
    reads: Cell<usize>,
}

impl_pollable!(Counted, self => &self.stream);

impl Read for &Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads.set(self.reads.get() + 1);
        (&self.stream).read(buffer)
    }
}

/// 69 · Breaks when the loop tries once more after a read that emptied the socket; or when
/// the bytes or the end that come after that read are not seen.
#[test]
fn a_read_that_did_not_fill_its_buffer_is_followed_by_a_wait_and_not_by_a_try() {
    on_virtual_loop(|| async {
        let (mut near, far) = std_pair();
        let far = Async::new(Counted { stream: far, reads: Cell::new(0) }).unwrap();
        let mut buffer = [0; 64];
        for round in 1..=5 {
            near.write_all(b"hello").unwrap();
            assert_eq!((&far).read(&mut buffer).await.unwrap(), 5);
            assert!(poll_once(&mut (&far).read(&mut buffer)).await.is_pending());
            assert_eq!(far.get_ref().reads.get(), round, "one read for each message");
        }
        drop(near);
        assert_eq!((&far).read(&mut buffer).await.unwrap(), 0, "the end is seen");
        let again = poll_once(&mut (&far).read(&mut buffer)).await;
        assert!(matches!(again, Poll::Ready(Ok(0))), "again and again, and at once");
    });
}

/// Breaks when a read that filled its buffer, or a long read, counts as the last of the data.
#[test]
fn a_read_that_may_have_left_something_is_followed_by_a_try() {
    on_virtual_loop(|| async {
        let (mut near, mut far) = async_pair();
        near.write_all(&[7; 10]).await.unwrap();
        let mut buffer = [0; 5];
        for _ in 0..2 {
            assert!(poll_once(&mut far.read(&mut buffer)).await.is_ready(), "it is there");
        }
        near.write_all(&[7; 5000]).await.unwrap();
        far.read_exact(&mut [0; 1]).await.unwrap();
        let mut buffer = [0; 8000];
        assert_eq!(far.read(&mut buffer).await.unwrap(), 4999);
        near.write_all(&[7; 1]).await.unwrap();
        assert!(poll_once(&mut far.read(&mut buffer)).await.is_ready(), "more of a stream");
    });
}
