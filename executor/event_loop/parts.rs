//! The parts of a loop, made and put together.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;
use polling::Events;

use crate::blocking::{Pool, pool::KEEP_ALIVE};
use crate::current::{self, LoopId};
use crate::io::Reactor;
use crate::report::{CircleWatch, Counts, SlowPolls};
use crate::task::{Inbox, Message, Scheduler, contain, drop_each};
use crate::time::{Clock, Timers};
use crate::trace::Tracer;

/// Everything that a loop consists of. None of the parts knows the loop.
pub(crate) struct EventLoop {
    pub(crate) id: LoopId,
    pub(crate) scheduler: Scheduler,
    pub(crate) timers: Timers,
    pub(crate) reactor: Reactor,
    pub(crate) pool: Pool,
    pub(crate) inbox: Arc<Inbox<Message>>,
    /// The receiving end of the inbox, until the loop ends.
    pub(super) messages: RefCell<Receiver<Message>>,

    pub(super) events: RefCell<Option<Events>>,
    /// The number of polls, and the real time, when the I/O driver was polled last.
    pub(super) polled_io_at: Cell<(u64, Instant)>,
    /// Where the last proof of a deadlock found a task that others hold: the next search begins there.
    pub(super) held_slot: Cell<u32>,
    pub(crate) counts: Counts,
    pub(crate) tracer: Tracer,
    pub(super) slow_polls: Option<SlowPolls>,
    pub(crate) circles: CircleWatch,
}

impl EventLoop {
    pub(super) fn new(
        id: LoopId,
        clock: Clock,
        max_threads: usize,
        tracer: Tracer,
        slow_polls: Option<SlowPolls>,
        circles: CircleWatch,
    ) -> EventLoop {
        let (inbox, messages) = Inbox::new();
        let for_pool = Arc::clone(&inbox);
        let all_done = move || for_pool.parker.unpark();
        let (events, held_slot, counts) = Default::default();
        EventLoop {
            id,
            scheduler: Scheduler::new(Arc::clone(&inbox), tracer.clone()),
            timers: Timers::new(clock, tracer.clone()),
            reactor: Reactor::new(Arc::clone(&inbox), tracer.clone()),
            pool: Pool::new(max_threads, KEEP_ALIVE, all_done),
            inbox,
            messages: RefCell::new(messages),
            events,
            polled_io_at: Cell::new((0, Instant::now())),
            held_slot,
            counts,
            tracer,
            slow_polls,
            circles,
        }
    }

    /// Ends the loop: drops the tasks and the messages, then waits for the jobs, which may
    /// be waiting for an answer to what they have sent.
    pub(super) fn close(&self) {
        self.scheduler.drop_all_tasks();
        // From now on, a message comes back to its sender.
        let messages = self.messages.replace(crossbeam_channel::never());
        drop_each((0..messages.len()).filter_map(|_| messages.try_recv().ok()));
        contain(|| drop(messages));
        // The drop of a message may have spawned a task.
        self.scheduler.drop_all_tasks();
        self.pool.shutdown();
        self.tracer.loop_ended();
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        current::forget_dropped();
    }
}
