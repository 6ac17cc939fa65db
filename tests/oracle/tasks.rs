//! The run queue, and the lives of the tasks.

use std::collections::{HashMap, VecDeque};

use super::Checked;
use super::event::{Cause, End, Event, Phase, Wait, What};

#[derive(Default)]
pub struct Tasks {
    lives: HashMap<u64, Life>,
    /// The tasks that were ready when this turn began, and are not polled yet.
    turn: VecDeque<u64>,
    /// The tasks that were woken since then: the next turn polls them.
    queue: VecDeque<u64>,
    running: Option<u64>,
    root: Option<u64>,
    phase: Option<Phase>,
}

#[derive(Default)]
struct Life {
    polls: u64,
    is_queued: bool,
    /// The timers that the task waits for, by its wait reasons.
    timers: Vec<u64>,
    ended: Option<u64>,
}

impl Tasks {
    pub fn see(&mut self, event: &Event) -> Checked {
        match event.what {
            What::Spawn { task, by } => self.spawn(task, by),
            What::Phase(phase) => self.begin(phase),
            What::Park { .. } => self.is_empty_for_park(),
            What::Poll { task, poll } => self.poll(task, poll),
            What::Pending { task, poll, ref waits } => self.pending(task, poll, waits),
            What::End { task, how, poll } => self.end(event.number, task, how, poll),
            What::Wake { task, again, .. } => self.wake(task, again),
            What::Join { task, target } => self.join(task, target),
            What::LoopEnd => self.all_have_ended(),
            _ => Ok(()),
        }
    }

    fn spawn(&mut self, task: u64, by: Cause) -> Checked {
        if self.lives.contains_key(&task) {
            return Err(format!("task {task} is spawned a second time"));
        }
        if by == Cause::Start && self.root.replace(task).is_some() {
            return Err(format!("task {task} is a root, and the one before has not ended"));
        }
        self.lives.insert(task, Life { is_queued: true, ..Life::default() });
        self.queue.push_back(task);
        Ok(())
    }

    /// A part of a turn begins. The third part takes the run queue as it is now.
    fn begin(&mut self, phase: Phase) -> Checked {
        self.is_between_polls()?;
        if let Some(left) = self.turn.front() {
            return Err(format!(
                "the turn has ended, and task {left}, which was ready, had no poll"
            ));
        }
        self.phase = Some(phase);
        if phase == Phase::Ready {
            self.turn.append(&mut self.queue);
        }
        Ok(())
    }

    fn is_empty_for_park(&self) -> Checked {
        match self.queue.front() {
            Some(task) => Err(format!("the loop sleeps, though task {task} is ready")),
            None => Ok(()),
        }
    }

    fn is_between_polls(&self) -> Checked {
        match self.running {
            Some(task) => Err(format!("the poll of task {task} has not ended")),
            None => Ok(()),
        }
    }

    fn poll(&mut self, task: u64, poll: u64) -> Checked {
        self.is_between_polls()?;
        self.is_alive(task, "is polled")?;
        if self.phase == Some(Phase::Io) {
            return Err(format!("task {task} is polled in the part of a turn that is for I/O"));
        }
        self.takes_its_turn(task)?;
        let life = self.lives.entry(task).or_default();
        life.polls += 1;
        life.is_queued = false;
        self.running = Some(task);
        if poll != life.polls {
            return Err(format!(
                "it is called poll {poll} of task {task}, but is poll {}",
                life.polls
            ));
        }
        Ok(())
    }

    fn takes_its_turn(&mut self, task: u64) -> Checked {
        match self.turn.front() {
            Some(&first) if first == task => drop(self.turn.pop_front()),
            Some(first) if self.turn.contains(&task) => {
                return Err(format!(
                    "task {task} is polled before task {first}, which was ready first"
                ));
            }
            _ if self.queue.contains(&task) => {
                return Err(format!(
                    "task {task} is polled in the turn in which it was woken: a turn polls those \
                     only that were ready when it began"
                ));
            }
            _ => {
                return Err(format!(
                    "task {task} is polled, but it is not ready: it was not woken"
                ));
            }
        }
        Ok(())
    }

