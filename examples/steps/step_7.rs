//! # Step 7: sockets
//!
//! You know: the loop sleeps until a task is ready or a timer is due. Here it sleeps in the
//! system's *poller*, which also wakes it when a socket can be read or written. A socket is
//! tried first. Only if it says `WouldBlock`, the task leaves its waker with the loop, and has the
//! poller watch the socket.
//!
//! The poller is from the crate `polling`: `add` makes a socket known, `modify` says what we wait
//! for next, `wait` gives the events, `notify` ends a `wait` from any thread, `delete` has the
//! socket forgotten. It tells of a socket *once* (it is *one-shot*), and then forgets what it was
//! asked for. So each `WouldBlock` registers again.
//!
//! ```text
//! cargo run --example step_7
//! cargo run --example flaw 7     # wrong first: a wake that the poller does not hear; a
//!                                # writer that makes the reader deaf; a socket nobody reads
//! ```
//!
//! **Still wrong:** a file is always "ready", and the disk makes the loop wait all the same. So
//! does `TcpStream::connect`. And a socket that is really always ready never gives `Pending`, so
//! the task that reads it lets nothing else run.
//!
//! In the real executor: `executor/io/reactor.rs`. It does not ask the poller in every turn, does
//! not register again for every wait, and no wake on the loop's own thread goes to the poller.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_lite::FutureExt;
use polling::{AsRawSource, AsSource, Event, Events, Poller};

// ── the loop ────────────────────────────────── executor/event_loop/core.rs

thread_local! {
    /// The loop that runs on this thread.
    static CURRENT: RefCell<Option<Rc<EventLoop>>> = const { RefCell::new(None) };
}

struct EventLoop {
    /// By id; `None` while the task is being polled. executor/task/scheduler.rs
    tasks: RefCell<BTreeMap<u64, Option<Task>>>,
    next_id: Cell<u64>,
    queue: Arc<RunQueue>,
    started: Instant,
    timers: RefCell<Timers>,
    /// The wakers of the tasks that wait to read and to write, by the key of the socket.
    sockets: RefCell<HashMap<usize, [Option<Waker>; 2]>>,
    events: RefCell<Events>,
}

/// The id of the future that `block_on` polls itself. That one may borrow from the caller, and
/// its output goes to the caller; a task owns all that it has.
const ROOT: u64 = 0;

/// Runs a future to its end, and meanwhile the tasks that it spawns.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let entered = EventLoop::enter();
    let event_loop = &entered.0;
    let mut root = pin!(future);
    let waker = TaskWaker::new(ROOT, &event_loop.queue);
    waker.wake_by_ref();
    loop {
        event_loop.wait();
        event_loop.fire_timers();
        // Only the tasks that are ready now. A task that becomes ready meanwhile is polled in
        // the next turn; or a task that always wakes itself would keep the turn going for ever.
        for id in event_loop.queue.take() {
            if id != ROOT {
                event_loop.poll_task(id);
            } else if let Poll::Ready(output) = waker.poll(root.as_mut()) {
                return output;
            }
        }
    }
}

/// While this lives, the loop is the current one.
struct Entered(Rc<EventLoop>);

impl Drop for Entered {
    fn drop(&mut self) {
        // One by one, out of the table: the drop of a future may use the table. (And not
        // `while let`, which would keep the table borrowed during the drop.)
        loop {
            let Some(task) = self.0.tasks.borrow_mut().pop_first() else { break };
            drop(task);
        }
        CURRENT.take();
    }
}

impl EventLoop {
    fn enter() -> Entered {
        assert!(CURRENT.with_borrow(Option::is_none), "a loop runs already: use `.await` here");
        let poller = Poller::new().expect("the system has a poller");
        let event_loop = Rc::new(EventLoop {
            tasks: RefCell::default(),
            next_id: Cell::new(ROOT + 1),
            queue: Arc::new(RunQueue { ids: Mutex::default(), poller }),
            started: Instant::now(),
            timers: RefCell::new(Timers::new()),
            sockets: RefCell::default(),
            events: RefCell::new(Events::new()),
        });
        CURRENT.set(Some(Rc::clone(&event_loop)));
        Entered(event_loop)
    }

