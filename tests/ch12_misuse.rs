//! Chapter 12: misuse. The library reports each mistake that it can detect at once: what
//! happened, where in the user's own file, and what to write instead.
//!
//! asyncio reports most of these too ("no running event loop", "cannot be called from a
//! running event loop"), by exceptions whose traceback leads to the line.

mod support;

use std::cell::RefCell;
use std::future::pending;
use std::panic::{self, Location};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Once;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use glassloop::fs::{self, File};
use glassloop::net::{TcpListener, TcpStream, UdpSocket};
use glassloop::sync::{Barrier, channel};
use glassloop::{
    Async, Executor, JoinError, TaskGroup, block_on, interval, join_all, remote, sleep,
    sleep_until, spawn, spawn_named, stats, tasks, timeout, unblock,
};
use support::{on_loop, panic_text, poll_with, within_limit};

/// Checks that `text` names the thing that was misused, the line of the user's file
/// and the cure.
fn assert_names(text: &str, what: &str, at: &str, cure: &str) {
    assert!(text.contains(what), "does not say that it was {what:?}: {text}");
    assert!(text.contains(at), "does not name the line {at}: {text}");
    assert!(text.contains(cure), "does not say to use {cure:?}: {text}");
}

/// `file:line:` of the caller, as a panic's text names it.
#[track_caller]
fn here() -> String {
    let here = Location::caller();
    format!("{}:{}:", here.file(), here.line())
}

/// 31 · as in asyncio's "no running event loop". Breaks when the library finds its loop by
/// an `unwrap`.
#[test]
fn spawn_outside_of_a_loop_says_what_to_do() {
    let text = panic_text(|| (here(), drop(spawn(async {}))));
    assert_names(&text, "`glassloop::spawn` was called", file!(), "block_on(async {");
}

/// 35 · as in asyncio's "cannot be called from a running event loop". Breaks when the
/// inner loop simply runs: the outer one would stand still.
#[test]
fn a_nested_block_on_says_to_await_instead() {
    on_loop(|| async {
        let (at, text) = (here(), panic_text(|| block_on(async {})));
        assert_names(&text, "`block_on` was called", &at, "Await the future instead");

        let other = Executor::new().unwrap();
        let (at, text) = (here(), panic_text(|| other.block_on(async {})));
        assert_names(&text, "`block_on` was called", &at, "Await the future instead");
    });
}

/// 35 · as in asyncio. Breaks when only `block_on` is guarded.
#[test]
fn run_until_stalled_inside_a_loop_names_itself_and_says_to_await_instead() {
    on_loop(|| async {
        let other = Executor::new().unwrap();
        let (at, text) = (here(), panic_text(|| other.run_until_stalled()));
        assert_names(&text, "`run_until_stalled` was called", &at, "Await");
    });
}

/// 63 · asyncio has no interval. Breaks when the period is not checked: an interval of zero
/// would never let time pass.
#[test]
fn an_interval_of_zero_says_to_use_a_longer_period() {
    on_loop(|| async {
        let (at, text) = (here(), panic_text(|| interval(Duration::ZERO)));
        assert_names(&text, "a period of zero", &at, "Use a longer period");
    });
}

/// 89 · deliberately not as in asyncio, where 0 means "no limit". Breaks when the
/// capacity is not checked: every send would wait for ever.
#[test]
fn a_channel_for_nothing_says_to_use_at_least_one() {
    let (at, text) = (here(), panic_text(|| channel::bounded::<()>(0)));
    assert_names(&text, "a capacity of 0", &at, "at least 1");
}

/// 88 · as in asyncio. Breaks when the number is not checked: no task could ever be the
/// last to arrive.
#[test]
fn a_barrier_for_zero_tasks_says_to_use_at_least_one() {
    let (at, text) = (here(), panic_text(|| Barrier::new(0)));
    assert_names(&text, "0 tasks", &at, "at least 1");
}

/// 78 · as in asyncio's `ThreadPoolExecutor`. Breaks when the number is not checked: the
/// first file would never be read.
#[test]
fn a_pool_of_no_threads_says_to_use_at_least_one() {
    let (at, text) = (here(), panic_text(|| Executor::builder().blocking_threads(0)));
    assert_names(&text, "was given 0", &at, "at least 1");
}

