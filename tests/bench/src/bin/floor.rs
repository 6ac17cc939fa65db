//! The workloads on nothing.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtimes::floor;

fn main() -> ExitCode {
    one_run::main(floor::NAME, &floor::all())
}
