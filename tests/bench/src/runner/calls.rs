//! System calls per round trip of an echo over one connection, counted by strace.

use std::path::Path;
use std::process::Command;

use super::rounds::Runner;

const FEW: u64 = 1000;

/// What strace is told: all threads, a table at the end.
pub const ARGUMENTS: [&str; 4] = ["-f", "-c", "-U", "calls,name"];

/// Whether strace is there and may trace.
pub fn strace_works(program: &Path) -> bool {
    let output = Command::new("strace").args(ARGUMENTS).arg(program).output();
    output.is_ok_and(|output| total(&String::from_utf8_lossy(&output.stderr)).is_some())
}

/// How many one round trip takes; `None` where strace is missing or may not trace.
pub fn per_round_trip(runner: &Runner) -> Option<f64> {
    // The difference of two sizes: so the start and the connection drop out.
    let (few, many) = (count(runner, FEW)?, count(runner, 2 * FEW)?);
    Some((many - few) / FEW as f64)
}

fn count(runner: &Runner, operations: u64) -> Option<f64> {
    let output = Command::new("strace")
        .args(ARGUMENTS)
        .arg(&runner.program)
        .args(&runner.arguments)
        .args(["echo_1", "--exact", "--operations", &operations.to_string()])
        .output()
        .ok()?;
    total(&String::from_utf8_lossy(&output.stderr))
}

/// The last line of strace's table.
pub fn total(table: &str) -> Option<f64> {
    let last = table.lines().rev().find(|line| line.trim_end().ends_with("total"))?;
    last.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_the_number_before_the_word() {
        let table = "    calls syscall\n--------- -------\n     6000 read\n     6012 total\n";
        assert_eq!(total(table), Some(6012.0));
    }

    #[test]
    fn a_table_without_a_total_is_none() {
        assert_eq!(total("strace: attach: not permitted"), None);
    }
}