    fn current() -> Rc<EventLoop> {
        CURRENT.with_borrow(Clone::clone).expect("this needs a running loop: call `block_on`")
    }

    fn next_id(&self) -> u64 {
        self.next_id.replace(self.next_id.get() + 1)
    }

    fn add(&self, future: BoxFuture) -> u64 {
        let id = self.next_id();
        let waker = TaskWaker::new(id, &self.queue);
        let task = Task { future, waker: Arc::clone(&waker) };
        self.tasks.borrow_mut().insert(id, Some(task));
        waker.wake(); // to be polled for the first time
        id
    }

    fn poll_task(&self, id: u64) {
        // Out of the table for the time of the poll: the poll may spawn, and use the table.
        let Some(mut task) = self.tasks.borrow_mut().get_mut(&id).and_then(Option::take) else {
            return; // a late wake: the task has ended
        };
        if task.waker.poll(task.future.as_mut()).is_ready() {
            self.tasks.borrow_mut().remove(&id);
        } else if let Some(place) = self.tasks.borrow_mut().get_mut(&id) {
            *place = Some(task);
        } // else it is no longer in the table: it has aborted itself (step 4), and is dropped here
    }

    /// Sleeps until a task is ready, a timer is due or a socket is ready. Wakes the tasks
    /// that wait for a socket.
    fn wait(&self) {
        // If a task is ready: do not wait, only ask.
        let left =
            if self.queue.is_empty() { self.until_next_timer() } else { Some(Duration::ZERO) };
        let mut events = self.events.borrow_mut();
        events.clear();
        self.queue.poller.wait(&mut events, left).expect("the system's poller works");
        for event in events.iter() {
            // Both directions: the event has ended the registration of both. A task that is
            // woken in vain tries again, and registers again.
            let wakers = self.sockets.borrow_mut().remove(&event.key);
            wakers.into_iter().flatten().flatten().for_each(Waker::wake);
        }
    }

    /// Wakes the tasks whose timers are due.
    fn fire_timers(&self) {
        // Taken out first, woken then: a waker may do anything, and use the timers.
        let due = self.timers.borrow_mut().advance(self.started.elapsed().as_millis() as u64);
        due.into_iter().for_each(Waker::wake);
    }

    fn until_next_timer(&self) -> Option<Duration> {
        let next = self.timers.borrow().next()?;
        Some(Duration::from_millis(next).saturating_sub(self.started.elapsed()))
    }
}

// ── the run queue ─────────────────────────────── executor/task/run_queue.rs

/// The ids of the tasks to poll, first in, first out. Any thread may push one.
struct RunQueue {
    ids: Mutex<VecDeque<u64>>,
    poller: Poller,
}

impl RunQueue {
    fn push(&self, id: u64) {
        lock(&self.ids).push_back(id);
        // The push first: a loop that woke up before it would find nothing and sleep again.
        // No `notify` is lost: if the loop does not wait yet, its next wait ends at once.
        self.poller.notify().expect("the system's poller works");
    }

    fn take(&self) -> VecDeque<u64> {
        mem::take(&mut *lock(&self.ids))
    }

    fn is_empty(&self) -> bool {
        lock(&self.ids).is_empty()
    }
}

// ── a task, and its waker ──────────── executor/task/task.rs, executor/task/waker.rs

type BoxFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    future: BoxFuture,
    waker: Arc<TaskWaker>,
}

/// Any thread may hold a waker and call it. The tasks never leave the thread of the loop, so they
/// may hold an `Rc`; hence the waker holds no task, only the task's id and the way to the queue.
struct TaskWaker {
    id: u64,
    queue: Arc<RunQueue>,
    /// From the wake to the poll: the id is in the queue, or in what the turn has taken out of
    /// it. It must not be pushed twice.
    queued: AtomicBool,
}