/// 2 · no counterpart in asyncio, where a task may be awaited again. Breaks when the second
/// poll waits for an end that has passed.
#[test]
fn a_join_handle_that_is_polled_again_says_which_task_and_to_await_it_once() {
    on_loop(|| async {
        let (at, mut handle) = (here(), spawn(async {}));
        let id = handle.id();
        (&mut handle).await.unwrap();
        let text = panic_text(|| poll_with(&mut handle, Waker::noop()));
        assert_names(&text, &id.to_string(), &at, "Await a handle once");
    });
}

/// 2 · no counterpart in asyncio. Breaks when the second poll waits for a result that
/// was taken away.
#[test]
fn an_unblock_that_is_polled_again_names_its_line_and_says_to_await_it_once() {
    on_loop(|| async {
        let (at, mut job) = (here(), unblock(|| ()));
        (&mut job).await;
        let text = panic_text(|| poll_with(&mut job, Waker::noop()));
        assert_names(&text, "polled again", &at, "Await it once");
    });
}

/// 2 · no counterpart in asyncio. Breaks when the future inside is polled again.
#[test]
fn a_timeout_that_is_polled_again_names_its_line_and_says_to_await_it_once() {
    on_loop(|| async {
        let second = Duration::from_secs(1);
        let (at, mut limited) = (here(), Box::pin(timeout(second, async {})));
        limited.as_mut().await.unwrap();
        let text = panic_text(|| poll_with(&mut limited, Waker::noop()));
        assert_names(&text, "polled again", &at, "Await it once");
    });
}

/// 2 · no counterpart in asyncio. Breaks when the second poll gives no outputs, as if
/// there had been none.
#[test]
fn a_join_all_that_is_polled_again_names_its_line_and_says_to_await_it_once() {
    on_loop(|| async {
        let (at, mut all) = (here(), join_all([async {}]));
        (&mut all).await;
        let text = panic_text(|| poll_with(&mut all, Waker::noop()));
        assert_names(&text, "polled again", &at, "Await it once");
    });
}

/// 2 · no counterpart in asyncio. Breaks when the second poll sends nothing, and reports
/// success.
#[test]
fn a_send_that_is_polled_again_names_its_line_and_says_to_await_it_once() {
    on_loop(|| async {
        let (sender, _receiver) = channel::bounded(2);
        let (at, mut send) = (here(), sender.send("value"));
        (&mut send).await.unwrap();
        let text = panic_text(|| poll_with(&mut send, Waker::noop()));
        assert_names(&text, "polled again", &at, "Await it once");
    });
}

/// 39 · asyncio's `Task.exception` raises CancelledError. Breaks when a payload is made
/// up.
#[test]
fn into_panic_of_a_cancelled_error_names_its_line_and_says_to_ask_first() {
    on_loop(|| async {
        let task = spawn(pending::<()>());
        task.abort();
        let error = task.await.unwrap_err();
        let (at, text) = (here(), panic_text(|| error.into_panic()));
        assert_names(&text, "was cancelled, it did not panic", &at, "is_panic");
    });
}

/// 74 · as in asyncio's `add_reader`. Breaks when the error of the kernel is hidden.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_file_given_to_async_new_is_the_error_of_the_kernel() {
    on_loop(|| async {
        let error = Async::new(tempfile::tempfile().unwrap()).unwrap_err();
        let not_permitted = 1;
        assert_eq!(error.raw_os_error(), Some(not_permitted), "EPERM: {error}");
    });
}

/// 50 · as in asyncio. Breaks when the panic does not release a guard while it unwinds.
#[test]
fn the_loop_goes_on_after_each_of_these_mistakes() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        executor.block_on(async {
            panic_text(|| block_on(async {}));
            panic_text(|| interval(Duration::ZERO));
            panic_text(|| channel::bounded::<()>(0));
            assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
        });
        panic_text(|| spawn(async {}));
        assert_eq!(executor.block_on(executor.spawn(async { 8 })).unwrap(), 8);
    });
}

/// As in asyncio, where the port is an argument of its own and cannot be forgotten. Breaks
/// when the address goes to the system's look-up, whose error says something else.
#[test]
fn an_address_without_a_port_says_that_the_port_is_missing() {
    on_loop(|| async {
        let error = TcpStream::connect("localhost").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "\"localhost\" names no port; an address is \"host:port\"");
    });
}

