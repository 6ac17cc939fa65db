//! # Profile: waiting and computing, each in three ways, and the cost of deep awaits
//!
//! ```text
//! cargo run --example profile               # add --release for full speed
//! ```
//!
//! Twin: `profile.py`, with the same jobs and the same tables.
//!
//! The clock tells how long waiting takes. How long computing takes, it does not tell on a
//! machine that does other work too; the time of its processors does. So the times of the CPU
//! job are those of a machine that does nothing else.
//!
//! Take away: **the loop makes waiting quicker, threads on more cores make computing
//! quicker; and a task that waits or computes between two awaits stops the loop.**

use std::cell::Cell;
use std::collections::HashMap;
use std::future::pending;
use std::io::{self, Read, Write};
use std::net::{self, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use std::{iter, mem, thread};

use futures_lite::future::{Boxed, BoxedLocal, FutureExt};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::net::TcpStream;
use glassloop::{TaskGroup, block_on, join_all, sleep, spawn, unblock, yield_now};

#[path = "shared/terminal.rs"]
mod terminal;

/// `println!`, but if nobody reads it, that is no panic.
macro_rules! say {
    ($($line:tt)*) => { terminal::say(format_args!("{}\n", format_args!($($line)*))) };
}

const USAGE: &str = "\
Measures a job that waits and a job that computes: one piece after another (sync),
on the loop, and on threads; then what it costs to await through many levels.

Usage: cargo run --example profile
";
const BUILD: &str = if cfg!(debug_assertions) { "debug" } else { "release" };
/// Each job is done at least so often, and for so long. In a round come all three ways, one
/// after another: what else the machine does disturbs them alike.
const ROUNDS: [(&str, usize); 2] = [("I/O", 3), ("CPU", 9)];
const LONG_ENOUGH: Duration = Duration::from_millis(1200);
/// A way is faster if it is so by this factor: two threads on one core are not.
const CLEARLY: f64 = 1.25;
/// The job that waits: this many requests. The server answers each after a pause, with
/// the square of the number.
const REQUESTS: u64 = 16;
const PAUSE: Duration = Duration::from_millis(20);
/// The job that computes: it counts primes, in this many pieces of this many numbers.
const PIECES: u64 = 8;
const NUMBERS: u64 = 6_000;
const PRIMES: u64 = 4_946;

fn main() -> ExitCode {
    if let Some(code) = terminal::only_help("profile", USAGE) {
        return code;
    }
    match profile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain("profile", error);
            ExitCode::FAILURE
        }
    }
}

fn profile() -> io::Result<()> {
    let cores = thread::available_parallelism()?.get();
    say!("cores: {cores}; {BUILD} build; each time is the median of its rounds");
    say!("(CPU: what the processors need, if no other program has them)\n");
    say!("job  way      result         time    speed  time against sync  longest silence");
    let server = slow_server()?;
    let squares = (1..=REQUESTS).map(|n| n * n).sum();
    block_on(async {
        compare(ROUNDS[0], squares, cores, || waiting(server)).await?;
        compare(ROUNDS[1], PRIMES, cores, computing).await
    })?;
    nesting();
    Ok(())
}

// ── the two jobs, each in three ways ──────────────────────────────────────

/// A future that gives a number.
type Work = BoxedLocal<io::Result<u64>>;

fn waiting(server: SocketAddr) -> [Work; 3] {
    let numbers = || 1..=REQUESTS;
    let sync = async move { numbers().map(|n| ask(server, n)).sum() };
    let on_the_loop = async move {
        let requests = numbers().map(|n| ask_on_the_loop(server, n));
        join_all(requests).await.into_iter().sum()
    };
    let on_threads = async move {
        let requests = numbers().map(|n| unblock(move || ask(server, n)));
        join_all(requests).await.into_iter().sum()
    };
    [sync.boxed_local(), on_the_loop.boxed_local(), on_threads.boxed_local()]
}

