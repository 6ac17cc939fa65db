//! Runs a program on glassloop, under virtual time, and writes down what happens.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use glassloop::sync::channel::{self, TryRecvError, TrySendError};
use glassloop::sync::{Barrier, Condvar, Event, Mutex, Semaphore, WaitGroup, oneshot};
use glassloop::{Executor, JoinError, JoinHandle, TaskGroup};

use super::language::{
    Block, CAPACITIES, CONDVARS, EVENTS, MUTEXES, ONESHOTS, OnDrop, PARTIES, PERMITS, Program,
    Statement,
};
use super::trace::{Entry, Stamp};

/// Runs the program, and returns what it did.
pub fn run(program: &Program) -> Vec<Entry> {
    let executor = Executor::builder().virtual_time().build().expect("an executor");
    let world = World::new();
    for block in &program.tasks {
        world.spawn_by(|future| executor.spawn(future), |me| whole_block(&world, me, block));
    }
    for (number, block) in program.roots.iter().enumerate() {
        run_root(&executor, &world, format!("root {number}"), block);
    }
    drop(executor);
    world.is_over.set(true);
    world.clear_up();
    let leaked = Rc::strong_count(&world) - 1;
    assert_eq!(leaked, 0, "futures that were never dropped still hold the program's world");
    world.trace.take()
}

/// Gives a root to `block_on`.
fn run_root(executor: &Executor, world: &Rc<World>, me: String, block: &Block) {
    world.turns.set(Turns { last: executor.stats().turns, ..Turns::default() });
    let body = world.value_named(format!("body of {me}"), OnDrop::ThenNothing);
    let task = task(world.clone(), me.clone(), whole_block(world, &me, block), body);
    let root = counted(world.clone(), async { drop(task.await) });
    let run = quietly(|| catch_unwind(AssertUnwindSafe(|| executor.block_on(root))));
    let Err(payload) = run else {
        return;
    };
    let text = text_of(payload);
    match text.strip_prefix("deadlock: ") {
        Some(report) => world.write_stuck(&me, report),
        None => world.write_without_stamp(format!("{me} panicked: {text}")),
    }
}

/// Everything that the tasks of a program share.
struct World {
    trace: RefCell<Vec<Entry>>,
    turns: Cell<Turns>,
    /// The loop's time when the program began.
    start: Cell<Option<Instant>>,
    /// The loop is dropped, and has no turns and no time any more.
    is_over: Cell<bool>,
    values: Cell<usize>,
    children: Cell<usize>,

    tasks: RefCell<Vec<Spawned>>,
    channels: Vec<Channel>,
    oneshots: Vec<Oneshot>,
    mutexes: Vec<Mutex<()>>,
    condvars: Vec<Condvar>,
    semaphores: Vec<Rc<Semaphore>>,
    events: Vec<Event>,
    barriers: Vec<Barrier>,
    count: WaitGroup,
}

/// What the stamps are made of.
#[derive(Clone, Copy, Default)]
struct Turns {
    /// The last turn in which something happened, as the loop counts them.
    last: u64,
    /// How many turns there were in which something happened.
    busy: u64,
    polls: u64,
}

/// A task that was spawned, and its handle.
struct Spawned {
    id: String,
    /// Shared by the table and the task that joins it.
    handle: Option<Rc<RefCell<JoinHandle<Value>>>>,
    is_being_joined: bool,
}

struct Channel {
    sender: RefCell<Option<channel::Sender<Value>>>,
    receiver: RefCell<Option<channel::Receiver<Value>>>,
}

struct Oneshot {
    sender: RefCell<Option<oneshot::Sender<Value>>>,
    receiver: RefCell<Option<oneshot::Receiver<Value>>>,
}

