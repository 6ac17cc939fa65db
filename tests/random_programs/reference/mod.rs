//! The rules of the loop, as an interpreter that knows nothing of the loop.
//!
//! The interpreter is written to be obviously right, and nothing else: one list of ready
//! tasks, one list of timers that is searched from end to end, and a list of waiters for
//! each thing. There are no wakers and no futures. The state of a running task is a
//! [`Course`], which runs until it must wait, and which can be abandoned.
//!
//! | part | of which promises |
//! |---|---|
//! | `mod.rs` | turns, tasks, aborts, the end, deadlocks |
//! | `course.rs` | the state of a running task: statements, limits, panics |
//! | `things.rs` | wait queues; timers, locks, channels; values |
//!
//! While a panic unwinds, `panic` is set. The code that catches the panic clears it. A
//! value that panics when it is dropped does so only if nothing unwinds.

mod course;
mod things;

use super::language::{Block, OnDrop, Program};
use super::trace::{Entry, Stamp};
use course::Course;
use std::time::Duration;
use things::{Things, Value};

/// Interprets the program, and returns what it must do.
pub fn run(program: &Program) -> Vec<Entry> {
    let mut rules = Rules::default();
    for block in &program.tasks {
        rules.spawn(Course::of(block));
    }
    for (number, block) in program.roots.iter().enumerate() {
        rules.run_root(&format!("root {number}"), block);
    }
    // The executor is dropped with the tasks that are left; then the shared things.
    rules.drop_all();
    rules.stamps = false;
    rules.clear_up();
    rules.trace
}

/// The number of a task, in the order in which they were made. Roots are tasks here.
type Number = usize;

/// The state of everything.
#[derive(Default)]
struct Rules {
    trace: Vec<Entry>,
    /// Whether the number of the turn is promised.
    stamps: bool,
    turn: u64,
    poll: u64,
    /// In milliseconds.
    now: u64,

    tasks: Vec<Task>,
    /// The run queue: the tasks that are ready, the next one first.
    ready: Vec<Number>,
    groups: Vec<Group>,
    children: usize,
    /// What `spawn` gave, in that order.
    handles: Vec<Handle>,
    /// All tasks are being dropped: a task that is spawned now is dropped, too.
    closing: bool,
    panic: Option<String>,
    /// The task in whose name the running task acts, if it is another: see `Doing::HandedOver`.
    speaker: Option<Number>,
    things: Things,
}

/// A task.
struct Task {
    name: String,
    is_root: bool,
    is_ready: bool,
    is_running: bool,
    is_aborted: bool,
    has_ended: bool,
    /// The state of the task; not while it runs.
    course: Option<Course>,
    /// Lives as long as its future.
    body: Option<Value>,
    outcome: Option<Outcome>,
    /// The task that has asked last whether this task has ended.
    joiner: Option<Number>,
    /// Whether its handle is still there.
    has_handle: bool,
    child: Option<Child>,
}

/// How a task ended.
enum Outcome {
    Output(Value),
    Child(Result<usize, usize>),
    Cancelled,
    Panicked(String),
}

/// The handle of a task, which all tasks share.
struct Handle {
    of: Number,
    is_there: bool,
    is_being_joined: bool,
}

/// What a task is to its group.
#[derive(Clone, Copy)]
struct Child {
    group: usize,
    number: usize,
    succeeds: bool,
}

/// A task group.
struct Group {
    children: Vec<Number>,
    failed_first: Option<Number>,
    is_there: bool,
}

// ── a run ────────────────────────────────────────────────────────────────────

impl Rules {
    /// A `block_on`: turn after turn until the root has ended.
    fn run_root(&mut self, name: &str, block: &Block) {
        (self.stamps, self.turn, self.poll) = (true, 0, 0);
        let root = self.add_task(name, Course::of(block));
        self.tasks[root].is_root = true;
        self.wake(root);
        while !self.tasks[root].has_ended {
            if self.ready.is_empty() {
                // Time passes only when no task is ready.
                match self.things.earliest_deadline() {
                    Some(deadline) => self.now = deadline,
                    None => return self.deadlock(root),
                }
            }
            self.fire_timers();
            self.take_turn(root);
        }
        if let Some(Outcome::Panicked(text)) = self.tasks[root].outcome.take() {
            self.drop_all();
            self.write_without_stamp(format!("{name} panicked: {text}"));
        }
    }

    /// Polls the tasks that are ready now, and not those that they wake.
    fn take_turn(&mut self, root: Number) {
        let mut is_counted = false;
        for _ in 0..self.ready.len() {
            if self.tasks[root].has_ended {
                return;
            }
            let task = self.ready.remove(0);
            // A wake from a task's own last poll finds no task any more.
            if !self.tasks[task].has_ended {
                self.turn += u64::from(!is_counted);
                is_counted = true;
                self.poll(task);
            }
        }
    }

