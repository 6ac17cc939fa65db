//! Chapter 12: misuse. The library reports each mistake that it can detect at once: what
//! happened, where in the user's own file, and what to write instead.
//!
//! asyncio reports most of these too ("no running event loop", "cannot be called from a
//! running event loop"), by exceptions whose traceback leads to the line.

mod support;

use std::future::pending;
use std::panic::Location;
use std::task::Waker;
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use glassloop::fs::{self, File};
use glassloop::net::{TcpListener, TcpStream, UdpSocket};
use glassloop::sync::{Barrier, channel};
use glassloop::{
    Async, Executor, block_on, interval, join_all, sleep, sleep_until, spawn, spawn_named, stats,
    timeout, unblock,
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

/// What a call's panic must name, the line of the call, and the call.
type Call = (&'static str, String, Box<dyn FnOnce()>);

/// Polls a future once, where no loop is running.
fn poll_outside<F: Future>(future: F) {
    let _ = poll_with(&mut Box::pin(future), Waker::noop());
}

/// 31 · as in asyncio's "no running event loop". Breaks when the library finds its loop by
/// an `unwrap`.
#[test]
fn spawn_outside_of_a_loop_says_what_to_do() {
    let text = panic_text(|| (here(), drop(spawn(async {}))));
    assert_names(&text, "`glassloop::spawn` was called", file!(), "block_on(async {");
}

/// As in asyncio. Breaks when a constructor is not `#[track_caller]`: the text would
/// name a line of the library.
#[test]
fn whatever_needs_a_loop_names_the_line_that_called_it_outside_of_one() {
    let second = Duration::from_secs(1);
    let calls: [Call; 9] = [
        ("`glassloop::spawn`", here(), Box::new(|| drop(spawn(async {})))),
        ("`glassloop::spawn_named`", here(), Box::new(|| drop(spawn_named("a", async {})))),
        ("`glassloop::sleep`", here(), Box::new(move || drop(sleep(second)))),
        ("`glassloop::sleep_until`", here(), Box::new(|| drop(sleep_until(Instant::now())))),
        ("`glassloop::timeout`", here(), Box::new(move || drop(timeout(second, async {})))),
        ("`glassloop::interval`", here(), Box::new(move || drop(interval(second)))),
        ("`glassloop::unblock`", here(), Box::new(|| drop(unblock(|| ())))),
        ("`glassloop::stats`", here(), Box::new(|| drop(Box::new(stats())))),
        ("`Async::new`", here(), Box::new(|| drop(Async::new(udp_socket())))),
    ];
    for (what, at, call) in calls {
        assert_names(&panic_text(call), what, &at, "block_on(async {");
    }
}

fn udp_socket() -> std::net::UdpSocket {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// As in asyncio. Breaks when the future needs the loop when it is polled, and does not
/// know the line that made it.
#[test]
fn sockets_that_are_polled_outside_of_a_loop_name_the_line_that_made_them() {
    let address = "127.0.0.1:0";
    let calls: [Call; 5] = [
        ("TcpListener", here(), Box::new(move || poll_outside(TcpListener::bind(address)))),
        ("TcpStream", here(), Box::new(|| poll_outside(TcpStream::connect("127.0.0.1:1")))),
        ("UdpSocket", here(), Box::new(move || poll_outside(UdpSocket::bind(address)))),
        ("UdpSocket", here(), Box::new(|| drop(UdpSocket::from_std(udp_socket())))),
        ("name lookup", here(), Box::new(|| poll_outside(TcpStream::connect("localhost:1")))),
    ];
    for (what, at, call) in calls {
        assert_names(&panic_text(call), what, &at, "block_on(async {");
    }
}

/// No counterpart in asyncio. Breaks when the stream of connections accepts in the name of
/// its own line.
#[test]
fn connections_that_are_accepted_outside_of_a_loop_name_the_line_that_asked_for_them() {
    within_limit(|| {
        let listener = block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let _clients = [(); 2].map(|()| std::net::TcpStream::connect(address).unwrap());
        let (at, text) = (here(), panic_text(|| poll_outside(listener.accept())));
        assert_names(&text, "`TcpStream`", &at, "block_on(async {");
        let (at, text) = (here(), panic_text(|| poll_outside(listener.incoming().next())));
        assert_names(&text, "`TcpStream`", &at, "block_on(async {");
    });
}

/// As in asyncio. Breaks when one of the two constructors does not check for a loop.
#[cfg(unix)]
#[test]
fn unix_sockets_outside_of_a_loop_name_the_line_that_made_them() {
    use glassloop::net::{UnixListener, UnixStream};

    let folder = tempfile::tempdir().unwrap();
    let (path, nobody) = (folder.path().join("socket"), folder.path().join("nobody"));
    let calls: [Call; 3] = [
        ("UnixListener", here(), Box::new(move || drop(UnixListener::bind(path)))),
        ("UnixStream", here(), Box::new(move || poll_outside(UnixStream::connect(nobody)))),
        ("UnixStream", here(), Box::new(|| drop(UnixStream::pair()))),
    ];
    for (what, at, call) in calls {
        assert_names(&panic_text(call), what, &at, "block_on(async {");
    }
}

/// As in asyncio. Breaks when the functions are `async fn`s, which cannot know the line of
/// their caller.
#[test]
fn files_that_are_polled_outside_of_a_loop_name_the_line_that_asked_for_them() {
    let calls: [(String, Box<dyn FnOnce()>); 12] = [
        (here(), Box::new(|| poll_outside(File::open("a")))),
        (here(), Box::new(|| poll_outside(File::create("a")))),
        (here(), Box::new(|| poll_outside(File::options().append(true).open("a")))),
        (here(), Box::new(|| poll_outside(fs::read("a")))),
        (here(), Box::new(|| poll_outside(fs::read_to_string("a")))),
        (here(), Box::new(|| poll_outside(fs::write("a", "")))),
        (here(), Box::new(|| poll_outside(fs::copy("a", "b")))),
        (here(), Box::new(|| poll_outside(fs::metadata("a")))),
        (here(), Box::new(|| poll_outside(fs::create_dir_all("a")))),
        (here(), Box::new(|| poll_outside(fs::remove_file("a")))),
        (here(), Box::new(|| poll_outside(fs::rename("a", "b")))),
        (here(), Box::new(|| poll_outside(fs::read_dir("a")))),
    ];
    for (at, call) in calls {
        assert_names(&panic_text(call), "`glassloop::fs`", &at, "block_on(async {");
    }
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
