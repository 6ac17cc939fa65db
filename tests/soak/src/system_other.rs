//! Where there is no `/proc`, nobody says. These counts are left out then.

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
