//! Several as one: [`join_all()`] runs futures together inside one task;
//! [`TaskGroup`] holds tasks together that run by themselves.

mod join_all;
mod group;

pub use group::TaskGroup;
pub use join_all::{JoinAll, join_all};
