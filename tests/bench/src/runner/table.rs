//! What is printed: processor time as a multiple of tokio's, and the other figures.

use super::figures::Measurement;
use super::peers::OURS;
use super::result::Outcome;
use super::rounds::{Rounds, Runner};
use super::rows;

/// One line for each runtime that took part.
pub fn print_ratios(workload: &str, rounds: &Rounds, runners: &[Runner]) {
    println!("{workload}");
    for name in runners.iter().map(|runner| runner.name) {
        let Some(cpu) = rounds.values(name, Outcome::cpu) else { continue };
        let Some(wall) = rounds.values(name, Outcome::wall) else { continue };
        print!("  {name:13}{:>12} cpu{:>12} wall", time(cpu.median), time(wall.median));
        if let Some(ratio) = rounds.ratio(name) {
            print!("   {:.2} ({:.2}–{:.2})", ratio.median, ratio.lower, ratio.upper);
            let target = rows::find(workload).and_then(|row| row.target);
            if let Some(target) = target.filter(|_| name == OURS) {
                print!("  {}", verdict(ratio.median, target, 2));
            }
        }
        println!();
    }
}

/// One line for each runtime that took part.
pub fn print_figures(measurement: &Measurement, rounds: &Rounds, runners: &[Runner]) {
    println!("{}", measurement.title);
    for name in runners.iter().map(|runner| runner.name) {
        let mut line = String::new();
        for figure in measurement.figures {
            let spread = rounds.values(name, |outcome| outcome.get(figure.name));
            let Some(spread) = spread else { continue };
            line += &format!("  {:>10.*} {}", figure.digits, spread.median, figure.title);
            let target = figure.target.filter(|_| name == OURS);
            let verdict = target.map(|target| verdict(spread.median, target, figure.digits));
            line += &verdict.map_or(String::new(), |verdict| format!(" ({verdict})"));
        }
        if !line.is_empty() {
            println!("  {name:13}{line}");
        }
    }
}

/// Whether the target is met, and what it is.
pub fn verdict(value: f64, target: f64, digits: usize) -> String {
    // As the reader sees it: both with the same digits.
    let shown = |number: f64| (number * 10_f64.powi(digits as i32)).round();
    let met = shown(value) <= shown(target);
    format!("≤ {target:.digits$} {}", if met { "met" } else { "NOT met" })
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
        assert_eq!(verdict(0.204, 0.2, 2), "≤ 0.20 met");
        assert_eq!(verdict(0.206, 0.2, 2), "≤ 0.20 NOT met");
    }

    #[test]
    fn times_are_told_in_the_unit_that_reads_well() {
        assert_eq!([time(12.34), time(2500.0), time(3e9)], ["12.3 ns", "2.50 µs", "3.00 s"]);
    }
}
