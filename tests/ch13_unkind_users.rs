//! Chapter 13: the promises of the earlier chapters, for programs that misbehave: drops
//! and wakers that panic, descriptors that change, waits that are given up at the worst
//! moment. Each of these has broken the loop once.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::io::{ErrorKind, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, FutureExt, StreamExt};
use glassloop::fs::File;
use glassloop::sync::{Condvar, Event, Mutex, WaitGroup, channel, oneshot};
use glassloop::{
    Executor, TaskGroup, join_all, now, promise, sleep, spawn, stats, timeout, unblock, yield_now,
};
use support::{
    WakeCount, on_loop, on_virtual_loop, panic_text, payload_text, poll_once, poll_with, sockets,
    turns, virtual_executor, within_limit,
};

const HOUR: Duration = Duration::from_secs(3600);

// ── panics ────────────────────────────────────────────────────────────────

/// A waker of another executor that panics when it is woken.
struct PanicsOnWake;

impl Wake for PanicsOnWake {
    fn wake(self: Arc<Self>) {
        panic!("a foreign waker");
    }
}

/// 50 · Breaks when the panic of a foreign waker stops the loop from dropping the tasks that
/// are left: the executor then counts as closing for ever.
#[test]
fn a_foreign_waker_that_panics_keeps_no_leftover_from_being_dropped() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let (mut first, second) =
            (executor.spawn(pending::<()>()), executor.spawn(pending::<()>()));
        let text = panic_text(|| {
            executor.block_on(async {
                let waker = Waker::from(Arc::new(PanicsOnWake));
                assert!(poll_with(&mut first, &waker).is_pending());
                panic!("the root")
            })
        });
        assert_eq!(text, "the root", "the caller must see the root's panic, and no other");
        assert!(second.is_finished(), "the other leftover was dropped too");
        let later = executor.spawn(async { 7 });
        assert_eq!(executor.block_on(later).unwrap(), 7, "the executor is usable");
    });
}

/// 86 · Breaks when the panic of one waiter's waker loses the wakes of those behind it.
#[test]
fn a_foreign_waker_that_panics_loses_no_other_wake() {
    within_limit(|| {
        let executor = virtual_executor();
        let event = Rc::new(Event::new());
        let mut foreign = event.wait();
        assert!(poll_with(&mut foreign, &Waker::from(Arc::new(PanicsOnWake))).is_pending());
        let behind = event.clone();
        let behind = executor.spawn(async move { behind.wait().await });
        executor.run_until_stalled();
        event.set();
        executor.run_until_stalled();
        assert!(behind.is_finished(), "the event is set, and its second waiter still sleeps");
    });
}

/// What the wakers of `unkind` do when they are cloned and when they are dropped.
type Act = Rc<dyn Fn()>;

thread_local! {
    static ON_CLONE: RefCell<Option<Act>> = const { RefCell::new(None) };
    static ON_DROP: RefCell<Option<Act>> = const { RefCell::new(None) };
    static UNKIND_WAKES: Cell<usize> = const { Cell::new(0) };
}

fn run(act: &'static std::thread::LocalKey<RefCell<Option<Act>>>) {
    let act = act.with_borrow(Clone::clone);
    act.into_iter().for_each(|act| act());
}

/// A waker that does what `ON_CLONE` and `ON_DROP` say, and counts its wakes.
fn unkind() -> Waker {
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |_| {
            run(&ON_CLONE);
            RawWaker::new(std::ptr::null(), &TABLE)
        },
        |_| {
            UNKIND_WAKES.set(UNKIND_WAKES.get() + 1);
            run(&ON_DROP);
        },
        |_| UNKIND_WAKES.set(UNKIND_WAKES.get() + 1),
        |_| run(&ON_DROP),
    );
    // SAFETY: the functions of the table use no data.
    #[allow(unsafe_code)]
    unsafe {
        Waker::new(std::ptr::null(), &TABLE)
    }
}

/// Polls a future with a waker whose clones panic when they are dropped or woken.
fn poll_unkindly<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    // The waker of the poll itself is not dropped.
    let waker = std::mem::ManuallyDrop::new(unkind());
    ON_DROP.set(Some(Rc::new(|| panic!("the drop of a foreign waker"))));
    poll_with(future, &waker)
}