    fn fire_timers(&mut self) {
        for task in self.things.take_due_timers(self.now) {
            self.wake(task);
        }
    }

    /// No task is ready, and no task ever will be.
    fn deadlock(&mut self, root: Number) {
        let tasks = self.tasks.iter().filter(|task| !task.has_ended && !task.is_root);
        let stuck: Vec<String> = std::iter::once(&self.tasks[root])
            .chain(tasks)
            .map(|task| {
                let waits = task.course.as_ref().map(|course| self.waits_of(course));
                format!(
                    "{} is stuck: {}",
                    task.reported_name(),
                    waits.unwrap_or_default().join(", ")
                )
            })
            .collect();
        // The number of turns that the loop needs to notice is not promised.
        self.stamps = false;
        self.drop_all();
        // The panic unwinds through the root.
        self.panic = Some("deadlock".into());
        let course = self.tasks[root].course.take().expect("it is not running");
        self.abandon(course);
        self.drop_body(root);
        self.tasks[root].has_ended = true;
        // What the root's drops have spawned.
        self.drop_all();
        self.panic = None;
        stuck.into_iter().for_each(|line| self.write_without_stamp(line));
    }

    /// Drops all tasks, in the order in which they were spawned.
    fn drop_all(&mut self) {
        self.closing = true;
        for task in 0..self.tasks.len() {
            if !self.tasks[task].has_ended && !self.tasks[task].is_root {
                self.cancel(task);
            }
        }
        self.ready.clear();
        self.closing = false;
    }

    /// The program is over; handles and channels are dropped last.
    fn clear_up(&mut self) {
        for index in 0..self.handles.len() {
            if self.handles[index].is_there {
                let outcome = self.tasks[self.handles[index].of].outcome.take();
                self.write_outcome("the end", index, outcome.expect("it has ended"));
            }
        }
        self.drop_things();
    }

    // ── the trace ────────────────────────────────────────────────────────────

    fn write(&mut self, what: String) {
        let at = Duration::from_millis(self.now);
        let stamp = Stamp { turn: self.turn, poll: self.poll, at };
        self.trace.push(Entry { stamp: self.stamps.then_some(stamp), what });
    }

    fn write_without_stamp(&mut self, what: String) {
        self.trace.push(Entry { stamp: None, what });
    }

    fn say(&mut self, me: Number, what: &str) {
        self.write(format!("{} {what}", self.name_of(me)));
    }

    /// The name of a task, or of the task in whose name it acts.
    fn name_of(&self, me: Number) -> String {
        self.tasks[self.speaker.unwrap_or(me)].name.clone()
    }

    fn write_outcome(&mut self, me: &str, index: usize, outcome: Outcome) {
        let how = match &outcome {
            Outcome::Output(value) => value.name.clone(),
            Outcome::Cancelled => "cancelled".into(),
            Outcome::Panicked(text) => format!("panicked by {text}"),
            Outcome::Child(_) => unreachable!("the handle of a child is its group's"),
        };
        self.write(format!("{me} joined t{index}: {how}"));
        self.drop_outcome(outcome);
    }
}

impl Task {
    /// Its name in the report of a deadlock, which a group's child has none.
    fn reported_name(&self) -> &str {
        if self.child.is_some() { "a child" } else { &self.name }
    }
}

// ── a task ───────────────────────────────────────────────────────────────────

impl Rules {
    fn add_task(&mut self, name: &str, course: Course) -> Number {
        self.tasks.push(Task {
            name: name.into(),
            is_root: false,
            is_ready: false,
            is_running: false,
            is_aborted: false,
            has_ended: false,
            course: Some(course),
            body: Some(Value { name: format!("body of {name}"), on_drop: OnDrop::ThenNothing }),
            outcome: None,
            joiner: None,
            has_handle: false,
            child: None,
        });
        self.tasks.len() - 1
    }

    /// Spawns a task and returns the index of its handle. It is not run at once.
    fn spawn(&mut self, course: Course) -> usize {
        let index = self.handles.len();
        let task = self.add_task(&format!("t{index}"), course);
        self.tasks[task].has_handle = true;
        self.handles.push(Handle { of: task, is_there: true, is_being_joined: false });
        match self.closing {
            true => self.cancel(task),
            false => self.wake(task),
        }
        index
    }

    /// Pushes a task to the run queue, unless it is there.
    fn wake(&mut self, task: Number) {
        if !self.tasks[task].is_ready && !self.tasks[task].has_ended {
            self.tasks[task].is_ready = true;
            self.ready.push(task);
        }
    }

    /// The turn of a task has come.
    fn poll(&mut self, me: Number) {
        // Cleared before the task runs: a wake from now on makes it ready once more.
        self.tasks[me].is_ready = false;
        self.poll += u64::from(!self.tasks[me].is_aborted);
        if self.tasks[me].is_aborted {
            return self.cancel(me);
        }
        self.tasks[me].is_running = true;
        let mut course = self.tasks[me].course.take().expect("it has not ended");
        if self.go_on(&mut course, me) {
            return self.finish(me);
        }
        self.tasks[me].course = Some(course);
        self.tasks[me].is_running = false;
        // The task has aborted itself meanwhile; its end would have counted more.
        if self.tasks[me].is_aborted {
            self.cancel(me);
        }
    }

