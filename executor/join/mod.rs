//! Several as one: [`join_all()`] runs several futures inside one task; a [`TaskGroup`]
//! holds several tasks together, each of which has its own place in the loop.

mod woken_list;
mod join_all;
mod group;

pub use group::TaskGroup;
pub use join_all::{JoinAll, join_all};
