//! Which loop runs on this thread: the crate's thread-local, and the one way from a leaf future
//! to its loop.
//!
//! `spawn`, `sleep` and the sockets have no parameter for the loop, just as `asyncio.sleep`
//! has none (asyncio has `get_running_loop`). They ask here.
//!
//! ```text
//!   block_on ── enter(event_loop) ───▶ LOOPS ◀─── expect().timers ── sleep
//!      │                                 ▲
//!      └──── drop(Entered) restores ─────┘  (after a panic as well)
//! ```

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::event_loop::EventLoop;
use crate::task::{Inbox, Message, Task, contain};
use crate::trace::holds;

/// A loop's number, unique on its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoopId(u32);

/// The loops of one thread.
///
/// Nothing in here is dropped when the thread ends: a thread-local that is dropped cannot be
/// used in the drops of the others, and one of these may run a loop. (When no loop is left,
/// nothing is left to drop.)
struct Loops {
    /// The loop that runs.
    current: ManuallyDrop<RefCell<Option<Rc<EventLoop>>>>,
    /// All of them: a task may be woken while its loop stands still.
    all: ManuallyDrop<RefCell<Vec<Weak<EventLoop>>>>,
    last_id: Cell<u32>,
    /// How deep the drops of tasks are nested at the moment, and the tasks that are dropped
    /// when these drops have returned.
    nested: Cell<usize>,
    put_aside: ManuallyDrop<RefCell<Vec<Rc<Task>>>>,
}

/// How deep the drops of futures and outputs may be nested. Those beyond wait for a moment: a
/// chain of any length must not take a stack of that length.
const NESTED_DROPS: usize = 32;

thread_local! {
    static LOOPS: Loops = const {
        Loops {
            current: ManuallyDrop::new(RefCell::new(None)),
            all: ManuallyDrop::new(RefCell::new(Vec::new())),
            last_id: Cell::new(0),
            nested: Cell::new(0),
            put_aside: ManuallyDrop::new(RefCell::new(Vec::new())),
        }
    };
}

/// The number of no loop.
const NO_LOOP: LoopId = LoopId(0);

thread_local! {
    /// The number of the current loop once more: every leaf future compares it, and this
    /// takes a few instructions less.
    static RUNNING: Cell<LoopId> = const { Cell::new(NO_LOOP) };
}

/// Makes a loop that can be found by its number, for as long as it is there.
pub(crate) fn make(make: impl FnOnce(LoopId) -> EventLoop) -> Rc<EventLoop> {
    let id = LOOPS.with(|loops| {
        loops.last_id.set(loops.last_id.get().wrapping_add(1));
        LoopId(loops.last_id.get())
    });
    let event_loop = Rc::new(make(id));
    LOOPS.with(|loops| loops.all.borrow_mut().push(Rc::downgrade(&event_loop)));
    event_loop
}

/// The last owner of a loop has dropped it.
pub(crate) fn forget_dropped() {
    LOOPS.with(|loops| {
        let mut all = loops.all.borrow_mut();
        all.retain(|event_loop| event_loop.strong_count() > 0);
        if all.is_empty() {
            *all = Vec::new();
        }
    });
}

/// Makes this the current loop until the guard is dropped.
pub(crate) fn enter(event_loop: &Rc<EventLoop>) -> Entered {
    Entered(replace(Some(Rc::clone(event_loop))))
}

fn replace(event_loop: Option<Rc<EventLoop>>) -> Option<Rc<EventLoop>> {
    let id = event_loop.as_ref().map_or(NO_LOOP, |event_loop| event_loop.id);
    RUNNING.with(|running| running.set(id));
    let is_watched = event_loop.as_ref().is_some_and(|event_loop| event_loop.tracer.is_on());
    holds::watch(is_watched || event_loop.is_none() && cfg!(debug_assertions));
    LOOPS.with(|loops| loops.current.replace(event_loop))
}

/// Gives the thread back to the loop that was current before, if any.
pub(crate) struct Entered(Option<Rc<EventLoop>>);

impl Drop for Entered {
    fn drop(&mut self) {
        let left = replace(self.0.take());
        // Dropped here, after the cell was released: this may be the last owner of the
        // loop, and the end of its parts may ask for the current loop.
        drop(left);
    }
}

