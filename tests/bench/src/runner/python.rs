//! asyncio and uvloop, where there is a Python that has them.

use std::env;
use std::path::{Path, PathBuf};

use super::rounds::Runner;

/// The runtimes that the script knows.
pub const NAMES: [&str; 2] = ["asyncio", "uvloop"];

/// The script on one of them; `Err` says why it does not run.
pub fn runner(name: &'static str) -> Result<Runner, String> {
    let python = PathBuf::from(env::var("GLASSLOOP_BENCH_PYTHON").unwrap_or("python3".into()));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncio_workloads.py");
    let arguments = vec![script.to_string_lossy().into_owned(), name.into()];
    Runner::new(name, python, arguments)
}