impl TaskWaker {
    fn new(id: u64, queue: &Arc<RunQueue>) -> Arc<TaskWaker> {
        Arc::new(TaskWaker { id, queue: Arc::clone(queue), queued: AtomicBool::new(false) })
    }

    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        // Before the poll: a wake during the poll must push the id again. And `swap`, not
        // `store`: this poll must see what other threads did before they woke the task.
        self.queued.swap(false, Ordering::AcqRel);
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.push(self.id);
        }
    }
}

// ── spawn, join, abort ─────────────────────── executor/task/join_handle.rs

/// Starts a task. It runs until `block_on` returns, at most.
pub fn spawn<F: Future + 'static>(future: F) -> JoinHandle<F::Output> {
    let event_loop = EventLoop::current();
    let slot = Rc::new(JoinSlot { result: Cell::new(None), joiner: Cell::new(None) });
    let id = event_loop.add(Box::pin({
        let slot = Rc::clone(&slot);
        async move {
            // A panic ends this task, and not the loop.
            let result = AssertUnwindSafe(future).catch_unwind().await;
            slot.end(result.map_err(JoinError::Panicked));
        }
    }));
    JoinHandle { id, event_loop, slot }
}

/// Awaits a task's output. Dropping the handle does not end the task.
pub struct JoinHandle<T> {
    id: u64,
    event_loop: Rc<EventLoop>,
    slot: Rc<JoinSlot<T>>,
}

/// Why a task gave no output.
#[derive(Debug)]
pub enum JoinError {
    /// It was aborted.
    Aborted,
    /// It panicked, with this value.
    Panicked(Box<dyn Any + Send>),
}

/// What a task and its handle share.
struct JoinSlot<T> {
    result: Cell<Option<Result<T, JoinError>>>,
    joiner: Cell<Option<Waker>>,
}

impl<T> JoinSlot<T> {
    fn end(&self, result: Result<T, JoinError>) {
        // The first end counts: a task may abort itself, and then run to its end.
        self.result.set(self.result.take().or(Some(result)));
        if let Some(joiner) = self.joiner.take() {
            joiner.wake();
        }
    }
}