/// 86 · Breaks when the drop of a waker, by the wake or instead of it, panics among the
/// waiters of a thing: those behind it are not woken.
#[test]
fn a_foreign_waker_that_panics_in_its_drop_loses_no_other_wake() {
    /// A foreign wait, and a task behind it; then what wakes both.
    fn is_woken<W, B>(name: &str, mut foreign: W, behind: B, wake: impl FnOnce())
    where
        W: Future + Unpin,
        B: Future<Output: 'static> + 'static,
    {
        let executor = virtual_executor();
        assert!(poll_unkindly(&mut foreign).is_pending());
        // The second poll replaces the waker.
        assert!(poll_unkindly(&mut foreign).is_pending());
        let behind = executor.spawn(behind);
        executor.run_until_stalled();
        assert!(!behind.is_finished(), "{name}");
        let caught = catch_unwind(AssertUnwindSafe(wake));
        executor.run_until_stalled();
        assert!(behind.is_finished(), "{name}: the waiter behind it still sleeps");
        assert!(caught.is_ok(), "{name}: the panic must not reach who wakes");
    }

    within_limit(|| {
        let event = Rc::new(Event::new());
        let behind = event.clone();
        is_woken("an event", event.wait(), async move { behind.wait().await }, || event.set());
        let (sender, receiver) = channel::unbounded::<()>();
        let second = receiver.clone();
        let receive = async move { second.recv().await };
        is_woken("a channel", receiver.recv(), receive, || drop(sender));
        let changed = Rc::new(Condvar::new());
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let behind = changed.clone();
        let wait = async move {
            let mutex = Mutex::new(());
            drop(behind.wait(mutex.lock().await).await);
        };
        is_woken("a condvar", Box::pin(changed.wait(guard)), wait, || changed.notify_all());
        let work = WaitGroup::new();
        let (guard, behind) = (work.add(), work.clone());
        is_woken("a wait group", work.wait(), async move { behind.wait().await }, || drop(guard));
    });
}

/// 86 · Breaks when the drop of a waker that is given up or replaced panics into the code
/// that gives it up.
#[test]
fn the_drop_of_a_foreign_waker_that_panics_harms_nobody_who_gives_a_wait_up() {
    fn is_given_up<F: Future + Unpin>(name: &str, mut wait: F) {
        let given_up = catch_unwind(AssertUnwindSafe(|| {
            assert!(poll_unkindly(&mut wait).is_pending(), "{name}");
            assert!(poll_unkindly(&mut wait).is_pending(), "{name}");
            drop(wait);
        }));
        assert!(given_up.is_ok(), "{name}: the panic reaches who gives the wait up");
    }

    on_virtual_loop(|| async {
        is_given_up("an event", Event::new().wait());
        is_given_up("a sleep", sleep(HOUR));
        is_given_up("a task", spawn(pending::<()>()));
        is_given_up("a timeout", timeout(HOUR, pending::<()>()));
        let (_sender, mut receiver) = channel::unbounded::<()>();
        is_given_up("a stream", receiver.next());
        drop(receiver);
        is_given_up("a oneshot", glassloop::sync::oneshot::channel::<()>().1);
        let (promise, promised) = glassloop::promise::<()>();
        is_given_up("a promise", promised);
        drop(promise);
        is_given_up("a large join_all", join_all((0..300).map(|_| pending::<()>())));
        let mut sleep = sleep(HOUR);
        assert!(poll_unkindly(&mut sleep).is_pending());
        sleep.reset(now() + 2 * HOUR);
        drop(sleep);
        let (_near, far) = sockets::std_pair();
        let mut far = glassloop::Async::new(far).unwrap();
        is_given_up("a descriptor", far.readable());
        is_given_up("a read", far.read(&mut [0]));
        assert!(poll_unkindly(&mut far.read(&mut [0])).is_pending());
        drop(far);
    });
}

