//! What the tasks of the storm do: they fight for a few locks, permits, messages and
//! bytes, each under a time limit that may be too short.
//!
//! Beside each thing that they share stands a model of it, kept up in the same poll in
//! which the thing was got or given. So the model is always exact, and a difference is
//! found at once: two tasks in one lock, a message that came twice or out of order, a
//! byte that a read took along when it was given up.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{Event, Mutex, Semaphore, channel, oneshot};
use glassloop::{TaskGroup, sleep, spawn, timeout, yield_now};

use crate::plan::{Plan, Stream};
use crate::random::{Random, Text};
use crate::report::{Faults, Row, grouped};

const LOCKS: usize = 8;
const PERMITS: usize = 6;
const ROOM_IN_CHANNEL: usize = 16;
/// No task waits longer for anything.
const LIMIT: Duration = Duration::from_millis(20);
/// Nor holds or does anything for longer.
const HOLD: Duration = Duration::from_millis(2);
/// So many bytes may lie in the wire: far less than a socket takes.
const UNREAD: u64 = 4_000;
const WIRE_SEED: u64 = 7;

/// What the tasks share.
pub struct Place {
    /// How many fronts there are.
    fronts: usize,
    faults: Faults,
    counts: Counts,
    locks: Vec<(Mutex<()>, Cell<usize>)>,
    permits: Semaphore,
    permits_held: Cell<usize>,
    sender: channel::Sender<u64>,
    receiver: channel::Receiver<u64>,
    /// What must lie in the channel, in this order.
    in_channel: RefCell<VecDeque<u64>>,
    next_message: Cell<u64>,
    /// Any task may set and clear it.
    event: Event,
    /// Bytes of a known text, which any task may read.
    wire: TcpStream,
    wire_end: RefCell<Option<TcpStream>>,
    wire_text: RefCell<Text>,
    wire_said: Cell<u64>,
}

#[derive(Default)]
struct Counts {
    given_up: Cell<u64>,
    locked: Cell<u64>,
    permitted: Cell<u64>,
    received: Cell<u64>,
    read: Cell<u64>,
}

/// One more inside, for as long as this lives.
struct Inside<'a>(&'a Cell<usize>);

