//! A small language whose programs do everything that tasks can do to each other.
//!
//! Every program is valid, whatever its numbers are: a number that names a channel or
//! a task is taken modulo how many there are. And every program ends: it has no endless
//! loop, and the text of a task is inside the text of the task that spawns it.

use std::fmt;

/// The capacities of the channels.
pub const CAPACITIES: [Option<usize>; 3] = [Some(1), Some(2), None];
/// The numbers of permits of the semaphores.
pub const PERMITS: [usize; 2] = [1, 2];
/// The numbers of tasks that the barriers wait for.
pub const PARTIES: [usize; 2] = [2, 3];
/// How many there are of each of the other things.
pub const MUTEXES: usize = 2;
pub const EVENTS: usize = 2;
pub const CONDVARS: usize = 2;
pub const ONESHOTS: usize = 2;

/// What is run: the tasks are spawned first; then each root in turn is given to the
/// `block_on` of the same executor.
#[derive(Clone)]
pub struct Program {
    pub tasks: Vec<Block>,
    pub roots: Vec<Block>,
}

/// Statements, one after another.
#[derive(Clone, Default)]
pub struct Block(pub Vec<Statement>);

/// Blocks, side by side.
#[derive(Clone)]
pub struct Several<T>(pub Vec<T>);

// Programs, as one writes them in a test. They are printed in the same way: what
// proptest has found can be pasted there.

pub fn program<const T: usize, const R: usize>(tasks: [Block; T], roots: [Block; R]) -> Program {
    Program { tasks: tasks.into(), roots: roots.into() }
}

pub fn block<const N: usize>(statements: [Statement; N]) -> Block {
    Block(statements.into())
}

pub fn several<T, const N: usize>(blocks: [T; N]) -> Several<T> {
    Several(blocks.into())
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("program").field(&self.tasks).field(&self.roots).finish()
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("block").field(&self.0).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Several<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("several").field(&self.0).finish()
    }
}

/// One thing that a task does. The task awaits it, if it has to wait, and writes the result
/// to the trace.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Writes a line.
    Say,
    /// `yield_now`.
    Yield,
    /// `sleep`, in milliseconds.
    Sleep(u64),
    /// `sleep(Duration::MAX)`.
    SleepForever,
    /// `sleep` for so long, polled once and then reset to so long.
    Snooze(u64, u64),
    /// Does the block at each of so many ticks of an `interval`.
    Tick {
        period: u64,
        times: u8,
        each: Block,
    },
    /// Panics.
    Panic,
    /// Does the block again and again.
    Repeat(u8, Block),
    /// Does the block while holding a value that does something when it is dropped.
    Hold(OnDrop, Block),

    /// `spawn`; every task can use the handle.
    Spawn(Block),
    /// Polls the block once, and leaves the rest of it to a new task.
    HandOver(Block),
    /// `JoinHandle::abort`.
    Abort(usize),
    /// Aborts itself, if it is a task that has a handle.
    AbortMyself,
    /// Awaits a handle. It can be joined again only if the wait is given up before the end.
    Join(usize),
    /// Does so with all handles, the newest last.
    JoinEveryone,
    /// Drops a handle.
    Detach(usize),
    /// `JoinHandle::is_finished`.
    AskIfFinished(usize),
    /// `timeout` in milliseconds; `None`: `Duration::MAX`.
    Within(Option<u64>, Block),
    /// `join_all`.
    Together(Several<Block>),
    /// A `TaskGroup`, joined. A child fails if its block comes with `false`.
    Group(Several<(Block, bool)>),

    /// Sends to a channel.
    Send(usize),
    TrySend(usize),
    Receive(usize),
    TryReceive(usize),
    /// Receives by a stream of its own.
    Next(usize),
    Close(usize),
    /// Drops the sender that all tasks share: then only tasks that are sending have one.
    DropSender(usize),
    DropReceiver(usize),

    /// Sends to a oneshot channel; only the first task can.
    Deliver(usize),
    /// Awaits its receiver; only the first task can.
    Await(usize),
    /// Drops its sender unsent.
    Break(usize),
    /// Drops its receiver.
    Ignore(usize),

    /// Locks a mutex, for as long as the block takes.
    Lock(usize, Block),
    TryLock(usize, Block),
    /// Locks a mutex and waits, with the guard, for a condition variable.
    LockAndWait {
        mutex: usize,
        condvar: usize,
        then: Block,
    },
    NotifyOne(usize),
    NotifyAll(usize),
    /// Takes a permit of a semaphore, for as long as the block takes.
    Acquire(usize, Block),
    AcquireOwned(usize, Block),
    TryAcquire(usize, Block),
    /// `Event::set`.
    Set(usize),
    Clear(usize),
    Wait(usize),
    /// `Barrier::wait`.
    Arrive(usize),
    /// Has the wait group wait for as long as the block takes.
    Count(Block),
    /// `WaitGroup::wait`.
    AwaitCount,
}

/// What a value does when it is dropped, besides writing a line.
#[derive(Clone, Debug)]
#[expect(clippy::enum_variant_names, reason = "they go on with the sentence: on drop, then …")]
pub enum OnDrop {
    ThenNothing,
    /// Panics, unless the thread is panicking: that would end the process.
    ThenPanic,
    ThenSet(usize),
    ThenTrySend(usize),
    ThenNotify(usize),
    ThenAbort(usize),
    ThenSpawn(Block),
}

impl Statement {
    /// The blocks that lie in it.
    pub fn blocks(&mut self) -> Vec<&mut Block> {
        use Statement::*;
        match self {
            Hold(OnDrop::ThenSpawn(spawned), block) => vec![spawned, block],
            Tick { each: block, .. } => vec![block],
            Repeat(_, block) | Hold(_, block) | Spawn(block) | Within(_, block) => vec![block],
            Lock(_, block) | TryLock(_, block) | LockAndWait { then: block, .. } => vec![block],
            Acquire(_, block) | AcquireOwned(_, block) | TryAcquire(_, block) => vec![block],
            HandOver(block) | Count(block) => vec![block],
            Together(blocks) => blocks.0.iter_mut().collect(),
            Group(children) => children.0.iter_mut().map(|(block, _)| block).collect(),
            _ => Vec::new(),
        }
    }
}
