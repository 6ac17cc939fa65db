//! A workload: a name, a size, and a function for one runtime.

use std::path::PathBuf;

use crate::meter::Meter;

/// One row of the tables.
#[derive(Clone)]
pub struct Workload {
    pub name: &'static str,
    /// How many operations one run does, when nothing else is asked for.
    pub operations: u64,
    /// How many tasks, connections … it is done with.
    pub scale: u64,
    /// Whether it runs on one processor, so that two threads must take turns.
    pub pinned: bool,
    /// Whether one run is the whole measurement; the others are repeated until enough
    /// time was measured.
    pub once: bool,
    /// Does it once, and panics if the result is not what it must be.
    pub run: fn(&Job),
}

/// What one run of a workload is told, and where it leaves what it measured.
pub struct Job {
    pub operations: u64,
    pub scale: u64,
    /// The folder of the files that are read.
    pub data: PathBuf,
    pub meter: Meter,
}

impl Workload {
    pub const fn new(name: &'static str, operations: u64, run: fn(&Job)) -> Self {
        Self { name, operations, scale: 1, pinned: false, once: false, run }
    }

    pub const fn scale(mut self, scale: u64) -> Self {
        self.scale = scale;
        self
    }

    pub const fn pinned(mut self) -> Self {
        self.pinned = true;
        self
    }

    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }
}
