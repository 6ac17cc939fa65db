//! What tasks share: wait queues, timers, locks, channels; and values.

use std::collections::BTreeMap;

use super::super::language::{CAPACITIES, EVENTS, ONESHOTS, OnDrop, PERMITS};
use super::{Number, Rules};

/// Each thing has a queue of the tasks that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WaitQueue {
    /// The tasks that send to a full channel.
    Space(usize),
    /// The tasks that receive from an empty channel.
    Values(usize),
    /// The same, by streams. A stream may stop waiting without a word: so all are woken.
    Stream(usize),
    Oneshot(usize),
    Resource(Resource),
    Gate(Gate),
    Condvar(usize),
    Barrier(usize),
}

/// What some tasks hold and others wait for: a mutex is a semaphore with one permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource {
    Mutex(usize),
    Semaphore(usize),
}

/// What is open or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gate {
    Event(usize),
    /// Open while nothing is counted.
    Count,
}

/// The place of a waiter, if it has one: a number that no other waiter has.
pub(super) type Place = Option<usize>;

/// All things that the tasks share.
pub(super) struct Things {
    /// The waiters of each thing, the first waiter first.
    queues: BTreeMap<WaitQueue, Vec<(usize, Number)>>,
    /// The places of waiters that were granted something, and are not polled since.
    granted: Vec<usize>,
    last_place: usize,
    timers: Vec<Armed>,
    last_timer: usize,
    last_value: usize,
    /// How many of a resource are free.
    free: BTreeMap<Resource, usize>,
    pub(super) events: Vec<bool>,
    pub(super) counted: usize,
    pub(super) channels: Vec<Channel>,
    pub(super) oneshots: Vec<Oneshot>,
}

/// When a timer fires: by its deadline, then in the order of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    /// In milliseconds. `None` means never, and comes first; but such a timer is never armed.
    deadline: Option<u64>,
    made: usize,
}

/// A timer, and the task that waits for it.
struct Armed {
    timer: Timer,
    task: Number,
}

pub(super) struct Channel {
    values: Vec<Value>,
    capacity: Option<usize>,
    is_closed: bool,
    /// The sender that all tasks share, and that of each task that is sending.
    senders: usize,
    receivers: usize,
    /// Whether the shared halves still exist.
    pub(super) has_sender: bool,
    pub(super) has_receiver: bool,
}

pub(super) struct Oneshot {
    value: Option<Value>,
    pub(super) is_broken: bool,
    /// Whether no task has taken the halves.
    pub(super) has_sender: bool,
    pub(super) has_receiver: bool,
    receiver_is_gone: bool,
}

/// A value whose drop is seen.
pub(super) struct Value {
    pub(super) name: String,
    pub(super) on_drop: OnDrop,
}

impl Default for Things {
    fn default() -> Things {
        let semaphores = PERMITS.iter().enumerate();
        let semaphores = semaphores.map(|(at, &permits)| (Resource::Semaphore(at), permits));
        Things {
            queues: BTreeMap::new(),
            granted: Vec::new(),
            last_place: 0,
            timers: Vec::new(),
            last_timer: 0,
            last_value: 0,
            // A mutex that is in no map is free.
            free: semaphores.collect(),
            events: vec![false; EVENTS],
            counted: 0,
            channels: CAPACITIES.map(Channel::new).into(),
            oneshots: (0..ONESHOTS).map(|_| Oneshot::new()).collect(),
        }
    }
}

impl Channel {
    fn new(capacity: Option<usize>) -> Channel {
        Channel {
            values: Vec::new(),
            capacity,
            is_closed: false,
            senders: 1,
            receivers: 1,
            has_sender: true,
            has_receiver: true,
        }
    }

    fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.values.len() >= capacity)
    }
}

impl Oneshot {
    fn new() -> Oneshot {
        Oneshot {
            value: None,
            is_broken: false,
            has_sender: true,
            has_receiver: true,
            receiver_is_gone: false,
        }
    }
}

