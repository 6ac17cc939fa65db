//! The state of a running block: a course.
//!
//! A course runs until it must wait or is over; then it has released everything that it
//! held. A panic ends it, too: then `Rules::panic` is set. Or it is abandoned, which
//! releases what it holds from the inside to the outside.

use super::super::language::{Block, OnDrop, PARTIES, Statement};
use super::things::{Closed, Gate, Place, Resource, Timer, Unsent, Value, WaitQueue};
use super::{Number, Outcome, Rules};

/// The position of a task in a block.
pub(super) struct Course {
    statements: Vec<Statement>,
    next: usize,
    doing: Option<Box<Doing>>,
}

/// A statement that takes time.
enum Doing {
    Yield {
        yielded: bool,
    },
    Sleep {
        timer: Timer,
        what: String,
    },
    Tick(Beat),
    Repeat {
        left: u8,
        block: Block,
        course: Course,
    },
    Hold {
        value: Option<Value>,
        course: Course,
    },
    HandOver(Course),
    /// What another task has begun.
    HandedOver {
        by: Number,
        course: Course,
    },
    Join {
        index: usize,
    },
    JoinEveryone {
        next: usize,
        joining: Option<usize>,
    },
    Within {
        limit: Timer,
        course: Course,
    },
    Together {
        courses: Vec<Option<Course>>,
    },
    Group {
        group: usize,
        next: usize,
    },
    Send {
        to: usize,
        value: Option<Value>,
        place: Place,
    },
    Receive {
        from: usize,
        queue: WaitQueue,
        place: Place,
    },
    Await {
        oneshot: usize,
        place: Place,
    },
    /// A lock or a permit, and what is done with it, once it is there.
    Use {
        resource: Resource,
        place: Place,
        then: Block,
        course: Option<Course>,
    },
    Notified(Notified),
    Pass {
        gate: Gate,
        place: Place,
    },
    Arrive {
        barrier: usize,
        place: Place,
    },
    Counted {
        course: Course,
    },
}

/// An interval, and what is done at each of its ticks.
struct Beat {
    next: Timer,
    period: u64,
    left: u8,
    each: Block,
    /// Set from a tick until the block of that tick is over.
    course: Option<Course>,
}

/// A wait for a condition variable, and what is done after it.
struct Notified {
    condvar: usize,
    mutex: usize,
    place: Place,
    stage: Stage,
    then: Block,
}

enum Stage {
    Locking,
    Waiting,
    LockingAgain,
    Inside(Course),
}

impl Course {
    pub(super) fn of(Block(statements): &Block) -> Course {
        Course { statements: statements.clone(), next: 0, doing: None }
    }

    fn in_the_midst_of(doing: Doing) -> Course {
        Course { statements: Vec::new(), next: 0, doing: Some(Box::new(doing)) }
    }
}

impl Rules {
    /// Goes on until it must wait, or is over (`true`).
    pub(super) fn go_on(&mut self, course: &mut Course, me: Number) -> bool {
        loop {
            if let Some(doing) = &mut course.doing {
                if !self.go_on_with(doing, me) {
                    return false;
                }
                course.doing = None;
            }
            let next = course.statements.get(course.next);
            let Some(statement) = next.filter(|_| self.panic.is_none()) else {
                return true;
            };
            course.next += 1;
            course.doing = self.begin(statement, me).map(Box::new);
        }
    }

