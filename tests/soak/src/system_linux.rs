//! What Linux says of this process, in `/proc`.

use std::fs;

/// The memory that the process has, in bytes.
pub fn resident() -> Option<u64> {
    in_status("VmRSS:").map(|kibibytes| kibibytes * 1024)
}

/// The most that it ever had.
pub fn most_resident() -> Option<u64> {
    in_status("VmHWM:").map(|kibibytes| kibibytes * 1024)
}

pub fn threads() -> Option<u64> {
    Some(fs::read_dir("/proc/self/task").ok()?.count() as u64)
}

/// The open descriptors, without the one that is open in order to count them.
pub fn descriptors() -> Option<u64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64 - 1)
}

fn in_status(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
