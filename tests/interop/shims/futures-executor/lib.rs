//! futures-executor, but its `block_on` and `block_on_stream` are glassloop's.

pub use real::*;
pub use watched::{BlockingStream, block_on, block_on_stream};
