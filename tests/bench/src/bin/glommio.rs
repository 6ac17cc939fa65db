//! The workloads on glommio.

use std::process::ExitCode;

use glassloop_bench::one_run;
use glassloop_bench::runtime::Runtime;
use glassloop_bench::runtimes::glommio::{Glommio, all};

fn main() -> ExitCode {
    one_run::main(Glommio::NAME, &all())
}