/// 35 · asyncio: "attached to a different loop". Breaks when the wait goes to a loop that does
/// not run: silence, or a report that everything waits for nothing. (Where the panic is, the
/// table below says.)
#[test]
fn what_belongs_to_one_loop_and_is_awaited_in_another_says_so_at_the_first_poll() {
    fn check(at: &str, text: &str) {
        assert_names(text, "another event loop", at, "Await it in the loop");
    }

    within_limit(|| {
        let (at, sleep) = (here(), elsewhere(|| sleep(SECOND)));
        check(&at, &panic_text(|| block_on(sleep)));
        let (at, mut beat) = (here(), elsewhere(|| interval(SECOND)));
        check(&at, &panic_text(|| block_on(async { (beat.tick().await, beat.tick().await) })));
        let (at, limited) = (here(), elsewhere(|| timeout(SECOND, pending::<()>())));
        check(&at, &panic_text(|| block_on(limited)));
    });
}

/// 35 · as above, for descriptors. Breaks when a descriptor that is ready hides the mistake.
#[test]
fn a_socket_of_one_loop_that_is_awaited_in_another_says_so_at_the_first_poll() {
    fn check(at: &str, text: &str) {
        assert_names(text, "another event loop", at, "Await it in the loop");
    }

    within_limit(|| {
        let ready_socket = || {
            let [near, far] = [(); 2].map(|()| udp_socket());
            near.send_to(b"x", far.local_addr().unwrap()).unwrap();
            elsewhere(|| Async::new(far).unwrap())
        };
        let socket = ready_socket();
        let (at, text) = (here(), panic_text(|| block_on(socket.readable())));
        check(&at, &text);
        let receive = |socket: &std::net::UdpSocket| socket.recv(&mut [0]);
        let (at, text) = (here(), panic_text(|| block_on(socket.read_with(receive))));
        check(&at, &text);
    });
}

// ── the table of all mistakes ────────────────────────────────────────────────

/// A mistake of the user, made on one line of this file, and how it must be reported.
struct Mistake {
    /// The public item that reports it: its file in `executor/`, and its name.
    item: &'static str,
    /// What the report says has happened, and what it says to do.
    what: &'static str,
    cure: &'static str,
    /// The line with the mistake.
    at: String,
    make: Box<dyn FnOnce()>,
    /// Why the panic cannot be at this line. The text names the line all the same.
    cannot_be_there: Option<&'static str>,
}

/// A mistake that is made on the line that calls this function.
#[track_caller]
fn line(item: &'static str, what: &'static str, make: impl FnOnce() + 'static) -> Mistake {
    let (at, make) = (here(), Box::new(make));
    Mistake { item, what, cure: "", at, make, cannot_be_there: None }
}

impl Mistake {
    fn elsewhere(self, reason: &'static str) -> Mistake {
        Mistake { cannot_be_there: Some(reason), ..self }
    }

    /// Makes the mistake. Returns what is wrong with its report, if anything is.
    fn check(self) -> Option<String> {
        let Mistake { item, what, cure, at, make, cannot_be_there } = self;
        let (text, panicked_at) = report(make);
        let unsaid = [what, cure, &at].map(|part| (!text.contains(part)).then_some(part));
        let unsaid: Vec<&str> = unsaid.into_iter().flatten().collect();
        if !unsaid.is_empty() {
            return Some(format!("{at} {item}: does not say {unsaid:?}: {text}"));
        }
        match (panicked_at == at, cannot_be_there) {
            (false, None) => Some(format!("{at} {item}: the panic is at {panicked_at}")),
            (true, Some(reason)) => Some(format!("{at} {item}: is there, in spite of: {reason}")),
            _ => None,
        }
    }
}

thread_local! {
    /// `file:line:` of the last panic on this thread.
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls `act`, which must panic. Returns the text of the panic and its `file:line:`.
fn report(act: impl FnOnce()) -> (String, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let at = info.location().map(|at| format!("{}:{}:", at.file(), at.line()));
            PANICKED_AT.replace(at.unwrap_or_default());
            print(info);
        }));
    });
    (panic_text(act), PANICKED_AT.take())
}

/// Polls a future once, outside of a loop. It is a macro, so that the poll happens on the
/// line that uses it, as with `.await`.
macro_rules! poll {
    ($future:expr) => {
        match $future {
            future => drop(pin!(future).poll(&mut Context::from_waker(Waker::noop()))),
        }
    };
}

