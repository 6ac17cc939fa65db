//! What a user gets when the system itself fails: an interrupted call, a full table, a
//! disk that is broken, no more threads.
//!
//! The calls are real, and to the program the errors look real: `strace` is between the
//! program and the kernel, and answers some of the calls itself. Each test runs a scenario
//! in a process of its own under `strace`; where there is no `strace`, or where it may not
//! trace, the test says so and passes. Faults that a real limit can cause (too many open
//! files, no memory for a stack) are in the chapters.
//!
//! A fault is written as `strace` writes it, `accept4:error=ECONNABORTED:when=1`: the first
//! `accept4` of each thread fails. `1..3` means the first three, `1+2` each second one,
//! `20+` all from the twentieth on. A call without a fault is only recorded.

#![cfg(target_os = "linux")]

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::env;
use std::fs;
use std::future::pending;
use std::io::{self, ErrorKind, SeekFrom};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::{OnceLock, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, future};
use glassloop::fs::File;
use glassloop::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use glassloop::{Async, Executor, join_all, sleep, spawn, stats, unblock, yield_now};
use support::alone::{alone, is_alone, watched};
use support::{panic_text, poll_once};

/// The variable with the folder of the new process.
const FOLDER: &str = "GLASSLOOP_TEST_FOLDER";

/// Errors of Linux, by their numbers.
const EIO: Option<i32> = Some(5);
const ENOMEM: Option<i32> = Some(12);

/// The system calls in which a loop may wait; the machine decides which is used.
macro_rules! poller_waits {
    ($fault:literal) => {
        concat!("?epoll_wait,epoll_pwait,?epoll_pwait2:", $fault)
    };
}

/// What `strace` has recorded: one system call per line.
struct Trace(String);

impl Trace {
    fn lines_with(&self, part: &str) -> Vec<&str> {
        self.0.lines().filter(|line| line.contains(part)).collect()
    }

    /// How many calls were answered by `strace`.
    fn injected(&self) -> usize {
        self.lines_with("(INJECTED)").len()
    }
}

/// Runs `scenario` in a process of its own, whose system calls fail as `faults` say.
/// Returns the calls; in that process itself, or without `strace`, nothing.
fn with_faults(faults: &[&str], scenario: impl FnOnce() + Send + 'static) -> Option<Trace> {
    in_a_folder(|_| strace(faults), scenario)
}

/// The same, but only calls for one file fail: the file whose path `scenario` gets.
fn with_faults_of_a_file(
    faults: &[&str],
    scenario: impl FnOnce(PathBuf) + Send + 'static,
) -> Option<Trace> {
    let launcher = |folder: &Path| {
        let mut strace = strace(faults);
        strace.arg("-P").arg(folder.join("file"));
        strace
    };
    in_a_folder(launcher, || {
        scenario(Path::new(&env::var_os(FOLDER).expect("set for this process")).join("file"));
    })
}

fn in_a_folder(
    launcher: impl FnOnce(&Path) -> Command,
    scenario: impl FnOnce() + Send + 'static,
) -> Option<Trace> {
    if is_alone() {
        watched(scenario);
        return None;
    }
    if !can_strace() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    // `strace` compares paths as the kernel names them.
    let folder_path = folder.path().canonicalize().unwrap();
    let trace = folder_path.join("trace");
    let mut launcher = launcher(&folder_path);
    launcher.arg("-o").arg(&trace).arg("--").env(FOLDER, &folder_path);
    alone(launcher, scenario);
    let trace = Trace(fs::read_to_string(trace).expect("strace has written it"));
    assert!(trace.injected() > 0, "nothing has failed, so nothing was tested:\n{}", trace.0);
    Some(trace)
}

/// An `strace` of all threads, which answers calls as `faults` say.
fn strace(faults: &[&str]) -> Command {
    let calls: Vec<&str> = faults.iter().map(|fault| fault.split(':').next().unwrap()).collect();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={}", calls.join(","))]);
    for fault in faults.iter().filter(|fault| fault.contains(':')) {
        strace.args(["-e", &format!("inject={fault}")]);
    }
    strace
}