    /// Begins a statement. What needs no wait is done at once.
    fn begin(&mut self, statement: &Statement, me: Number) -> Option<Doing> {
        use Statement as S;
        let doing = match statement {
            S::Yield => Doing::Yield { yielded: false },
            S::Sleep(ms) => {
                let what = format!("slept for {ms} ms");
                Doing::Sleep { timer: self.new_timer(Some(*ms)), what }
            }
            S::SleepForever => Doing::Sleep { timer: self.new_timer(None), what: String::new() },
            S::Snooze(first, then) => {
                // Nothing is left of the first one.
                self.new_timer(Some(*first));
                let what = format!("snoozed for {then} ms");
                Doing::Sleep { timer: self.new_timer(Some(*then)), what }
            }
            S::Tick { period, times, each } => Doing::Tick(Beat {
                next: self.new_timer(Some(0)),
                period: *period,
                left: *times,
                each: each.clone(),
                course: None,
            }),
            S::Repeat(times, block) => {
                Doing::Repeat { left: *times, block: block.clone(), course: Course::of(block) }
            }
            S::Hold(on_drop, block) => {
                let value = Some(self.new_value(on_drop.clone()));
                Doing::Hold { value, course: Course::of(block) }
            }
            S::HandOver(block) => Doing::HandOver(Course::of(block)),
            S::Join(number) => {
                let index = self.index_of(*number, me, "join")?;
                self.begin_join(index, me).then_some(Doing::Join { index })?
            }
            S::JoinEveryone => Doing::JoinEveryone { next: 0, joining: None },
            S::Within(limit, block) => {
                Doing::Within { limit: self.new_timer(*limit), course: Course::of(block) }
            }
            S::Together(blocks) => {
                Doing::Together { courses: blocks.0.iter().map(Course::of).map(Some).collect() }
            }
            S::Group(children) => Doing::Group { group: self.begin_group(&children.0), next: 0 },
            S::Send(to) => self.begin_send(*to, me)?,
            S::Receive(from) => self.begin_receive(*from, WaitQueue::Values(*from), me)?,
            S::Next(from) => self.begin_receive(*from, WaitQueue::Stream(*from), me)?,
            S::Await(oneshot) => self.begin_await(*oneshot, me)?,
            S::Lock(..)
            | S::TryLock(..)
            | S::Acquire(..)
            | S::AcquireOwned(..)
            | S::TryAcquire(..) => self.begin_use(statement, me)?,
            S::LockAndWait { mutex, condvar, then } => Doing::Notified(Notified {
                condvar: *condvar,
                mutex: *mutex,
                place: None,
                stage: Stage::Locking,
                then: then.clone(),
            }),
            S::Wait(event) => Doing::Pass { gate: Gate::Event(*event), place: None },
            S::AwaitCount => Doing::Pass { gate: Gate::Count, place: None },
            S::Arrive(barrier) => Doing::Arrive { barrier: *barrier, place: None },
            S::Count(block) => {
                self.things.counted += 1;
                Doing::Counted { course: Course::of(block) }
            }
            _ => {
                self.do_at_once(statement, me);
                return None;
            }
        };
        Some(doing)
    }

    fn do_at_once(&mut self, statement: &Statement, me: Number) {
        use Statement as S;
        let name = self.name_of(me);
        match statement {
            S::Say => self.say(me, "is here"),
            S::Panic => self.panic = Some(name),
            S::Spawn(block) => self.spawn_by(&name, block),
            S::Abort(number) => self.abort_by(&name, *number),
            S::AbortMyself => match self.handle_of(self.speaker.unwrap_or(me)) {
                Some(index) => self.abort_by(&name, index),
                None => self.say(me, "has no handle of itself"),
            },
            S::Detach(number) => self.detach(*number, me),
            S::AskIfFinished(number) => self.ask_if_finished(*number, me),
            S::TrySend(to) => self.try_send(&name, *to),
            S::TryReceive(from) => self.try_receive(*from, me),
            S::Close(number) => self.close(*number, me),
            S::DropSender(number) => self.drop_shared_sender(*number),
            S::DropReceiver(number) => self.drop_shared_receiver(*number),
            S::Deliver(oneshot) => self.deliver(*oneshot, me),
            S::Break(number) if self.things.oneshots[*number].has_sender => {
                self.deliver_value(*number, None);
            }
            S::Ignore(number) if self.things.oneshots[*number].has_receiver => {
                self.drop_oneshot_receiver(*number);
            }
            S::Break(_) | S::Ignore(_) => {}
            S::NotifyOne(condvar) => {
                self.grant_first(WaitQueue::Condvar(*condvar));
            }
            S::NotifyAll(condvar) => self.grant_all(WaitQueue::Condvar(*condvar)),
            S::Set(event) => self.set_event(*event),
            S::Clear(event) => self.things.events[*event] = false,
            _ => unreachable!("{statement:?} takes time"),
        }
    }