/// 86 · Breaks when the panic of a waker, woken by a timer, a socket, a task or a promise,
/// ends the loop or reaches the code that wakes.
#[test]
fn a_foreign_waker_that_panics_in_its_drop_does_not_end_the_loop_that_wakes_it() {
    on_virtual_loop(|| async {
        let (mut sleep_1, mut ended) = (sleep(HOUR), spawn(async {}));
        assert!(poll_unkindly(&mut sleep_1).is_pending());
        assert!(poll_unkindly(&mut ended).is_pending());
        let (promise, mut promised) = glassloop::promise();
        assert!(poll_unkindly(&mut promised).is_pending());
        promise.set(7).unwrap();
        assert_eq!(promised.await, Ok(7));
        let mut woken = None;
        let mut all = join_all((0..300).map(|_| {
            let event = Rc::new(Event::new());
            woken = Some(event.clone());
            Box::pin(async move { event.wait().await })
        }));
        assert!(poll_unkindly(&mut all).is_pending());
        woken.unwrap().set();
        let (near, far) = sockets::std_pair();
        let mut far = glassloop::Async::new(far).unwrap();
        assert!(poll_unkindly(&mut far.read(&mut [0])).is_pending());
        assert!(poll_unkindly(&mut far.readable()).is_pending());
        std::io::Write::write_all(&mut &near, b"x").unwrap();
        sleep(HOUR).await;
        assert_eq!(far.read(&mut [0]).await.unwrap(), 1);
        sleep(HOUR).await;
        ON_DROP.set(None);
        assert!(poll_with(&mut ended, Waker::noop()).is_ready());
    });
}

/// 86 · Breaks when a wait looks, then clones its waker, and then queues: what happens in the
/// clone finds nobody in the queue.
#[test]
fn a_waker_whose_clone_causes_what_it_waits_for_loses_no_wake() {
    /// Polls `wait` with a waker whose clone calls `cause`. Then the wait is ready, or its
    /// waker was woken.
    fn is_not_lost<F: Future + Unpin>(
        name: &str,
        polls: usize,
        mut wait: F,
        cause: impl Fn() + 'static,
    ) {
        let waker = unkind();
        for _ in 1..polls {
            assert!(poll_with(&mut wait, &waker).is_pending(), "{name}");
        }
        UNKIND_WAKES.set(0);
        ON_CLONE.set(Some(Rc::new(move || {
            // Only once: the cause may clone the waker, too.
            let this = ON_CLONE.take();
            cause();
            drop(this);
        })));
        let newest = WakeCount::new();
        // The first poll has no older waker that could be woken.
        let is_ready = poll_with(&mut wait, &waker).is_ready();
        ON_CLONE.set(None);
        let is_woken = UNKIND_WAKES.get() > 0;
        let again = is_ready || is_woken || poll_with(&mut wait, &newest.1).is_pending();
        assert!(is_ready || is_woken, "{name}, poll {polls}: lost (pending: {again})");
    }

    within_limit(|| {
        for polls in [1, 2] {
            let event = Rc::new(Event::new());
            let cause = event.clone();
            is_not_lost("an event", polls, event.wait(), move || cause.set());
            let (sender, receiver) = channel::unbounded();
            is_not_lost("a receive", polls, receiver.recv(), move || sender.try_send(7).unwrap());
            let (sender, receiver) = channel::bounded(1);
            sender.try_send(1).unwrap();
            is_not_lost("a send", polls, sender.send(2), move || {
                receiver.try_recv().unwrap();
            });
            let (sender, receiver) = glassloop::sync::oneshot::channel();
            let sender = Cell::new(Some(sender));
            is_not_lost("a oneshot", polls, receiver, move || {
                sender.take().unwrap().send(7).unwrap();
            });
            let (promise, promised) = glassloop::promise();
            let promise = Cell::new(Some(promise));
            is_not_lost("a promise", polls, promised, move || {
                promise.take().unwrap().set(7).unwrap();
            });
            let mutex: &'static Mutex<()> = Box::leak(Box::new(Mutex::new(())));
            let guard = Cell::new(mutex.try_lock());
            is_not_lost("a lock", polls, mutex.lock(), move || drop(guard.take()));
            let executor = Executor::new().unwrap();
            let task = executor.spawn(pending::<()>());
            let executor = Cell::new(Some(executor));
            is_not_lost("a join", polls, task, move || drop(executor.take()));
        }
        let changed: &'static Condvar = Box::leak(Box::new(Condvar::new()));
        let mutex: &'static Mutex<()> = Box::leak(Box::new(Mutex::new(())));
        let wait = Box::pin(changed.wait(mutex.try_lock().unwrap()));
        is_not_lost("a condvar", 2, wait, || changed.notify_one());
    });
}

/// Panics when it is dropped, unless a panic is under way.
struct PanicsOnDrop(&'static str);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("drop of {}", self.0);
        }
    }
}

/// Ready at once with an output that panics when it is dropped; so does the future.
struct PanicsTwice {
    _future: PanicsOnDrop,
}

