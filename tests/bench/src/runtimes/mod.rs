//! The runtimes, each in its own words; and the floor, which is none.

pub mod glassloop;
pub mod floor;

#[cfg(feature = "tokio")]
pub mod tokio;
