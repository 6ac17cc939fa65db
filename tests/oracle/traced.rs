//! Loops that are traced: what they do, as the text of their trace.

use std::fs;
use std::path::Path;

use glassloop::{Builder, Executor};

/// Gives `program` a loop that is traced, ends the loop, and returns the trace.
pub fn trace_of(builder: Builder, program: impl FnOnce(&Executor)) -> String {
    let folder = tempfile::tempdir().expect("a folder for the trace");
    let path = folder.path().join("trace.jsonl");
    let executor = builder.trace(&path).build().expect("the trace can be written");
    program(&executor);
    drop(executor);
    read(&path)
}

pub fn real() -> Builder {
    Executor::builder().real_time()
}

pub fn virtual_time() -> Builder {
    Executor::builder().virtual_time()
}

/// The text of a trace.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Checks that the loop of this trace keeps all rules.
#[track_caller]
pub fn expect_good(trace: &str) -> super::Account {
    super::check(trace).unwrap_or_else(|complaint| panic!("{complaint}"))
}
