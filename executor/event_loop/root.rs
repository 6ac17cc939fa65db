//! The future of `block_on`: a task like any other, except that its future is pinned on
//! the stack of `block_on`. So it may borrow, and its cell in the task table has no future.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::task::{Scheduler, Task, TaskCell, TaskKey, panic_text};
use crate::trace::{CodeLine, End, address};

/// What a panic carries.
type Payload = Box<dyn Any + Send>;

/// The future of `block_on`, which stays on the stack.
type RootFuture<'a> = Pin<&'a mut dyn Future<Output = ()>>;

/// A root future, and its task.
pub(super) struct Root<'a> {
    pub(super) key: TaskKey,
    is_done: bool,
    task: Rc<Task<RootCell>>,
    future: RootFuture<'a>,
}

/// Stands for the future in its task. Its panic waits here until the loop has put
/// everything back in its place.
#[derive(Default)]
struct RootCell(RefCell<Option<Payload>>);

impl<'a> Root<'a> {
    pub(super) fn new(scheduler: &Scheduler, at: CodeLine, future: RootFuture<'a>) -> Root<'a> {
        let task = scheduler.add_root(at, RootCell::default());
        scheduler.root_memory.set((address(&*future), size_of_val(&*future)));
        Root { key: task.key(), is_done: false, task, future }
    }

    /// Whether the future was ready, or has panicked.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Polls the future once.
    pub(super) fn poll(&mut self, scheduler: &Scheduler) {
        let (task, future) = (&self.task, &mut self.future);
        let polled = scheduler.poll_with(self.key, &**task, |cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
            polled.unwrap_or_else(|panic| {
                task.cell.0.replace(Some(panic));
                Poll::Ready(())
            })
        });
        if polled.is_ready() {
            self.is_done = true;
            scheduler.end(self.task.clone());
        }
    }

    /// Ends the task, and returns the panic of the future if it has panicked.
    pub(super) fn end(self, scheduler: &Scheduler) -> Option<Payload> {
        scheduler.remove_root(self.task.clone());
        self.task.cell.0.take()
    }
}

impl TaskCell for RootCell {
    fn poll(&self, _cx: &mut Context<'_>) -> Poll<()> {
        unreachable!("the loop polls the root by `Root::poll`")
    }

    fn cancel(&self) {}

    fn with_end(&self, emit: &mut dyn FnMut(End<'_>)) {
        let panic = self.0.borrow();
        let text = panic.as_ref().map(|payload| panic_text(&**payload).unwrap_or_default());
        emit(text.map_or(End::Done, End::Panic));
    }
}
