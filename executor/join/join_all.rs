//! `join_all`: many futures as one. asyncio's `gather`.

use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::task::{drop_each, polled_again};
use crate::trace::CodeLine;

/// From this number of futures on, each future gets a waker of its own. To poll fewer
/// futures all at once costs less than their wakers would cost; and the loop can still
/// prove a deadlock, which is impossible when such wakers hide who holds the task's waker.
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
    let woken = (children.len() >= LARGE).then(|| Woken::new(children.len()));
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
            Some(woken) => {
                woken.list.set_parent(cx.waker());
                for index in woken.list.take() {
                    let waker = &woken.wakers[index];
                    self.poll_child(index, &mut Context::from_waker(waker));
                }
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
    fn poll_child(&mut self, index: usize, cx: &mut Context<'_>) {
        if let Child::Running(future) = &mut self.children[index]
            && let Poll::Ready(output) = future.as_mut().poll(cx)
        {
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

/// The wakers of many children, and the list to which each waker adds the index of its
/// child.
struct Woken {
    list: Arc<WokenList>,
    wakers: Vec<Waker>,
}

/// A lock, because any thread may wake a child.
struct WokenList(Mutex<WokenState>);

struct WokenState {
    indices: Vec<usize>,
    /// For each child, whether its index is in `indices`.
    listed: Vec<bool>,
    parent: Option<Waker>,
}

struct ChildWaker {
    index: usize,
    list: Arc<WokenList>,
}

impl Woken {
    /// Every child is in the list, so that the first poll of the `JoinAll` polls all.
    fn new(count: usize) -> Woken {
        let state =
            WokenState { indices: (0..count).collect(), listed: vec![true; count], parent: None };
        let list = Arc::new(WokenList(Mutex::new(state)));
        let child = |index| ChildWaker { index, list: Arc::clone(&list) };
        let wakers = (0..count).map(|i| Waker::from(Arc::new(child(i)))).collect();
        Woken { list, wakers }
    }
}

impl WokenList {
    fn lock(&self) -> MutexGuard<'_, WokenState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_parent(&self, newest: &Waker) {
        // Clone before the lock is taken: a clone of a foreign waker may run any code, and
        // a wake of a child takes the same lock.
        let newest = newest.clone();
        let mut state = self.lock();
        let old = state.parent.replace(newest);
        // Release the lock before the drop of a foreign waker, for the same reason.
        drop(state);
        drop(old);
    }

    /// Takes the children to poll. `listed` is cleared before the polls: a wake during a
    /// poll must list its child again.
    fn take(&self) -> Vec<usize> {
        let mut state = self.lock();
        let indices = std::mem::take(&mut state.indices);
        indices.iter().for_each(|&index| state.listed[index] = false);
        indices
    }
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.list.lock();
        if std::mem::replace(&mut state.listed[self.index], true) {
            return;
        }
        state.indices.push(self.index);
        // Take the waker, do not clone it: one wake is enough until the parent is polled.
        let parent = state.parent.take();
        // Release the lock before the wake, which may run any code.
        drop(state);
        if let Some(parent) = parent {
            parent.wake();
        }
    }
}
