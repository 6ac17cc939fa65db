//! The workloads on glassloop.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::glassloop::{Glassloop, all};

fn main() -> ExitCode {
    one_run::main(Glassloop::NAME, &all())
}
