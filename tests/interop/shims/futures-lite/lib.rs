//! futures-lite, but its `block_on` is glassloop's.

pub use real::*;

/// futures-lite's `future`, but for `block_on`.
pub mod future {
    pub use real::future::*;
    pub use watched::block_on;
}
