//! Copies of glassloop's own source, made by `build.rs`: `sound`, whose atomics, locks,
//! threads and channels are loom's, and one for each bug of `bugs.rs`.
//!
//! The models that run on them are in `tests/handshakes.rs`.

#![allow(warnings, reason = "the source is linted where it stands")]

pub mod stand_in;

include!(concat!(env!("OUT_DIR"), "/copies.rs"));