// ── timers ───────────────────────────────────────────────────────────────────

impl Things {
    pub(super) fn earliest_deadline(&self) -> Option<u64> {
        self.timers.iter().filter_map(|armed| armed.timer.deadline).min()
    }

    /// Takes out the timers that are due, and returns the tasks that wait, in this order.
    pub(super) fn take_due_timers(&mut self, now: u64) -> Vec<Number> {
        self.timers.sort_by_key(|armed| armed.timer);
        let is_due = |armed: &mut Armed| armed.timer.deadline.is_some_and(|at| at <= now);
        self.timers.extract_if(.., is_due).map(|armed| armed.task).collect()
    }

    pub(super) fn disarm(&mut self, timer: Timer) {
        self.timers.retain(|armed| armed.timer != timer);
    }
}

impl Rules {
    /// A timer that ends so many milliseconds from now.
    pub(super) fn new_timer(&mut self, after: Option<u64>) -> Timer {
        self.things.last_timer += 1;
        let deadline = after.map(|after| self.now + after);
        Timer { deadline, made: self.things.last_timer }
    }

    /// The timer that ends so many milliseconds after another one did.
    pub(super) fn timer_after(&mut self, timer: Timer, after: u64) -> Timer {
        self.things.last_timer += 1;
        let deadline = timer.deadline.map(|deadline| deadline + after);
        Timer { deadline, made: self.things.last_timer }
    }

    /// Whether the timer is due; if not, it is armed.
    pub(super) fn is_due(&mut self, timer: Timer, me: Number) -> bool {
        self.things.disarm(timer);
        if timer.deadline.is_some_and(|deadline| deadline <= self.now) {
            return true;
        }
        if timer.deadline.is_some() {
            self.things.timers.push(Armed { timer, task: me });
        }
        false
    }
}

impl Timer {
    pub(super) fn is_never(self) -> bool {
        self.deadline.is_none()
    }
}

// ── wait queues ──────────────────────────────────────────────────────────────

impl Rules {
    /// Whether the waiter with this place was granted what it waits for. A waiter without a
    /// place goes to the end.
    pub(super) fn is_granted(&mut self, queue: WaitQueue, place: &mut Place, me: Number) -> bool {
        let Some(number) = *place else {
            self.things.last_place += 1;
            *place = Some(self.things.last_place);
            self.things.queues.entry(queue).or_default().push((self.things.last_place, me));
            return false;
        };
        let granted = self.things.granted.contains(&number);
        if granted {
            self.leave(queue, place);
        }
        // The task that asked last is woken.
        let waiting = self.things.queues.entry(queue).or_default().iter_mut();
        waiting.filter(|(place, _)| *place == number).for_each(|(_, task)| *task = me);
        granted
    }

    /// Grants the thing to the first waiter; `false` if there is no waiter.
    pub(super) fn grant_first(&mut self, queue: WaitQueue) -> bool {
        let waiting = self.things.queues.entry(queue).or_default();
        if waiting.is_empty() {
            return false;
        }
        let (place, task) = waiting.remove(0);
        self.things.granted.push(place);
        self.wake(task);
        true
    }

    pub(super) fn grant_all(&mut self, queue: WaitQueue) {
        while self.grant_first(queue) {}
    }

    /// Gives a place up; `true` if the thing was granted to its owner.
    pub(super) fn leave(&mut self, queue: WaitQueue, place: &mut Place) -> bool {
        let Some(number) = place.take() else {
            return false;
        };
        let was_granted = self.things.granted.contains(&number);
        self.things.granted.retain(|granted| *granted != number);
        self.things.queues.entry(queue).or_default().retain(|(place, _)| *place != number);
        was_granted
    }

    pub(super) fn number_in(&self, queue: WaitQueue) -> usize {
        self.things.queues.get(&queue).map_or(0, Vec::len)
    }

    // ── locks and gates ──────────────────────────────────────────────────────

