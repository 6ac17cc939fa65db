//! The limit of open files, where there is none that a program can ask for.

/// `None`: there is no limit.
pub fn raise(_wanted: u64) -> Option<u64> {
    None
}
