//! Promises that are tried on each step and on glassloop.

pub mod promises;
pub mod subject;