impl World {
    fn new() -> Rc<World> {
        Rc::new(World {
            trace: RefCell::default(),
            turns: Cell::default(),
            start: Cell::default(),
            is_over: Cell::default(),
            values: Cell::default(),
            children: Cell::default(),
            tasks: RefCell::default(),
            channels: CAPACITIES.map(Channel::new).into(),
            oneshots: (0..ONESHOTS).map(|_| Oneshot::new()).collect(),
            mutexes: (0..MUTEXES).map(|_| Mutex::new(())).collect(),
            condvars: (0..CONDVARS).map(|_| Condvar::new()).collect(),
            semaphores: PERMITS.map(Semaphore::new).map(Rc::new).into(),
            events: (0..EVENTS).map(|_| Event::new()).collect(),
            barriers: PARTIES.map(Barrier::new).into(),
            count: WaitGroup::new(),
        })
    }

    // ── the trace ────────────────────────────────────────────────────────────

    /// Writes a line: in a poll, in a `Drop`, or when the loop is gone.
    fn write(&self, what: String) {
        if self.is_over.get() {
            return self.write_without_stamp(what);
        }
        let turns = self.turns_now();
        self.turns.set(turns);
        let at = self.time();
        let stamp = Stamp { turn: turns.busy, poll: turns.polls, at };
        self.trace.borrow_mut().push(Entry { stamp: Some(stamp), what });
    }

    fn write_without_stamp(&self, what: String) {
        self.trace.borrow_mut().push(Entry { stamp: None, what });
    }

    /// The time since it was first asked for.
    fn time(&self) -> Duration {
        let now = glassloop::now();
        let start = self.start.get().unwrap_or(now);
        self.start.set(Some(start));
        now - start
    }

    /// The turns, with the present one, in which something happens.
    fn turns_now(&self) -> Turns {
        let Turns { last, busy, polls } = self.turns.get();
        let now = glassloop::stats().turns;
        Turns { last: now, busy: busy + u64::from(now != last), polls }
    }

    /// A future is about to be polled.
    fn count_poll(&self) {
        self.time();
        let turns = self.turns_now();
        self.turns.set(Turns { polls: turns.polls + 1, ..turns });
    }

    /// Writes the report of a deadlock, without the lines of the source, and in the order of
    /// the spawns: in the report, each task is below the task that awaits it.
    fn write_stuck(&self, root: &str, report: &str) {
        let lines = report.lines().skip(1).map(|line| line.trim_start_matches(is_of_the_tree));
        let mut lines: Vec<_> = lines.filter_map(|line| line.split_once(", waits for ")).collect();
        // The root has no number, and comes first.
        lines.sort_by_key(|(who, _)| {
            let number = who.strip_prefix("task ").and_then(|who| who.split(&[' ', ',']).next());
            number.map_or(0, |number| number.parse::<u64>().expect("a number"))
        });
        for (who, waits) in lines {
            let who = match who.starts_with("the future given to `block_on`") {
                true => root.to_owned(),
                false => self.name_of(who.split(',').next().unwrap_or_default()),
            };
            let waits = waits.split("; and for ").map(|wait| self.without_place(wait));
            let waits: Vec<String> = waits.collect();
            self.write_without_stamp(format!("{who} is stuck: {}", waits.join(", ")));
        }
    }

    fn without_place(&self, wait: &str) -> String {
        let what = wait.split([',', '(']).next().unwrap_or_default().trim();
        match what.strip_prefix("the end of ") {
            Some(task) => format!("the end of {}", self.name_of(task)),
            None => what.to_owned(),
        }
    }

    /// The program's name for a task, by the loop's.
    fn name_of(&self, id: &str) -> String {
        let tasks = self.tasks.borrow();
        match tasks.iter().position(|task| task.id == id) {
            Some(index) => format!("t{index}"),
            None => "a child".to_owned(),
        }
    }

    // ── values ───────────────────────────────────────────────────────────────

    fn value(self: &Rc<World>, on_drop: OnDrop) -> Value {
        self.values.set(self.values.get() + 1);
        self.value_named(format!("v{}", self.values.get()), on_drop)
    }

    fn value_named(self: &Rc<World>, name: String, on_drop: OnDrop) -> Value {
        Value { world: self.clone(), name, on_drop }
    }

    // ── what needs no wait, and is done by tasks and by drops ────────────────

