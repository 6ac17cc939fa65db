//! Each future and each output is dropped exactly once, on the loop's thread, whatever
//! happens to its task, and in whatever state the task is then.
//!
//! The chapters have single cases. Here the cases are generated: every state of a task,
//! with every sequence of up to three operations, each in several flavours. A model of a
//! few lines says what must be left of the task after each step; the model knows nothing
//! of run queues, slabs and reference counts.
//!
//! ```text
//!   not polled ┐   ┌ wake          ┐
//!   pending    │   │ abort         │   ┌ before any turn   ┐   ┌ inside the loop
//!   running    ├ × ┤ drop handle   ├ × ┤ with turns at the ├ × ┤ between two runs ...
//!   woken      │   │ join          │   │ end, after each   │   └
//!   finished   ┘   │ drop executor │   └                   ┘
//!                  │ panic in poll │
//!                  └ panic in drop ┘ once, twice, three times
//! ```

mod support;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use glassloop::{Executor, JoinError, JoinHandle, yield_now};
use support::{payload_text, turns, virtual_executor, within_limit};

// ── the cases ─────────────────────────────────────────────────────────────

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    NotPolled,
    Pending,
    Running,
    Woken,
    Finished,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Wakes by a waker of an earlier poll. There is no waker before the first poll.
    Wake,
    Abort,
    DropHandle,
    /// A task of its own awaits the handle; or a new loop, if the task's loop has ended.
    Join,
    /// If the task is running, the executor is dropped as soon as the poll is over.
    DropExecutor,
    /// The next poll panics, or the current one; a wake leads to that poll.
    PanicInPoll,
    /// From now on, the drop of the future and the drop of its output panic; or only the
    /// drop of the output.
    PanicInDrop,
}

use Operation::*;

const OPERATIONS: [Operation; 7] =
    [Wake, Abort, DropHandle, Join, DropExecutor, PanicInPoll, PanicInDrop];

/// When the loop gets turns to handle the operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Never: the executor is dropped right after the last operation.
    NoTurns,
    TurnsAtTheEnd,
    TurnsAfterEach,
}

const PACES: [Pace; 3] = [Pace::NoTurns, Pace::TurnsAtTheEnd, Pace::TurnsAfterEach];

#[derive(Clone, Copy)]
struct Flavour {
    pace: Pace,
    /// The operations come from the root of the loop, or from between two of its runs.
    inside: bool,
    /// Wakes come from another thread.
    other_thread: bool,
    /// What the future's next poll, or the current one, returns.
    ready: bool,
    /// A handle that is left at the end is joined on another loop, or dropped.
    join_last: bool,
    /// Whether a panic in drop means the future's too.
    future_panics: bool,
}

struct Case {
    state: State,
    operations: Vec<Operation>,
    flavour: Flavour,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::NotPolled => "not polled",
            State::Pending => "pending",
            State::Running => "running",
            State::Woken => "woken",
            State::Finished => "finished",
        })?;
        for operation in &self.operations {
            f.write_str(match operation {
                Wake => ", then wake",
                Abort => ", then abort",
                DropHandle => ", then drop handle",
                Join => ", then join",
                DropExecutor => ", then drop executor",
                PanicInPoll => ", then panic in poll",
                PanicInDrop => ", then panic in drop",
            })?;
        }
        write!(f, " ({})", self.flavour)
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace = match self.pace {
            Pace::NoTurns => "no turn in between",
            Pace::TurnsAtTheEnd => "turns after the last",
            Pace::TurnsAfterEach => "turns after each",
        };
        let from = if self.inside { "inside the loop" } else { "between two runs" };
        let thread = if self.other_thread { "another" } else { "the loop's" };
        let poll = if self.ready { "Ready" } else { "Pending" };
        let last = if self.join_last { "joined" } else { "dropped" };
        let drops = if self.future_panics { "the future" } else { "the output only" };
        write!(f, "{pace}; {from}; wakes from {thread} thread; the next poll is {poll}; ")?;
        write!(f, "a handle that is left is {last}; drops that panic: {drops}")
    }
}

// ── what is counted ───────────────────────────────────────────────────────

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Future,
    Output,
    Payload,
}

