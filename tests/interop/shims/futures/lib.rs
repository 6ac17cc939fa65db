//! futures, but its `block_on` and `block_on_stream` are glassloop's.

pub use ::executor;
pub use real::*;
