//! The workloads on monoio with epoll.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtimes::monoio::{Driver, all};
use monoio::LegacyDriver;

fn main() -> ExitCode {
    one_run::main(LegacyDriver::NAME, &all::<LegacyDriver>())
}