fn computing() -> [Work; 3] {
    let pieces = || 0..PIECES;
    let sync = async move { Ok(pieces().map(primes).sum()) };
    let on_the_loop = async move {
        let mut group = TaskGroup::new();
        pieces().for_each(|n| group.spawn(async move { Ok::<_, io::Error>(primes(n)) }));
        Ok(group.join().await?.into_iter().sum())
    };
    let on_threads = async move {
        let counts = join_all(pieces().map(|n| unblock(move || primes(n)))).await;
        Ok(counts.into_iter().sum())
    };
    [sync.boxed_local(), on_the_loop.boxed_local(), on_threads.boxed_local()]
}

/// A server with a thread for each connection. The threads end with the program.
fn slow_server() -> io::Result<SocketAddr> {
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || answer(client));
        }
    });
    Ok(address)
}

fn answer(mut client: net::TcpStream) -> io::Result<()> {
    let mut number = [0; 8];
    client.read_exact(&mut number)?;
    thread::sleep(PAUSE);
    client.write_all(&u64::from_be_bytes(number).pow(2).to_be_bytes())
}

fn ask(server: SocketAddr, number: u64) -> io::Result<u64> {
    let (mut stream, mut reply) = (net::TcpStream::connect(server)?, [0; 8]);
    stream.write_all(&number.to_be_bytes())?;
    stream.read_exact(&mut reply)?;
    Ok(u64::from_be_bytes(reply))
}

/// The same, with awaits.
async fn ask_on_the_loop(server: SocketAddr, number: u64) -> io::Result<u64> {
    let (mut stream, mut reply) = (TcpStream::connect(server).await?, [0; 8]);
    stream.write_all(&number.to_be_bytes()).await?;
    stream.read_exact(&mut reply).await?;
    Ok(u64::from_be_bytes(reply))
}

fn primes(piece: u64) -> u64 {
    let numbers = piece * NUMBERS..(piece + 1) * NUMBERS;
    let is_prime = |&n: &u64| n > 1 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0);
    let began = processor_time();
    let count = numbers.filter(is_prime).count() as u64;
    let took = processor_time() - began;
    let mut computed = COMPUTED.lock().expect("no panic");
    *computed.get_or_insert_default().entry(thread::current().id()).or_default() += took;
    count
}

/// How long each thread has computed since the last look.
static COMPUTED: Mutex<Option<HashMap<ThreadId, f64>>> = Mutex::new(None);

/// How many milliseconds a processor has worked for this thread: not while others had it.
#[cfg(unix)]
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// On other systems by the clock, also while others have the processor.
#[cfg(not(unix))]
fn processor_time() -> f64 {
    static BEGAN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    BEGAN.elapsed().as_secs_f64() * 1e3
}

/// How long the pieces take that were computed since the last look, if nobody else needs the
/// processors: as long as the thread that computed most, or as all together take on all cores.
/// `None` if nothing was computed.
fn undisturbed(cores: usize) -> Option<f64> {
    let computed = mem::take(&mut *COMPUTED.lock().expect("no panic"))?;
    let longest = computed.values().copied().fold(0.0, f64::max);
    Some(longest.max(computed.values().sum::<f64>() / cores as f64))
}

// ── the comparison ────────────────────────────────────────────────────────

/// The measurements of one way, one for each round.
struct Row {
    way: &'static str,
    /// In milliseconds.
    times: Vec<f64>,
    /// Which part of the time the loop was silent.
    silences: Vec<f64>,
    /// How often faster than sync, in the same round.
    speeds: Vec<f64>,
}

impl Row {
    fn new(way: &'static str) -> Row {
        let (times, silences, speeds) = (Vec::new(), Vec::new(), Vec::new());
        Row { way, times, silences, speeds }
    }
}

/// Does the job in each way, in several rounds.
async fn compare(
    (job, least): (&str, usize),
    expected: u64,
    cores: usize,
    works: impl Fn() -> [Work; 3],
) -> io::Result<()> {
    let mut rows = ["sync", "loop", "threads"].map(Row::new);
    let began = Instant::now();
    while rows[0].times.len() < least || began.elapsed() < LONG_ENOUGH {
        let mut sync = None;
        for (row, work) in iter::zip(&mut rows, works()) {
            let (time, silence) = measure(row.way, expected, work).await?;
            row.silences.push(silence / time);
            let time = undisturbed(cores).unwrap_or(time);
            row.times.push(time);
            row.speeds.push(*sync.get_or_insert(time) / time);
        }
    }
    report(job, expected, &rows);
    Ok(())
}