impl<T> JoinHandle<T> {
    /// Ends the task where it waits: its future is dropped, with all that it owns. (What it shares
    /// with others stays.)
    pub fn abort(&self) {
        let task = self.event_loop.tasks.borrow_mut().remove(&self.id);
        if let Some(task) = task {
            // First the news, then the drop: the drop may panic.
            self.slot.end(Err(JoinError::Aborted));
            drop(task);
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.slot.result.take() {
            return Poll::Ready(result);
        }
        self.slot.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

// ── time ───────────────────────── executor/time/sleep.rs, executor/time/timers.rs

/// Sleeps for `duration` from this call on: rounded up to a millisecond, and longer if another
/// task keeps the thread.
pub fn sleep(duration: Duration) -> Sleep {
    let event_loop = EventLoop::current();
    let deadline = event_loop.started.elapsed().saturating_add(duration);
    // Rounded up: a sleep never ends early.
    let deadline = u64::try_from(deadline.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let number = event_loop.next_id();
    Sleep { key: (deadline.min(FOREVER), number), event_loop }
}

/// In milliseconds since the loop began: some 8,900 years. (Step 6 has use for 48 bits.)
const FOREVER: u64 = (1 << 48) - 1;

/// A timer's deadline, in milliseconds since the loop began, and its number: equal deadlines
/// come in the order of the calls.
type TimerKey = (u64, u64);

/// The leaf future of time.
pub struct Sleep {
    key: TimerKey,
    event_loop: Rc<EventLoop>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Duration::from_millis(self.key.0) <= self.event_loop.started.elapsed() {
            return Poll::Ready(());
        }
        // With the same key at every poll: the waker of the last poll replaces the older one.
        self.event_loop.timers.borrow_mut().insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let _waker = self.event_loop.timers.borrow_mut().remove(self.key);
    }
}

// ── the timer wheel ───────────────────────────────── executor/time/wheel.rs

/// The bits of a digit; a wheel has a slot for each digit.
const BITS: usize = 6;
const SLOTS: usize = 1 << BITS;
/// Eight digits of six bits each: 48 bits, hence `FOREVER`.
const WHEELS: usize = 8;

/// Eight wheels, as a clock has hands. Written to the base of 64, a time has eight digits, and
/// there is a wheel for each digit. A timer lies in the wheel of the highest digit in which its
/// deadline differs from now, in the slot of that digit:
///
/// ```text
///   digit of wheel   2 · 1 · 0
///   now              0 · 1 · 7
///   a deadline       0 · 1 · 9      differs in digit 0: wheel 0, slot 9
///   another one      0 · 5 · 2      differs in digit 1: wheel 1, slot 5
/// ```
///
/// When now reaches a slot, its timers fire or move to a lower wheel: they *cascade*, each at
/// most eight times. Inserting and removing take two steps, the slot and the hash, however many
/// timers there are.
struct Timers {
    now: u64,
    slots: Vec<HashMap<TimerKey, Waker>>,
    /// A bit for each slot of each wheel: there may be timers in it. (`remove` leaves the bit, so
    /// the loop may wake up once for nothing.)
    occupied: [u64; WHEELS],
}

impl Timers {
    fn new() -> Timers {
        let slots = (0..WHEELS * SLOTS).map(|_| HashMap::new()).collect();
        Timers { now: 0, slots, occupied: [0; WHEELS] }
    }

    /// The wheel and the digit of a deadline that has not come yet.
    fn place(&self, deadline: u64) -> (usize, usize) {
        let highest_bit = (self.now ^ deadline).max(1).ilog2() as usize; // in which they differ
        let wheel = highest_bit / BITS;
        (wheel, (deadline >> (wheel * BITS)) as usize % SLOTS)
    }

    fn insert(&mut self, key: TimerKey, waker: Waker) {
        let (wheel, digit) = self.place(key.0);
        self.occupied[wheel] |= 1 << digit;
        self.slots[wheel * SLOTS + digit].insert(key, waker);
    }

    /// A timer is where `insert` has put it: its place changes only when now reaches its slot,
    /// and then `advance` moves it.
    fn remove(&mut self, key: TimerKey) -> Option<Waker> {
        let (wheel, digit) = self.place(key.0);
        self.slots[wheel * SLOTS + digit].remove(&key)
    }

    /// The slot that comes next: in the lowest wheel that has timers. All timers of a wheel have
    /// now's digits above it and a greater one in it. So they come after those of all lower
    /// wheels, and none lies behind now.
    fn next_slot(&self) -> Option<(usize, usize)> {
        let wheel = self.occupied.iter().position(|&slots| slots != 0)?;
        Some((wheel, self.occupied[wheel].trailing_zeros() as usize))
    }

    /// When the loop must advance next: the first moment of the next slot.
    fn next(&self) -> Option<u64> {
        let (wheel, digit) = self.next_slot()?;
        // Now's digits above this wheel, and a 0 in the place of this one.
        let higher_digits = self.now >> ((wheel + 1) * BITS) << BITS;
        Some((higher_digits | digit as u64) << (wheel * BITS))
    }

    /// Takes out the timers that are due at `now`, in the order of their keys.
    fn advance(&mut self, now: u64) -> Vec<Waker> {
        let mut due = BTreeMap::new();
        while let Some(begin) = self.next().filter(|&begin| begin <= now) {
            let (wheel, digit) = self.next_slot().expect("`next` has found one");
            self.now = begin;
            self.occupied[wheel] &= !(1 << digit);
            for (key, waker) in mem::take(&mut self.slots[wheel * SLOTS + digit]) {
                if key.0 == begin {
                    due.insert(key, waker);
                } else {
                    self.insert(key, waker);
                }
            }
        }
        self.now = now;
        due.into_values().collect()
    }
}

// ── sockets ────────────────────── executor/io/reactor.rs, executor/io/async_io.rs

/// A socket, watched by the system's poller (epoll on Linux, kqueue on macOS, IOCP on
/// Windows). One task at a time may wait to read, and one to write.
pub struct Async<T: AsSource> {
    io: T,
    key: usize,
    event_loop: Rc<EventLoop>,
}

const READ: usize = 0;
const WRITE: usize = 1;

impl<T: AsSource> Async<T> {
    /// `io` must be non-blocking: a call that would have to wait gives `WouldBlock` instead.
    #[allow(unsafe_code)]
    fn new(io: T) -> io::Result<Async<T>>
    where
        for<'a> &'a T: AsRawSource, // `add` takes a reference to a socket
    {
        let event_loop = EventLoop::current();
        let key = event_loop.next_id() as usize;
        // SAFETY: the poller must not keep a socket that is closed. Nothing takes `io` out of
        // an `Async`, and `drop` takes it out of the poller before it is closed.
        unsafe { event_loop.queue.poller.add(&io, Event::none(key))? };
        Ok(Async { io, key, event_loop })
    }

    /// Tries `act` again and again, until it need not wait. Sleeps in between, until the
    /// socket is ready.
    async fn when_ready<R>(
        &self,
        direction: usize,
        mut act: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        poll_fn(|cx| match act(&self.io) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut sockets = self.event_loop.sockets.borrow_mut();
                let wakers = sockets.entry(self.key).or_default();
                wakers[direction] = Some(cx.waker().clone());
                // Both directions: a registration replaces the one before.
                let (read, write) = (wakers[READ].is_some(), wakers[WRITE].is_some());
                let interest = Event::new(self.key, read, write);
                // An error ends the wait: here `?` gives `Poll::Ready(Err(…))`.
                self.event_loop.queue.poller.modify(&self.io, interest)?;
                Poll::Pending
            }
            done => Poll::Ready(done),
        })
        .await
    }
}

impl<T: AsSource> Drop for Async<T> {
    fn drop(&mut self) {
        let _wakers = self.event_loop.sockets.borrow_mut().remove(&self.key);
        // It can only fail if the poller does not know the socket any more.
        let _ = self.event_loop.queue.poller.delete(&self.io);
    }
}

impl Async<TcpListener> {
    /// Listens at a free port of this machine.
    pub fn bind() -> io::Result<Async<TcpListener>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Async::new(listener)
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Waits for the next connection.
    pub async fn accept(&self) -> io::Result<Async<TcpStream>> {
        let (stream, _) = self.when_ready(READ, TcpListener::accept).await?;
        Async::stream(stream)
    }
}

impl Async<TcpStream> {
    /// Takes a stream of the standard library.
    pub fn stream(stream: TcpStream) -> io::Result<Async<TcpStream>> {
        stream.set_nonblocking(true)?;
        Async::new(stream)
    }