    fn spawn(self: &Rc<World>, me: &str, block: &Block) {
        let work = |me: &str| whole_block(self, me, block);
        let name = self.spawn_by(|future| glassloop::spawn(future), work);
        self.write(format!("{me} spawned {name}"));
    }

    /// Spawns a task by `spawn`, and puts the handle into the table of all tasks.
    fn spawn_by(
        self: &Rc<World>,
        spawn: impl FnOnce(Pin<Box<dyn Future<Output = Value>>>) -> JoinHandle<Value>,
        work: impl FnOnce(&str) -> Work,
    ) -> String {
        let name = format!("t{}", self.tasks.borrow().len());
        let body = self.value_named(format!("body of {name}"), OnDrop::ThenNothing);
        let task = task(self.clone(), name.clone(), work(&name), body);
        let handle = spawn(Box::pin(counted(self.clone(), task)));
        let id = handle.id().to_string();
        let handle = Some(Rc::new(RefCell::new(handle)));
        self.tasks.borrow_mut().push(Spawned { id, handle, is_being_joined: false });
        name
    }

    /// The task that a number means, if there is any task.
    fn index_of(&self, number: usize) -> Option<usize> {
        number.checked_rem(self.tasks.borrow().len())
    }

    /// The handle of a task, if it is still there.
    fn handle(&self, index: usize) -> Option<Rc<RefCell<JoinHandle<Value>>>> {
        self.tasks.borrow()[index].handle.clone()
    }

    fn abort(&self, me: &str, number: usize) {
        let Some(index) = self.index_of(number) else {
            return self.write(format!("{me} finds nobody to abort"));
        };
        match self.handle(index) {
            None => self.write(format!("{me} has no handle of t{index} to abort")),
            Some(handle) => {
                let was_alive = handle.borrow().abort();
                self.write(format!("{me} aborted t{index}: {was_alive}"));
            }
        }
    }

    fn try_send(self: &Rc<World>, me: &str, number: usize) {
        let Some(sender) = self.channels[number].sender.borrow().clone() else {
            return self.write(format!("{me} has no sender of c{number}"));
        };
        let value = self.value(OnDrop::ThenNothing);
        let what = format!("{me} tried to send {} to c{number}", value.name);
        let result = sender.try_send(value);
        self.write(match &result {
            Ok(()) => what,
            Err(TrySendError::Full(value)) => format!("{what}: full, {} is back", value.name),
            Err(TrySendError::Closed(value)) => format!("{what}: closed, {} is back", value.name),
        });
    }

    /// Drops what is left when the loop is gone, in a stated order.
    fn clear_up(&self) {
        let tasks = self.tasks.take();
        tasks.into_iter().enumerate().for_each(|(index, task)| self.look_at(index, task));
        for channel in &self.channels {
            drop(channel.sender.take());
            drop(channel.receiver.take());
        }
        for oneshot in &self.oneshots {
            drop(oneshot.sender.take());
            drop(oneshot.receiver.take());
        }
    }

    /// A handle may outlive its loop: what does it give then?
    fn look_at(&self, index: usize, task: Spawned) {
        let Some(handle) = task.handle else {
            return;
        };
        let mut handle = handle.borrow_mut();
        let outcome = Pin::new(&mut *handle).poll(&mut Context::from_waker(Waker::noop()));
        match outcome {
            Poll::Ready(outcome) => self.write_outcome("the end", index, outcome),
            Poll::Pending => self.write(format!("the end came, but t{index} has not ended")),
        }
    }

    fn write_outcome(&self, me: &str, index: usize, outcome: Result<Value, JoinError>) {
        match outcome {
            Ok(value) => self.write(format!("{me} joined t{index}: {}", value.name)),
            Err(error) if error.is_cancelled() => {
                self.write(format!("{me} joined t{index}: cancelled"));
            }
            Err(error) => {
                let text = text_of(error.into_panic());
                self.write(format!("{me} joined t{index}: panicked by {text}"));
            }
        }
    }
}

