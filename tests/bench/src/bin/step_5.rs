//! The workloads on the executor of step 5, whose timers lie in a sorted map.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::step_5::{Step5, all};

fn main() -> ExitCode {
    one_run::main(Step5::NAME, &all())
}
