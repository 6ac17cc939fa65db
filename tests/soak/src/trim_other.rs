//! Another allocator than GNU's has no way to be asked for what it keeps.

/// Gives the system back what is free. Says whether that was possible.
pub fn trim() -> bool {
    false
}