impl PanicsTwice {
    fn new() -> PanicsTwice {
        PanicsTwice { _future: PanicsOnDrop("the future") }
    }
}

impl Future for PanicsTwice {
    type Output = PanicsOnDrop;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<PanicsOnDrop> {
        Poll::Ready(PanicsOnDrop("the output"))
    }
}

/// 46 · Breaks when the output of a detached task is dropped outside of the `catch_unwind`.
#[test]
fn a_task_whose_future_and_output_both_panic_in_drop_stops_no_other_task() {
    on_virtual_loop(|| async {
        let error = spawn(PanicsTwice::new()).await;
        assert!(error.is_err_and(|error| error.is_panic()));
        assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
    });
}

/// A payload whose drop panics with another such payload, and so on for ever: the only way
/// out is to forget one payload. It has no size, so forgetting it loses no memory.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Bomb);
    }
}

/// 46 · Breaks when the payload of a detached task is dropped outside of the `catch_unwind`.
#[test]
fn a_payload_that_panics_in_drop_stops_no_other_task() {
    within_limit(|| {
        let run = catch_unwind(|| {
            virtual_executor().block_on(async {
                drop(spawn(async { panic_any(Bomb) }));
                turns(3).await;
            });
        });
        if let Err(payload) = run {
            // On the test's own thread the drop would panic again, and hang the thread.
            std::mem::forget(payload);
            panic!("the payload's drop has reached the loop");
        }
    });
}

/// The result of a job; its drop panics with such a payload.
struct ThrowsBomb;

impl Drop for ThrowsBomb {
    fn drop(&mut self) {
        panic_any(Bomb);
    }
}

/// 64 · Breaks when a job whose result panics is never counted as done: virtual time then
/// waits for the job for ever.
#[test]
fn a_job_that_ends_in_panicking_drops_is_done_all_the_same() {
    on_virtual_loop(|| async {
        let (go, wait) = mpsc::channel::<()>();
        let mut job = unblock(move || {
            let _ = wait.recv();
            ThrowsBomb
        });
        assert!(poll_once(&mut job).await.is_pending());
        drop(job);
        drop(go);
        sleep(HOUR).await;
    });
}

/// 82 · Breaks when only the panic of a poll is caught.
#[test]
fn a_panic_in_the_drop_of_a_remote_task_arrives_as_join_error() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let answer = executor.remote().spawn(PanicsTwice::new);
        executor.run_until_stalled();
        assert!(answer.try_recv().expect("an answer").is_err());
    });
}

/// Spawns a task when it is dropped; the task sets a flag when it runs.
struct SpawnsOnDrop(Rc<Cell<bool>>);

impl Drop for SpawnsOnDrop {
    fn drop(&mut self) {
        let ran = self.0.clone();
        drop(spawn(async move { ran.set(true) }));
    }
}

/// 48 · Breaks when the tasks that are left are dropped before the stuck root, and not after.
#[test]
fn what_the_drop_of_a_stuck_root_spawns_is_a_leftover_too() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let ran = Rc::new(Cell::new(false));
        let spawns = SpawnsOnDrop(ran.clone());
        let text = panic_text(|| {
            executor.block_on(async move {
                let _spawns = spawns;
                pending::<()>().await;
            })
        });
        assert!(text.contains("deadlock"), "{text}");
        executor.run_until_stalled();
        assert!(!ran.get(), "the spawned task has survived the panic");
    });
}

// ── waits that are given up ───────────────────────────────────────────────

/// 89 · Breaks when a stream that does not wait any more is woken instead of a receiver that
/// does.
#[test]
fn a_stream_that_was_given_up_takes_no_value_from_other_receivers() {
    on_virtual_loop(|| async {
        let (sender, mut stream) = channel::unbounded();
        let receiver = stream.clone();
        assert!(timeout(Duration::from_millis(1), stream.next()).await.is_err());
        let other = spawn(async move { receiver.recv().await });
        turns(2).await;
        sender.try_send(7).unwrap();
        let received = timeout(HOUR, other)
            .await
            .expect("the receiver was not woken, although there is a value");
        assert_eq!(received.unwrap(), Ok(7));
    });
}

/// 56 · Breaks when a timeout keeps its timer after its future was ready: a virtual
/// clock would jump there.
#[test]
fn a_timeout_that_is_done_leaves_no_timer() {
    on_virtual_loop(|| async {
        let mut limited = timeout(HOUR, yield_now());
        (&mut limited).await.unwrap();
        assert_eq!(stats().timers_armed, 0);
    });
}