    /// Reads what has arrived, at least a byte; 0 at the end.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.when_ready(READ, |mut io| io.read(buffer)).await
    }

    /// Writes all bytes.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.when_ready(WRITE, |mut io| io.write(bytes)).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic happens under this lock")
}

// ── the program ───────────────────────────────────────────────────────────

async fn serve(listener: Async<TcpListener>) -> io::Result<()> {
    loop {
        let stream = listener.accept().await?;
        spawn(echo(stream));
    }
}

async fn echo(stream: Async<TcpStream>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length]).await?,
        }
    }
}

/// Sends words, with a pause before each, and prints what comes back.
async fn talk(address: SocketAddr, words: [&str; 3]) -> io::Result<()> {
    let stream = Async::stream(TcpStream::connect(address)?)?;
    for word in words {
        sleep(Duration::from_millis(20)).await;
        stream.write_all(word.as_bytes()).await?;
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await?;
        println!("{}", String::from_utf8_lossy(&buffer[..length]));
    }
    Ok(())
}

fn main() -> io::Result<()> {
    block_on(async {
        let listener = Async::bind()?;
        let address = listener.address()?;
        spawn(serve(listener));
        let first = spawn(talk(address, ["one", "two", "three"]));
        let second = spawn(async move {
            first.await.expect("it only talks")?;
            talk(address, ["  un", "  deux", "  trois"]).await
        });
        second.await.expect("it only talks")
    })
}
