//! The table that is printed: processor time as a multiple of tokio's.

use super::peers::OURS;
use super::result::Outcome;
use super::rounds::Rounds;
use super::rows;

/// One line for each runtime that took part.
pub fn print(workload: &str, rounds: &Rounds, runtimes: &[&str]) {
    println!("{workload}");
    for runtime in runtimes {
        let Some(cpu) = rounds.values(runtime, Outcome::cpu) else { continue };
        let Some(wall) = rounds.values(runtime, Outcome::wall) else { continue };
        print!("  {runtime:13}{:>12} cpu{:>12} wall", time(cpu.median), time(wall.median));
        if let Some(ratio) = rounds.ratio(runtime, Outcome::cpu) {
            print!("   {:.2} ({:.2}–{:.2})", ratio.median, ratio.lower, ratio.upper);
            let target = rows::find(workload).filter(|_| *runtime == OURS);
            target.inspect(|row| print!("  {}", verdict(ratio.median, row.target)));
        }
        println!();
    }
}

/// Whether the target is met, and what it is.
pub fn verdict(ratio: f64, target: f64) -> String {
    // As the reader sees it: both with two digits.
    let met = (ratio * 100.0).round() <= (target * 100.0).round();
    format!("≤ {target:.2} {}", if met { "met" } else { "NOT met" })
}

/// Nanoseconds in a unit that reads well.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::{time, verdict};

    #[test]
    fn a_target_is_met_up_to_the_digits_that_are_shown() {
        assert_eq!(verdict(0.204, 0.2), "≤ 0.20 met");
        assert_eq!(verdict(0.206, 0.2), "≤ 0.20 NOT met");
    }

    #[test]
    fn times_are_told_in_the_unit_that_reads_well() {
        assert_eq!([time(12.34), time(2500.0), time(3e9)], ["12.3 ns", "2.50 µs", "3.00 s"]);
    }
}
