//! The published test suite of futures, on glassloop's `block_on`.

#![allow(warnings, clippy::all, reason = "these files are not ours to edit")]

include!(concat!(env!("OUT_DIR"), "/futures.rs"));