impl Channel {
    fn new(capacity: Option<usize>) -> Channel {
        let (sender, receiver) = match capacity {
            Some(capacity) => channel::bounded(capacity),
            None => channel::unbounded(),
        };
        Channel { sender: RefCell::new(Some(sender)), receiver: RefCell::new(Some(receiver)) }
    }
}

impl Oneshot {
    fn new() -> Oneshot {
        let (sender, receiver) = oneshot::channel();
        Oneshot { sender: RefCell::new(Some(sender)), receiver: RefCell::new(Some(receiver)) }
    }
}

/// A value whose drop is seen in the trace.
struct Value {
    world: Rc<World>,
    name: String,
    on_drop: OnDrop,
}

impl Drop for Value {
    fn drop(&mut self) {
        let (world, name) = (&self.world, &self.name);
        world.write(format!("{name} dropped"));
        match &self.on_drop {
            OnDrop::ThenNothing => {}
            OnDrop::ThenPanic if thread::panicking() => {}
            OnDrop::ThenPanic => panic_quietly(format!("the drop of {name}")),
            OnDrop::ThenSet(event) => world.events[*event].set(),
            OnDrop::ThenTrySend(channel) => world.try_send(name, *channel),
            OnDrop::ThenNotify(condvar) => world.condvars[*condvar].notify_one(),
            OnDrop::ThenAbort(task) => world.abort(name, *task),
            OnDrop::ThenSpawn(block) => world.spawn(name, block),
        }
    }
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls `act`, whose panics are meant and need no report: a deadlock is one.
pub fn quietly<R>(act: impl FnOnce() -> R) -> R {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                report(info);
            }
        }));
    });
    let before = IS_QUIET.replace(true);
    let result = act();
    IS_QUIET.set(before);
    result
}

/// Panics without the panic hook.
fn panic_quietly(text: String) -> ! {
    resume_unwind(Box::new(text))
}

/// The text of a panic.
fn text_of(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().unwrap_or(&"no text").to_string(),
    }
}

/// A future whose polls are counted.
fn counted<F: Future>(world: Rc<World>, future: F) -> impl Future<Output = F::Output> {
    let mut future = Box::pin(future);
    poll_fn(move |cx| {
        world.count_poll();
        future.as_mut().poll(cx)
    })
}

/// What a task has to do.
type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What a task is. Its body is dropped with it, also if it is never polled.
async fn task(world: Rc<World>, me: String, work: Work, body: Value) -> Value {
    let _body = body;
    work.await;
    let output = world.value(OnDrop::ThenNothing);
    world.write(format!("{me} ends with {}", output.name));
    output
}

/// A block that borrows nothing.
fn whole_block(world: &Rc<World>, me: &str, block: &Block) -> Work {
    let (world, me, block) = (world.clone(), me.to_owned(), block.clone());
    Box::pin(async move { run_block(&world, &me, &block).await })
}

/// Boxed, since blocks lie in blocks.
fn run_block<'a>(
    world: &'a Rc<World>,
    me: &'a str,
    block: &'a Block,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        for statement in &block.0 {
            run_statement(world, me, statement).await;
        }
    })
}

