//! Who holds what: each lock and each permit that a task has taken, or that was granted to
//! one of its waits, until it is given back. So a report can say whom a task waits for.
//!
//! Kept for the thread, since a lock belongs to no loop; and only while a loop runs that takes
//! notes of its tasks. (In a debug build also outside of all loops.)

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;

use super::notes::{LeafId, address};
use super::resource::CodeLine;
use crate::current::{self, LoopId};

/// A task: its loop, and its number there.
pub(crate) type TaskOfLoop = (LoopId, u64);

/// One lock or permit that is not free.
#[derive(Clone, Copy)]
pub(crate) struct Hold {
    /// Who has taken it; `None` for code outside of all tasks.
    pub(crate) task: Option<TaskOfLoop>,
    /// When, in nanoseconds on the clock of that loop.
    pub(crate) since: u64,
    /// The line of the call. `None` for a grant: the wait has its line.
    pub(crate) at: Option<CodeLine>,
    /// Whether its guard may have been moved to another task. (Of a grant, the note of the wait
    /// says so.)
    pub(crate) may_move: bool,
    /// How many of its kind the resource has.
    pub(crate) of: usize,
}

/// What tells the holds of one resource from each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HoldKey {
    /// The number of a guard.
    Taken(u64),
    /// The wait to which it was granted, and that was not polled since.
    Granted(LeafId),
}

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(cfg!(debug_assertions)) };
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// Where the child of a combinator lies that is being polled and cannot leave its task: its
    /// address, and its size.
    static CHILD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    // Never dropped, as what `current` keeps: the drop of another thread-local may drop a guard.
    static HOLDS: ManuallyDrop<RefCell<BTreeMap<(u64, HoldKey), Hold>>> =
        const { ManuallyDrop::new(RefCell::new(BTreeMap::new())) };
}

/// Whether holds are to be noted now.
#[inline]
pub(crate) fn are_watched() -> bool {
    IS_WATCHED.with(Cell::get)
}

/// From now on, holds are noted or not.
pub(crate) fn watch(watch: bool) {
    IS_WATCHED.with(|is_watched| is_watched.set(watch));
}

/// Whether this address lies in the future that is being polled. What lies there cannot leave the
/// task. A boxed future can: it may be polled by one task and moved to another.
#[cold]
pub(crate) fn is_in_task(place: usize) -> bool {
    let is_in = |(start, size): (usize, usize)| (start..start + size).contains(&place);
    let memory = current::with(|event_loop| event_loop.scheduler.polled_memory());
    is_in(CHILD.with(Cell::get)) || memory.flatten().is_some_and(is_in)
}

/// A boxed child is being polled. Its owner, who lies at the address `owner`, never gives it away:
/// where the owner cannot leave the task, the child cannot either.
#[inline]
pub(crate) fn enter_child<F>(owner: usize, child: &F) -> Option<EnteredChild> {
    are_watched().then(|| {
        let memory = (address(child), size_of::<F>());
        let child = if is_in_task(owner) { memory } else { (0, 0) };
        EnteredChild { outer: CHILD.with(|cell| cell.replace(child)) }
    })
}

/// Until this is dropped, a child is being polled.
pub(crate) struct EnteredChild {
    outer: (usize, usize),
}

impl Drop for EnteredChild {
    fn drop(&mut self) {
        CHILD.with(|child| child.set(self.outer));
    }
}

impl Hold {
    /// By the task that is being polled, at the line `at`.
    #[cold]
    pub(crate) fn of_current_task(at: Option<CodeLine>, may_move: bool, of: usize) -> Hold {
        let now = current::with(|event_loop| {
            let task = event_loop.scheduler.polled_task();
            let task = task.map(|task| (event_loop.id, task.0));
            (task, event_loop.timers.clock.nanoseconds_now())
        });
        let (task, since) = now.unwrap_or_default();
        Hold { task, since, at, may_move, of }
    }
}

/// The number for a new guard; never 0.
pub(crate) fn next_number() -> u64 {
    LAST.with(|last| last.set(last.get() + 1));
    LAST.with(Cell::get)
}

/// The resource of that number is held from now on.
#[cold]
pub(crate) fn note(resource: u64, key: HoldKey, hold: Hold) {
    HOLDS.with(|holds| holds.borrow_mut().insert((resource, key), hold));
}

/// It is held no longer.
#[cold]
pub(crate) fn take_back(resource: u64, key: HoldKey) {
    HOLDS.with(|holds| {
        let mut holds = holds.borrow_mut();
        holds.remove(&(resource, key));
        if holds.is_empty() {
            // Nothing is left for the end of the thread.
            *holds = BTreeMap::new();
        }
    });
}

/// How many holds of one resource are listed.
const MOST: usize = 16;

/// The first holds of a resource.
pub(crate) fn of(resource: u64) -> Vec<(HoldKey, Hold)> {
    let (first, last) = (HoldKey::Taken(0), HoldKey::Granted((usize::MAX, u64::MAX)));
    HOLDS.with(|holds| {
        let holds = holds.borrow();
        let of_resource = holds.range((resource, first)..=(resource, last));
        of_resource.take(MOST).map(|((_, key), hold)| (*key, *hold)).collect()
    })
}
