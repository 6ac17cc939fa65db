//! The scheduler: owns the tasks and the run queue, wakes tasks, and polls them.
//!
//! The way of a task, from its spawn to its join:
//!
//! ```text
//!   spawn    task ─▶ table, key ─▶ run queue        nothing is polled yet
//!   poll     key ─▶ table ─▶ task                   a stale key finds no task
//!            clear `queued`, then poll the future
//!   Pending  the task stays in the table; its leaf has registered the waker
//!   wake     key ─▶ run queue, unless it is there
//!   Ready    out of the table; the joiner is woken
//! ```
//!
//! From the turn to the future, a poll takes three steps:
//!
//! ```text
//!   EventLoop::run_ready ─▶ Scheduler::poll ─▶ FutureCell::poll ─▶ Future::poll
//!   which task is next      clear its flag,    contain its panic,
//!                           make a Context     keep its output
//! ```
//!
//! (What is around a poll is in `poll_with`, since the future of `block_on` stays on the
//! stack: `Root::poll` calls `poll_with` with a closure that polls that future.)
//!
//! The table is borrowed for moments only, never while a future runs or is dropped: a
//! task may spawn, abort or join any other from inside its poll, and from inside a `Drop`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, RawWakerVTable, Waker};

use super::budget::refill_budget;
use super::contain::contain;
use super::id::{TaskId, TaskKey};
use super::inbox::Inbox;
use super::join_handle::JoinHandle;
use super::registered_waker::ChildOf;
use super::run_queue::RunQueue;
use super::slab::Slab;
use super::task::{FutureCell, JoinCell, Progress, Task, TaskCell};
use super::waker::{Message, WakerFactory};
use crate::current;
use crate::trace::{CodeLine, End, Notes, Tracer, address};

/// What the future of `block_on` is called in reports.
const ROOT: &str = "root";

/// From this size on, in bytes, a future is put into a box of its own in a debug build.
const LARGE: usize = 16 << 10;

/// The tasks of one loop.
pub(crate) struct Scheduler {
    /// Every task that has not ended, by the slot in its key.
    tasks: RefCell<Slab<Rc<Task>>>,
    pub(crate) run_queue: RunQueue,
    wakers: WakerFactory,
    last_id: Cell<u64>,
    /// The task of `block_on`'s future, while that runs.
    root: Cell<Option<TaskId>>,
    /// Where its future lies: its address, and its size.
    pub(crate) root_memory: Cell<(usize, usize)>,
    /// The names of the tasks that have one.
    names: RefCell<HashMap<TaskId, Rc<str>>>,
    /// Set while the tasks are being dropped: what is spawned then is dropped too.
    closing: Cell<bool>,
    /// How often a future was polled, ever.
    pub(crate) polls: Cell<u64>,

    /// The task that is being polled, and the waker that it is polled with: by this a leaf
    /// future knows that `cx.waker()` is the task's own, so that the task's key is enough.
    running: Cell<Option<(TaskKey, WakerIdentity)>>,
    /// The child of a large combinator that is being polled, and its waker: likewise.
    child: RefCell<Option<(WakerIdentity, ChildOf)>>,
    /// What the leaves of this poll wait for. For the diagnostics.
    pub(crate) notes: Notes,
    tracer: Tracer,
}

/// What tells one waker from another: its two words, as in [`Waker::will_wake`].
type WakerIdentity = (*const (), *const RawWakerVTable);

fn identity(waker: &Waker) -> WakerIdentity {
    (waker.data(), waker.vtable())
}

impl Scheduler {
    pub(crate) fn new(inbox: Arc<Inbox<Message>>, tracer: Tracer) -> Scheduler {
        Scheduler {
            tasks: RefCell::default(),
            run_queue: RunQueue::default(),
            wakers: WakerFactory::new(inbox),
            last_id: Cell::new(0),
            root: Cell::new(None),
            root_memory: Cell::default(),
            names: RefCell::default(),
            closing: Cell::new(false),
            polls: Cell::new(0),
            running: Cell::new(None),
            child: RefCell::default(),
            notes: Notes::default(),
            tracer,
        }
    }

    /// Makes a task of a future, and puts its key into the run queue.
    pub(crate) fn spawn<F>(
        &self,
        name: Option<String>,
        spawned_at: CodeLine,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // In a debug build each move is a copy on the stack, and there are many on the way to the
        // task: a large future would overflow it.
        match cfg!(debug_assertions) && size_of::<F>() > LARGE {
            true => self.spawn_cell(name, spawned_at, FutureCell::new(Box::pin(future))),
            false => self.spawn_cell(name, spawned_at, FutureCell::new(future)),
        }
    }