const COUNTED: [(What, &str); 3] = [
    (What::Future, "future"),
    (What::Output, "output"),
    (What::Payload, "payload of the panic in poll"),
];

/// Which values were made, and which were dropped, and where.
#[derive(Default)]
struct Ledger {
    made: Mutex<Vec<What>>,
    dropped: Mutex<Vec<(What, ThreadId)>>,
    /// Whether the drop of a future panics; and the drop of its output or payload.
    drop_of_future_panics: AtomicBool,
    drop_of_made_panics: AtomicBool,
}

/// A value in a future, an output, or a payload. The value may go to any thread, so that
/// the test sees a value that is dropped on the wrong thread.
struct Counted {
    what: What,
    ledger: Arc<Ledger>,
}

impl Counted {
    fn new(what: What, ledger: &Arc<Ledger>) -> Counted {
        ledger.made.lock().unwrap().push(what);
        Counted { what, ledger: ledger.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.ledger.dropped.lock().unwrap().push((self.what, thread::current().id()));
        let panics = match self.what {
            What::Future => &self.ledger.drop_of_future_panics,
            What::Output | What::Payload => &self.ledger.drop_of_made_panics,
        };
        // A second panic while one unwinds would end the process.
        if panics.load(Ordering::Relaxed) && !thread::panicking() {
            quiet_panic("on purpose, in a drop");
        }
    }
}

/// A panic that the hook does not report: this test makes thousands of panics.
fn quiet_panic(payload: impl Send + 'static) -> ! {
    resume_unwind(Box::new(payload))
}

/// Runs code of the test that may drop a value whose drop panics.
fn with_panics_in_drop(act: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(act)) {
        assert_eq!(payload_text(&*payload), "on purpose, in a drop");
    }
}

impl Ledger {
    /// How often `what` was made, and how often it was dropped.
    fn count(&self, what: What) -> (usize, usize) {
        let made = self.made.lock().unwrap().iter().filter(|made| **made == what).count();
        let dropped = self.dropped.lock().unwrap();
        (made, dropped.iter().filter(|(dropped, _)| *dropped == what).count())
    }

    fn all_dropped_on(&self, thread: ThreadId) -> bool {
        self.dropped.lock().unwrap().iter().all(|(_, dropped_on)| *dropped_on == thread)
    }
}