/// Awaits a future in a loop, and polls it again.
macro_rules! again {
    ($future:expr) => {
        block_on(async {
            let mut future = pin!($future);
            let _output = future.as_mut().await;
            let _polled = future.poll(&mut Context::from_waker(Waker::noop()));
        })
    };
}

/// Awaits a future in a loop, and awaits it again.
macro_rules! await_again {
    ($future:expr) => {
        block_on(async {
            let mut future = pin!($future);
            let _output = future.as_mut().await;
            let _output = future.as_mut().await;
        })
    };
}

/// Makes a future, and awaits it in a new loop. It is a macro for the same reason.
macro_rules! awaited {
    ($future:expr) => {
        match $future {
            #[expect(clippy::redundant_async_block, reason = "so that this line polls it")]
            future => block_on(async { future.await }),
        }
    };
}

const SECOND: Duration = Duration::from_secs(1);
const NO_TIME: Duration = Duration::ZERO;
const ADDRESS: &str = "127.0.0.1:0";
const NAME: &str = "localhost:1";

fn executor() -> Executor {
    Executor::new().unwrap()
}

fn udp_socket() -> std::net::UdpSocket {
    std::net::UdpSocket::bind(ADDRESS).unwrap()
}

/// Calls that need a loop, outside of one.
fn calls() -> Vec<Mistake> {
    let mut group = TaskGroup::<(), ()>::new();
    vec![
        line("task/spawn.rs: spawn", "`glassloop::spawn`", || drop(spawn(async {}))),
        line("task/spawn.rs: spawn_named", "spawn_named`", || drop(spawn_named("a", async {}))),
        line("time/sleep.rs: sleep", "`glassloop::sleep`", || drop(sleep(SECOND))),
        line("time/sleep.rs: sleep_until", "sleep_until`", || drop(sleep_until(Instant::now()))),
        line("time/timeout.rs: timeout", "timeout`", || drop(timeout(SECOND, async {}))),
        line("time/interval.rs: interval", "interval`", || drop(interval(SECOND))),
        line("blocking/unblock.rs: unblock", "unblock`", || drop(unblock(|| ()))),
        line("report/stats.rs: stats", "`glassloop::stats`", || drop(Box::new(stats()))),
        line("report/tasks.rs: tasks", "`glassloop::tasks`", || drop(tasks())),
        line("event_loop/executor.rs: remote", "`glassloop::remote`", || drop(remote())),
        line("io/async_io.rs: new", "`Async::new`", || drop(Async::new(udp_socket()))),
        line("net/socket.rs: from_std", "UdpSocket", || drop(UdpSocket::from_std(udp_socket()))),
        line("join/group.rs: spawn", "`TaskGroup::spawn`", move || group.spawn(async { Ok(()) })),
    ]
}

/// Functions of `fs` whose futures are polled outside of a loop.
fn files() -> Vec<Mistake> {
    let what = "`glassloop::fs`";
    vec![
        line("fs/options.rs: open", what, || poll!(File::open("a"))),
        line("fs/options.rs: create", what, || poll!(File::create("a"))),
        line("fs/options.rs: open", what, || poll!(File::options().append(true).open("a"))),
        line("fs/read_dir.rs: read_dir", what, || poll!(fs::read_dir("a"))),
        line("fs/whole.rs: read", what, || poll!(fs::read("a"))),
        line("fs/whole.rs: read", what, || poll!(async { fs::read("a").await })),
        line("fs/whole.rs: read_to_string", what, || poll!(fs::read_to_string("a"))),
        line("fs/whole.rs: write", what, || poll!(fs::write("a", ""))),
        line("fs/whole.rs: copy", what, || poll!(fs::copy("a", "b"))),
        line("fs/whole.rs: metadata", what, || poll!(fs::metadata("a"))),
        line("fs/whole.rs: canonicalize", what, || poll!(fs::canonicalize("a"))),
        line("fs/whole.rs: create_dir_all", what, || poll!(fs::create_dir_all("a"))),
        line("fs/whole.rs: remove_file", what, || poll!(fs::remove_file("a"))),
        line("fs/whole.rs: remove_dir_all", what, || poll!(fs::remove_dir_all("a"))),
        line("fs/whole.rs: rename", what, || poll!(fs::rename("a", "b"))),
    ]
}

