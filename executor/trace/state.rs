//! The state of the loop as it follows from the events so far: the names of the tasks, the
//! run queue, and how many timers are armed. The forms that show a state beside the events
//! use it.

use std::collections::{HashMap, VecDeque};

use super::event::TraceEvent;

/// The state after an event.
#[derive(Default)]
pub(super) struct TraceState {
    names: HashMap<u64, String>,
    run_queue: VecDeque<u64>,
    timers: usize,
    /// The task that ended last. Its end may wake other tasks, so its name is kept.
    ended_last: Option<u64>,
}

impl TraceState {
    /// Applies an event to the state.
    pub(super) fn apply(&mut self, event: &TraceEvent<'_>) {
        match *event {
            TraceEvent::Spawn { task, name, .. } => {
                let name = name.map_or_else(|| format!("task {task}"), str::to_owned);
                self.names.insert(task, name);
                self.run_queue.push_back(task);
            }
            TraceEvent::Wake { task, again: false } => self.run_queue.push_back(task),
            TraceEvent::Poll { task } => self.leave_run_queue(task),
            TraceEvent::Arm { .. } => self.timers += 1,
            TraceEvent::Fire { .. } | TraceEvent::Cancel { .. } => {
                self.timers = self.timers.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Forgets a task that has ended, after the event of its end was written.
    pub(super) fn forget_ended(&mut self, event: &TraceEvent<'_>) {
        if let TraceEvent::End { task, .. } = *event {
            // Its key may still be in the run queue, and leads to no task.
            self.leave_run_queue(task);
            if let Some(before) = self.ended_last.replace(task) {
                self.names.remove(&before);
            }
        }
    }

    fn leave_run_queue(&mut self, task: u64) {
        if let Some(place) = self.place_in_queue(task) {
            self.run_queue.remove(place - 1);
        }
    }

    /// The name of a task.
    pub(super) fn name(&self, task: u64) -> String {
        self.names.get(&task).cloned().unwrap_or_else(|| format!("task {task}"))
    }

    /// The place of a task in the run queue, from 1.
    pub(super) fn place_in_queue(&self, task: u64) -> Option<usize> {
        self.run_queue.iter().position(|&queued| queued == task).map(|index| index + 1)
    }

    /// The length of the run queue, and how many timers are armed.
    pub(super) fn counts(&self) -> [usize; 2] {
        [self.run_queue.len(), self.timers]
    }
}