// ── the model ─────────────────────────────────────────────────────────────

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Output,
    Cancelled,
    PanicInPoll,
    PanicInDrop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    NotPolled,
    Waiting,
    Running,
    Ended(End),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NextPoll {
    Pending,
    Ready,
    Panics,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Handle {
    Kept,
    Awaited,
    Gone,
}

/// What must become of a task, by the promises of chapters 3 to 5.
struct Model {
    flavour: Flavour,
    life: Life,
    next_poll: NextPoll,
    has_turn: bool,
    aborted: bool,
    /// Whether the drop of the future panics.
    drop_panics: bool,
    executor: bool,
    handle: Handle,
    joined: Option<End>,
    /// What the last poll has made, and whether that has been dropped.
    made: Option<What>,
    gone: bool,
}

impl Model {
    fn new(flavour: Flavour) -> Model {
        Model {
            flavour,
            life: Life::NotPolled,
            next_poll: flavour.next_poll(),
            has_turn: true,
            aborted: false,
            drop_panics: false,
            executor: true,
            handle: Handle::Kept,
            joined: None,
            made: None,
            gone: false,
        }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Wake => self.wake(),
            Abort if self.is_over() || self.handle == Handle::Gone => {}
            Abort => (self.aborted, self.has_turn) = (true, true),
            DropHandle => self.drop_handle(),
            Join if self.handle == Handle::Kept => {
                self.handle = Handle::Awaited;
                // Without its executor, the task has ended: a new loop gets the outcome at once.
                if !self.executor {
                    self.deliver();
                }
            }
            Join => {}
            DropExecutor => self.drop_executor(),
            PanicInPoll => {
                self.next_poll = NextPoll::Panics;
                self.wake();
            }
            PanicInDrop => self.drop_panics = self.flavour.future_panics,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.life, Life::Ended(_))
    }

    fn wake(&mut self) {
        self.has_turn |= !self.is_over();
    }

    fn begin_poll(&mut self) {
        (self.life, self.has_turn) = (Life::Running, false);
    }

    fn finish_poll(&mut self) {
        match self.next_poll {
            NextPoll::Ready => self.end(End::Output, Some(What::Output)),
            NextPoll::Panics => self.end(End::PanicInPoll, Some(What::Payload)),
            NextPoll::Pending if self.aborted => self.end(End::Cancelled, None),
            NextPoll::Pending => self.life = Life::Waiting,
        }
    }

    /// The future is dropped here. If the drop panics, the panic replaces the outcome.
    fn end(&mut self, end: End, made: Option<What>) {
        let end = if self.drop_panics { End::PanicInDrop } else { end };
        (self.life, self.has_turn, self.made) = (Life::Ended(end), false, made);
        self.gone = self.drop_panics || self.handle == Handle::Gone;
    }

    fn drop_handle(&mut self) {
        self.handle = Handle::Gone;
        self.gone |= self.is_over();
    }

    /// The joiner gets the outcome, if there is an outcome.
    fn deliver(&mut self) {
        if let (Life::Ended(end), Handle::Awaited) = (self.life, self.handle) {
            self.joined = Some(end);
            self.drop_handle();
        }
    }

    /// As many turns as there is something to do.
    fn settle(&mut self) {
        while self.has_turn && !self.aborted {
            self.begin_poll();
            self.finish_poll();
        }
        if self.has_turn {
            self.end(End::Cancelled, None);
        }
        self.deliver();
    }

    fn drop_executor(&mut self) {
        if !self.is_over() {
            self.end(End::Cancelled, None);
        }
        // The joiner is a task too, and its handle is dropped with it.
        if self.executor && self.handle == Handle::Awaited {
            self.drop_handle();
        }
        self.executor = false;
    }

    /// How often `what` must have been made, and dropped, by now.
    fn count(&self, what: What) -> (usize, usize) {
        match what {
            What::Future => (1, usize::from(self.is_over())),
            made if self.made == Some(made) => (1, usize::from(self.gone)),
            _ => (0, 0),
        }
    }
}

// ── the real thing ────────────────────────────────────────────────────────

/// All that belongs to one case, and the model beside it.
struct Desk {
    flavour: Flavour,
    executor: Weak<Executor>,
    handle: RefCell<Option<JoinHandle<Counted>>>,
    waker: RefCell<Option<Waker>>,
    joined: Cell<Option<End>>,
    /// The operations that the future itself does in its next poll.
    during_poll: RefCell<Vec<Operation>>,
    other_thread: Rc<OtherThread>,
    ledger: Arc<Ledger>,
    model: RefCell<Model>,
    complaints: RefCell<Vec<String>>,
}

/// The future of the task.
struct Subject {
    desk: Rc<Desk>,
    _counted: Counted,
}

impl Future for Subject {
    type Output = Counted;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Counted> {
        let desk = &self.desk;
        desk.waker.replace(Some(cx.waker().clone()));
        for operation in desk.during_poll.take() {
            desk.apply(operation);
        }
        let next_poll = desk.model.borrow().next_poll;
        match next_poll {
            NextPoll::Pending => Poll::Pending,
            NextPoll::Ready => Poll::Ready(Counted::new(What::Output, &desk.ledger)),
            NextPoll::Panics => quiet_panic(Counted::new(What::Payload, &desk.ledger)),
        }
    }
}

/// Awaits the handle on the desk, where other code can still reach it. Drops the handle, as
/// if it owned it.
struct Joiner(Rc<Desk>);

impl Future for Joiner {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut handle = self.0.handle.borrow_mut();
        let Some(awaited) = &mut *handle else {
            return Poll::Pending;
        };
        Pin::new(awaited).poll(cx).map(|outcome| self.0.take_note(outcome))
    }
}

impl Drop for Joiner {
    fn drop(&mut self) {
        let handle = self.0.handle.take();
        drop(handle);
    }
}