/// A listener, and a client that waits to be accepted.
fn listener() -> TcpListener {
    let listener = block_on(TcpListener::bind(ADDRESS)).unwrap();
    drop(std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    listener
}

/// Sockets whose futures are polled outside of a loop.
fn sockets() -> Vec<Mistake> {
    let limited = "net/tcp.rs: connect_timeout";
    let by_next = "`StreamExt::next` of futures-lite polls the stream";
    let by_async_fn = "an `async fn` looks the name up: to box it would cost every datagram";
    let [accepting, stream] = [listener(), listener()];
    let [near, far] = [(); 2].map(|()| block_on(UdpSocket::bind(ADDRESS)).unwrap());
    vec![
        line("net/tcp.rs: bind", "TcpListener", || poll!(TcpListener::bind(ADDRESS))),
        line("net/tcp.rs: bind", "TcpListener", || poll!(TcpListener::bind(NAME))),
        line("net/tcp.rs: connect", "TcpStream", || poll!(TcpStream::connect(ADDRESS))),
        line("net/tcp.rs: connect", "TcpStream", || poll!(TcpStream::connect(NAME))),
        line(limited, "TcpStream", || poll!(TcpStream::connect_timeout(ADDRESS, SECOND))),
        line("net/udp.rs: bind", "UdpSocket", || poll!(UdpSocket::bind(ADDRESS))),
        line("net/udp.rs: connect", "name lookup", move || poll!(near.connect(NAME)))
            .elsewhere(by_async_fn),
        line("net/udp.rs: send_to", "name lookup", move || poll!(far.send_to(b"", NAME)))
            .elsewhere(by_async_fn),
        line("net/listener.rs: accept", "TcpListener", move || poll!(accepting.accept())),
        line("net/listener.rs: incoming", "TcpStream", move || poll!(stream.incoming().next()))
            .elsewhere(by_next),
    ]
}

/// Sockets with a path, outside of a loop.
#[cfg(unix)]
fn unix_sockets(folder: &Path) -> Vec<Mistake> {
    use glassloop::net::{UnixListener, UnixStream};

    let path = folder.join("socket");
    vec![
        line("net/unix.rs: connect", "UnixStream", || poll!(UnixStream::connect("nobody"))),
        line("net/unix.rs: pair", "`UnixStream`", || drop(UnixStream::pair())),
        line("net/unix.rs: bind", "`UnixListener`", move || drop(UnixListener::bind(&path))),
    ]
}

#[cfg(not(unix))]
fn unix_sockets(_folder: &Path) -> Vec<Mistake> {
    Vec::new()
}

/// A loop that runs inside a loop.
fn nested_loops() -> Vec<Mistake> {
    let item = "event_loop/executor.rs: block_on";
    let stall = "event_loop/executor.rs: run_until_stalled";
    let [what, stalls] = ["`block_on` was called", "`run_until_stalled` was called"];
    vec![
        line(item, what, || block_on(async { block_on(async {}) })),
        line(item, what, || block_on(async { executor().block_on(async {}) })),
        line(stall, stalls, || block_on(async { executor().run_until_stalled() })),
    ]
}

/// Loops that can never go on.
fn deadlocks() -> Vec<Mistake> {
    let item = "event_loop/executor.rs: block_on";
    vec![
        line(item, "deadlock: nothing is ready", || block_on(pending())),
        line(item, "deadlock: nothing is ready", || executor().block_on(pending())),
    ]
}

/// Makes something in a loop of its own.
fn elsewhere<T>(make: impl FnOnce() -> T) -> T {
    executor().block_on(async { make() })
}

/// A sleep and a socket of one loop, awaited in another one.
fn of_another_loop() -> Vec<Mistake> {
    let [late, to_read] = ["time/sleep.rs: Sleep", "io/readiness.rs: Readiness"];
    let what = "another event loop";
    let socket = elsewhere(|| Async::new(udp_socket()).unwrap());
    let udp = block_on(UdpSocket::bind(ADDRESS)).unwrap();
    let [accepting, stream] = [listener(), listener()];
    let [accept, incoming] = ["net/listener.rs: accept", "net/listener.rs: incoming"];
    let by_async_fn = "an `async fn` tries: to box it would cost every datagram";
    vec![
        line("net/udp.rs: send_to", what, move || drop(block_on(udp.send_to(b"", ADDRESS))))
            .elsewhere(by_async_fn),
        line(accept, what, move || drop(block_on(accepting.accept()))).elsewhere(by_async_fn),
        line(incoming, what, move || drop(block_on(stream.incoming().next())))
            .elsewhere(by_async_fn),
        line(late, what, || awaited!(elsewhere(|| sleep(SECOND)))),
        line(to_read, what, move || block_on(async { drop(socket.readable().await) })),
    ]
}

/// Arguments with which nothing could ever happen.
fn arguments_of_zero() -> Vec<Mistake> {
    let threads = "event_loop/builder.rs: blocking_threads";
    vec![
        line("sync/channel.rs: bounded", "a capacity of 0", || drop(channel::bounded::<()>(0))),
        line("sync/barrier.rs: new", "0 tasks", || drop(Barrier::new(0))),
        line(threads, "was given 0", || drop(Executor::builder().blocking_threads(0))),
    ]
}

/// An error of a task that was aborted.
fn cancelled() -> JoinError {
    block_on(async {
        let task = spawn(pending::<()>());
        task.abort();
        task.await.unwrap_err()
    })
}

/// A group whose loop has dropped its child.
fn forsaken() -> TaskGroup<(), ()> {
    block_on(async {
        let mut group = TaskGroup::new();
        group.spawn(pending());
        group
    })
}

/// Futures that are polled after they were ready. The text names the line that made the
/// future, and the panic is at the line that polls it. Here these are one line.
///
/// Not in this table: the futures of `Async::read_with` and `write_with`, the datagrams of
/// `UdpSocket`, and `File::metadata`, `set_len` and `sync_all`. They are `async fn`s, so
/// the compiler writes the report ("`async fn` resumed after completion"). To write it here
/// would cost a box for each read, write or datagram.
fn polled_again() -> Vec<Mistake> {
    let (sender, _) = channel::unbounded();
    vec![
        line("task/join_handle.rs: JoinHandle", "of task", || again!(spawn(async {}))),
        line("time/timeout.rs: timeout", "the Timeout", || again!(timeout(SECOND, async {}))),
        line("blocking/unblock.rs: unblock", "the Unblock", || again!(unblock(|| ()))),
        line("join/join_all.rs: join_all", "the JoinAll", || again!(join_all([async {}]))),
        line("join/group.rs: join", "`TaskGroup::join`", || again!(no_children().join())),
        line("sync/channel.rs: Send", "the Send", move || again!(sender.send(()))),
        line("fs/whole.rs: metadata", "`glassloop::fs`", || again!(fs::metadata("."))),
        line("net/tcp.rs: bind", "`TcpListener::bind`", || again!(TcpListener::bind(ADDRESS))),
    ]
}

/// The same, but the poll comes from code that is not the user's.
fn polled_again_by_others() -> Vec<Mistake> {
    let by_reference = "the standard library's `impl Future for &mut F` and `for Pin<P>` poll";
    let by_dyn = "a `dyn Future` is polled through a table, which knows no caller";
    let item = "task/join_handle.rs: JoinHandle";
    vec![
        line(item, "of task", || await_again!(spawn(async {}))).elsewhere(by_reference),
        line(item, "of task", || again!(boxed(spawn(async {})))).elsewhere(by_dyn),
    ]
}

fn boxed<'a, T>(future: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(future)
}

