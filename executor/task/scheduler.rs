//! The scheduler: owns the tasks, and polls the one that it is told to.
//!
//! The way of a task, from its spawn to its join:
//!
//! ```text
//!   spawn    task ─▶ table, name ─▶ run queue       nothing is polled yet
//!   poll     name ─▶ table ─▶ task                  a stale name finds nobody
//!            clear its flags, then poll it
//!   Pending  it stays in the table; its leaf has kept the waker
//!   Ready    out of the table; its joiner is woken
//! ```
//!
//! A poll goes down like this, and each step adds one thing:
//!
//! ```text
//!   Scheduler::poll ─▶ Task::poll ─▶ Stage::poll ─▶ Content::poll ─▶ Running::poll_as
//!   find the task      the state,    the waker,     the future,      clear its flags,
//!                      the abort     own or lent    its panic        make a Context
//! ```
//!
//! The table is borrowed for moments only, never while a future runs or is
//! dropped: a task may spawn, abort or join any other from inside its poll, and
//! from inside a `Drop`.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use super::contain::contain;
use super::id::{Name, TaskId};
use super::join_handle::JoinHandle;
use super::mailbox::Mailbox;
use super::run_queue::RunQueue;
use super::running::Running;
use super::slab::Slab;
use super::task::{State, Task, new_task};
use super::waker::{Message, Wakers};
use crate::trace::{End, Event, Glass};

/// The tasks of one loop.
pub(crate) struct Scheduler {
    /// Every task that has not ended, by the slot in its name.
    table: RefCell<Slab<Rc<Task>>>,
    queue: Rc<RunQueue>,
    running: Rc<Running>,
    wakers: Wakers,
    last_id: Cell<u64>,
    /// Set while the tasks are being dropped: what is spawned then is dropped too.
    closing: Cell<bool>,
    polls: Cell<u64>,
}

impl Scheduler {
    pub(crate) fn new(
        queue: Rc<RunQueue>,
        running: Rc<Running>,
        mailbox: Arc<Mailbox<Message>>,
    ) -> Scheduler {
        Scheduler {
            table: RefCell::default(),
            queue,
            running,
            wakers: Wakers::new(mailbox),
            last_id: Cell::new(0),
            closing: Cell::new(false),
            polls: Cell::new(0),
        }
    }

    /// Puts a future into the table and its name into the run queue.
    pub(crate) fn spawn<F>(
        &self,
        label: Option<String>,
        spawned_at: &'static Location<'static>,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut table = self.table.borrow_mut();
        let (id, slot) = (self.next_id(), table.next_index());
        let name = label.as_deref();
        self.glass().emit(|| Event::Spawn { task: id.0, name, at: spawned_at });
        let (task, joined) = new_task(id, slot, label, spawned_at, future);
        table.insert(task);
        drop(table);
        let name = Name::new(id, slot);
        if self.closing.get() {
            self.find(name).into_iter().for_each(|task| self.cancel(task));
        } else {
            self.queue.push(name);
        }
        JoinHandle::new(joined)
    }

    /// A number that no task of this loop has had.
    pub(crate) fn next_id(&self) -> TaskId {
        self.last_id.set(self.last_id.get() + 1);
        TaskId(self.last_id.get())
    }

    /// Polls the task of that name once. A name whose task has ended is ignored.
    #[inline(always)]
    pub(crate) fn poll(&self, name: Name) {
        let Some(task) = self.find(name) else {
            return;
        };
        self.begin_poll(task.id());
        match task.poll(name, &self.wakers, &self.running) {
            Poll::Pending => self.tell_pending(&task),
            Poll::Ready(()) => {
                self.tell_end(&task);
                self.end(task);
            }
        }
    }

    /// The root is about to be polled, or a task.
    #[inline]
    pub(crate) fn begin_poll(&self, id: TaskId) {
        self.polls.set(self.polls.get() + 1);
        self.glass().emit(move || {
            self.running.take_notes();
            Event::Poll { task: id.0 }
        });
    }

    #[inline]
    fn tell_pending(&self, task: &Task) {
        self.glass().if_watched(move || self.tell_waits(task.id(), task.held_inside()));
    }

    /// Tells the glass in which leaves a task is suspended, of which there are `waiting`.
    pub(crate) fn tell_waits(&self, id: TaskId, waiting: usize) {
        let waits = self.running.notes(waiting);
        self.glass().emit(|| Event::Pending { task: id.0, waits: &waits });
    }

    #[inline]
    fn tell_end(&self, task: &Task) {
        self.glass().if_watched(move || {
            let id = task.id().0;
            task.tell_end(&mut |how| self.glass().emit(|| Event::End { task: id, how }));
        });
    }

    /// Through which the loop is watched.
    pub(crate) fn glass(&self) -> &Glass {
        &self.queue.glass
    }

    pub(crate) fn queue(&self) -> &RunQueue {
        &self.queue
    }

    pub(crate) fn wakers(&self) -> &Wakers {
        &self.wakers
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Lets go of a task that has ended. If nobody joined it, this drops its output.
    fn end(&self, task: Rc<Task>) {
        // Never the last owner, which is `task`.
        drop(self.table.borrow_mut().remove(task.name().slot));
        task.end();
        contain(|| drop(task));
    }

    /// Drops the future of a task out of its turn, unless it has ended.
    fn cancel(&self, task: Rc<Task>) {
        if task.state() == State::Ended {
            return contain(|| drop(task));
        }
        self.glass().emit(|| Event::End { task: task.id().0, how: End::Drop });
        task.cancel(&self.wakers);
        self.end(task);
    }

    /// Drops every task, in the order in which they were spawned. What their
    /// drops spawn is dropped at once; what they wake is forgotten.
    pub(crate) fn drop_all_tasks(&self) {
        self.closing.set(true);
        for task in self.tasks() {
            self.cancel(task);
        }
        while self.queue.pop().is_some() {}
        self.closing.set(false);
        self.glass().leave();
    }

    /// The task of that name, unless it has ended: the place may be another's now.
    pub(crate) fn find(&self, name: Name) -> Option<Rc<Task>> {
        let table = self.table.borrow();
        table.get(name.slot).filter(|task| task.name() == name).cloned()
    }

    /// The tasks that have not ended, in the order in which they were spawned.
    pub(crate) fn tasks(&self) -> Vec<Rc<Task>> {
        let mut tasks: Vec<Rc<Task>> = self.table.borrow().iter().cloned().collect();
        tasks.sort_by_key(|task| task.id());
        tasks
    }

    /// Some task for which `check` holds: the one in the slot `first`, if it does.
    pub(crate) fn find_task(&self, first: u32, check: impl Fn(&Task) -> bool) -> Option<Name> {
        let table = self.table.borrow();
        let mut candidates = table.get(first).into_iter().chain(table.iter());
        candidates.find(|task| check(task)).map(|task| task.name())
    }

    /// How many tasks have not ended.
    pub(crate) fn alive(&self) -> usize {
        self.table.borrow().len()
    }

    /// How often a future was polled, ever.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.get()
    }
}