impl Desk {
    fn apply(self: &Rc<Self>, operation: Operation) {
        match operation {
            Wake => self.wake(),
            Abort => {
                let handle = self.handle.borrow();
                let _had_to_end = handle.as_ref().map(JoinHandle::abort);
            }
            DropHandle => {
                let handle = self.handle.take();
                with_panics_in_drop(|| drop(handle));
            }
            Join => self.join(),
            DropExecutor => {}
            PanicInPoll => self.wake(),
            PanicInDrop => {
                let future_panics = self.flavour.future_panics;
                self.ledger.drop_of_future_panics.store(future_panics, Ordering::Relaxed);
                self.ledger.drop_of_made_panics.store(true, Ordering::Relaxed);
            }
        }
        self.model.borrow_mut().apply(operation);
    }

    fn wake(&self) {
        let Some(waker) = self.waker.borrow().clone() else {
            return;
        };
        match self.flavour.other_thread {
            true => self.other_thread.run(move || waker.wake()),
            false => waker.wake(),
        }
    }

    fn join(self: &Rc<Self>) {
        let is_kept = self.model.borrow().handle == Handle::Kept;
        match self.executor.upgrade() {
            Some(executor) if is_kept => drop(executor.spawn(Joiner(self.clone()))),
            None if is_kept => virtual_executor().block_on(Joiner(self.clone())),
            _ => {}
        }
    }

    /// What the joiner got.
    fn take_note(&self, outcome: Result<Counted, JoinError>) {
        let (end, value): (End, Box<dyn Any>) = match outcome {
            Ok(output) => (End::Output, Box::new(output)),
            Err(error) if error.is_cancelled() => (End::Cancelled, Box::new(())),
            Err(error) => {
                let payload = error.into_panic();
                let is_ours = payload.is::<Counted>();
                (if is_ours { End::PanicInPoll } else { End::PanicInDrop }, payload)
            }
        };
        self.joined.set(Some(end));
        with_panics_in_drop(|| drop(value));
    }

    /// Compares the counts with the model, at some `moment`.
    fn check(&self, moment: &str) {
        let model = self.model.borrow();
        for (what, name) in COUNTED {
            let ((made, dropped), expected) = (self.ledger.count(what), model.count(what));
            if made != expected.0 {
                self.complain(format!("the {name} was made {made} times, not {}", expected.0));
            }
            if dropped != expected.1 {
                let expected = expected.1;
                self.complain(format!(
                    "the {name} was dropped {dropped} times, not {expected}, {moment}"
                ));
            }
        }
        if !self.ledger.all_dropped_on(thread::current().id()) {
            self.complain("something was dropped on another thread than the loop's".into());
        }
        if self.joined.get() != model.joined {
            let (got, expected) = (self.joined.get(), model.joined);
            self.complain(format!("the joiner got {got:?}, not {expected:?}, {moment}"));
        }
    }

    fn complain(&self, complaint: String) {
        self.complaints.borrow_mut().push(complaint);
    }
}

/// A thread that runs what it is given, while the loop's thread waits.
struct OtherThread {
    jobs: mpsc::Sender<Box<dyn FnOnce() + Send>>,
    done: mpsc::Receiver<()>,
}

impl OtherThread {
    fn start() -> OtherThread {
        let (jobs, to_do) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (say_done, done) = mpsc::channel();
        thread::spawn(move || {
            for job in to_do {
                job();
                let _ = say_done.send(());
            }
        });
        OtherThread { jobs, done }
    }

    fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("the thread waits for jobs");
        self.done.recv().expect("a wake, or the drop of a waker, panicked on another thread");
    }
}

// ── a case from its beginning to its end ──────────────────────────────────

impl Desk {
    fn new(flavour: Flavour, executor: &Rc<Executor>, other_thread: &Rc<OtherThread>) -> Desk {
        Desk {
            flavour,
            executor: Rc::downgrade(executor),
            handle: RefCell::default(),
            waker: RefCell::default(),
            joined: Cell::default(),
            during_poll: RefCell::default(),
            other_thread: other_thread.clone(),
            ledger: Arc::default(),
            model: RefCell::new(Model::new(flavour)),
            complaints: RefCell::default(),
        }
    }

    fn executor(&self) -> Rc<Executor> {
        self.executor.upgrade().expect("not dropped yet")
    }