/// One line for each statement; what takes more is below.
async fn run_statement(world: &Rc<World>, me: &str, statement: &Statement) {
    let say = |what: String| world.write(format!("{me} {what}"));
    match statement {
        Statement::Say => say("is here".into()),
        Statement::Yield => {
            glassloop::yield_now().await;
            say("yielded".into());
        }
        Statement::Sleep(ms) => {
            glassloop::sleep(Duration::from_millis(*ms)).await;
            say(format!("slept for {ms} ms"));
        }
        Statement::SleepForever => glassloop::sleep(Duration::MAX).await,
        Statement::Snooze(first, then) => snooze(world, me, *first, *then).await,
        Statement::Tick { period, times, each } => {
            let mut beat = glassloop::interval(Duration::from_millis(*period));
            for _ in 0..*times {
                beat.tick().await;
                say("ticks".into());
                run_block(world, me, each).await;
            }
        }
        Statement::Panic => panic_quietly(me.to_owned()),
        Statement::Repeat(times, block) => {
            for _ in 0..*times {
                run_block(world, me, block).await;
            }
        }
        Statement::Hold(on_drop, block) => {
            let _held = world.value(on_drop.clone());
            run_block(world, me, block).await;
        }

        Statement::Spawn(block) => world.spawn(me, block),
        Statement::HandOver(block) => hand_over(world, me, block).await,
        Statement::Abort(number) => world.abort(me, *number),
        Statement::AbortMyself => match me.strip_prefix('t').and_then(|index| index.parse().ok()) {
            Some(index) => world.abort(me, index),
            None => say("has no handle of itself".into()),
        },
        Statement::Join(number) => match world.index_of(*number) {
            Some(index) => join(world, me, index).await,
            None => say("finds nobody to join".into()),
        },
        Statement::JoinEveryone => join_everyone(world, me).await,
        Statement::Detach(number) => detach(world, me, *number),
        Statement::AskIfFinished(number) => ask_if_finished(world, me, *number),
        Statement::Within(limit, block) => within(world, me, *limit, block).await,
        Statement::Together(blocks) => {
            glassloop::join_all(blocks.0.iter().map(|block| run_block(world, me, block))).await;
            say("has done all".into());
        }
        Statement::Group(children) => group(world, me, &children.0).await,

        Statement::Send(number) => send(world, me, *number).await,
        Statement::TrySend(number) => world.try_send(me, *number),
        Statement::Receive(number) => receive(world, me, *number).await,
        Statement::Next(number) => next(world, me, *number).await,
        Statement::TryReceive(number) => try_receive(world, me, *number),
        Statement::Close(number) => close(world, me, *number),
        Statement::DropSender(number) => drop(world.channels[*number].sender.take()),
        Statement::DropReceiver(number) => drop(world.channels[*number].receiver.take()),

        Statement::Deliver(number) => deliver(world, me, *number),
        Statement::Await(number) => await_oneshot(world, me, *number).await,
        Statement::Break(number) => drop(world.oneshots[*number].sender.take()),
        Statement::Ignore(number) => drop(world.oneshots[*number].receiver.take()),

        Statement::Lock(number, block) => {
            let _guard = world.mutexes[*number].lock().await;
            say(format!("locked m{number}"));
            run_block(world, me, block).await;
        }
        Statement::TryLock(number, block) => try_lock(world, me, *number, block).await,
        Statement::LockAndWait { mutex, condvar, then } => {
            let guard = world.mutexes[*mutex].lock().await;
            say(format!("locked m{mutex} and waits"));
            let _guard = world.condvars[*condvar].wait(guard).await;
            say(format!("was notified by k{condvar} and has m{mutex}"));
            run_block(world, me, then).await;
        }
        Statement::NotifyOne(number) => world.condvars[*number].notify_one(),
        Statement::NotifyAll(number) => world.condvars[*number].notify_all(),
        Statement::Acquire(number, block) => {
            let _permit = world.semaphores[*number].acquire().await;
            say(format!("has a permit of s{number}"));
            run_block(world, me, block).await;
        }
        Statement::AcquireOwned(number, block) => {
            let _permit = world.semaphores[*number].acquire_owned().await;
            say(format!("has a permit of s{number}"));
            run_block(world, me, block).await;
        }
        Statement::TryAcquire(number, block) => try_acquire(world, me, *number, block).await,
        Statement::Set(number) => world.events[*number].set(),
        Statement::Clear(number) => world.events[*number].clear(),
        Statement::Wait(number) => {
            world.events[*number].wait().await;
            say(format!("is past e{number}"));
        }
        Statement::Arrive(number) => {
            let leads = world.barriers[*number].wait().await.is_leader();
            say(format!("is past b{number}{}", if leads { ", the leader" } else { "" }));
        }
        Statement::Count(block) => {
            let _counted = world.count.add();
            run_block(world, me, block).await;
        }
        Statement::AwaitCount => {
            world.count.wait().await;
            say("has waited for the count".into());
        }
    }
}

