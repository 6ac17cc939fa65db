//! Which loop is running on this thread: the crate's only thread-local.
//!
//! `spawn`, `sleep` and the sockets have no parameter for the loop, just as
//! `asyncio.sleep` has none; they ask here. A loop consists of parts (run queue,
//! timers, reactor, pool, …), and each room of the house asks for the part that
//! it knows, by its type. So this file need not know the rooms, and every
//! dependency in the crate can point the same way.
//!
//! ```text
//!   block_on ── enter(parts) ──▶ CURRENT ◀── with::<Timers>() ── sleep
//!      │                            ▲
//!      └── drop(Entered) restores ──┘  (on a panic as well)
//! ```

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

use super::run_queue::RunQueue;
use crate::trace::Glass;

/// The parts of one loop.
pub(crate) struct Parts {
    /// A number by which a waker knows its loop again.
    pub(crate) mark: usize,
    /// Asked for at every wake, so it is not searched for.
    pub(crate) queue: Rc<RunQueue>,
    /// The others, each beside its type. The ones asked for most often come first.
    pub(crate) others: Box<[(TypeId, Rc<dyn Any>)]>,
}

/// A part, for the list.
pub(crate) fn part<P: 'static>(part: &Rc<P>) -> (TypeId, Rc<dyn Any>) {
    (TypeId::of::<P>(), part.clone())
}

struct Current {
    /// That of the parts, or 0: to be asked without touching anything else.
    mark: Cell<usize>,
    parts: RefCell<Option<Parts>>,
}

thread_local! {
    static CURRENT: Current =
        const { Current { mark: Cell::new(0), parts: RefCell::new(None) } };
}

/// Makes these parts the current loop until the guard is dropped.
pub(crate) fn enter(parts: Parts) -> Entered {
    Entered { previous: replace(Some(parts)) }
}

fn replace(parts: Option<Parts>) -> Option<Parts> {
    // A thread that is ending may have lost its thread-locals already; then
    // there is nothing to set and nothing to restore.
    let previous = CURRENT.try_with(|current| {
        current.mark.set(parts.as_ref().map_or(0, |parts| parts.mark));
        current.parts.replace(parts)
    });
    previous.ok().flatten()
}

/// Gives the thread back to the loop that was current before, if any.
pub(crate) struct Entered {
    previous: Option<Parts>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let ours = replace(self.previous.take());
        // Dropped here, after the cell has been released: this may be the last
        // owner of a part, and a part's end may look at the current loop.
        drop(ours);
    }
}

/// Calls `use_queue` with the run queue of the loop with that mark, if that is the current
/// loop, so that this is its thread. Says whether it is.
#[inline]
pub(crate) fn with_queue_of(mark: usize, use_queue: impl FnOnce(&RunQueue)) -> bool {
    let is_ours = CURRENT.try_with(|current| {
        let is_ours = current.mark.get() == mark;
        if is_ours && let Some(parts) = &*current.parts.borrow() {
            use_queue(&parts.queue);
        }
        is_ours
    });
    is_ours == Ok(true)
}

/// Calls `use_part` with the current loop's part of type `P`; `None` outside of a loop.
/// `use_part` must not run code of the user: the cell stays borrowed.
pub(crate) fn with<P: 'static, R>(use_part: impl FnOnce(&P) -> R) -> Option<R> {
    let found = CURRENT.try_with(|current| {
        let current = current.parts.borrow();
        Some(use_part(current.as_ref()?.find::<P>()?.downcast_ref()?))
    });
    found.ok().flatten()
}

/// The current loop's part of type `P`, shared; `None` outside of a loop.
pub(crate) fn get<P: 'static>() -> Option<Rc<P>> {
    let found = CURRENT.try_with(|current| {
        let current = current.parts.borrow();
        Rc::clone(current.as_ref()?.find::<P>()?).downcast().ok()
    });
    found.ok().flatten()
}

/// The current loop's glass; an empty one outside of a loop.
pub(crate) fn glass() -> Glass {
    let glass = CURRENT
        .try_with(|current| current.parts.borrow().as_ref().map(|parts| parts.queue.glass.clone()));
    glass.ok().flatten().unwrap_or_default()
}

impl Parts {
    fn find<P: 'static>(&self) -> Option<&Rc<dyn Any>> {
        let mut parts = self.others.iter();
        parts.find(|(of, _)| *of == TypeId::of::<P>()).map(|(_, part)| part)
    }
}

/// Like [`get`], for what cannot work without a loop.
///
/// # Panics
/// Outside of a loop, naming `what` was called, the caller's line, and the cure.
#[track_caller]
pub(crate) fn expect<P: 'static>(what: &str) -> Rc<P> {
    expect_at(what, Location::caller())
}

/// [`expect`], for the futures that need the loop when they are first polled,
/// but want to name the line `at` that made them.
#[track_caller]
pub(crate) fn expect_at<P: 'static>(what: &str, at: &Location<'_>) -> Rc<P> {
    get().unwrap_or_else(|| outside(what, at))
}

#[cold]
#[track_caller]
fn outside(what: &str, at: &Location<'_>) -> ! {
    panic!(
        "{what} was called at {at}, on a thread where no event loop is running. Call it \
         from inside `glassloop::block_on(async {{ … }})`, or from a task spawned there; \
         other threads have `Remote::spawn`"
    )
}

/// Whether a loop is running on this thread.
pub(crate) fn is_inside() -> bool {
    CURRENT.try_with(|current| current.mark.get() != 0) == Ok(true)
}