    fn spawn_subject(self: &Rc<Self>) {
        let counted = Counted::new(What::Future, &self.ledger);
        let subject = Subject { desk: self.clone(), _counted: counted };
        self.handle.replace(Some(self.executor().spawn(subject)));
    }

    /// One turn of the loop, in which the task is polled.
    async fn turn(&self) {
        self.model.borrow_mut().begin_poll();
        match self.flavour.inside {
            true => yield_now().await,
            false => self.executor().block_on(async {}),
        }
        self.model.borrow_mut().finish_poll();
    }

    /// As many turns as there is something to do.
    async fn settle(&self) {
        match self.flavour.inside {
            true => turns(6).await,
            false => self.executor().run_until_stalled(),
        }
        self.model.borrow_mut().settle();
        self.check("after some turns");
    }

    /// Spawns the task and brings it into the state. Returns the operations that are left:
    /// operations on a running task come from inside its poll.
    async fn bring_into<'a>(
        self: &Rc<Self>,
        state: State,
        operations: &'a [Operation],
    ) -> &'a [Operation] {
        let in_poll = match (state, self.flavour.pace) {
            (State::Running, Pace::TurnsAfterEach) => operations.len().min(1),
            (State::Running, _) => operations.len(),
            _ => 0,
        };
        self.during_poll.replace(operations[..in_poll].to_vec());
        self.spawn_subject();
        if matches!(state, State::Pending | State::Woken) {
            self.turn_that_is(NextPoll::Pending).await;
        }
        match state {
            State::NotPolled | State::Pending => {}
            State::Running => self.turn().await,
            State::Woken => self.apply(Wake),
            State::Finished => self.turn_that_is(NextPoll::Ready).await,
        }
        &operations[in_poll..]
    }

    async fn turn_that_is(&self, poll: NextPoll) {
        self.model.borrow_mut().next_poll = poll;
        self.turn().await;
        self.model.borrow_mut().next_poll = self.flavour.next_poll();
    }

    /// The part of a case that has an executor.
    async fn begin(self: &Rc<Self>, state: State, operations: &[Operation]) {
        let pace = self.flavour.pace;
        let rest = self.bring_into(state, operations).await;
        if state == State::Running && pace == Pace::TurnsAfterEach {
            self.settle().await;
        }
        for operation in rest {
            self.apply(*operation);
            if pace == Pace::TurnsAfterEach {
                self.settle().await;
            }
        }
        if pace == Pace::TurnsAtTheEnd {
            self.settle().await;
        }
    }

    /// The part of a case without an executor: nothing of a task may be left after this.
    fn finish(self: &Rc<Self>, operations: &[Operation]) {
        for operation in operations {
            self.apply(*operation);
            self.check("after the drop of the executor");
        }
        self.apply(if self.flavour.join_last { Join } else { DropHandle });
        self.check("though the handle is gone too");
        self.wake();
        let waker = self.waker.take();
        match self.flavour.other_thread {
            true => self.other_thread.run(move || drop(waker)),
            false => drop(waker),
        }
        self.check("after a last wake");
    }
}

impl Flavour {
    fn next_poll(&self) -> NextPoll {
        if self.ready { NextPoll::Ready } else { NextPoll::Pending }
    }
}

impl Case {
    /// Whether no other flavour is the same case. For three operations there would be too
    /// many cases: the operations come from inside the loop, as in a program.
    fn is_of_its_own(&self) -> bool {
        let has = |operation| self.operations.contains(&operation);
        let wakes = has(Wake) || has(PanicInPoll) || self.state == State::Woken;
        let leaves_handle = !has(DropHandle) && !has(Join);
        (wakes || !self.flavour.other_thread)
            && (leaves_handle || !self.flavour.join_last)
            && (has(PanicInDrop) || self.flavour.future_panics)
            && (self.operations.len() < 3 || self.flavour.inside)
    }

