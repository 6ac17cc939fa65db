//! Empty: this package only has tests. See `build.rs`.