    pub(super) fn try_take(&mut self, resource: Resource) -> bool {
        let free = self.things.free.entry(resource).or_insert(1);
        let is_free = *free > 0;
        *free -= usize::from(is_free);
        is_free
    }

    /// Grants the resource to the first waiter, or leaves it free.
    pub(super) fn give_back(&mut self, resource: Resource) {
        if !self.grant_first(WaitQueue::Resource(resource)) {
            *self.things.free.entry(resource).or_insert(1) += 1;
        }
    }

    /// Takes the resource, or waits for it.
    pub(super) fn take(&mut self, resource: Resource, place: &mut Place, me: Number) -> bool {
        (place.is_none() && self.try_take(resource))
            || self.is_granted(WaitQueue::Resource(resource), place, me)
    }

    /// Stops waiting for the resource; if it was granted, passes it on.
    pub(super) fn take_no_longer(&mut self, resource: Resource, place: &mut Place) {
        if self.leave(WaitQueue::Resource(resource), place) {
            self.give_back(resource);
        }
    }

    pub(super) fn is_open(&self, gate: Gate) -> bool {
        match gate {
            Gate::Event(number) => self.things.events[number],
            Gate::Count => self.things.counted == 0,
        }
    }

    pub(super) fn count_down(&mut self) {
        self.things.counted -= 1;
        if self.things.counted == 0 {
            self.grant_all(WaitQueue::Gate(Gate::Count));
        }
    }

    // ── channels ─────────────────────────────────────────────────────────────

    /// Sends a value, or gives it back.
    pub(super) fn try_send_value(&mut self, number: usize, value: Value) -> Result<(), Unsent> {
        let channel = &mut self.things.channels[number];
        if channel.is_closed {
            return Err(Unsent::Closed(value));
        }
        if channel.is_full() {
            return Err(Unsent::Full(value));
        }
        channel.values.push(value);
        self.grant_all(WaitQueue::Stream(number));
        self.grant_first(WaitQueue::Values(number));
        Ok(())
    }

    /// The first value, `Ok(None)` if there is none at present.
    pub(super) fn try_receive_value(&mut self, number: usize) -> Result<Option<Value>, Closed> {
        let channel = &mut self.things.channels[number];
        if channel.values.is_empty() {
            return if channel.is_closed { Err(Closed) } else { Ok(None) };
        }
        let value = channel.values.remove(0);
        self.grant_first(WaitQueue::Space(number));
        Ok(Some(value))
    }

    /// A sender that was woken and gives up lets the next sender try, if there is space.
    pub(super) fn send_no_longer(&mut self, number: usize, place: &mut Place) {
        let was_granted = self.leave(WaitQueue::Space(number), place);
        if was_granted && !self.things.channels[number].is_full() {
            self.grant_first(WaitQueue::Space(number));
        }
    }

    /// The same for a receiver that was woken, if there is a value.
    pub(super) fn receive_no_longer(&mut self, number: usize, queue: WaitQueue, place: &mut Place) {
        let was_granted = self.leave(queue, place) && queue == WaitQueue::Values(number);
        if was_granted && !self.things.channels[number].values.is_empty() {
            self.grant_first(WaitQueue::Values(number));
        }
    }

    /// Returns whether the channel was open.
    pub(super) fn close_channel(&mut self, number: usize) -> bool {
        let was_open = !self.things.channels[number].is_closed;
        self.things.channels[number].is_closed = true;
        self.grant_all(WaitQueue::Space(number));
        self.grant_all(WaitQueue::Values(number));
        self.grant_all(WaitQueue::Stream(number));
        was_open
    }

    /// One more task sends to the channel; `false` if there is no sender to clone.
    pub(super) fn add_sender(&mut self, number: usize) -> bool {
        let channel = &mut self.things.channels[number];
        channel.senders += usize::from(channel.has_sender);
        channel.has_sender
    }

    pub(super) fn drop_sender(&mut self, number: usize) {
        self.things.channels[number].senders -= 1;
        if self.things.channels[number].senders == 0 {
            self.close_channel(number);
        }
    }