fn report(job: &str, expected: u64, rows: &[Row; 3]) {
    let (mut faster, mut silent) = (Vec::new(), Vec::new());
    for Row { way, times, silences, speeds } in rows {
        let (time, speed) = (median(times), median(speeds));
        // Other programs make the loop silent for longer, never for less long.
        let silence = time * silences.iter().copied().fold(1.0, f64::min);
        let bar = "#".repeat((15.0 / speed).ceil().min(17.0) as usize);
        say!(
            "{job}  {way:<7}  {expected:>6}  {time:>8.1} ms  {speed:>5.1} x  {bar:<17}  {silence:>12.1} ms"
        );
        faster.extend((speed > CLEARLY).then_some(*way));
        silent.extend((silence * 2.0 > time).then_some(*way));
    }
    let list = |ways: Vec<_>| if ways.is_empty() { "none".to_owned() } else { ways.join(", ") };
    let (faster, silent) = (list(faster), list(silent));
    say!("{job}: clearly faster than sync: {faster}; mostly silent: {silent}\n");
}

/// What half of the rounds do not reach: a few rounds that were disturbed do not change it.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Does the work while a heart beats on the same loop, and checks the result. Returns how
/// long the work took, and how long the loop was silent, in milliseconds.
async fn measure(way: &str, expected: u64, work: Work) -> io::Result<(f64, f64)> {
    let pulse = Rc::new(Pulse { last: Cell::new(Instant::now()), longest: Cell::default() });
    let heart = spawn(beat(pulse.clone()));
    yield_now().await; // the heart begins
    let began = Instant::now();
    let result = work.await?;
    let time = began.elapsed();
    pulse.feel(); // the time since the last beat counts, too
    heart.abort();
    if result != expected {
        return Err(io::Error::other(format!("{way}: the result is {result}, not {expected}")));
    }
    Ok((time.as_secs_f64() * 1000.0, pulse.longest.get().as_secs_f64() * 1000.0))
}

/// The time of the last beat, and the longest time between two beats.
struct Pulse {
    last: Cell<Instant>,
    longest: Cell<Duration>,
}

impl Pulse {
    fn feel(&self) {
        let now = Instant::now();
        let silence = now - self.last.replace(now);
        self.longest.set(silence.max(self.longest.get()));
    }
}

async fn beat(pulse: Rc<Pulse>) {
    loop {
        pulse.feel();
        sleep(Duration::from_millis(1)).await;
    }
}

// ── the cost of deep awaits ───────────────────────────────────────────────

/// A chain of awaits; its innermost future returns at once, or waits forever.
fn nested(depth: u32, waits: bool) -> Boxed<u32> {
    async move {
        match depth {
            0 if waits => pending().await,
            0 => 0,
            _ => 1 + nested(depth - 1, waits).await,
        }
    }
    .boxed()
}

/// Polls the chains itself, without a loop, so that nothing else is measured.
fn nesting() {
    let context = &mut Context::from_waker(Waker::noop());
    let (mut level, mut whole) = (0.0, 0.0);
    say!("depth  call: ns a level  resume: ns a level  resume: ns in all");
    for depth in [1, 10, 100, 1000] {
        let call = nanoseconds(depth, || {
            assert_eq!(pin!(nested(depth, false)).poll(context), Poll::Ready(depth));
        });
        let mut chain = nested(depth, true);
        whole = nanoseconds(depth, || assert!(chain.as_mut().poll(context).is_pending()));
        level = whole / f64::from(depth);
        say!("{depth:>5}  {:>16.1}  {level:>18.1}  {whole:>17.1}", call / f64::from(depth));
    }
    say!("A resume goes through all levels: {level:.1} ns each, {whole:.0} ns through 1000.");
}

/// The time of one call: the best mean of five, the one that was disturbed least.
fn nanoseconds(depth: u32, mut call: impl FnMut()) -> f64 {
    let times = 10_000 / depth;
    let mut mean = || {
        let began = Instant::now();
        (0..times).for_each(|_| call());
        began.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    (0..5).map(|_| mean()).fold(f64::INFINITY, f64::min)
}