    fn pending(&mut self, task: u64, poll: u64, waits: &[Wait]) -> Checked {
        self.poll_ends(task, Some(poll))?;
        let timers = waits.iter().filter_map(|wait| match *wait {
            Wait::Timer(timer) => Some(timer),
            _ => None,
        });
        self.lives.entry(task).or_default().timers = timers.collect();
        Ok(())
    }

    /// The poll of this task, with this number, has ended.
    fn poll_ends(&mut self, task: u64, poll: Option<u64>) -> Checked {
        if self.running.take() != Some(task) {
            return Err(format!("the poll of task {task} ends, but it is not being polled"));
        }
        let polls = self.lives.get(&task).map_or(0, |life| life.polls);
        if poll.is_some_and(|poll| poll != polls) {
            return Err(format!("poll {polls} of task {task} ends under another number"));
        }
        Ok(())
    }

    fn end(&mut self, number: u64, task: u64, how: End, poll: Option<u64>) -> Checked {
        self.is_alive(task, "ends")?;
        match how {
            End::Drop => self.is_between_polls()?,
            _ => self.poll_ends(task, poll)?,
        }
        self.lives.entry(task).or_default().ended = Some(number);
        // The task's key may still be in the run queue, and will lead to no task.
        self.turn.retain(|&queued| queued != task);
        self.queue.retain(|&queued| queued != task);
        if self.root == Some(task) {
            self.root_has_ended();
        }
        Ok(())
    }

    /// The turn ends with the root. The tasks that it has not polled come first next time.
    fn root_has_ended(&mut self) {
        self.root = None;
        self.turn.append(&mut self.queue);
        std::mem::swap(&mut self.turn, &mut self.queue);
    }

    fn wake(&mut self, task: u64, again: bool) -> Checked {
        let Some(life) = self.lives.get_mut(&task) else {
            return Err(format!("task {task} is woken, but was never spawned"));
        };
        if life.ended.is_some() {
            return Ok(());
        }
        match (std::mem::replace(&mut life.is_queued, true), again) {
            (false, true) => {
                Err(format!("task {task} is woken as if it were ready, and it is not"))
            }
            (true, false) => Err(format!("task {task} is pushed to the run queue, in which it is")),
            (true, true) => Ok(()),
            (false, false) => {
                self.queue.push_back(task);
                Ok(())
            }
        }
    }

    fn join(&self, task: u64, target: u64) -> Checked {
        if self.running != Some(task) {
            return Err(format!("task {task} joins, but it is not being polled"));
        }
        match self.lives.contains_key(&target) {
            true => Ok(()),
            false => Err(format!("task {task} awaits task {target}, which was never spawned")),
        }
    }

    fn is_alive(&self, task: u64, verb: &str) -> Checked {
        match self.lives.get(&task) {
            None => Err(format!("task {task} {verb}, but was never spawned")),
            Some(Life { ended: Some(end), .. }) => {
                Err(format!("task {task} {verb}, though it has ended (event {end})"))
            }
            Some(_) => Ok(()),
        }
    }

    fn all_have_ended(&self) -> Checked {
        self.is_between_polls()?;
        let left = self.lives.iter().filter(|(_, life)| life.ended.is_none());
        match left.map(|(task, _)| task).min() {
            Some(task) => Err(format!("the loop has ended, and task {task} has not")),
            None => Ok(()),
        }
    }

    pub fn exists(&self, task: u64) -> bool {
        self.lives.contains_key(&task)
    }

    pub fn running(&self) -> Option<u64> {
        self.running
    }

    pub fn phase(&self) -> Option<Phase> {
        self.phase
    }

    pub fn has_root(&self) -> bool {
        self.root.is_some()
    }

    /// Whether the task will be polled, if it has not ended.
    pub fn is_ready_or_ended(&self, task: u64) -> bool {
        self.lives.get(&task).is_none_or(|life| life.is_queued || life.ended.is_some())
    }

    /// Whether the task has said that it waits for this timer.
    pub fn waits_for_timer(&self, task: u64, timer: u64) -> bool {
        self.lives.get(&task).is_some_and(|life| life.timers.contains(&timer))
    }
}