/// Whether `strace` is there, may trace, and can do what these tests ask of it.
fn can_strace() -> bool {
    static TRIED: OnceLock<bool> = OnceLock::new();
    *TRIED.get_or_init(|| {
        let mut trial = strace(&["getpid:error=EPERM:delay_enter=1:when=1..2"]);
        let trial = trial.args(["-o", "/dev/null", "true"]).stdin(Stdio::null()).output();
        let why = match trial {
            Ok(output) if output.status.success() => return true,
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        programs::say_left_out(&format!(
            "all of tests/ch18_system_faults.rs, since strace cannot be used here: {why}"
        ));
        false
    })
}

/// Both ends of a TCP connection.
async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = future::zip(TcpStream::connect(address), listener.accept()).await;
    (near.unwrap(), far.unwrap().0)
}

/// An executor with one blocking thread, so that the calls of that thread can be counted.
fn executor_of_one_thread() -> Executor {
    Executor::builder().blocking_threads(1).build().unwrap()
}

/// Each of these calls must have been answered by `strace` at least once.
fn assert_each_failed(calls: &[&str], trace: Option<Trace>) {
    let Some(trace) = trace else { return };
    for call in calls {
        let failed = trace.lines_with(call).iter().any(|line| line.contains("(INJECTED)"));
        assert!(failed, "no `{call}` has failed, so that was not tested:\n{}", trace.0);
    }
}

// ── sockets ──────────────────────────────────────────────────────────────────

/// 73 · as in asyncio, which ignores this error and accepts on. Breaks when the error of
/// one connection counts as the end of the listener.
#[test]
fn a_connection_that_was_given_up_in_the_backlog_is_an_error_and_the_next_is_accepted() {
    with_faults(&["accept4:error=ECONNABORTED:when=1"], || {
        glassloop::block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let error = listener.accept().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
            let (_, peer) = listener.accept().await.expect("the listener is still usable");
            assert_eq!(peer, client.local_addr().unwrap());
        });
    });
}

/// 73 · as in asyncio. Breaks when a call that a signal interrupted is reported as failed.
#[test]
fn connect_accept_read_and_write_are_tried_again_after_a_signal() {
    let every_second = "connect,accept4,recvfrom,sendto:error=EINTR:when=1+2";
    let trace = with_faults(&[every_second], || {
        glassloop::block_on(async {
            let (mut near, mut far) = tcp_pair().await;
            let mut bytes = [0; 4];
            for message in [b"ping", b"pong"] {
                near.write_all(message).await.unwrap();
                far.read_exact(&mut bytes).await.unwrap();
                assert_eq!(&bytes, message);
            }
        });
    });
    assert_each_failed(&["connect", "accept4", "recvfrom", "sendto"], trace);
}

/// 73 · as in asyncio. The standard library repeats the interrupted connect of a TCP socket
/// by itself, but not that of a Unix socket. Breaks when the user would have to repeat it.
#[test]
fn a_connect_to_a_unix_socket_is_tried_again_after_a_signal() {
    with_faults(&["connect:error=EINTR:when=1"], || {
        let executor = executor_of_one_thread();
        executor.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let listener = UnixListener::bind(&path).unwrap();
            let mut near = UnixStream::connect(&path).await.expect("tried again");
            near.write_all(b"x").await.unwrap();
            let (mut far, _) = listener.accept().await.unwrap();
            assert_eq!(far.read(&mut [0]).await.unwrap(), 1);
        });
    });
}

/// 66 · Python's sockets never report it. Breaks when a write of zero bytes is tried again:
/// the task would spin.
#[test]
fn a_write_that_takes_no_byte_is_an_error_and_no_endless_loop() {
    with_faults(&["sendto:retval=0:when=1"], || {
        glassloop::block_on(async {
            let (mut near, mut far) = tcp_pair().await;
            let error = near.write_all(b"lost").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WriteZero);
            near.write_all(b"sent").await.expect("the stream is still usable");
            let mut bytes = [0; 4];
            far.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"sent");
        });
    });
}

// ── the poller ───────────────────────────────────────────────────────────────

