//! futures-test, but what `#[futures_test::test]` runs, it runs on glassloop.

pub use real::*;

/// What `#[futures_test::test]` expands to.
#[doc(hidden)]
pub mod __private {
    pub use real::__private::*;
    pub use watched::block_on;
}