    /// Goes on with a statement; `true` when it is over.
    fn go_on_with(&mut self, doing: &mut Doing, me: Number) -> bool {
        match doing {
            Doing::Yield { yielded } => {
                if !std::mem::replace(yielded, true) {
                    self.wake(me);
                    return false;
                }
                self.say(me, "yielded");
                true
            }
            Doing::Sleep { timer, what } => {
                let over = self.is_due(*timer, me);
                if over {
                    self.say(me, what);
                }
                over
            }
            Doing::Tick(beat) => self.go_on_ticking(beat, me),
            Doing::Repeat { left, block, course } => loop {
                if !self.go_on(course, me) {
                    return false;
                }
                *left -= 1;
                if *left == 0 || self.panic.is_some() {
                    return true;
                }
                *course = Course::of(block);
            },
            Doing::Hold { value, course } => {
                let over = self.go_on(course, me);
                if over {
                    value.take().into_iter().for_each(|value| self.drop_value(value));
                }
                over
            }
            Doing::HandOver(course) => self.hand_over(course, me),
            Doing::HandedOver { by, course } => {
                let speaker = self.speaker.replace(*by);
                let over = self.go_on(course, me);
                self.speaker = speaker;
                over
            }
            Doing::Join { index } => self.go_on_joining(*index, me),
            Doing::JoinEveryone { next, joining } => self.go_on_joining_all(next, joining, me),
            Doing::Within { limit, course } => self.go_on_within(*limit, course, me),
            Doing::Together { courses } => self.go_on_together(courses, me),
            Doing::Group { group, next } => self.go_on_joining_group(*group, next, me),
            Doing::Send { to, value, place } => self.go_on_sending(*to, value, place, me),
            Doing::Receive { from, queue, place } => self.go_on_receiving(*from, *queue, place, me),
            Doing::Await { oneshot, place } => self.go_on_awaiting(*oneshot, place, me),
            Doing::Use { resource, place, then, course } => {
                if course.is_none() {
                    if !self.take(*resource, place, me) {
                        return false;
                    }
                    self.say(me, &resource.taken());
                }
                let over = self.go_on(course.get_or_insert_with(|| Course::of(then)), me);
                if over {
                    self.give_back(*resource);
                }
                over
            }
            Doing::Notified(notified) => self.go_on_notified(notified, me),
            Doing::Pass { gate, place } => {
                let queue = WaitQueue::Gate(*gate);
                let over = self.is_open(*gate) || self.is_granted(queue, place, me);
                if over {
                    self.leave(queue, place);
                    self.say(me, &gate.passed());
                }
                over
            }
            Doing::Arrive { barrier, place } => self.go_on_arriving(*barrier, place, me),
            Doing::Counted { course } => {
                let over = self.go_on(course, me);
                if over {
                    self.count_down();
                }
                over
            }
        }
    }

