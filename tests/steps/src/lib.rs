//! Shows what a step of `examples/steps/` adds to the step before, item by item: which
//! functions, types and methods are new, which have changed, and where. A difference of lines,
//! as `diff` makes it, would show the same lines in the order of the file, cut in the middle of
//! functions.
//!
//! ```text
//! cargo run -p glassloop-steps -- 3      # from step 2 to step 3
//! ```
//!
//! The modules in reading order:

pub mod items;
pub mod names;
pub mod uses;
pub mod flaw;
pub mod folder;
pub mod paint;
pub mod page;
pub mod difference;
pub mod list;
pub mod command;