    fn spawn_cell<T: 'static>(
        &self,
        name: Option<String>,
        spawned_at: CodeLine,
        cell: impl JoinCell<T> + 'static,
    ) -> JoinHandle<T> {
        let task = self.add(name.as_deref(), spawned_at, cell);
        let name: Option<Rc<str>> = name.map(Rc::from);
        if let Some(name) = &name {
            self.names.borrow_mut().insert(task.id, name.clone());
        }
        if self.closing.get() {
            // Its drop may spawn the next, and so on: if they are nested too deep, the task
            // is left to `drop_all_tasks`.
            current::nest_drop(task.clone(), || self.cancel(task.clone()));
        }
        JoinHandle { task, name }
    }

    /// Makes a task of the future of `block_on`, which stays on the stack there: `cell`
    /// stands for it.
    pub(crate) fn add_root<C: TaskCell + 'static>(&self, at: CodeLine, cell: C) -> Rc<Task<C>> {
        self.tracer.start();
        let root = self.add(Some(ROOT), at, cell);
        self.root.set(Some(root.id));
        root
    }

    /// `block_on` returns: its task ends, if it has not.
    pub(crate) fn remove_root(&self, root: Rc<Task>) {
        self.tracer.leave();
        self.cancel(root);
    }

    /// Puts a new task into the table, and its key into the run queue.
    fn add<C: TaskCell + 'static>(&self, name: Option<&str>, at: CodeLine, cell: C) -> Rc<Task<C>> {
        let id = TaskId(self.last_id.get() + 1);
        self.last_id.set(id.0);
        self.tracer.spawned(id.0, name, at);
        let mut tasks = self.tasks.borrow_mut();
        let task = Task::new(id, tasks.next_index(), at, cell);
        tasks.insert(task.clone());
        // `Task::new` has set `queued`, so a wake does not push the key twice.
        self.run_queue.push(task.key());
        task
    }

    /// Wakes the task of that key: puts it into the run queue, unless it is there or has
    /// ended.
    #[inline(always)]
    pub(crate) fn wake(&self, key: TaskKey) {
        if let Some(task) = find(&self.tasks.borrow(), key) {
            let again = task.queued.replace(true);
            self.tracer.woken(task.id.0, again);
            if !again {
                self.run_queue.push(key);
            }
        }
    }

    /// Polls the task of that key once, unless the task has ended since it was woken.
    #[inline]
    pub(crate) fn poll(&self, key: TaskKey) {
        let Some(task) = self.find(key) else { return };
        // `&Task` once: `Rc<Task>` is a trait object, and each dereference looks into its
        // vtable.
        let found: &Task = &task;
        if self.poll_with(key, found, |cx| found.cell.poll(cx)).is_ready() {
            self.end(task);
        }
    }

    /// Polls a task once: `poll_future` polls its future. When the task has ended, the caller
    /// must call [`end`](Self::end).
    #[inline(always)]
    pub(crate) fn poll_with(
        &self,
        key: TaskKey,
        task: &Task,
        poll_future: impl FnOnce(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<()> {
        refill_budget();
        // Clear before polling: a wake that arrives during the poll must not be lost.
        task.queued.set(false);
        self.polls.set(self.polls.get() + 1);
        self.tracer.polling(task.id.0, &self.notes);
        let own = task.waker.take().unwrap_or_else(|| self.wakers.make(key));
        self.running.set(Some((key, identity(&own.waker))));
        let polled = task.poll(|| poll_future(&mut Context::from_waker(&own.waker)));
        self.running.set(None);
        if polled.is_ready() {
            self.wakers.put_back(own);
        } else {
            task.waker.set(Some(own));
            self.tracer.pending(task.id.0, &self.notes);
        }
        polled
    }

    /// Lets go of a task that has ended, and wakes its joiner. If its handle is gone, this
    /// drops the output; else the handle has it.
    pub(crate) fn end(&self, task: Rc<Task>) {
        if self.tracer.is_on() {
            task.cell.with_end(&mut |how| self.tracer.ended(task.id.0, how));
        }
        self.remove(&task);
        task.end();
        contain(|| drop(task));
    }

    fn remove(&self, task: &Task) {
        // The caller owns the task too, so this drops no future.
        self.tasks.borrow_mut().remove(task.key().slot);
        if self.root.get() == Some(task.id) {
            self.root.set(None);
        }
        if !self.names.borrow().is_empty() {
            self.names.borrow_mut().remove(&task.id);
        }
    }

    /// Drops the future of a task out of its turn, unless it has ended.
    fn cancel(&self, task: Rc<Task>) {
        if task.progress.get() != Progress::Ended {
            self.tracer.ended(task.id.0, End::Drop);
            task.cancel();
            task.waker.take();
            self.remove(&task);
            task.end();
        }
        contain(|| drop(task));
    }

    /// Drops every task, in the order in which they were spawned. What their drops spawn
    /// is dropped at once; what they wake is forgotten.
    pub(crate) fn drop_all_tasks(&self) {
        self.closing.set(true);
        while self.tasks.borrow().len() > 0 {
            self.tasks().into_iter().for_each(|task| self.cancel(task));
        }
        while self.run_queue.pop().is_some() {}
        self.closing.set(false);
        self.tracer.leave();
    }
}

/// What the other modules ask.
impl Scheduler {
    /// The task of that key, unless it has ended: its slot may have another task by now.
    #[inline]
    pub(crate) fn find(&self, key: TaskKey) -> Option<Rc<Task>> {
        find(&self.tasks.borrow(), key).cloned()
    }

    /// The tasks that have not ended, in the order in which they were spawned.
    pub(crate) fn tasks(&self) -> Vec<Rc<Task>> {
        let mut tasks: Vec<Rc<Task>> = self.tasks.borrow().iter().cloned().collect();
        tasks.sort_by_key(|task| task.id);
        tasks
    }

    /// Some task for which `check` holds. The task in the slot `first` is checked first.
    pub(crate) fn find_task(&self, first: u32, check: impl Fn(&Task) -> bool) -> Option<TaskKey> {
        let tasks = self.tasks.borrow();
        let mut candidates = tasks.get(first).into_iter().chain(tasks.iter());
        candidates.find(|task| check(task)).map(|task| task.key())
    }

    /// The key of the task that is being polled, if `waker` is that task's own, and not
    /// one that a combinator made of it.
    pub(crate) fn key_of(&self, waker: &Waker) -> Option<TaskKey> {
        let (key, own) = self.running.get()?;
        (own == identity(waker)).then_some(key)
    }

    /// The task that is being polled.
    pub(crate) fn polled_task(&self) -> Option<TaskId> {
        let (key, _) = self.running.get()?;
        self.find(key).map(|task| task.id)
    }

    /// Where the future of that task lies: its address, and its size.
    pub(crate) fn polled_memory(&self) -> Option<(usize, usize)> {
        let task = self.find(self.running.get()?.0)?;
        let of_spawned = (address(&*task), size_of_val(&*task));
        Some(if self.is_root(&task) { self.root_memory.get() } else { of_spawned })
    }

    /// The child that is being polled, if `waker` is its own.
    pub(super) fn child_of(&self, waker: &Waker) -> Option<ChildOf> {
        let child = self.child.borrow();
        child.as_ref().filter(|(own, _)| *own == identity(waker)).map(|(_, child)| child.clone())
    }

    /// Calls `poll`, which polls a child of a large combinator with `waker`.
    pub(crate) fn poll_child(&self, waker: &Waker, child: Option<ChildOf>, poll: impl FnOnce()) {
        let outer = self.child.replace(child.map(|child| (identity(waker), child)));
        poll();
        self.child.replace(outer);
    }

    /// The name of a task, if it has one.
    pub(crate) fn name(&self, id: TaskId) -> Option<Rc<str>> {
        if self.root.get() == Some(id) {
            return Some(ROOT.into());
        }
        self.names.borrow().get(&id).cloned()
    }

    /// Whether this is the task of `block_on`'s future.
    pub(crate) fn is_root(&self, task: &Task) -> bool {
        self.root.get() == Some(task.id)
    }

    /// How many spawned tasks have not ended.
    pub(crate) fn alive(&self) -> usize {
        self.tasks.borrow().len() - usize::from(self.root.get().is_some())
    }
}

/// The task of that key, if it is still in its slot.
#[inline]
fn find(tasks: &Slab<Rc<Task>>, key: TaskKey) -> Option<&Rc<Task>> {
    tasks.get(key.slot).filter(|task| task.key().generation == key.generation)
}