// ── tasks ────────────────────────────────────────────────────────────────────

/// Set while a task joins the handle.
struct Joining<'a> {
    world: &'a World,
    index: usize,
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        self.world.tasks.borrow_mut()[self.index].is_being_joined = false;
    }
}

/// The new task goes on where this one stops, and still calls itself `me`.
async fn hand_over(world: &Rc<World>, me: &str, block: &Block) {
    let mut work = whole_block(world, me, block);
    let is_over = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready())).await;
    if !is_over {
        let name = world.spawn_by(|future| glassloop::spawn(future), |_| work);
        world.write(format!("{me} hands over to {name}"));
    }
}

async fn join(world: &Rc<World>, me: &str, index: usize) {
    let Some(handle) = world.handle(index) else {
        return world.write(format!("{me} has no handle of t{index} to join"));
    };
    if std::mem::replace(&mut world.tasks.borrow_mut()[index].is_being_joined, true) {
        return world.write(format!("{me} finds t{index} being joined"));
    }
    let joining = Joining { world, index };
    let outcome = poll_fn(|cx| Pin::new(&mut *handle.borrow_mut()).poll(cx)).await;
    drop(joining);
    let used_up = world.tasks.borrow_mut()[index].handle.take();
    drop(used_up);
    drop(handle);
    world.write_outcome(me, index, outcome);
}

async fn join_everyone(world: &Rc<World>, me: &str) {
    let mut index = 0;
    while index < world.tasks.borrow().len() {
        join(world, me, index).await;
        index += 1;
    }
}

fn detach(world: &World, me: &str, number: usize) {
    let Some(index) = world.index_of(number) else {
        return world.write(format!("{me} finds nobody to detach"));
    };
    if world.tasks.borrow()[index].is_being_joined {
        return world.write(format!("{me} finds t{index} being joined"));
    }
    let handle = world.tasks.borrow_mut()[index].handle.take();
    let had = handle.is_some();
    world.write(format!("{me} detaches t{index}: {had}"));
    drop(handle);
}

fn ask_if_finished(world: &World, me: &str, number: usize) {
    let handle = world.index_of(number).and_then(|index| world.handle(index));
    let finished = handle.map(|handle| handle.borrow().is_finished());
    world.write(format!("{me} asks if it has finished: {finished:?}"));
}

async fn snooze(world: &Rc<World>, me: &str, first: u64, then: u64) {
    let mut sleep = glassloop::sleep(Duration::from_millis(first));
    poll_fn(|cx| Poll::Ready(Pin::new(&mut sleep).poll(cx).is_ready())).await;
    sleep.reset(glassloop::now() + Duration::from_millis(then));
    sleep.await;
    world.write(format!("{me} snoozed for {then} ms"));
}

async fn within(world: &Rc<World>, me: &str, limit: Option<u64>, block: &Block) {
    let limit = limit.map_or(Duration::MAX, Duration::from_millis);
    // Kept until the line is written: a future that was too late must be dropped by then.
    let mut limited = pin!(glassloop::timeout(limit, run_block(world, me, block)));
    let result = limited.as_mut().await;
    world.write(match result {
        Ok(()) => format!("{me} was in time"),
        Err(_elapsed) => format!("{me} was too late"),
    });
}

async fn group(world: &Rc<World>, me: &str, children: &[(Block, bool)]) {
    let mut group = TaskGroup::new();
    for (block, succeeds) in children {
        let number = world.children.get();
        world.children.set(number + 1);
        let name = format!("child {number}");
        let body = world.value_named(format!("body of {name}"), OnDrop::ThenNothing);
        let work = whole_block(world, &name, block);
        let task = task(world.clone(), name, work, body);
        let succeeds = *succeeds;
        group.spawn(counted(world.clone(), async move {
            drop(task.await);
            if succeeds { Ok(number) } else { Err(number) }
        }));
    }
    let result = group.join().await;
    world.write(format!("{me} joined a group: {result:?}"));
}

