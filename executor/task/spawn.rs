//! `spawn` and `yield_now`: how a task makes another task, and lets the others run.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::join_handle::JoinHandle;
use crate::current;

/// Spawns a task on the current loop. asyncio's `create_task`.
///
/// The task is first polled in the loop's next turn, never at once. It need not
/// be `Send`, since it never leaves the thread. Dropping the handle detaches it.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// glassloop::block_on(async {
///     let task = glassloop::spawn(async { "hello" });
///     assert_eq!(task.await.unwrap(), "hello");
/// });
/// ```
#[track_caller]
pub fn spawn<F: Future<Output: 'static> + 'static>(future: F) -> JoinHandle<F::Output> {
    current::expect("`glassloop::spawn`").scheduler.spawn(None, Location::caller(), future)
}

/// Like [`spawn`], with a name for the reports. asyncio's
/// `create_task(…, name=…)`.
///
/// # Panics
/// Outside of a loop.
///
/// ```
/// glassloop::block_on(async {
///     let task = glassloop::spawn_named("fetch", async {});
///     assert_eq!(task.name(), Some("fetch"));
/// # task.await.unwrap();
/// });
/// ```
#[track_caller]
pub fn spawn_named<F>(name: impl Into<String>, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let event_loop = current::expect("`glassloop::spawn_named`");
    event_loop.scheduler.spawn(Some(name.into()), Location::caller(), future)
}

/// Goes to the back of the run queue, for exactly one turn: every other task that is
/// ready is polled once before this one goes on. asyncio's `sleep(0)`.
///
/// Works in any executor.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
///
/// glassloop::block_on(async {
///     let log = Rc::new(RefCell::new(Vec::new()));
///     let other = log.clone();
///     let task = glassloop::spawn(async move { other.borrow_mut().push("other") });
///     glassloop::yield_now().await;
///     log.borrow_mut().push("me again");
///     assert_eq!(*log.borrow(), ["other", "me again"]);
/// #   task.await.unwrap();
/// });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing until they are awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