impl Place {
    pub async fn prepare(fronts: usize) -> io::Result<Place> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire_end = TcpStream::connect(listener.local_addr()?).await?;
        let (wire, _peer) = listener.accept().await?;
        let (sender, receiver) = channel::bounded(ROOM_IN_CHANNEL);
        Ok(Place {
            fronts,
            faults: Faults::default(),
            counts: Counts::default(),
            locks: (0..LOCKS).map(|_| Default::default()).collect(),
            permits: Semaphore::new(PERMITS),
            permits_held: Cell::new(0),
            sender,
            receiver,
            in_channel: RefCell::default(),
            next_message: Cell::new(0),
            event: Event::new(),
            wire,
            wire_end: RefCell::new(Some(wire_end)),
            wire_text: RefCell::new(Text::new(WIRE_SEED, 0)),
            wire_said: Cell::new(0),
        })
    }

    /// One act, under two time limits, either of which may be the shorter one.
    pub async fn act(&self, random: &mut Random) {
        let (inner, outer) = (random.duration(LIMIT), random.duration(4 * LIMIT));
        let began = Instant::now();
        let acted = timeout(outer, timeout(inner, self.one_act(random))).await;
        if acted.is_ok_and(|acted| acted.is_ok()) {
            return;
        }
        self.counts.given_up.set(self.counts.given_up.get() + 1);
        let (elapsed, limit) = (began.elapsed(), inner.min(outer));
        self.faults.expect(elapsed >= limit, || {
            format!("a time limit of {limit:?} was over after {elapsed:?}")
        });
    }

    async fn one_act(&self, random: &mut Random) {
        match random.below(10) {
            0 => sleep(random.duration(LIMIT)).await,
            1 => self.lock(random).await,
            2 => self.take_a_permit(random).await,
            3 => self.send().await,
            4 => self.receive().await,
            5 => self.read_from_wire(random).await,
            6 => self.wait_for_the_event(random).await,
            7 => self.join_a_child(random).await,
            8 => self.await_a_oneshot(random).await,
            _ => self.join_a_group(random).await,
        }
    }

    /// A lock lets one in.
    async fn lock(&self, random: &mut Random) {
        let (lock, inside) = &self.locks[random.below(LOCKS)];
        let _guard = lock.lock().await;
        let inside = Inside::enter(inside);
        self.faults.expect(inside.0.get() == 1, || "two tasks hold one lock");
        self.counts.locked.set(self.counts.locked.get() + 1);
        hold(random).await;
    }

    /// A semaphore lets some in.
    async fn take_a_permit(&self, random: &mut Random) {
        let _permit = self.permits.acquire().await;
        let held = Inside::enter(&self.permits_held);
        self.faults.expect(held.0.get() <= PERMITS, || "more permits are held than there are");
        self.counts.permitted.set(self.counts.permitted.get() + 1);
        hold(random).await;
    }

    async fn send(&self) {
        let message = self.next_message.get();
        self.next_message.set(message + 1);
        // A send that is given up must have sent nothing.
        match self.sender.send(message).await {
            Ok(()) => self.in_channel.borrow_mut().push_back(message),
            Err(error) => self.faults.note(error),
        }
    }

    async fn receive(&self) {
        match self.receiver.recv().await {
            Ok(message) => self.check_message(message),
            Err(error) => self.faults.note(error),
        }
    }

    fn check_message(&self, message: u64) {
        self.counts.received.set(self.counts.received.get() + 1);
        let expected = self.in_channel.borrow_mut().pop_front();
        self.faults.expect(expected == Some(message), || {
            format!("message {message} came out of the channel, and not {expected:?}")
        });
    }

    async fn read_from_wire(&self, random: &mut Random) {
        let mut buffer = [0; 9];
        let buffer = &mut buffer[..random.between(1..=9)];
        match (&self.wire).read(buffer).await {
            Ok(length) => self.check_bytes(&buffer[..length]),
            Err(error) => self.faults.note(format!("the wire: {error}")),
        }
    }

    fn check_bytes(&self, bytes: &[u8]) {
        let difference = self.wire_text.borrow_mut().find_difference(bytes);
        self.faults.expect(difference.is_none(), || {
            format!("the wire: a byte after {} is wrong", self.counts.read.get())
        });
        self.counts.read.set(self.counts.read.get() + bytes.len() as u64);
    }

    async fn wait_for_the_event(&self, random: &mut Random) {
        match random.below(8) {
            0 => self.event.set(),
            1 => self.event.clear(),
            _ => self.event.wait().await,
        }
    }

    /// A child may be joined, aborted, or left alone.
    async fn join_a_child(&self, random: &mut Random) {
        let (number, nap) = (random.next(), random.duration(2 * HOLD));
        let mut child = spawn(async move {
            sleep(nap).await;
            number
        });
        let joined = timeout(random.duration(2 * HOLD), &mut child).await;
        let (outcome, aborted) = match joined {
            Ok(outcome) => (outcome, false),
            Err(_elapsed) if random.once_in(2) => return child.detach(),
            Err(_elapsed) => {
                let aborted = child.abort();
                (child.await, aborted)
            }
        };
        let right = match &outcome {
            Ok(given) => !aborted && *given == number,
            Err(error) => aborted && error.is_cancelled(),
        };
        self.faults.expect(right, || format!("a child gave {outcome:?} (aborted: {aborted})"));
    }

    /// The other half is used, or dropped.
    async fn await_a_oneshot(&self, random: &mut Random) {
        let (sender, receiver) = oneshot::channel();
        let (number, keeps_word, nap) = (random.next(), random.once_in(2), random.duration(HOLD));
        spawn(async move {
            sleep(nap).await;
            if keeps_word {
                // The task that awaited it may have given up.
                let _ = sender.send(number);
            }
        })
        .detach();
        let received = receiver.await;
        let right = received == if keeps_word { Ok(number) } else { Err(oneshot::Closed) };
        self.faults.expect(right, || format!("a oneshot gave {received:?}"));
    }

    /// One of the group may fail, and then ends the others.
    async fn join_a_group(&self, random: &mut Random) {
        let fails = random.below(6);
        let mut group = TaskGroup::new();
        for number in 0..3 {
            let nap = random.duration(HOLD);
            group.spawn(async move {
                sleep(nap).await;
                if number == fails { Err(number) } else { Ok(number) }
            });
        }
        let joined = group.join().await;
        let right = joined == if fails < 3 { Err(fails) } else { Ok(vec![0, 1, 2]) };
        self.faults.expect(right, || format!("a group gave {joined:?}, and {fails} was to fail"));
    }

    /// The source of the wire: writes a little, now and then, until the time is up.
    pub async fn keep_writing(self: Rc<Self>, plan: Rc<Plan>) {
        let Some(mut end) = self.wire_end.take() else {
            return;
        };
        let (mut text, mut random) = (Text::new(WIRE_SEED, 0), plan.random(Stream::Wire, 0));
        while !plan.is_over() {
            sleep(random.duration(HOLD)).await;
            if self.wire_said.get() - self.counts.read.get() > UNREAD {
                continue;
            }
            let piece = text.piece(random.between(1..=40));
            if let Err(error) = end.write_all(&piece).await {
                return self.faults.note(format!("writing to the wire: {error}"));
            }
            self.wire_said.set(self.wire_said.get() + piece.len() as u64);
        }
        if let Err(error) = end.close().await {
            self.faults.note(format!("closing the wire: {error}"));
        }
    }

    /// After the storm: everything has been given back, and what was sent is there.
    pub async fn check_that_nothing_is_left(&self) {
        let locked = self.locks.iter().filter(|(lock, _)| lock.try_lock().is_none()).count();
        self.faults.expect(locked == 0, || format!("{locked} locks are locked for ever"));
        let permits = self.permits.available();
        self.faults.expect(permits == PERMITS, || format!("{permits} of {PERMITS} permits left"));
        while let Ok(message) = self.receiver.try_recv() {
            self.check_message(message);
        }
        let lost = self.in_channel.borrow().len();
        self.faults.expect(lost == 0, || format!("{lost} messages were lost"));
        let mut rest = Vec::new();
        match (&self.wire).read_to_end(&mut rest).await {
            Ok(_) => self.check_bytes(&rest),
            Err(error) => self.faults.note(format!("the wire's end: {error}")),
        }
        let (said, read) = (self.wire_said.get(), self.counts.read.get());
        self.faults.expect(said == read, || format!("the wire: {said} bytes said, {read} read"));
    }

    pub fn account(&self) -> Row {
        let Counts { given_up, locked, permitted, received, read } = &self.counts;
        for count in [given_up, locked, permitted, received, read] {
            self.faults.expect_some(count.get(), self.fronts);
        }
        let number = |count: &Cell<u64>| grouped(count.get());
        let checked = format!(
            "none early; {} locks, {} permits, {} messages, {} bytes meanwhile, none lost",
            number(locked),
            number(permitted),
            number(received),
            number(read)
        );
        Row::new("time limits that ran out", number(given_up), checked, &self.faults)
    }
}

async fn hold(random: &mut Random) {
    match random.once_in(2) {
        true => yield_now().await,
        false => sleep(random.duration(HOLD)).await,
    }
}

impl Inside<'_> {
    fn enter(count: &Cell<usize>) -> Inside<'_> {
        count.set(count.get() + 1);
        Inside(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