    /// Gives a course up: what it holds is released, the innermost first.
    pub(super) fn abandon(&mut self, course: Course) {
        let Some(doing) = course.doing else {
            return;
        };
        match *doing {
            Doing::Yield { .. } => {}
            Doing::Sleep { timer, .. } => self.things.disarm(timer),
            Doing::Tick(Beat { next, course, .. }) => {
                course.into_iter().for_each(|course| self.abandon(course));
                self.things.disarm(next);
            }
            Doing::Repeat { course, .. } => self.abandon(course),
            Doing::Hold { value, course } => {
                self.abandon(course);
                value.into_iter().for_each(|value| self.drop_value(value));
            }
            Doing::HandOver(course) | Doing::HandedOver { course, .. } => self.abandon(course),
            // The handle stays, and keeps the task that has asked it last.
            Doing::Join { index } => self.handles[index].is_being_joined = false,
            Doing::JoinEveryone { joining, .. } => {
                joining.into_iter().for_each(|index| self.handles[index].is_being_joined = false);
            }
            Doing::Within { limit, course } => {
                self.abandon(course);
                self.things.disarm(limit);
            }
            Doing::Together { courses } => {
                courses.into_iter().flatten().for_each(|course| self.abandon(course));
            }
            Doing::Group { group, .. } => self.drop_group(group),
            Doing::Send { to, value, mut place } => {
                self.send_no_longer(to, &mut place);
                value.into_iter().for_each(|value| self.drop_value(value));
                self.drop_sender(to);
            }
            Doing::Receive { from, queue, mut place } => {
                self.receive_no_longer(from, queue, &mut place);
                self.drop_receiver(from);
            }
            Doing::Await { oneshot, mut place } => {
                self.leave(WaitQueue::Oneshot(oneshot), &mut place);
                self.drop_oneshot_receiver(oneshot);
            }
            Doing::Use { resource, place: mut waiting, course: None, .. } => {
                self.take_no_longer(resource, &mut waiting);
            }
            Doing::Use { resource, course: Some(course), .. } => {
                self.abandon(course);
                self.give_back(resource);
            }
            Doing::Notified(notified) => self.abandon_notified(notified),
            Doing::Pass { gate, mut place } => {
                self.leave(WaitQueue::Gate(gate), &mut place);
            }
            Doing::Arrive { barrier, mut place } => {
                self.leave(WaitQueue::Barrier(barrier), &mut place);
            }
            Doing::Counted { course } => {
                self.abandon(course);
                self.count_down();
            }
        }
    }

    /// Ticks that were missed meanwhile follow at once, one after another.
    fn go_on_ticking(&mut self, beat: &mut Beat, me: Number) -> bool {
        loop {
            if let Some(course) = &mut beat.course {
                if !self.go_on(course, me) {
                    return false;
                }
                beat.course = None;
                beat.left -= 1;
            }
            if beat.left == 0 || self.panic.is_some() {
                return true;
            }
            if !self.is_due(beat.next, me) {
                return false;
            }
            self.say(me, "ticks");
            // From the tick, not from now: a late one does not delay the others.
            beat.next = self.timer_after(beat.next, beat.period);
            beat.course = Some(Course::of(&beat.each));
        }
    }

    // ── tasks ────────────────────────────────────────────────────────────────

    pub(super) fn spawn_by(&mut self, who: &str, block: &Block) {
        let index = self.spawn(Course::of(block));
        self.write(format!("{who} spawned t{index}"));
    }

    /// Goes on once; then a new task is in the midst of it.
    fn hand_over(&mut self, course: &mut Course, me: Number) -> bool {
        if !self.go_on(course, me) {
            let course = std::mem::replace(course, Course::of(&Block::default()));
            let by = self.speaker.unwrap_or(me);
            let index = self.spawn(Course::in_the_midst_of(Doing::HandedOver { by, course }));
            self.say(me, &format!("hands over to t{index}"));
        }
        true
    }

    fn handle_of(&self, task: Number) -> Option<usize> {
        self.handles.iter().position(|handle| handle.of == task)
    }

    pub(super) fn abort_by(&mut self, who: &str, number: usize) {
        let Some(index) = number.checked_rem(self.handles.len()) else {
            return self.write(format!("{who} finds nobody to abort"));
        };
        if !self.handles[index].is_there {
            return self.write(format!("{who} has no handle of t{index} to abort"));
        }
        let task = self.handles[index].of;
        let was_alive = !self.tasks[task].has_ended;
        self.abort(task);
        self.write(format!("{who} aborted t{index}: {was_alive}"));
    }

    /// The task that a number means.
    fn index_of(&mut self, number: usize, me: Number, why: &str) -> Option<usize> {
        let index = number.checked_rem(self.handles.len());
        if index.is_none() {
            self.say(me, &format!("finds nobody to {why}"));
        }
        index
    }

    /// Whether it can be joined. At most one joins a task at a time.
    fn begin_join(&mut self, index: usize, me: Number) -> bool {
        if !self.handles[index].is_there {
            self.say(me, &format!("has no handle of t{index} to join"));
            return false;
        }
        if self.handles[index].is_being_joined {
            self.say(me, &format!("finds t{index} being joined"));
            return false;
        }
        self.handles[index].is_being_joined = true;
        true
    }

