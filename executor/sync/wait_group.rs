//! Waiting until a number of things is done.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::line::{Line, Waiting};

/// Counts what is to be done, and waits until it is. asyncio's `Queue.join`, with
/// a guard instead of the call to `task_done` that is so easily forgotten.
///
/// Clones share the count.
///
/// ```
/// use glassloop::{spawn, sync::WaitGroup, yield_now};
///
/// glassloop::block_on(async {
///     let jobs = WaitGroup::new();
///     for _ in 0..3 {
///         let job = jobs.add();
///         spawn(async move {
///             yield_now().await;
///             drop(job); // done
///         }).detach();
///     }
///     jobs.wait().await;
/// });
/// ```
#[derive(Clone, Default)]
pub struct WaitGroup {
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    undone: Cell<usize>,
    line: Line,
}

impl WaitGroup {
    /// A group with nothing to wait for.
    pub fn new() -> WaitGroup {
        WaitGroup::default()
    }

    /// Adds one thing to be done. It is done when the guard is dropped, also by a
    /// panic or an abort.
    pub fn add(&self) -> WaitGuard {
        self.shared.undone.set(self.shared.undone.get() + 1);
        WaitGuard { shared: Rc::clone(&self.shared) }
    }

    /// Waits until everything is done; ready at once if there is nothing to do.
    /// Once woken, it does not wait for what was added since.
    #[track_caller]
    pub fn wait(&self) -> WaitGroupWait<'_> {
        WaitGroupWait {
            shared: &self.shared,
            waiting: Waiting::new("a wait group", Location::caller()),
        }
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitGroup({} undone)", self.shared.undone.get())
    }
}

/// One thing to be done in a [`WaitGroup`]. Dropping it says that it is done.
#[must_use = "dropping the guard says that the work is done"]
pub struct WaitGuard {
    shared: Rc<Shared>,
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        let undone = &self.shared.undone;
        undone.set(undone.get() - 1);
        if undone.get() == 0 {
            self.shared.line.serve_all();
        }
    }
}

impl fmt::Debug for WaitGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitGuard(..)")
    }
}

/// The future of [`WaitGroup::wait`].
#[must_use = "futures do nothing until they are awaited"]
pub struct WaitGroupWait<'a> {
    shared: &'a Shared,
    waiting: Waiting,
}

impl Future for WaitGroupWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared;
        if shared.undone.get() == 0 {
            return Poll::Ready(());
        }
        self.waiting.poll(&shared.line, cx)
    }
}

impl Drop for WaitGroupWait<'_> {
    fn drop(&mut self) {
        self.waiting.leave(&self.shared.line);
    }
}
