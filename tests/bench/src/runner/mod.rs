//! The runner: builds the programs, runs them in turn, and tells what came out.
//!
//! | module | question |
//! |---|---|
//! | [`options`] | what was asked for? |
//! | [`peers`] | which runtimes are there? |
//! | [`rows`], [`figures`], [`scales`] | what is measured? |
//! | [`build`], [`python`] | how does a program come into being? |
//! | [`result`], [`rounds`] | how do they take turns, and what did each say? |
//! | [`calls`], [`machine`] | how many system calls; on which machine? |
//! | [`report`] | all of it together |
//! | [`table`], [`page`], [`plots`] | how is it shown? |

pub mod options;
pub mod peers;
pub mod rows;
pub mod figures;
pub mod scales;
pub mod build;
pub mod python;
pub mod result;
pub mod rounds;
pub mod calls;
pub mod machine;
pub mod report;
pub mod table;
pub mod page;
pub mod plots;
