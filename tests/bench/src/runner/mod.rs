//! The runner: builds the programs, runs them in turn, and tells what came out.
//!
//! Reading order: which runtimes there are ([`peers`]), which rows ([`rows`]), how the
//! programs come into being ([`build`]), how they take turns ([`rounds`]), and what is
//! made of the results.

pub mod peers;
pub mod rows;
pub mod build;
pub mod result;
pub mod rounds;
pub mod options;
pub mod table;
