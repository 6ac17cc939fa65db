//! The workloads on tokio.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::tokio::{Tokio, all};

fn main() -> ExitCode {
    one_run::main(Tokio::NAME, &all())
}
