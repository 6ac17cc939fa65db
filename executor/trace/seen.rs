//! What those who read a trace know after each event: the names of the tasks, and who
//! stands in the ready queue. For the forms that show a state and not only what happened.

use std::collections::{HashMap, VecDeque};

use super::event::TraceEvent;

/// The tasks, as far as the events tell.
#[derive(Default)]
pub(super) struct Seen {
    names: HashMap<u64, String>,
    queue: VecDeque<u64>,
    timers: usize,
    /// The task that ended last: its end may be why others wake, so its name is kept.
    ended_last: Option<u64>,
}

impl Seen {
    /// Takes an event into account.
    pub(super) fn see(&mut self, event: &TraceEvent<'_>) {
        match *event {
            TraceEvent::Spawn { task, name, .. } => {
                let name = name.map_or_else(|| format!("task {task}"), str::to_owned);
                self.names.insert(task, name);
                self.queue.push_back(task);
            }
            TraceEvent::Wake { task, again: false } => self.queue.push_back(task),
            TraceEvent::Poll { task } => self.leave_queue(task),
            TraceEvent::Arm { .. } => self.timers += 1,
            TraceEvent::Fire { .. } | TraceEvent::Cancel { .. } => {
                self.timers = self.timers.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Forgets a task that has ended; after the event that said so was written.
    pub(super) fn forget_ended(&mut self, event: &TraceEvent<'_>) {
        if let TraceEvent::End { task, .. } = *event {
            // Its name may stand in the queue still, and will lead to nobody.
            self.leave_queue(task);
            if let Some(before) = self.ended_last.replace(task) {
                self.names.remove(&before);
            }
        }
    }

    fn leave_queue(&mut self, task: u64) {
        if let Some(place) = self.queue.iter().position(|&queued| queued == task) {
            self.queue.remove(place);
        }
    }

    /// What a task is called.
    pub(super) fn name(&self, task: u64) -> String {
        self.names.get(&task).cloned().unwrap_or_else(|| format!("task {task}"))
    }

    /// Where a task stands in the ready queue, from 1.
    pub(super) fn place_in_queue(&self, task: u64) -> Option<usize> {
        self.queue.iter().position(|&queued| queued == task).map(|index| index + 1)
    }

    pub(super) fn queue_len(&self) -> usize {
        self.queue.len()
    }

    /// How many timers are armed.
    pub(super) fn timers(&self) -> usize {
        self.timers
    }
}
