//! The workloads on smol.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::smol::{Smol, all};

fn main() -> ExitCode {
    one_run::main(Smol::NAME, &all())
}
