//! The limit of open files, on Unix.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to `wanted`, or as far as the system allows without asking anybody.
/// Returns the limit; `None` if there is none.
pub fn raise(wanted: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let goal = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if limit.current.is_some_and(|now| now < goal) {
        // If it is refused, there are fewer connections: they are counted below.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(goal), ..limit });
    }
    getrlimit(Resource::Nofile).current
}
