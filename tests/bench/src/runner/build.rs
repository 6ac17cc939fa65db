//! Builds the program of a runtime.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::peers::Peer;

/// A program that is there, or why it is not.
pub type Built = Result<PathBuf, String>;

/// Builds it as anybody's release build would be, and says where it lies.
pub fn build(peer: Peer) -> Built {
    let program = format!("bench-{}", peer.name);
    eprintln!("building {program}");
    let cargo = env::var("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--release", "--package", "glassloop-bench"]);
    command.args(["--bin", &program]);
    command.args(peer.feature.iter().flat_map(|feature| ["--features", feature]));
    let output = command.output().map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(reason(&String::from_utf8_lossy(&output.stderr)));
    }
    // The runner lies beside the programs that it runs.
    let runner = env::current_exe().map_err(|error| error.to_string())?;
    Ok(runner.with_file_name(program).with_extension(env::consts::EXE_EXTENSION))
}

/// The line of the compiler's text that says what is wrong.
fn reason(text: &str) -> String {
    let telling = text.lines().find(|line| line.starts_with("error"));
    format!("does not build here ({})", telling.unwrap_or("no reason given"))
}