    fn go_on_joining(&mut self, index: usize, me: Number) -> bool {
        let task = self.handles[index].of;
        let Some(outcome) = self.tasks[task].outcome.take() else {
            // A task that asked before is replaced.
            self.tasks[task].joiner = Some(me);
            return false;
        };
        (self.handles[index].is_being_joined, self.handles[index].is_there) = (false, false);
        self.drop_handle_of(task);
        let name = self.name_of(me);
        self.write_outcome(&name, index, outcome);
        true
    }

    fn go_on_joining_all(
        &mut self,
        next: &mut usize,
        joining: &mut Option<usize>,
        me: Number,
    ) -> bool {
        loop {
            if let Some(index) = *joining {
                if !self.go_on_joining(index, me) {
                    return false;
                }
                *joining = None;
            }
            if *next == self.handles.len() {
                return true;
            }
            *joining = self.begin_join(*next, me).then_some(*next);
            *next += 1;
        }
    }

    fn detach(&mut self, number: usize, me: Number) {
        let Some(index) = self.index_of(number, me, "detach") else {
            return;
        };
        if self.handles[index].is_being_joined {
            return self.say(me, &format!("finds t{index} being joined"));
        }
        let had = std::mem::replace(&mut self.handles[index].is_there, false);
        self.say(me, &format!("detaches t{index}: {had}"));
        if had {
            self.drop_handle_of(self.handles[index].of);
        }
    }

    fn ask_if_finished(&mut self, number: usize, me: Number) {
        let index = number.checked_rem(self.handles.len());
        let handle = index.map(|index| &self.handles[index]).filter(|handle| handle.is_there);
        let finished = handle.map(|handle| self.tasks[handle.of].has_ended);
        self.say(me, &format!("asks if it has finished: {finished:?}"));
    }

    /// What is under a limit goes first: if it is over in time, the limit is nothing.
    fn go_on_within(&mut self, limit: Timer, course: &mut Course, me: Number) -> bool {
        if self.go_on(course, me) {
            self.things.disarm(limit);
            if self.panic.is_none() {
                self.say(me, "was in time");
            }
            return true;
        }
        if !self.is_due(limit, me) {
            return false;
        }
        self.abandon(std::mem::replace(course, Course::of(&Block::default())));
        if self.panic.is_none() {
            self.say(me, "was too late");
        }
        true
    }

    fn go_on_together(&mut self, courses: &mut [Option<Course>], me: Number) -> bool {
        for index in 0..courses.len() {
            let Some(course) = &mut courses[index] else {
                continue;
            };
            if self.go_on(course, me) {
                courses[index] = None;
            }
            if self.panic.is_some() {
                let others = courses.iter_mut().filter_map(Option::take);
                others.for_each(|course| self.abandon(course));
                return true;
            }
        }
        let over = courses.iter().all(Option::is_none);
        if over {
            self.say(me, "has done all");
        }
        over
    }

    fn go_on_joining_group(&mut self, group: usize, next: &mut usize, me: Number) -> bool {
        while let Some(&child) = self.groups[group].children.get(*next) {
            if !self.tasks[child].has_ended {
                self.tasks[child].joiner = Some(me);
                return false;
            }
            *next += 1;
        }
        let children = &self.groups[group].children;
        let failed_first = self.groups[group].failed_first;
        let asked: Vec<Number> = failed_first.map_or(children.clone(), |child| vec![child]);
        let mut outcomes: Vec<Outcome> =
            asked.iter().filter_map(|&child| self.tasks[child].outcome.take()).collect();
        let result = match (failed_first, outcomes.pop()) {
            (Some(_), Some(Outcome::Child(Err(number)))) => Err(number),
            (Some(_), Some(Outcome::Panicked(text))) => {
                self.panic = Some(text);
                Err(0)
            }
            (_, last) => Ok(outcomes.into_iter().chain(last).filter_map(Outcome::number).collect()),
        };
        self.drop_group(group);
        if self.panic.is_none() {
            let result: Result<Vec<usize>, usize> = result;
            self.say(me, &format!("joined a group: {result:?}"));
        }
        true
    }