// ── channels ─────────────────────────────────────────────────────────────────

async fn send(world: &Rc<World>, me: &str, number: usize) {
    let Some(sender) = world.channels[number].sender.borrow().clone() else {
        return world.write(format!("{me} has no sender of c{number}"));
    };
    let value = world.value(OnDrop::ThenNothing);
    let what = format!("{me} sent {} to c{number}", value.name);
    match sender.send(value).await {
        Ok(()) => world.write(what),
        Err(channel::SendError(value)) => {
            world.write(format!("{what}: closed, {} is back", value.name));
        }
    }
}

async fn receive(world: &Rc<World>, me: &str, number: usize) {
    let Some(receiver) = world.channels[number].receiver.borrow().clone() else {
        return world.write(format!("{me} has no receiver of c{number}"));
    };
    match receiver.recv().await {
        Ok(value) => world.write(format!("{me} received {} from c{number}", value.name)),
        Err(channel::RecvError) => world.write(format!("{me} finds c{number} closed")),
    }
}

async fn next(world: &Rc<World>, me: &str, number: usize) {
    let Some(mut receiver) = world.channels[number].receiver.borrow().clone() else {
        return world.write(format!("{me} has no receiver of c{number}"));
    };
    match receiver.next().await {
        Some(value) => world.write(format!("{me} received {} from c{number}", value.name)),
        None => world.write(format!("{me} finds c{number} closed")),
    }
}

fn try_receive(world: &World, me: &str, number: usize) {
    let Some(receiver) = world.channels[number].receiver.borrow().clone() else {
        return world.write(format!("{me} has no receiver of c{number}"));
    };
    match receiver.try_recv() {
        Ok(value) => world.write(format!("{me} received {} from c{number}", value.name)),
        Err(TryRecvError::Empty) => world.write(format!("{me} finds c{number} empty")),
        Err(TryRecvError::Closed) => world.write(format!("{me} finds c{number} closed")),
    }
}

fn close(world: &World, me: &str, number: usize) {
    let Some(sender) = world.channels[number].sender.borrow().clone() else {
        return world.write(format!("{me} has no sender of c{number}"));
    };
    let was_open = sender.close();
    world.write(format!("{me} closed c{number}: {was_open}"));
}

fn deliver(world: &Rc<World>, me: &str, number: usize) {
    let Some(sender) = world.oneshots[number].sender.take() else {
        return world.write(format!("{me} has no sender of o{number}"));
    };
    let value = world.value(OnDrop::ThenNothing);
    let what = format!("{me} delivered {} to o{number}", value.name);
    match sender.send(value) {
        Ok(()) => world.write(what),
        Err(value) => world.write(format!("{what}: nobody, {} is back", value.name)),
    }
}

async fn await_oneshot(world: &World, me: &str, number: usize) {
    let Some(receiver) = world.oneshots[number].receiver.take() else {
        return world.write(format!("{me} has no receiver of o{number}"));
    };
    match receiver.await {
        Ok(value) => world.write(format!("{me} was given {} by o{number}", value.name)),
        Err(oneshot::Closed) => world.write(format!("{me} finds o{number} broken")),
    }
}

// ── locks ────────────────────────────────────────────────────────────────────

async fn try_lock(world: &Rc<World>, me: &str, number: usize, block: &Block) {
    let Some(_guard) = world.mutexes[number].try_lock() else {
        return world.write(format!("{me} finds m{number} locked"));
    };
    world.write(format!("{me} locked m{number} at once"));
    run_block(world, me, block).await;
}

async fn try_acquire(world: &Rc<World>, me: &str, number: usize, block: &Block) {
    let Some(_permit) = world.semaphores[number].try_acquire() else {
        return world.write(format!("{me} finds no permit of s{number}"));
    };
    world.write(format!("{me} has a permit of s{number} at once"));
    run_block(world, me, block).await;
}

fn is_of_the_tree(c: char) -> bool {
    " -│├└─".contains(c)
}
