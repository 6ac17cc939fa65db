//! The workloads on compio.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::compio::{Compio, all};

fn main() -> ExitCode {
    one_run::main(Compio::NAME, &all())
}
