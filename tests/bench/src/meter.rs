//! The meter: processor time and wall time between two moments, and what else was seen.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::system;

/// A span in both clocks.
#[derive(Clone, Copy, Default, Debug)]
pub struct Span {
    /// Processor time, user and system, of all threads of this process.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
}

/// Measures one run of a workload.
#[derive(Default)]
pub struct Meter {
    began: Cell<Option<(Duration, Instant)>>,
    measured: Cell<Span>,
    figures: RefCell<Vec<(&'static str, f64)>>,
}

impl Meter {
    /// Measures from here on; what was measured before is forgotten. A workload calls it
    /// after its preparations.
    pub fn start(&self) {
        self.measured.set(Span::default());
        self.began.set(Some((system::cpu_time(), Instant::now())));
    }

    /// Measures no further. A workload calls it before it tears down.
    pub fn stop(&self) {
        let Some((cpu, wall)) = self.began.take() else { return };
        self.measured.set(Span { cpu: system::cpu_time() - cpu, wall: wall.elapsed() });
    }

    /// What was measured.
    pub fn span(&self) -> Span {
        self.measured.get()
    }

    /// Notes a result other than time.
    pub fn note(&self, name: &'static str, value: f64) {
        self.figures.borrow_mut().push((name, value));
    }

    /// The results other than time, in the order in which they were noted.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        self.figures.borrow().clone()
    }
}
