//! What is asked of a Unix system.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// The processor time that this process has used, in all its threads.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Raises the limit of open files as far as it goes without asking anybody, and returns it.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // If it is refused, workloads with many connections say that they are left out.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(target_os = "linux")]
mod processor {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Keeps this thread, and all that it starts, on one processor.
    pub fn pin() {
        let allowed = sched_getaffinity(None).expect("the system tells the processors");
        let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu));
        let mut only = CpuSet::new();
        only.set(first.expect("this thread runs somewhere"));
        sched_setaffinity(None, &only).expect("one of the allowed processors is allowed");
    }

    /// The memory of this process that is resident, in bytes.
    pub fn resident() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok().map(|kibibytes: u64| kibibytes * 1024)
    }
}

#[cfg(not(target_os = "linux"))]
mod processor {
    /// Other systems have no portable way: the workload runs unpinned.
    pub fn pin() {}

    /// Other systems have no portable way: the figure is left out.
    pub fn resident() -> Option<u64> {
        None
    }
}

pub use processor::{pin, resident};