    // ── channels ─────────────────────────────────────────────────────────────

    fn begin_send(&mut self, to: usize, me: Number) -> Option<Doing> {
        if !self.add_sender(to) {
            self.say(me, &format!("has no sender of c{to}"));
            return None;
        }
        let value = Some(self.new_value(OnDrop::ThenNothing));
        Some(Doing::Send { to, value, place: None })
    }

    fn go_on_sending(
        &mut self,
        to: usize,
        unsent: &mut Option<Value>,
        place: &mut Place,
        me: Number,
    ) -> bool {
        loop {
            let value = unsent.take().expect("it is over when it is sent");
            let what = format!("sent {} to c{to}", value.name);
            match self.try_send_value(to, value) {
                Ok(()) => self.say(me, &what),
                Err(Unsent::Full(value)) => {
                    *unsent = Some(value);
                    // A sender that was woken tries again, and goes to the end if it fails.
                    if self.is_granted(WaitQueue::Space(to), place, me) {
                        continue;
                    }
                    return false;
                }
                Err(Unsent::Closed(value)) => {
                    self.say(me, &format!("{what}: closed, {} is back", value.name));
                    self.drop_value(value);
                }
            }
            self.leave(WaitQueue::Space(to), place);
            self.drop_sender(to);
            return true;
        }
    }

    pub(super) fn try_send(&mut self, who: &str, to: usize) {
        if !self.things.channels[to].has_sender {
            return self.write(format!("{who} has no sender of c{to}"));
        }
        let value = self.new_value(OnDrop::ThenNothing);
        let what = format!("{who} tried to send {} to c{to}", value.name);
        let (why, back) = match self.try_send_value(to, value) {
            Ok(()) => return self.write(what),
            Err(Unsent::Full(value)) => ("full", value),
            Err(Unsent::Closed(value)) => ("closed", value),
        };
        self.write(format!("{what}: {why}, {} is back", back.name));
        self.drop_value(back);
    }

    fn begin_receive(&mut self, from: usize, queue: WaitQueue, me: Number) -> Option<Doing> {
        if !self.add_receiver(from) {
            self.say(me, &format!("has no receiver of c{from}"));
            return None;
        }
        Some(Doing::Receive { from, queue, place: None })
    }

    fn go_on_receiving(
        &mut self,
        from: usize,
        queue: WaitQueue,
        place: &mut Place,
        me: Number,
    ) -> bool {
        loop {
            let value = match self.try_receive_value(from) {
                Ok(None) if self.is_granted(queue, place, me) => continue,
                Ok(None) => return false,
                Ok(Some(value)) => Some(value),
                Err(Closed) => None,
            };
            self.leave(queue, place);
            self.write_received(from, value, me);
            self.drop_receiver(from);
            return true;
        }
    }

    fn try_receive(&mut self, from: usize, me: Number) {
        if !self.things.channels[from].has_receiver {
            return self.say(me, &format!("has no receiver of c{from}"));
        }
        match self.try_receive_value(from) {
            Ok(None) => self.say(me, &format!("finds c{from} empty")),
            Ok(Some(value)) => self.write_received(from, Some(value), me),
            Err(Closed) => self.write_received(from, None, me),
        }
    }

    fn write_received(&mut self, from: usize, value: Option<Value>, me: Number) {
        match value {
            None => self.say(me, &format!("finds c{from} closed")),
            Some(value) => {
                self.say(me, &format!("received {} from c{from}", value.name));
                self.drop_value(value);
            }
        }
    }

    fn close(&mut self, number: usize, me: Number) {
        if !self.things.channels[number].has_sender {
            return self.say(me, &format!("has no sender of c{number}"));
        }
        let was_open = self.close_channel(number);
        self.say(me, &format!("closed c{number}: {was_open}"));
    }