    /// Its last statement is done, or has panicked; all that it held is released.
    fn finish(&mut self, me: Number) {
        let output = self.panic.is_none().then(|| {
            let value = self.new_value(OnDrop::ThenNothing);
            self.say(me, &format!("ends with {}", value.name));
            value
        });
        self.drop_body(me);
        let outcome = match (output, self.tasks[me].child) {
            (Some(value), None) => Outcome::Output(value),
            (Some(value), Some(child)) => {
                self.drop_value(value);
                Outcome::Child(if child.succeeds { Ok(child.number) } else { Err(child.number) })
            }
            (None, _) => Outcome::Panicked(String::new()),
        };
        if !matches!(outcome, Outcome::Output(_) | Outcome::Child(Ok(_))) {
            self.fail_group_of(me);
        }
        let outcome = self.panic.take().map_or(outcome, Outcome::Panicked);
        self.end(me, outcome);
    }

    /// Drops the future of a task, in whatever state.
    fn cancel(&mut self, me: Number) {
        let unwinds_already = self.panic.is_some();
        self.tasks[me].is_running = true;
        let course = self.tasks[me].course.take().expect("it has not ended");
        self.abandon(course);
        self.drop_body(me);
        self.fail_group_of(me);
        // A panic of a drop ends here.
        let panic = if unwinds_already { None } else { self.panic.take() };
        self.end(me, panic.map_or(Outcome::Cancelled, Outcome::Panicked));
    }

    fn drop_body(&mut self, me: Number) {
        let body = self.tasks[me].body.take().expect("its future was not dropped before");
        self.drop_value(body);
    }

    /// The task has ended from now on, and its joiner is woken.
    fn end(&mut self, me: Number, outcome: Outcome) {
        let task = &mut self.tasks[me];
        (task.is_running, task.has_ended) = (false, true);
        let joiner = task.joiner.take();
        let is_wanted = task.has_handle || task.is_root;
        match (is_wanted, outcome) {
            // A root is used up by its `block_on`, inside the future.
            (true, Outcome::Output(value)) if task.is_root => self.drop_value(value),
            (true, outcome) => task.outcome = Some(outcome),
            (false, outcome) => self.drop_outcome(outcome),
        }
        joiner.into_iter().for_each(|joiner| self.wake(joiner));
    }

    fn drop_outcome(&mut self, outcome: Outcome) {
        if let Outcome::Output(value) = outcome {
            self.drop_value(value);
        }
    }

    /// An abort is a request: the task is dropped when its turn comes.
    fn abort(&mut self, task: Number) {
        if !self.tasks[task].has_ended {
            self.tasks[task].is_aborted = true;
            if !self.tasks[task].is_running {
                self.wake(task);
            }
        }
    }

    /// The handle of a task is dropped.
    fn drop_handle_of(&mut self, task: Number) {
        self.tasks[task].has_handle = false;
        self.tasks[task].joiner = None;
        let outcome = self.tasks[task].outcome.take();
        // A panic of its drop ends here.
        let before = self.panic.clone();
        outcome.into_iter().for_each(|outcome| self.drop_outcome(outcome));
        self.panic = before;
    }

    // ── groups ───────────────────────────────────────────────────────────────

    /// Spawns the children of a new group, and returns its number.
    fn begin_group(&mut self, children: &[(Block, bool)]) -> usize {
        let group = self.groups.len();
        self.groups.push(Group { children: Vec::new(), failed_first: None, is_there: true });
        for (block, succeeds) in children {
            let number = self.children;
            self.children += 1;
            let task = self.add_task(&format!("child {number}"), Course::of(block));
            self.tasks[task].has_handle = true;
            self.tasks[task].child = Some(Child { group, number, succeeds: *succeeds });
            self.groups[group].children.push(task);
            self.wake(task);
        }
        group
    }

    /// A child that fails aborts the others.
    fn fail_group_of(&mut self, me: Number) {
        let Some(child) = self.tasks[me].child else {
            return;
        };
        let group = &mut self.groups[child.group];
        if group.is_there && group.failed_first.is_none() {
            group.failed_first = Some(me);
            self.abort_children(child.group);
        }
    }

    fn abort_children(&mut self, group: usize) {
        for child in self.groups[group].children.clone() {
            self.abort(child);
        }
    }

    /// Dropping a group aborts its children; no task waits for them any more.
    fn drop_group(&mut self, group: usize) {
        self.abort_children(group);
        self.groups[group].is_there = false;
        for child in self.groups[group].children.clone() {
            self.drop_handle_of(child);
        }
    }
}
