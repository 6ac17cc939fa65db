//! The jobs of the blocking pool.

use std::collections::HashMap;

use super::Checked;
use super::event::{Event, What};

#[derive(Default)]
pub struct Jobs {
    jobs: HashMap<u64, Job>,
    /// How many jobs are not done.
    out: usize,
    /// The pool may have something to do: it got a job after the last jump of the virtual
    /// clock, which jumps only when the pool is idle.
    may_be_busy: bool,
}

struct Job {
    task: Option<u64>,
    is_done: bool,
    /// The job was the cause of a wake.
    has_woken: bool,
}

impl Jobs {
    pub fn see(&mut self, event: &Event) -> Checked {
        match event.what {
            What::Job { job, task } => {
                self.out += 1;
                self.may_be_busy = true;
                let job_of = Job { task, is_done: false, has_woken: false };
                match self.jobs.insert(job, job_of) {
                    None => Ok(()),
                    Some(_) => Err(format!("job {job} is handed out a second time")),
                }
            }
            What::JobDone { job } => self.done(job),
            What::Poll { task, .. } => {
                // A job that has not woken its task by now is not awaited any more.
                let own = self.jobs.values_mut().filter(|job| job.task == Some(task));
                own.for_each(|job| job.has_woken |= job.is_done);
                Ok(())
            }
            What::Unpark { ref why } if why == "timeout" && self.out == 0 => {
                self.may_be_busy = false;
                Ok(())
            }
            What::LoopEnd => match self.jobs.iter().find(|(_, job)| !job.is_done) {
                Some((job, _)) => Err(format!("the loop has ended before job {job} was done")),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn done(&mut self, number: u64) -> Checked {
        let job = self.jobs.get_mut(&number);
        let job = job.ok_or_else(|| format!("job {number} is done, but was never handed out"))?;
        if std::mem::replace(&mut job.is_done, true) {
            return Err(format!("job {number} is done a second time"));
        }
        self.out -= 1;
        Ok(())
    }

    /// Whether this job may just have woken this task. A job does so once.
    pub fn wakes(&mut self, job: u64, task: u64) -> bool {
        let Some(job) = self.jobs.get_mut(&job) else { return false };
        let is_its_own = job.task == Some(task) && job.is_done;
        is_its_own && !std::mem::replace(&mut job.has_woken, true)
    }

    pub fn exists(&self, job: u64) -> bool {
        self.jobs.contains_key(&job)
    }

    pub fn are_out(&self) -> bool {
        self.out > 0
    }

    pub fn may_be_busy(&self) -> bool {
        self.may_be_busy
    }
}