    fn deliver(&mut self, number: usize, me: Number) {
        if !self.things.oneshots[number].has_sender {
            return self.say(me, &format!("has no sender of o{number}"));
        }
        let value = self.new_value(OnDrop::ThenNothing);
        let what = format!("delivered {} to o{number}", value.name);
        match self.deliver_value(number, Some(value)) {
            None => self.say(me, &what),
            Some(back) => {
                self.say(me, &format!("{what}: nobody, {} is back", back.name));
                self.drop_value(back);
            }
        }
    }

    fn begin_await(&mut self, oneshot: usize, me: Number) -> Option<Doing> {
        if !std::mem::take(&mut self.things.oneshots[oneshot].has_receiver) {
            self.say(me, &format!("has no receiver of o{oneshot}"));
            return None;
        }
        Some(Doing::Await { oneshot, place: None })
    }

    fn go_on_awaiting(&mut self, oneshot: usize, place: &mut Place, me: Number) -> bool {
        let Some(answer) = self.answer(oneshot) else {
            self.is_granted(WaitQueue::Oneshot(oneshot), place, me);
            return false;
        };
        self.leave(WaitQueue::Oneshot(oneshot), place);
        self.drop_oneshot_receiver(oneshot);
        match answer {
            None => self.say(me, &format!("finds o{oneshot} broken")),
            Some(value) => {
                self.say(me, &format!("was given {} by o{oneshot}", value.name));
                self.drop_value(value);
            }
        }
        true
    }

    // ── locks ────────────────────────────────────────────────────────────────

    fn begin_use(&mut self, statement: &Statement, me: Number) -> Option<Doing> {
        use Statement as S;
        let (waits, resource, then) = match statement {
            S::Lock(number, then) => (true, Resource::Mutex(*number), then),
            S::TryLock(number, then) => (false, Resource::Mutex(*number), then),
            S::Acquire(number, then) | S::AcquireOwned(number, then) => {
                (true, Resource::Semaphore(*number), then)
            }
            S::TryAcquire(number, then) => (false, Resource::Semaphore(*number), then),
            _ => unreachable!("{statement:?} uses nothing"),
        };
        let then = then.clone();
        if waits {
            return Some(Doing::Use { resource, place: None, then, course: None });
        }
        if !self.try_take(resource) {
            self.say(me, &resource.missed());
            return None;
        }
        self.say(me, &format!("{} at once", resource.taken()));
        let course = Some(Course::of(&then));
        Some(Doing::Use { resource, place: None, then, course })
    }

    /// The wait first locks, then waits for the notification, then locks again.
    fn go_on_notified(&mut self, notified: &mut Notified, me: Number) -> bool {
        let Notified { condvar, mutex, place, stage, then } = notified;
        let (queue, lock) = (WaitQueue::Condvar(*condvar), Resource::Mutex(*mutex));
        if matches!(stage, Stage::Locking) {
            if !self.take(lock, place, me) {
                return false;
            }
            self.say(me, &format!("locked m{mutex} and waits"));
            // Queued first, unlocked then: the next owner of the lock finds the waiter.
            self.is_granted(queue, place, me);
            self.give_back(lock);
            *stage = Stage::Waiting;
            return false;
        }
        if matches!(stage, Stage::Waiting) {
            if !self.is_granted(queue, place, me) {
                return false;
            }
            *stage = Stage::LockingAgain;
        }
        if matches!(stage, Stage::LockingAgain) {
            if !self.take(lock, place, me) {
                return false;
            }
            self.say(me, &format!("was notified by k{condvar} and has m{mutex}"));
            *stage = Stage::Inside(Course::of(then));
        }
        let Stage::Inside(course) = stage else { unreachable!("the last stage") };
        let over = self.go_on(course, me);
        if over {
            self.give_back(lock);
        }
        over
    }

    /// A waiter that was notified and gives up passes the notification on.
    fn abandon_notified(&mut self, notified: Notified) {
        let Notified { condvar, mutex, mut place, stage, .. } = notified;
        let (queue, lock) = (WaitQueue::Condvar(condvar), Resource::Mutex(mutex));
        match stage {
            Stage::Locking => self.take_no_longer(lock, &mut place),
            Stage::Waiting => {
                if self.leave(queue, &mut place) {
                    self.grant_first(queue);
                }
            }
            Stage::LockingAgain => {
                self.grant_first(queue);
                self.take_no_longer(lock, &mut place);
            }
            Stage::Inside(course) => {
                self.abandon(course);
                self.give_back(lock);
            }
        }
    }

