//! `join_all`: many futures as one. asyncio's `gather`.

use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll, Waker};

use super::woken_list::{ChildWaker, WokenList};
use crate::current;
use crate::task::{ChildList, ChildOf, ContainedWaker, RegisteredWaker, drop_each, polled_again};
use crate::trace::{ChildNotes, CodeLine, address, holds};

/// From this number of futures on, each future gets a waker of its own. To poll fewer
/// futures all at once costs less than their wakers would cost.
const LARGE: usize = 256;

/// Runs futures together and returns their outputs in the order of the
/// arguments, whatever the order in which they end. asyncio's `gather`.
///
/// The futures run inside the awaiting task: they need not be `'static`, and
/// dropping the `JoinAll` drops all of them. To run them as tasks instead,
/// [`spawn`](crate::spawn) them and join the handles. Each future is boxed.
///
/// Fewer than 256 futures are all polled when one of them wakes the task. If there are
/// more, each future has a waker of its own, and only the futures that were woken are
/// polled.
///
/// Every future runs to its end, whatever the outputs of the others are: for `Result`s,
/// that is `gather(…, return_exceptions=True)`. The outputs can be collected into one
/// `Result` afterwards. To stop at the first error, use `futures_lite::future::try_zip`
/// for two futures, or a [`TaskGroup`](crate::TaskGroup) for tasks.
///
/// The first polls happen in the order of the arguments; so do later polls, if there are
/// fewer than 256 futures.
///
/// # Panics
/// When the `JoinAll` is polled again after it was ready. And with the panic of a future, in
/// its poll or its drop; polled on, a `JoinAll` whose future panicked in its drop still gives
/// all outputs.
///
/// ```
/// use std::time::Duration;
/// use glassloop::{join_all, sleep};
///
/// async fn after(ms: u64) -> u64 {
///     sleep(Duration::from_millis(ms)).await;
///     ms
/// }
/// let outputs = glassloop::block_on(join_all([after(20), after(0), after(10)]));
/// assert_eq!(outputs, [20, 0, 10]);
///
/// let parsed = glassloop::block_on(join_all(["1", "2", "x"].map(async |s| s.parse::<i32>())));
/// assert!(parsed.into_iter().collect::<Result<Vec<_>, _>>().is_err());
/// ```
#[track_caller]
pub fn join_all<I>(futures: I) -> JoinAll<<I::Item as IntoFuture>::IntoFuture>
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    let boxed = |future: I::Item| Child::Running(Box::pin(future.into_future()));
    let children: Vec<_> = futures.into_iter().map(boxed).collect();
    let new_list =
        || Woken { list: WokenList::new(children.len()), parent: None, notes: Rc::default() };
    let woken = (children.len() >= LARGE).then(new_list);
    JoinAll { running: children.len(), children, woken, finished: false, at: Location::caller() }
}

/// The future of [`join_all`].
#[must_use = "futures do nothing until they are awaited"]
pub struct JoinAll<F: Future> {
    children: Vec<Child<F>>,
    running: usize,
    /// For a large number of children: which children were woken.
    woken: Option<Woken>,
    finished: bool,
    at: CodeLine,
}

struct Woken {
    list: Arc<WokenList>,
    /// What polled the `JoinAll` last, if that was a task of this crate, or a child in it.
    parent: Option<Rc<RegisteredWaker>>,
    /// What the children wait for.
    notes: Rc<ChildNotes>,
}

enum Child<F: Future> {
    Running(Pin<Box<F>>),
    Ready(F::Output),
}

// The futures are boxed, and the outputs are never pinned.
impl<F: Future> Unpin for JoinAll<F> {}

impl<F: Future> Future for JoinAll<F> {
    type Output = Vec<F::Output>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.finished {
            polled_again(format_args!("the JoinAll made at {}", self.at));
        }
        match self.woken.take() {
            None => (0..self.children.len()).for_each(|index| self.poll_child(index, cx)),
            Some(mut woken) => {
                self.poll_woken(&mut woken, cx);
                self.woken = Some(woken);
            }
        }
        if self.running > 0 {
            return Poll::Pending;
        }
        self.finished = true;
        let outputs = std::mem::take(&mut self.children).into_iter().map(|child| match child {
            Child::Ready(output) => output,
            Child::Running(_) => unreachable!("`running` counts them"),
        });
        Poll::Ready(outputs.collect())
    }
}

impl<F: Future> JoinAll<F> {
    /// Polls the children that were woken. Polls all if another task polls the `JoinAll` now,
    /// whom the leaves of the others do not know; and if the loop asks all what they wait for.
    fn poll_woken(&mut self, woken: &mut Woken, cx: &Context<'_>) {
        let event_loop = current::get();
        let own = event_loop.as_ref().and_then(|event_loop| RegisteredWaker::own(event_loop, cx));
        let mut asks_all = event_loop.as_ref().is_some_and(|l| l.scheduler.notes.are_of_all.get());
        if !woken.is_polled_by(own.as_ref()) {
            (woken.parent, asks_all) = (own.map(Rc::new), true);
        }
        woken.list.set_parent(Some(ContainedWaker::new(cx.waker())));
        let listed = woken.list.take();
        let indices = if asks_all { (0..self.children.len()).collect() } else { listed };
        for index in indices {
            let (waker, child) = woken.child(index);
            let mut poll = || self.poll_child(index, &mut Context::from_waker(&waker));
            let Some(event_loop) = &event_loop else {
                poll();
                continue;
            };
            let poll = || event_loop.scheduler.notes.poll_child(&woken.notes, index, poll);
            event_loop.scheduler.poll_child(&waker, child, poll);
        }
        event_loop.iter().for_each(|l| l.scheduler.notes.add_children(&woken.notes));
        woken.release_parent();
    }

    fn poll_child(&mut self, index: usize, cx: &mut Context<'_>) {
        let owner = address(&*self);
        let Child::Running(future) = &mut self.children[index] else { return };
        let _in_child = holds::enter_child(owner, &**future);
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            self.running -= 1;
            // If dropping the future panics here, the output is stored anyway.
            self.children[index] = Child::Ready(output);
        }
    }
}

impl<F: Future> Drop for JoinAll<F> {
    fn drop(&mut self) {
        drop_each(self.children.extract_if(.., |child| matches!(child, Child::Ready(_))));
    }
}

impl_debug!(
    [F: Future] JoinAll<F>,
    |all| "JoinAll({} of {} running)", all.running, all.children.len()
);

impl Woken {
    fn is_polled_by(&self, own: Option<&RegisteredWaker>) -> bool {
        match (&self.parent, own) {
            (Some(before), Some(own)) => before.same_task(own),
            (before, own) => before.is_none() && own.is_none(),
        }
    }

    /// A waker for a child, and what a leaf of this crate keeps instead.
    fn child(&self, index: usize) -> (Waker, Option<ChildOf>) {
        let waker = Waker::from(Arc::new(ChildWaker { index, list: Arc::clone(&self.list) }));
        let list: Arc<dyn ChildList> = self.list.clone();
        let list = Arc::downgrade(&list);
        let child = |parent| ChildOf { list, index, parent: Rc::clone(parent) };
        (waker, self.parent.as_ref().map(child))
    }

    /// Lets go of the parent's waker, if nothing has a waker of a child. Otherwise the proof
    /// of a deadlock would find that the task is held by others.
    fn release_parent(&self) {
        if self.parent.is_some() && Arc::strong_count(&self.list) == 1 {
            // Acquire: see what a thread did before it dropped its waker.
            fence(Ordering::Acquire);
            self.list.set_parent(None);
        }
    }
}