/// Calls `act` with the current loop; `None` outside of a loop. `act` must not run code of
/// the user: the cell stays borrowed.
#[inline]
pub(crate) fn with<R>(act: impl FnOnce(&EventLoop) -> R) -> Option<R> {
    LOOPS.with(|loops| loops.current.borrow().as_deref().map(act))
}

/// The same, if the current loop is the loop of this inbox. `None` on all other threads.
#[inline]
pub(crate) fn with_loop_of<R>(
    inbox: &Arc<Inbox<Message>>,
    act: impl FnOnce(&EventLoop) -> R,
) -> Option<R> {
    with(|event_loop| Arc::ptr_eq(&event_loop.inbox, inbox).then(|| act(event_loop))).flatten()
}

/// Calls `act` with the loop of that number, whether or not it is the current one; `None`
/// if the loop is gone.
#[inline]
pub(crate) fn with_loop<R>(id: LoopId, act: impl FnOnce(&EventLoop) -> R) -> Option<R> {
    LOOPS.with(|loops| match &*loops.current.borrow() {
        Some(event_loop) if event_loop.id == id => Some(act(event_loop)),
        _ => loops.find(id).map(|event_loop| act(&event_loop)),
    })
}

impl Loops {
    #[cold]
    fn find(&self, id: LoopId) -> Option<Rc<EventLoop>> {
        let all = self.all.borrow();
        all.iter().filter_map(Weak::upgrade).find(|event_loop| event_loop.id == id)
    }
}

/// The current loop; `None` outside of a loop.
pub(crate) fn get() -> Option<Rc<EventLoop>> {
    LOOPS.with(|loops| loops.current.borrow().clone())
}

/// Calls `drop_content`, which drops the future or the outcome of `task`. That may lead to the
/// drop of another task, and so on. So beyond a certain depth, the task is put aside instead,
/// and let go when all drops around this one have returned.
pub(crate) fn nest_drop(task: Rc<Task>, drop_content: impl FnOnce()) {
    let depth = LOOPS.with(|loops| loops.nested.get());
    if depth == NESTED_DROPS {
        return LOOPS.with(|loops| loops.put_aside.borrow_mut().push(task));
    }
    LOOPS.with(|loops| loops.nested.set(depth + 1));
    drop_content();
    if depth == 0 {
        while let Some(task) = LOOPS.with(|loops| loops.put_aside.borrow_mut().pop()) {
            contain(|| drop(task));
        }
        LOOPS.with(|loops| loops.put_aside.take());
    }
    LOOPS.with(|loops| loops.nested.set(depth));
}

/// The current loop, for what cannot work without one.
///
/// # Panics
/// Outside of a loop, naming `what` was called, the caller's line, and the cure.
#[track_caller]
pub(crate) fn expect(what: &str) -> Rc<EventLoop> {
    expect_at(what, Location::caller())
}

/// [`expect`], for the futures that need the loop when they are first polled, but want to
/// name the line `at` that made them.
#[track_caller]
pub(crate) fn expect_at(what: &str, at: &Location<'_>) -> Rc<EventLoop> {
    // A `match` and not a closure: a closure would lose the caller's line.
    match get() {
        Some(event_loop) => event_loop,
        None => panic!(
            "{what} was called at {at}, on a thread where no event loop is running. Call it \
             from inside `glassloop::block_on(async {{ … }})`, or from a task spawned there; \
             other threads have `Remote::spawn`"
        ),
    }
}

/// Checks that a leaf of the loop `own` is not polled in another loop: its own loop, which
/// would wake it, does not run meanwhile. (Outside of all loops it may be polled, by another
/// executor; it does not move on then.)
///
/// # Panics
/// In another loop, naming `what` was made at the line `at`, both loops, and the cure.
#[inline]
#[track_caller]
pub(crate) fn expect_own(own: LoopId, what: &str, at: &Location<'_>) {
    let running = RUNNING.with(Cell::get);
    if running != own && running != NO_LOOP {
        of_another_loop(own, running, what, at);
    }
}

#[cold]
#[track_caller]
fn of_another_loop(LoopId(own): LoopId, LoopId(running): LoopId, what: &str, at: &Location<'_>) {
    panic!(
        "{what} made at {at} belongs to event loop {own}, and was awaited in another event loop, \
         {running}: its own loop does not run meanwhile. Await it in the loop in which it was made"
    );
}