    fn go_on_arriving(&mut self, barrier: usize, place: &mut Place, me: Number) -> bool {
        let queue = WaitQueue::Barrier(barrier);
        let leads = place.is_none() && self.number_in(queue) + 1 == PARTIES[barrier];
        if leads {
            self.grant_all(queue);
            self.say(me, &format!("is past b{barrier}, the leader"));
            return true;
        }
        let over = self.is_granted(queue, place, me);
        if over {
            self.say(me, &format!("is past b{barrier}"));
        }
        over
    }
}

impl Outcome {
    fn number(self) -> Option<usize> {
        if let Outcome::Child(Ok(number)) = self { Some(number) } else { None }
    }
}

impl Resource {
    fn taken(self) -> String {
        match self {
            Resource::Mutex(number) => format!("locked m{number}"),
            Resource::Semaphore(number) => format!("has a permit of s{number}"),
        }
    }

    fn missed(self) -> String {
        match self {
            Resource::Mutex(number) => format!("finds m{number} locked"),
            Resource::Semaphore(number) => format!("finds no permit of s{number}"),
        }
    }
}

impl Gate {
    fn passed(self) -> String {
        match self {
            Gate::Event(number) => format!("is past e{number}"),
            Gate::Count => "has waited for the count".into(),
        }
    }
}

// ── the report of a deadlock ─────────────────────────────────────────────────

impl Rules {
    /// What a course waits for, the innermost first.
    pub(super) fn waits_of(&self, course: &Course) -> Vec<String> {
        let waits = |what: &str| vec![what.to_owned()];
        match course.doing.as_deref() {
            None | Some(Doing::Yield { .. }) => Vec::new(),
            Some(Doing::Sleep { .. } | Doing::Tick(Beat { course: None, .. })) => {
                waits("a time that never comes")
            }
            Some(
                Doing::Tick(Beat { course: Some(course), .. })
                | Doing::Repeat { course, .. }
                | Doing::Hold { course, .. }
                | Doing::HandOver(course)
                | Doing::HandedOver { course, .. }
                | Doing::Counted { course }
                | Doing::Use { course: Some(course), .. }
                | Doing::Notified(Notified { stage: Stage::Inside(course), .. }),
            ) => self.waits_of(course),
            Some(Doing::Join { index } | Doing::JoinEveryone { joining: Some(index), .. }) => {
                waits(&format!("the end of t{index}"))
            }
            Some(Doing::JoinEveryone { joining: None, .. }) => Vec::new(),
            Some(Doing::Within { limit, course }) => {
                let limit = limit.is_never().then(|| "a time that never comes".to_owned());
                self.waits_of(course).into_iter().chain(limit).collect()
            }
            Some(Doing::Together { courses }) => {
                courses.iter().flatten().flat_map(|course| self.waits_of(course)).collect()
            }
            Some(Doing::Group { .. }) => waits("the end of a child"),
            Some(Doing::Send { .. }) => waits("room in a channel"),
            Some(Doing::Receive { .. }) => waits("a value from a channel"),
            Some(Doing::Await { .. }) => waits("a oneshot's value"),
            Some(Doing::Notified(Notified { stage: Stage::Waiting, .. })) => {
                waits("a condition variable")
            }
            Some(Doing::Use { resource: Resource::Mutex(_), .. } | Doing::Notified(_)) => {
                waits("a mutex")
            }
            Some(Doing::Use { resource: Resource::Semaphore(_), .. }) => {
                waits("a semaphore's permit")
            }
            Some(Doing::Pass { gate: Gate::Event(_), .. }) => waits("an event"),
            Some(Doing::Pass { gate: Gate::Count, .. }) => waits("a wait group"),
            Some(Doing::Arrive { .. }) => waits("a barrier"),
        }
    }
}
