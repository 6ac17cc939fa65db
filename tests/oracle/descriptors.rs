//! The descriptors that the loop waits for, and the events that the system's poller (epoll
//! on Linux, kqueue on macOS, IOCP on Windows) has reported.

use std::collections::HashMap;

use super::Checked;
use super::event::{Event, What};
use super::tasks::Tasks;

#[derive(Default)]
pub struct Descriptors {
    /// The interest in each descriptor: `r`, `w` or `rw`.
    wanted: HashMap<u64, String>,
}

impl Descriptors {
    pub fn see(&mut self, event: &Event, tasks: &Tasks) -> Checked {
        match &event.what {
            What::Watch { fd, want, .. } => self.watch(*fd, want),
            What::Unwatch { fd } => match self.wanted.remove(fd) {
                Some(_) => Ok(()),
                None => Err(format!("descriptor {fd} is unwatched, but was not watched")),
            },
            What::FdReady { fd, got, tasks: waited } => self.ready(*fd, got, waited, tasks),
            _ => Ok(()),
        }
    }

    fn watch(&mut self, fd: u64, want: &str) -> Checked {
        if !["r", "w", "rw"].contains(&want) {
            return Err(format!("descriptor {fd} cannot be watched for {want:?}"));
        }
        match self.wanted.insert(fd, want.to_owned()) {
            Some(old) if old == want => {
                Err(format!("descriptor {fd} is watched for {want:?}, as it was before"))
            }
            _ => Ok(()),
        }
    }

    /// When its peer has hung up, a descriptor may be reported for more than its interest; and
    /// once also without any interest, but then no task waits.
    fn ready(&self, fd: u64, got: &str, waited: &[u64], tasks: &Tasks) -> Checked {
        let wanted = self.wanted.get(&fd).map_or("", String::as_str);
        let is_wanted = got.chars().any(|direction| wanted.contains(direction));
        if let (false, Some(task)) = (is_wanted, waited.first()) {
            return Err(format!(
                "descriptor {fd} is ready ({got}) for task {task}, and was watched for {wanted:?}"
            ));
        }
        match waited.iter().find(|task| !tasks.exists(**task)) {
            Some(task) => Err(format!("task {task} waits for it, which was never spawned")),
            None => Ok(()),
        }
    }

    pub fn is_watched(&self, fd: u64) -> bool {
        self.wanted.contains_key(&fd)
    }
}
