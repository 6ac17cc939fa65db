//! Without `/proc`, these numbers are not known, and the counts are left out.

pub fn resident() -> Option<u64> {
    None
}

pub fn most_resident() -> Option<u64> {
    None
}

pub fn threads() -> Option<u64> {
    None
}

pub fn descriptors() -> Option<u64> {
    None
}
