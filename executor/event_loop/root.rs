//! The future of `block_on`: pinned on the stack, and polled in its turn like a
//! task, though it is none.

use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::Context;

use crate::task::{Name, OwnWaker, Scheduler, TaskId, panic_text};
use crate::trace::{End, Event};

/// A root future and its place in the ready queue.
pub(super) struct Root<'a> {
    pub(super) id: TaskId,
    pub(super) name: Name,
    pub(super) called_at: &'static Location<'static>,
    own: OwnWaker,
    future: Pin<&'a mut dyn Future<Output = ()>>,
    done: bool,
    panic: Option<Payload>,
}

/// What a panic carries.
type Payload = Box<dyn Any + Send>;

impl<'a> Root<'a> {
    pub(super) fn new(
        scheduler: &Scheduler,
        called_at: &'static Location<'static>,
        future: Pin<&'a mut dyn Future<Output = ()>>,
    ) -> Root<'a> {
        let id = scheduler.next_id();
        let name = Name::new(id, Name::ROOT);
        let own = scheduler.wakers().take(name);
        let glass = scheduler.glass();
        glass.start();
        glass.emit(|| Event::Spawn { task: id.0, name: Some("root"), at: called_at });
        own.line_up(scheduler.queue());
        Root { id, name, called_at, own, future, done: false, panic: None }
    }

    /// Whether the future was ready, or has panicked.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Polls the future once. A panic waits until the loop has put everything back
    /// in its place; [`end`](Self::end) returns it.
    pub(super) fn poll(&mut self, scheduler: &Scheduler) {
        let future = &mut self.future;
        let poll = |cx: &mut Context<'_>| {
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx).is_ready()))
        };
        scheduler.begin_poll(self.id);
        let ready = scheduler.running().poll_as(&mut self.own, poll);
        self.done = *ready.as_ref().unwrap_or(&true);
        match self.done {
            false => scheduler.glass().if_watched(|| {
                scheduler.tell_waits(self.id, self.own.held_inside());
            }),
            true => self.tell_end(scheduler, ready.as_ref().err()),
        }
        self.panic = ready.err();
    }

    fn tell_end(&self, scheduler: &Scheduler, panic: Option<&Payload>) {
        scheduler.glass().emit(|| {
            let text = panic.map(|payload| panic_text(&**payload).unwrap_or_default());
            Event::End { task: self.id.0, how: text.map_or(End::Done, End::Panic) }
        });
    }

    /// How many of its leaves wait at present.
    pub(super) fn held_inside(&self) -> usize {
        self.own.held_inside()
    }

    /// Whether a waker of the root lies outside the crate.
    pub(super) fn is_held_outside(&self) -> bool {
        self.own.held_outside() > 0
    }

    /// Gives the waker back, and the panic if there was one.
    pub(super) fn end(self, scheduler: &Scheduler) -> Option<Payload> {
        if !self.done {
            let how = End::Drop;
            scheduler.glass().emit(|| Event::End { task: self.id.0, how });
        }
        scheduler.wakers().give_back(self.own);
        self.panic
    }
}
