//! The cause of each wake and of each spawn. The loop does one thing after another, so
//! what it is doing must be the cause; and what should wake a task must have woken it.

use super::Checked;
use super::event::{Cause, Event, Phase, What};
use super::jobs::Jobs;
use super::tasks::Tasks;

#[derive(Default)]
pub struct Causes {
    /// What the loop is doing, if that can wake a task.
    at: Option<Cause>,
    /// The tasks that wait for what the loop is doing, and must be woken by it.
    owed: Vec<u64>,
    /// Which task has armed each timer.
    armed_by: std::collections::HashMap<u64, u64>,
}

impl Causes {
    pub fn see(&mut self, event: &Event, tasks: &Tasks, jobs: &mut Jobs) -> Checked {
        match event.what {
            What::Wake { task, by, .. } => {
                // A sleep may have moved to another task, and then wakes the other task.
                let is_by_timer = matches!(by, Cause::Timer(_)) && self.at == Some(by);
                self.owed.retain(|&owed| owed != task && !is_by_timer);
                return self.confirm(task, by, tasks, jobs);
            }
            What::Spawn { task, by: Cause::Start } => {
                let is_free = tasks.running().is_none() && !tasks.has_root();
                let text = || format!("task {task} is called a root, inside of a `block_on`");
                self.at = None;
                return is_free.then_some(()).ok_or_else(text);
            }
            What::Spawn { task, by } => return self.confirm(task, by, tasks, jobs),
            What::Arm { timer, task, .. } => {
                self.armed_by.extend(task.map(|task| (timer, task)));
                return self.is_done_by(task, tasks);
            }
            What::Watch { task, .. } | What::Job { task, .. } | What::Out { task } => {
                return self.is_done_by(task, tasks);
            }
            _ => {}
        }
        self.go_on(event, tasks)
    }

    /// A task acts only while it is polled, or dropped.
    fn is_done_by(&self, task: Option<u64>, tasks: &Tasks) -> Checked {
        let at = match self.at {
            Some(Cause::Task(task)) => Some(task),
            _ => None,
        };
        match task {
            Some(task) if at != Some(task) => {
                Err(format!("task {task} does this, and is neither polled nor dropped now"))
            }
            None if tasks.running().is_some() => Err("which task is polled meanwhile?".into()),
            _ => Ok(()),
        }
    }

    /// Checks the cause of a wake or a spawn.
    fn confirm(&self, task: u64, by: Cause, tasks: &Tasks, jobs: &mut Jobs) -> Checked {
        let is_so = match by {
            Cause::Task(_) | Cause::Timer(_) | Cause::Descriptor(_) => self.at == Some(by),
            Cause::Job(job) => tasks.running().is_none() && jobs.wakes(job, task),
            Cause::Thread => {
                let is_outside = !tasks.has_root() || tasks.phase() == Some(Phase::Io);
                tasks.running().is_none() && is_outside
            }
            Cause::Start => false,
        };
        let text = || match by {
            Cause::Task(other) => format!("task {other}, which is neither polled nor dropped now"),
            Cause::Timer(timer) => format!("timer {timer}, which has not just fired"),
            Cause::Descriptor(fd) => format!("descriptor {fd}, which was not just ready"),
            Cause::Job(job) => {
                format!("job {job}, which is not done, not its own, or was it before")
            }
            Cause::Thread => "another thread, in the midst of an act of the loop".into(),
            Cause::Start => "the start of the loop".into(),
        };
        is_so.then_some(()).ok_or_else(|| format!("the cause that task {task} has is {}", text()))
    }

    /// The loop does something else from now on.
    fn go_on(&mut self, event: &Event, tasks: &Tasks) -> Checked {
        let next = match event.what {
            What::Poll { task, .. } | What::End { task, .. } => Some(Cause::Task(task)),
            What::Fire { timer } => Some(Cause::Timer(timer)),
            What::FdReady { fd, .. } => Some(Cause::Descriptor(fd)),
            What::Pending { .. } | What::Phase(_) | What::Park { .. } | What::Unpark { .. } => None,
            What::LoopEnd => None,
            _ => return Ok(()),
        };
        let asleep = |task: &&u64| !tasks.is_ready_or_ended(**task);
        if let Some(task) = self.owed.iter().find(asleep) {
            let at = self.at.map_or(String::new(), |at| format!("{at:?}").to_lowercase());
            return Err(format!("task {task} waited for {at}, and was not woken by it"));
        }
        self.at = next;
        self.owed = self.owed_by(event, tasks);
        Ok(())
    }

    fn owed_by(&self, event: &Event, tasks: &Tasks) -> Vec<u64> {
        match event.what {
            What::FdReady { ref tasks, .. } => tasks.clone(),
            What::Fire { timer } => {
                let task = self.armed_by.get(&timer).copied();
                task.into_iter().filter(|&task| tasks.waits_for_timer(task, timer)).collect()
            }
            _ => Vec::new(),
        }
    }
}
