//! The workloads on the pocket executor, the last of the steps.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::pocket::{Pocket, all};

fn main() -> ExitCode {
    one_run::main(Pocket::NAME, &all())
}
