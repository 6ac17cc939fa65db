//! The workloads on futures.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::futures::{Futures, all};

fn main() -> ExitCode {
    one_run::main(Futures::NAME, &all())
}