/// The nanoseconds that a loop asked the poller's timer to wait for, one after another.
fn timers_set(trace: &Trace) -> Vec<u64> {
    let number_after = |line: &str, name: &str| -> u64 {
        let value = line.split("it_value=").nth(1).expect("a timer is set to a value");
        let digits = value.split(name).nth(1).expect("seconds and nanoseconds");
        digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    let lines = trace.lines_with("timerfd_settime(").into_iter();
    let time =
        |line| number_after(line, "tv_sec=") * 1_000_000_000 + number_after(line, "tv_nsec=");
    lines.map(time).filter(|&time| time > 0).collect()
}

/// 73 · as in asyncio. The first three waits are interrupted, each after 5 ms; the fourth
/// finds a byte. Breaks when an interruption ends the wait, or starts it with all its time.
#[test]
fn a_wait_that_a_signal_interrupts_goes_on_for_the_time_that_is_left() {
    let faults = [poller_waits!("error=EINTR:delay_enter=5000:when=1..3"), "timerfd_settime"];
    let trace = with_faults(&faults, || {
        glassloop::block_on(async {
            let mut hour = sleep(Duration::from_secs(3600));
            assert!(poll_once(&mut hour).await.is_pending());
            let (mut near, mut far) = UnixStream::pair().unwrap();
            let reader = spawn(async move { far.read(&mut [0]).await.unwrap() });
            yield_now().await;
            near.write_all(b"x").await.unwrap();
            let io_polls = stats().io_polls;
            assert_eq!(reader.await.unwrap(), 1);
            assert_eq!(stats().io_polls - io_polls, 1, "an interrupted wait is one wait");
            assert!(poll_once(&mut hour).await.is_pending(), "an interruption is no deadline");
        });
    });
    let Some(trace) = trace else { return };
    let timers = timers_set(&trace);
    let less = timers.windows(2).filter(|pair| pair[0] >= pair[1] + 5_000_000).count();
    assert_eq!((timers.len(), less), (4, 3), "each wait is 5 ms shorter: {timers:?}");
}

/// 75 · as in asyncio, where the error comes out of `run`. Breaks when errors of the poller
/// are ignored: the loop would poll again and again, at full speed.
#[test]
fn a_poller_that_fails_is_asked_once_and_ends_the_run_with_its_error() {
    let trace = with_faults(&[poller_waits!("error=EINVAL")], || {
        let executor = Executor::new().unwrap();
        let (_near, far) = StdUnixStream::pair().unwrap();
        let held = Rc::new(());
        let holder = held.clone();
        let endless = async move {
            let _held = holder;
            pending::<()>().await;
        };
        executor.spawn(endless).detach();
        let text = panic_text(|| {
            executor.block_on(async { Async::new(far).unwrap().readable().await.unwrap() });
        });
        assert_eq!(Rc::strong_count(&held), 1, "the tasks that are left are dropped");
        assert!(text.contains("the system's poller failed"), "says what failed: {text}");
        assert!(text.contains("Invalid argument"), "with the system's error: {text}");
        executor.block_on(async { sleep(Duration::from_millis(1)).await });
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.injected(), 1, "a loop that polls a broken poller again spins:\n{}", trace.0);
}

/// 50 · as in asyncio. Breaks when the panic leaves old events, or the announcement that the
/// loop sleeps.
#[test]
fn the_executor_is_usable_after_a_poller_that_failed_for_once() {
    with_faults(&[poller_waits!("error=EBADF:when=1")], || {
        let executor = Executor::new().unwrap();
        let text = panic_text(|| {
            executor.block_on(async {
                let (_near, mut far) = tcp_pair().await;
                let _ = far.read(&mut [0]).await;
            });
        });
        assert!(text.contains("Bad file descriptor"), "the system's error: {text}");
        executor.block_on(async {
            let (mut near, mut far) = tcp_pair().await;
            let reader = spawn(async move { far.read(&mut [0]).await.unwrap() });
            yield_now().await;
            near.write_all(b"x").await.unwrap();
            assert_eq!(reader.await.unwrap(), 1);
        });
    });
}

/// 75 · as in asyncio, where no loop can be made then. Breaks when the loop does not try
/// again to make its poller, or needs a poller although it awaits no descriptor.
#[test]
fn a_poller_that_cannot_be_made_is_an_error_of_the_socket_which_can_be_made_later() {
    with_faults(&["epoll_create1:error=EMFILE:when=1"], || {
        glassloop::block_on(async {
            sleep(Duration::from_millis(1)).await;
            let error = TcpListener::bind("127.0.0.1:0").await.unwrap_err();
            assert!(error.to_string().contains("Too many open files"), "{error}");
            let (mut near, mut far) = tcp_pair().await;
            near.write_all(b"x").await.unwrap();
            assert_eq!(far.read(&mut [0]).await.unwrap(), 1);
        });
    });
}

/// 75 · as in asyncio's `add_reader`. One registration of forty fails, whichever it is.
/// Breaks when a socket that could not be registered keeps its place.
#[test]
fn a_socket_that_cannot_be_registered_is_an_error_and_no_other_is_harmed() {
    with_faults(&["epoll_ctl:error=ENOMEM:when=20"], || {
        glassloop::block_on(async {
            let pairs: Vec<_> = (0..40).map(|_| UnixStream::pair()).collect();
            let (made, failed): (Vec<_>, Vec<_>) = pairs.into_iter().partition(Result::is_ok);
            assert_eq!(failed.len(), 1, "one call has failed, and so one pair");
            assert_eq!(failed[0].as_ref().unwrap_err().raw_os_error(), ENOMEM);
            for (mut near, mut far) in made.into_iter().map(Result::unwrap) {
                near.write_all(b"x").await.unwrap();
                assert_eq!(far.read(&mut [0]).await.unwrap(), 1);
            }
        });
    });
}

/// 75 · as in asyncio's `add_reader`. Forty sockets take forty calls to be registered, and
/// forty to be awaited. Breaks when the loop takes an interest for armed that is not.
#[test]
fn a_socket_that_cannot_be_watched_is_an_error_and_can_be_awaited_later() {
    with_faults(&["epoll_ctl:error=ENOMEM:when=60"], || {
        glassloop::block_on(async {
            let pairs = (0..40).map(|_| StdUnixStream::pair().unwrap());
            let pairs = pairs.map(|(near, far)| (near, Async::new(far).unwrap()));
            let pairs: Vec<_> = pairs.collect();
            let mut failed = Vec::new();
            for (near, far) in &pairs {
                if let Poll::Ready(result) = poll_once(&mut far.readable()).await {
                    assert_eq!(result.unwrap_err().raw_os_error(), ENOMEM);
                    failed.push((near, far));
                }
            }
            let [(mut near, far)] = failed[..] else {
                panic!("one call has failed, and so one wait, not {}", failed.len());
            };
            io::Write::write_all(&mut near, b"x").unwrap();
            far.readable().await.expect("the second try succeeds");
        });
    });
}

// ── files ────────────────────────────────────────────────────────────────────

/// 79 · as in Python. Breaks when the error of a read is kept, or taken for the end.
#[test]
fn a_disk_that_fails_is_an_error_of_the_read_and_the_next_one_reads_on() {
    with_faults_of_a_file(&["read:error=EIO:when=2"], |path| {
        fs::write(&path, "0123456789").unwrap();
        executor_of_one_thread().block_on(async {
            let mut file = File::open(&path).await.unwrap();
            let mut bytes = [0; 4];
            file.read_exact(&mut bytes).await.unwrap();
            file.seek(SeekFrom::Start(2)).await.unwrap();
            let error = file.read(&mut bytes).await.unwrap_err();
            assert_eq!(error.raw_os_error(), EIO, "{error}");
            file.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"2345", "no byte is lost by a read that failed");
        });
    });
}

/// 79 · as in Python, but that the error names the act too. Breaks when the error of a
/// whole file says neither what was done nor to which file.
#[test]
fn a_disk_that_fails_under_a_whole_file_is_an_error_with_the_act_and_the_path() {
    with_faults_of_a_file(&["read,write:error=EIO:when=1"], |path| {
        executor_of_one_thread().block_on(async {
            let error = glassloop::fs::write(&path, "text").await.unwrap_err();
            assert!(error.to_string().contains("Input/output error"), "{error}");
            assert!(error.to_string().contains(&format!("write {}", path.display())), "{error}");
            let error = glassloop::fs::read(&path).await.unwrap_err();
            assert!(error.to_string().contains("Input/output error"), "{error}");
            assert!(error.to_string().contains(&format!("read {}", path.display())), "{error}");
        });
    });
}

/// 79 · as in Python. Breaks when the error of a write or of a sync is lost, reported twice,
/// or makes the file useless.
#[test]
fn a_disk_that_fails_is_an_error_of_flush_and_of_sync_reported_once() {
    with_faults_of_a_file(&["write,fsync:error=EIO:when=1"], |path| {
        executor_of_one_thread().block_on(async {
            let mut file = File::create(&path).await.unwrap();
            file.write_all(b"lost").await.expect("only collected");
            assert_eq!(file.flush().await.unwrap_err().raw_os_error(), EIO);
            file.write_all(b"written").await.unwrap();
            file.flush().await.expect("the error of the lost bytes has been reported");
            assert_eq!(file.sync_all().await.unwrap_err().raw_os_error(), EIO);
            file.sync_all().await.unwrap();
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "written");
    });
}

/// 66 · as in Python. Breaks when a file's write is tried for ever.
#[test]
fn a_file_that_takes_no_byte_is_an_error_and_no_endless_loop() {
    with_faults_of_a_file(&["write:retval=0:when=1"], |path| {
        executor_of_one_thread().block_on(async {
            let mut file = File::create(&path).await.unwrap();
            file.write_all(b"lost").await.expect("only collected");
            assert_eq!(file.flush().await.unwrap_err().kind(), ErrorKind::WriteZero);
        });
    });
}

/// 73 · as in Python. Breaks when a file's call that a signal interrupted is reported as
/// failed.
#[test]
fn the_calls_on_a_file_are_tried_again_after_a_signal() {
    let every_second = "openat,read,write,fsync,ftruncate:error=EINTR:when=1+2";
    let trace = with_faults_of_a_file(&[every_second], |path| {
        executor_of_one_thread().block_on(async {
            let mut file = File::options().read(true).write(true).create(true).open(&path).await;
            let file = file.as_mut().unwrap();
            file.write_all(b"some text").await.unwrap();
            file.sync_all().await.unwrap();
            file.set_len(4).await.unwrap();
            file.seek(SeekFrom::Start(0)).await.unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "some");
            assert_eq!(glassloop::fs::read(&path).await.unwrap(), b"some");
        });
    });
    assert_each_failed(&["openat", "read", "write", "fsync", "ftruncate"], trace);
}

// ── threads ──────────────────────────────────────────────────────────────────

/// The twentieth thread, and every later one, cannot be started.
const NO_MORE_THREADS: &str = "clone3,?clone:error=EAGAIN:when=20+";

/// Starts threads until the system starts no more.
fn use_up_the_threads() {
    while let Ok(thread) = thread::Builder::new().spawn(|| ()) {
        thread.join().unwrap();
    }
}

/// 78 · as in asyncio's `ThreadPoolExecutor`. Breaks when no thread takes an accepted job:
/// its awaiter would hang.
#[test]
fn without_a_single_thread_jobs_are_errors_and_all_else_goes_on() {
    with_faults(&[NO_MORE_THREADS], || {
        glassloop::block_on(async {
            use_up_the_threads();
            let error = glassloop::fs::read("/dev/null").await.unwrap_err();
            assert!(error.to_string().contains("no thread can be started"), "{error}");
            assert_eq!(error.kind(), ErrorKind::Other, "`WouldBlock` would mean: wait");
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let refused = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap_err();
            assert!(refused.to_string().contains("no thread can be started"), "{refused}");
            let job = spawn(async { unblock(|| ()).await }).await.unwrap_err();
            assert!(job.to_string().contains("needs a thread"), "{job}");
            sleep(Duration::from_millis(1)).await;
        });
    });
}

/// 78 · as in asyncio's `ThreadPoolExecutor`. Breaks when a job waits for a thread of its own
/// that could not be started.
#[test]
fn when_no_more_threads_can_be_started_jobs_wait_for_those_there_are() {
    with_faults(&[NO_MORE_THREADS], || {
        glassloop::block_on(async {
            let (release, released) = mpsc::channel::<()>();
            let mut first = unblock(move || released.recv().unwrap());
            assert!(poll_once(&mut first).await.is_pending(), "it has the only thread");
            use_up_the_threads();
            let jobs = (0..10).map(|n| spawn(unblock(move || (n, thread::current().id()))));
            let jobs: Vec<_> = jobs.collect();
            yield_now().await;
            assert_eq!(stats().jobs, 11, "all were accepted");
            release.send(()).unwrap();
            first.await;
            let done = join_all(jobs).await.into_iter().map(Result::unwrap);
            let (numbers, threads): (Vec<_>, Vec<_>) = done.unzip();
            assert_eq!(numbers, (0..10).collect::<Vec<_>>());
            assert!(threads.iter().all(|thread| *thread == threads[0]), "there is but one");
        });
    });
}