/// 57 · Breaks when a reset loses the waker of the task that waits.
#[test]
fn a_sleep_that_is_reset_while_a_task_waits_for_it_wakes_the_task() {
    on_virtual_loop(|| async {
        let deadline = now() + HOUR;
        let mut sleep = sleep(Duration::from_secs(10));
        let mut polled = false;
        let wait = poll_fn(|cx| {
            let poll = Pin::new(&mut sleep).poll(cx);
            if !std::mem::replace(&mut polled, true) {
                sleep.reset(deadline);
            }
            poll
        });
        assert!(timeout(2 * HOUR, wait).await.is_ok(), "never woken");
        assert_eq!(now(), deadline);
    });
}

/// 87 · Breaks when the guard that comes back is tied to the condition variable.
#[test]
fn a_guard_outlives_the_condition_variable_that_gave_it_back() {
    on_virtual_loop(|| async {
        let mutex = Mutex::new(7);
        let guard = {
            let condvar = Condvar::new();
            let mut wait = condvar.wait(mutex.lock().await);
            assert!(poll_once(&mut wait).await.is_pending());
            condvar.notify_one();
            wait.await
        };
        assert_eq!(*guard, 7);
    });
}

// ── the loop's end ────────────────────────────────────────────────────────

/// 82 · Breaks when the loop's end waits for its jobs before it disconnects its inbox: a job
/// that waits for an answer from the loop then waits for ever, and so does the loop.
#[test]
fn a_job_that_waits_for_the_loop_does_not_hang_the_loops_end() {
    within_limit(|| {
        let executor = Executor::new().unwrap();
        let remote = executor.remote();
        let (go, wait) = mpsc::channel::<()>();
        let (sender, disconnected) = mpsc::channel();
        executor.block_on(async {
            let mut job = unblock(move || {
                let _ = wait.recv();
                let _ = sender.send(remote.spawn(|| async {}).recv().is_err());
            });
            assert!(poll_once(&mut job).await.is_pending());
        });
        // The job goes on when the loop ends, since this task is dropped then.
        drop(executor.spawn(async move {
            let _go = go;
            pending::<()>().await;
        }));
        drop(executor);
        assert!(disconnected.recv().unwrap(), "the receiver is disconnected");
    });
}

// ── descriptors and files ─────────────────────────────────────────────────

/// 21 · Breaks when only polls of tasks are counted between two polls for I/O: a socket then
/// waits for 64 polls, however long they take. The subject is the real clock.
#[test]
fn a_socket_is_polled_within_a_few_turns_however_long_they_are() {
    on_loop(|| async {
        let (mut near, mut far) = sockets::pair();
        let turns_so_far = Rc::new(Cell::new(0));
        let count = turns_so_far.clone();
        let busy = spawn(async move {
            loop {
                let began = Instant::now();
                while began.elapsed() < Duration::from_millis(2) {}
                count.set(count.get() + 1);
                yield_now().await;
            }
        });
        let reader = spawn(async move { far.read(&mut [0]).await });
        turns(2).await;
        near.write_all(b"x").await.unwrap();
        let before = turns_so_far.get();
        reader.await.unwrap().unwrap();
        let waited = turns_so_far.get() - before;
        assert!(waited <= 5, "the byte was there, and was seen after {waited} turns");
        busy.abort();
    });
}

/// A waker that does nothing. Each is another waker, unlike `Waker::noop`.
struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}

/// 71 · Breaks when the socket keeps each new waker of a combinator until an event.
#[test]
fn a_socket_keeps_a_bounded_number_of_wakers_that_come_and_go() {
    on_virtual_loop(|| async {
        let (_near, mut far) = sockets::pair();
        let mut kept = Vec::new();
        for _ in 0..1000 {
            let waker = Arc::new(Nothing);
            kept.push(Arc::downgrade(&waker));
            let mut buffer = [0];
            assert!(poll_with(&mut far.read(&mut buffer), &Waker::from(waker)).is_pending());
        }
        let alive = kept.iter().filter(|waker| waker.strong_count() > 0).count();
        assert!(alive <= 64, "{alive} of 1,000 wakers are kept");
    });
}

thread_local! {
    static WITHIN_REACH: RefCell<Option<glassloop::Async<sockets::StdStream>>> =
        const { RefCell::new(None) };
}

