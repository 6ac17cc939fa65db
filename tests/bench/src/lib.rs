//! The same work on every runtime, measured. README.md tells how to run it.
//!
//! In reading order:
//!
//! | module | question |
//! |---|---|
//! | [`runtime`] | what must a runtime be able to do? |
//! | [`parts`] | what do the workloads need that no runtime should bring? |
//! | [`meter`] | what is measured, from when to when? |
//! | [`heap`] | how much memory? |
//! | [`data`] | which files are read? |
//! | [`workload`], [`workloads`] | what is done? |
//! | [`runtimes`] | how does each runtime do it? |
//! | [`one_run`] | one program: one runtime, one workload, one line of result |
//! | [`statistics`], [`runner`] | all programs in turn, and what is made of it |
//!
//! A runtime is a type, and the workloads are generic over it: each runs the very same
//! source, compiled for it. A runtime without timers or sockets does not implement that
//! trait, and then those workloads do not exist for it.

pub mod runtime;
pub mod parts;
pub mod meter;
pub mod heap;
pub mod data;
pub mod workload;
pub mod workloads;
pub mod runtimes;
pub mod one_run;
pub mod statistics;
pub mod runner;

#[cfg_attr(unix, path = "system_unix.rs")]
#[cfg_attr(not(unix), path = "system_other.rs")]
pub mod system;