    /// Runs the case, and returns the first difference from the model.
    fn play(&self, other_thread: &Rc<OtherThread>) -> Option<String> {
        let executor = Rc::new(virtual_executor());
        let desk = Rc::new(Desk::new(self.flavour, &executor, other_thread));
        let is_end = |operation: &Operation| *operation == DropExecutor;
        let end = self.operations.iter().position(is_end).unwrap_or(self.operations.len());
        let (before, after) = self.operations.split_at(end);
        let played = catch_unwind(AssertUnwindSafe(|| {
            let beginning = desk.begin(self.state, before);
            match self.flavour.inside {
                true => executor.block_on(beginning),
                // The loop never waits: each of its turns is one run.
                false => futures_lite::future::block_on(beginning),
            }
            drop(executor);
            desk.apply(DropExecutor);
            desk.check("after the drop of the executor");
            desk.finish(after);
        }));
        if let Err(panic) = played {
            desk.complain(format!("a panic got out: {}", payload_text(&*panic)));
        }
        desk.complaints.borrow().first().map(|complaint| format!("{self}: {complaint}"))
    }
}

// ── the product ───────────────────────────────────────────────────────────

/// Every sequence of one, two or three operations.
fn sequences() -> Vec<Vec<Operation>> {
    let longer = |shorter: &[Vec<Operation>]| -> Vec<Vec<Operation>> {
        let with = |operation| shorter.iter().map(move |rest| [&[operation], &rest[..]].concat());
        OPERATIONS.into_iter().flat_map(with).collect()
    };
    let one = longer(&[Vec::new()]);
    let two = longer(&one);
    let three = longer(&two);
    [one, two, three].concat()
}

fn flavours() -> impl Iterator<Item = Flavour> {
    let bits = |bits: u8| move |bit: u8| bits & (1 << bit) != 0;
    PACES.into_iter().flat_map(move |pace| {
        (0..32).map(bits).map(move |bit| Flavour {
            pace,
            inside: bit(0),
            other_thread: bit(1),
            ready: bit(2),
            join_last: bit(3),
            future_panics: bit(4),
        })
    })
}

/// Every sequence of operations on a task in that state, in every flavour.
fn cases(state: State) -> impl Iterator<Item = Case> {
    let sequences = sequences();
    let cases = flavours().flat_map(move |flavour| {
        let case = |operations| Case { state, operations, flavour };
        sequences.clone().into_iter().map(case).collect::<Vec<_>>()
    });
    cases.filter(Case::is_of_its_own)
}

fn every_sequence_on_a_task_that_is(state: State) {
    within_limit(move || {
        let other_thread = Rc::new(OtherThread::start());
        let (mut played, mut complaints) = (0, Vec::new());
        for case in cases(state) {
            played += 1;
            complaints.extend(case.play(&other_thread));
        }
        println!("{played} cases");
        // The shortest sequence shows the fault best.
        complaints.sort_by_key(|complaint| complaint.matches(", then ").count());
        assert!(
            complaints.is_empty(),
            "{} of {played} cases broke the promise that each future and each output is dropped \
             exactly once, on the loop's thread, as soon as it cannot be used. The first are:\n{}",
            complaints.len(),
            complaints[..complaints.len().min(5)].join("\n")
        );
    });
}

/// 29, 37, 42, 44. Breaks when a future that never ran is dropped in another way.
#[test]
fn a_task_that_was_never_polled_is_dropped_once_whatever_happens_to_it() {
    every_sequence_on_a_task_that_is(State::NotPolled);
}

/// 29, 41, 42, 44. Breaks when a task ends in one way, and an other end repeats a step of it.
#[test]
fn a_pending_task_and_its_output_are_dropped_once_whatever_happens_to_it() {
    every_sequence_on_a_task_that_is(State::Pending);
}

/// 29, 40, 42. Breaks when an operation on a task inside its own poll is done at once, or
/// lost.
#[test]
fn a_running_task_and_its_output_are_dropped_once_whatever_it_does_to_itself() {
    every_sequence_on_a_task_that_is(State::Running);
}

/// 29, 41, 42, 44. Breaks when a task is polled by an earlier wake after its end.
#[test]
fn a_woken_task_and_its_output_are_dropped_once_whatever_happens_to_it() {
    every_sequence_on_a_task_that_is(State::Woken);
}

/// 29, 38. Breaks when the output of a detached task is leaked, or owned twice.
#[test]
fn the_output_of_a_finished_task_is_dropped_once_whatever_happens_to_it() {
    every_sequence_on_a_task_that_is(State::Finished);
}