/// Takes a socket away from the loop, in the middle of the event for it.
struct TakesSocket;

impl Wake for TakesSocket {
    fn wake(self: Arc<Self>) {
        let socket = WITHIN_REACH.take().expect("woken once");
        drop(socket.into_inner().expect("released in the middle of its event"));
    }
}

/// 72 · Breaks when the reactor holds the source while it wakes.
#[test]
fn a_socket_may_be_taken_from_the_loop_in_the_middle_of_its_event() {
    on_virtual_loop(|| async {
        let (near, far) = sockets::std_pair();
        let mut far = glassloop::Async::new(far).unwrap();
        let waker = Waker::from(Arc::new(TakesSocket));
        assert!(poll_with(&mut far.read(&mut [0]), &waker).is_pending());
        WITHIN_REACH.set(Some(far));
        std::io::Write::write_all(&mut &near, b"x").unwrap();
        // A wait for another socket makes the loop poll for I/O.
        let (_other, mut awaited) = sockets::pair();
        assert!(timeout(HOUR, awaited.read(&mut [0])).await.is_err());
        assert!(WITHIN_REACH.take().is_none(), "the waker has run");
    });
}

fn file_with(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// 79 · Breaks when the file keeps bytes that it has read ahead beyond the new length.
#[test]
fn bytes_that_were_cut_off_are_not_read_any_more() {
    on_loop(|| async {
        let path = file_with("hello");
        let mut file = File::options().read(true).write(true).open(path.path()).await.unwrap();
        file.read_exact(&mut [0]).await.unwrap();
        file.set_len(1).await.unwrap();
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    });
}

/// 79 · Breaks when the distance of a seek is computed without a check.
#[test]
fn a_seek_beyond_all_bounds_is_an_error() {
    on_loop(|| async {
        let path = file_with("hello");
        let mut file = File::open(path.path()).await.unwrap();
        file.read_exact(&mut [0]).await.unwrap();
        let error = file.seek(SeekFrom::Current(i64::MIN)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

/// 79 · Breaks when a write always seeks back to the position of the reader: a pipe has no
/// position.
#[cfg(unix)]
#[test]
fn a_pipe_can_be_written_to_after_it_was_read() {
    on_loop(|| async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success(), "mkfifo");
        let mut pipe = File::options().read(true).write(true).open(&path).await.unwrap();
        pipe.write_all(b"hello").await.unwrap();
        pipe.flush().await.unwrap();
        pipe.read_exact(&mut [0]).await.unwrap();
        pipe.write_all(b"x").await.unwrap();
        pipe.flush().await.unwrap();
    });
}

// ── many at once ──────────────────────────────────────────────────────────

thread_local! {
    static CHILD: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// 93 · Breaks when a foreign waker is woken under the lock of a large `join_all`: it may
/// come back for the same lock.
#[test]
fn a_child_of_a_large_join_all_may_be_woken_from_inside_a_wake_of_its_parent() {
    struct WakesChild;

    impl Wake for WakesChild {
        fn wake(self: Arc<Self>) {
            let child = CHILD.take();
            child.into_iter().for_each(Waker::wake);
        }
    }

    within_limit(|| {
        let wait = || {
            poll_fn(|cx| {
                CHILD.set(Some(cx.waker().clone()));
                Poll::<()>::Pending
            })
        };
        let mut all = join_all((0..300).map(|_| wait()));
        let waker = Waker::from(Arc::new(WakesChild));
        assert!(poll_with(&mut all, &waker).is_pending());
        let child = CHILD.take().unwrap();
        CHILD.set(Some(child.clone()));
        child.wake();
        assert!(CHILD.take().is_none(), "the parent was woken, and has woken the child");
        let result = catch_unwind(AssertUnwindSafe(|| poll_with(&mut all, &waker)));
        assert!(result.unwrap().is_pending());
    });
}

// ── drops that panic ──────────────────────────────────────────────────────

/// Counts its drops, and panics at each, also while a panic unwinds.
struct Spiteful(Rc<Cell<u32>>);

impl Drop for Spiteful {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic!("a spiteful drop");
    }
}

/// 46 · Breaks when the output is dropped with the handle, outside of `contain`.
#[test]
fn a_handle_may_be_dropped_whatever_the_drop_of_its_output_does() {
    on_loop(|| async {
        let drops = Rc::new(Cell::new(0));
        let output = Spiteful(drops.clone());
        let task = spawn(async { output });
        yield_now().await;
        drop(task);
        assert_eq!(drops.get(), 1);
        let output = Spiteful(drops.clone());
        let task = spawn(async { output });
        drop(timeout(HOUR, task));
        yield_now().await;
        assert_eq!(drops.get(), 2);
    });
}

/// 71 · Breaks when the drop of an output comes between the limit and the answer. But what
/// the future itself does in its drop is the business of the task that awaits it.
#[test]
fn a_timeout_elapses_whatever_the_outputs_that_nobody_joined_do_in_their_drops() {
    on_virtual_loop(|| async {
        let drops = Rc::new(Cell::new(0));
        let output = Spiteful(drops.clone());
        let ended = spawn(async { output });
        yield_now().await;
        let holds_a_handle = async move {
            let _ended = ended;
            pending::<()>().await
        };
        assert!(timeout(HOUR, holds_a_handle).await.is_err(), "a handle of an ended task");
        assert_eq!(drops.get(), 1);
        let held = Spiteful(drops.clone());
        let late = async move {
            let _held = held;
            pending::<()>().await
        };
        let panic = AssertUnwindSafe(timeout(HOUR, late)).catch_unwind().await.unwrap_err();
        assert_eq!(payload_text(&*panic), "a spiteful drop", "a future that was too late");
        assert_eq!(drops.get(), 2);
    });
}

/// 64 · Breaks when the panic comes before the child is counted: the `join_all` would never
/// be ready.
#[test]
fn a_join_all_that_is_polled_on_after_the_drop_of_a_future_panicked_gives_all_outputs() {
    for count in [3, 300] {
        on_loop(move || async move {
            let drops = Rc::new(Cell::new(0));
            let child = |n: u32| {
                let held = n.is_multiple_of(2).then(|| Spiteful(drops.clone()));
                poll_fn(move |_| {
                    let _held = &held;
                    Poll::Ready(n)
                })
            };
            let mut all = join_all((0..count).map(child));
            for _ in 0..count.div_ceil(2) {
                let poll = || drop(poll_with(&mut all, Waker::noop()));
                assert_eq!(panic_text(poll), "a spiteful drop");
            }
            assert_eq!(all.await, (0..count).collect::<Vec<_>>());
            assert_eq!(drops.get(), count.div_ceil(2));
        });
    }
}

/// 67 · Breaks when the outputs of the others are dropped on the way out: their panic would
/// replace the error, or meet the panic of the child that failed and end the process.
#[test]
fn a_group_gives_its_error_whatever_the_drops_of_the_other_outputs_do() {
    on_loop(|| async {
        for panics in [false, true] {
            let drops = Rc::new(Cell::new(0));
            let mut group = TaskGroup::new();
            for output in [(); 3].map(|()| Spiteful(drops.clone())) {
                group.spawn(async { Ok(output) });
            }
            group.spawn(async move { if panics { panic!("a child") } else { Err("failed") } });
            let joined = AssertUnwindSafe(group.join()).catch_unwind().await;
            match joined {
                Ok(result) => assert_eq!(result.err(), Some("failed")),
                Err(panic) => assert_eq!(payload_text(&*panic), "a child"),
            }
            assert_eq!(drops.get(), 3);
        }
    });
}

/// 83 · Breaks when the values that nobody received are dropped together, outside of
/// `contain`: two that panic would end the process.
#[test]
fn a_receiver_may_be_dropped_whatever_the_drops_of_its_leftovers_do() {
    within_limit(|| {
        let drops = Rc::new(Cell::new(0));
        let (sender, receiver) = channel::unbounded();
        for _ in 0..3 {
            sender.try_send(Spiteful(drops.clone())).ok().unwrap();
        }
        drop(receiver);
        assert_eq!(drops.get(), 3, "of a channel");
        let (sender, receiver) = oneshot::channel();
        sender.send(Spiteful(drops.clone())).ok().unwrap();
        drop(receiver);
        assert_eq!(drops.get(), 4, "of a oneshot");
        let (promise, promised) = promise();
        promise.set(Spiteful(drops.clone())).ok().unwrap();
        drop(promised);
        assert_eq!(drops.get(), 5, "of a promise");
    });
}

/// 52 · Breaks when the result of a job that was given up is dropped with its future.
#[test]
fn an_unblock_may_be_dropped_whatever_the_drop_of_its_result_does() {
    struct Panics;

    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("the result of a job");
        }
    }

    on_loop(|| async {
        let (done, is_done) = mpsc::channel::<()>();
        let mut job = unblock(move || {
            let _done = done;
            Panics
        });
        assert!(poll_once(&mut job).await.is_pending());
        assert!(is_done.recv().is_err(), "the job has ended");
        // Its result is there a moment later, or comes when the future is gone.
        drop(job);
    });
}

// ── the end of a thread ───────────────────────────────────────────────────

/// Calls `run` in the drop of a thread-local that is first used before any loop, and of one
/// that is first used after a loop: they are dropped in that order.
fn in_the_drop_of_a_thread_local(run: fn() -> u32) {
    struct Runs(fn() -> u32, mpsc::Sender<u32>);

    impl Drop for Runs {
        fn drop(&mut self) {
            self.1.send(self.0()).unwrap();
        }
    }

    thread_local! {
        static LAST: RefCell<Vec<Runs>> = const { RefCell::new(Vec::new()) };
    }

    within_limit(move || {
        for is_first in [true, false] {
            let (sender, receiver) = mpsc::channel();
            let thread = std::thread::spawn(move || {
                let first_use = || LAST.with_borrow_mut(|last| last.push(Runs(run, sender)));
                if is_first {
                    first_use();
                    glassloop::block_on(yield_now());
                } else {
                    glassloop::block_on(yield_now());
                    first_use();
                }
            });
            assert_eq!(receiver.recv(), Ok(7));
            thread.join().unwrap();
        }
    });
}

/// 13 · Breaks when the loop's own thread-local is gone by then: leaf futures would find no
/// loop inside of `block_on`.
#[test]
fn a_loop_may_run_in_the_drop_of_a_thread_local() {
    in_the_drop_of_a_thread_local(|| {
        virtual_executor().block_on(async {
            let task = spawn(async {
                sleep(HOUR).await;
                7
            });
            yield_now().await;
            task.await.unwrap()
        })
    });
}

/// 13 · As above. On Windows no thread can start or end meanwhile.
#[cfg(not(windows))]
#[test]
fn a_loop_in_the_drop_of_a_thread_local_may_use_the_pool() {
    in_the_drop_of_a_thread_local(|| glassloop::block_on(async { unblock(|| 7).await }));
}

// ── what only some systems have ──────────────────────────────────────────────

/// The names of Linux that are no paths. Breaks when `from_std` asks for a path.
#[cfg(target_os = "linux")]
#[test]
fn a_unix_socket_with_an_abstract_name_is_made_by_std_and_then_used_on_the_loop() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    on_virtual_loop(|| async {
        let by_path = glassloop::net::UnixListener::bind("\0glassloop").unwrap_err();
        assert_eq!(by_path.kind(), std::io::ErrorKind::InvalidInput, "a path has no NUL");
        let name = format!("glassloop-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let listener = glassloop::net::UnixListener::from_std(listener).unwrap();
        let near = UnixStream::connect_addr(&address).unwrap();
        let mut near = glassloop::net::UnixStream::from_std(near).unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        far.write_all(b"hi").await.unwrap();
        let mut text = [0; 2];
        near.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"hi");
        assert_eq!(listener.local_addr().unwrap().as_abstract_name(), Some(name.as_bytes()));
    });
}

/// The child shares the parent's epoll instance: what it closes there, the parent loses. Breaks when
/// a child that only ends does harm.
#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_that_ends_without_dropping_the_loop_does_no_harm() {
    #[allow(unsafe_code)]
    unsafe extern "C" {
        fn fork() -> i32;
        fn _exit(code: i32) -> !;
        fn waitpid(child: i32, status: *mut i32, options: i32) -> i32;
    }

    on_virtual_loop(|| async {
        let (mut near, mut far) = glassloop::net::UnixStream::pair().unwrap();
        let read = spawn(async move {
            let mut text = [0; 2];
            far.read_exact(&mut text).await.map(|()| text)
        });
        turns(2).await;
        // SAFETY: The child calls nothing but `_exit`, which may be called after a fork.
        #[allow(unsafe_code)]
        unsafe {
            match fork() {
                0 => _exit(0),
                child => assert_eq!(waitpid(child, std::ptr::null_mut(), 0), child),
            }
        }
        near.write_all(b"hi").await.unwrap();
        assert_eq!(&read.await.unwrap().unwrap(), b"hi");
    });
}
