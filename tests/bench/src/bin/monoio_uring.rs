//! The workloads on monoio with io_uring.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtimes::monoio::{Driver, all};
use monoio::IoUringDriver;

fn main() -> ExitCode {
    one_run::main(IoUringDriver::NAME, &all::<IoUringDriver>())
}
