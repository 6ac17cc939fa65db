//! Nothing but a home for the tests: see `build.rs`.
