//! The parts of a loop, made and put together.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crossbeam_channel::Receiver;

use crate::blocking::{Pool, pool::KEEP_ALIVE};
use crate::io::Reactor;
use crate::task::current::{self, Entered, part};
use crate::task::{Mailbox, Message, RunQueue, Running, Scheduler, TaskId, contain};
use crate::time::{Clock, Timers};
use crate::trace::{Glass, Place};

/// Everything that a loop consists of. None of the parts knows the loop.
pub(super) struct Parts {
    pub(super) queue: Rc<RunQueue>,
    pub(super) running: Rc<Running>,
    pub(super) scheduler: Rc<Scheduler>,
    pub(super) timers: Rc<Timers>,
    pub(super) reactor: Rc<Reactor>,
    pub(super) pool: Rc<Pool>,
    pub(super) mailbox: Arc<Mailbox<Message>>,
    pub(super) glass: Glass,
    /// The future of `block_on`, while it runs.
    pub(super) root: Cell<Option<(TaskId, Place)>>,
    /// The loop's end of the mailbox; until the loop ends.
    inbox: RefCell<Receiver<Message>>,
}

impl Parts {
    pub(super) fn new(clock: Clock, max_threads: usize, glass: Glass) -> Parts {
        let (mailbox, inbox) = Mailbox::new();
        let queue = Rc::new(RunQueue::new(glass.clone()));
        let running = Rc::new(Running::default());
        let scheduler = Scheduler::new(queue.clone(), running.clone(), mailbox.clone());
        let for_pool = mailbox.clone();
        let all_done = move || for_pool.parker().unpark();
        Parts {
            queue,
            running,
            scheduler: Rc::new(scheduler),
            timers: Rc::new(Timers::new(clock, glass.clone())),
            reactor: Rc::new(Reactor::new(mailbox.clone(), glass.clone())),
            pool: Rc::new(Pool::new(max_threads, KEEP_ALIVE, all_done)),
            mailbox,
            glass,
            root: Cell::new(None),
            inbox: RefCell::new(inbox),
        }
    }

    /// Takes a message of another thread, if there is one.
    pub(super) fn receive(&self) -> Option<Message> {
        self.inbox.borrow().try_recv().ok()
    }

    pub(super) fn has_messages(&self) -> bool {
        self.mailbox.has_mail()
    }

    /// How many messages of other threads are there. Those that come later are announced
    /// again.
    pub(super) fn messages(&self) -> usize {
        self.mailbox.lower_flag();
        self.inbox.borrow().len()
    }

    /// From now on, what is sent comes back to its sender; what was sent is dropped.
    pub(super) fn disconnect(&self) {
        let inbox = self.inbox.replace(crossbeam_channel::never());
        contain(|| drop(inbox));
    }

    /// Makes these the current parts of the thread, and `event_loop` the one that
    /// they make up.
    pub(super) fn enter<L: 'static>(&self, event_loop: &Rc<L>) -> Entered {
        let others = Box::new([
            part(&self.scheduler),
            part(&self.running),
            part(&self.timers),
            part(&self.reactor),
            part(&self.pool),
            part(event_loop),
        ]);
        let queue = self.queue.clone();
        current::enter(current::Parts { mark: self.mailbox.mark(), queue, others })
    }
}