    pub(super) fn add_receiver(&mut self, number: usize) -> bool {
        let channel = &mut self.things.channels[number];
        channel.receivers += usize::from(channel.has_receiver);
        channel.has_receiver
    }

    /// The last receiver drops the values.
    pub(super) fn drop_receiver(&mut self, number: usize) {
        self.things.channels[number].receivers -= 1;
        if self.things.channels[number].receivers == 0 {
            self.close_channel(number);
            let values = std::mem::take(&mut self.things.channels[number].values);
            values.into_iter().for_each(|value| self.drop_value(value));
        }
    }

    pub(super) fn drop_shared_sender(&mut self, number: usize) {
        if std::mem::take(&mut self.things.channels[number].has_sender) {
            self.drop_sender(number);
        }
    }

    pub(super) fn drop_shared_receiver(&mut self, number: usize) {
        if std::mem::take(&mut self.things.channels[number].has_receiver) {
            self.drop_receiver(number);
        }
    }

    // ── oneshots ─────────────────────────────────────────────────────────────

    /// Uses the sender up: with a value, or without.
    pub(super) fn deliver_value(&mut self, number: usize, value: Option<Value>) -> Option<Value> {
        let oneshot = &mut self.things.oneshots[number];
        (oneshot.has_sender, oneshot.is_broken) = (false, true);
        let back = match oneshot.receiver_is_gone {
            true => value,
            false => {
                oneshot.value = value;
                None
            }
        };
        self.grant_all(WaitQueue::Oneshot(number));
        back
    }

    /// Whether there is an answer for its receiver: a value, or none.
    pub(super) fn answer(&mut self, number: usize) -> Option<Option<Value>> {
        let oneshot = &mut self.things.oneshots[number];
        let value = oneshot.value.take();
        (value.is_some() || oneshot.is_broken).then_some(value)
    }

    pub(super) fn drop_oneshot_receiver(&mut self, number: usize) {
        let oneshot = &mut self.things.oneshots[number];
        (oneshot.has_receiver, oneshot.receiver_is_gone) = (false, true);
        let unreceived = oneshot.value.take();
        unreceived.into_iter().for_each(|value| self.drop_value(value));
    }

    // ── values ───────────────────────────────────────────────────────────────

    pub(super) fn new_value(&mut self, on_drop: OnDrop) -> Value {
        self.things.last_value += 1;
        Value { name: format!("v{}", self.things.last_value), on_drop }
    }

    pub(super) fn drop_value(&mut self, Value { name, on_drop }: Value) {
        self.write(format!("{name} dropped"));
        match on_drop {
            OnDrop::ThenNothing => {}
            OnDrop::ThenPanic => {
                self.panic.get_or_insert_with(|| format!("the drop of {name}"));
            }
            OnDrop::ThenSet(event) => self.set_event(event),
            OnDrop::ThenTrySend(channel) => self.try_send(&name, channel),
            OnDrop::ThenNotify(condvar) => {
                self.grant_first(WaitQueue::Condvar(condvar));
            }
            OnDrop::ThenAbort(task) => self.abort_by(&name, task),
            OnDrop::ThenSpawn(block) => self.spawn_by(&name, &block),
        }
    }

    pub(super) fn set_event(&mut self, number: usize) {
        self.things.events[number] = true;
        self.grant_all(WaitQueue::Gate(Gate::Event(number)));
    }

    pub(super) fn drop_things(&mut self) {
        for number in 0..self.things.channels.len() {
            self.drop_shared_sender(number);
            self.drop_shared_receiver(number);
        }
        for number in 0..self.things.oneshots.len() {
            if self.things.oneshots[number].has_sender {
                self.deliver_value(number, None);
            }
            if self.things.oneshots[number].has_receiver {
                self.drop_oneshot_receiver(number);
            }
        }
    }
}

/// Why a value was not sent.
pub(super) enum Unsent {
    Full(Value),
    Closed(Value),
}

/// A channel is closed and empty.
pub(super) struct Closed;