fn no_children() -> TaskGroup<(), ()> {
    TaskGroup::new()
}

/// All mistakes that the library reports by a panic.
fn all_mistakes(folder: &Path) -> Vec<Mistake> {
    let [period, error] = ["time/interval.rs: interval", "task/join_error.rs: into_panic"];
    let join = "join/group.rs: join";
    let groups = [
        ("block_on(async {", calls()),
        ("block_on(async {", files()),
        ("block_on(async {", sockets()),
        ("block_on(async {", unix_sockets(folder)),
        ("Await the future instead", nested_loops()),
        ("waits for", deadlocks()),
        ("Await it in the loop", of_another_loop()),
        ("at least 1", arguments_of_zero()),
        ("Use a longer period", vec![line(period, "of zero", || drop(interval(NO_TIME)))]),
        ("Ask `is_panic`", vec![line(error, "cancelled", || drop(cancelled().into_panic()))]),
        ("Await the join", vec![line(join, "by its loop", || poll!(forsaken().join()))]),
        ("once", polled_again()),
        ("once", polled_again_by_others()),
    ];
    let with_cure = |(cure, group): (_, Vec<Mistake>)| {
        group.into_iter().map(move |mistake| Mistake { cure, ..mistake })
    };
    groups.into_iter().flat_map(with_cure).collect()
}

/// As in asyncio, where a traceback leads to the line. Breaks when a function between the
/// user and the panic is not `#[track_caller]`, or is a closure or an `async fn`, which
/// cannot be: the panic is then at a line of the library.
#[test]
fn every_misuse_is_reported_at_the_users_line_in_the_text_and_in_the_panics_location() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let wrong: Vec<String> =
            all_mistakes(folder.path()).into_iter().filter_map(Mistake::check).collect();
        assert!(wrong.is_empty(), "{} mistakes:\n{}", wrong.len(), wrong.join("\n"));
    });
}

/// Breaks when a new function that can panic is not in the table above.
#[test]
fn every_public_item_that_can_panic_is_in_the_table_of_misuse() {
    let folder = tempfile::tempdir().unwrap();
    let mut missing = items_that_panic(Path::new("executor"));
    // It panics as the standard library's `println!` does: if stdout cannot be written to.
    missing.retain(|item| item != "report/println.rs: println");
    for mistake in all_mistakes(folder.path()) {
        if let Some(index) = missing.iter().position(|item| *item == mistake.item) {
            missing.swap_remove(index);
        }
    }
    missing.retain(|item| cfg!(unix) || !item.starts_with("net/unix.rs"));
    assert!(missing.is_empty(), "can panic, and are not in the table of mistakes: {missing:#?}");
}

/// The public items below a directory that can panic, as "file: name".
fn items_that_panic(directory: &Path) -> Vec<String> {
    let mut items = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            items.extend(items_that_panic(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix("executor").unwrap().display().to_string();
            let file = file.replace('\\', "/");
            items.extend(names_that_panic(&source).map(|name| format!("{file}: {name}")));
        }
    }
    items
}

/// The public items of a file that can panic because of their user: the docs say so, or a
/// function needs the loop or checks its arguments.
fn names_that_panic(source: &str) -> impl Iterator<Item = &str> {
    let mut is_documented = false;
    let lines = source.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        Some((line, &source[*end..]))
    });
    lines.filter_map(move |(line, rest)| {
        let code = line.trim_start();
        if code.starts_with("///") || code.starts_with("#[") {
            is_documented |= code.trim_end() == "/// # Panics";
            return None;
        }
        let indent = &line[..line.len() - code.len()];
        let body = rest.split(&format!("\n{indent}}}\n")).next().unwrap_or(rest);
        let checks = ["current::expect(", "assert!(", "panic!("].iter().any(|it| body.contains(it));
        let is_documented = std::mem::take(&mut is_documented);
        let function = code.strip_prefix("pub fn ").or_else(|| code.strip_prefix("pub async fn "));
        let other = code.strip_prefix("pub struct ").or_else(|| code.strip_prefix("macro_rules! "));
        let item = function.filter(|_| is_documented || checks).or(other.filter(|_| is_documented));
        item.and_then(|item| item.split(|c: char| !c.is_alphanumeric() && c != '_').next())
    })
}

/// No counterpart in asyncio, which leaves it to the user to make a socket non-blocking. Breaks
/// when a descriptor is changed before it is known that there is a loop: a copy of it, which the
/// user keeps, would not block any more.
#[cfg(unix)]
#[test]
fn a_descriptor_that_is_given_to_no_loop_stays_as_it_was() {
    use std::net;
    use std::os::unix::net::UnixStream;

    fn stays(name: &str, kept: impl std::os::fd::AsFd, give: impl FnOnce()) {
        panic_text(give);
        let flags = rustix::fs::fcntl_getfl(&kept).unwrap();
        assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "{name} has made it non-blocking");
    }

    let socket = net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let copy = || socket.try_clone().unwrap();
    stays("Async::new", copy(), || drop(Async::new(copy())));
    stays("UdpSocket::from_std", copy(), || drop(UdpSocket::from_std(copy())));
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let copy = || listener.try_clone().unwrap();
    stays("TcpListener::from_std", copy(), || drop(TcpListener::from_std(copy())));
    let (stream, _other_end) = UnixStream::pair().unwrap();
    let copy = || stream.try_clone().unwrap();
    let give = || drop(glassloop::net::UnixStream::from_std(copy()));
    stays("UnixStream::from_std", copy(), give);
}
