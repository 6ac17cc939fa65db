//! The page: docs/benchmarks.md, and the plots beside it.

use std::fs;
use std::io;
use std::path::Path;

use super::figures::{Figure, Measurement};
use super::peers::{OURS, UNIT};
use super::plots::{bars, curves};
use super::report::Report;
use super::result::Outcome;
use super::rounds::Rounds;
use super::scales::Scale;
use super::table::{time, verdict};

/// What was found unfair in the workloads, and what was done about it: written by hand.
const FAIRNESS: &str = include_str!("fairness.md");

/// Writes benchmarks.md into the folder, and the plots into benchmarks/ beneath it.
pub fn write(report: &Report, folder: &Path) -> io::Result<()> {
    let plots = folder.join("benchmarks");
    fs::create_dir_all(&plots)?;
    fs::write(folder.join("benchmarks.md"), page(report))?;
    fs::write(plots.join("ratios.svg"), bars::draw(report))?;
    for (scale, points) in &report.scales {
        fs::write(plots.join(scale.plot), curves::draw(scale, points, &report.runtimes))?;
    }
    Ok(())
}

fn page(report: &Report) -> String {
    [
        introduction(report),
        ratios(report),
        FAIRNESS.into(),
        figures(report),
        calls(report),
        scales(report),
        left_out(report),
    ]
    .concat()
}

fn introduction(report: &Report) -> String {
    let machine = &report.machine;
    let trial = match report.divide {
        1 => String::new(),
        n => format!("**A trial with 1/{n} of the operations: the numbers mean nothing.**\n\n"),
    };
    format!(
        "# Benchmarks\n\n{trial}\
The same work on glassloop, on its peers and on no runtime at all (*floor*), as a multiple of\n\
the processor time that tokio's current-thread runtime takes for it. Below 1 is faster than\n\
tokio. `cargo run --release -p glassloop-bench` repeats it and writes this page;\n\
[tests/bench](../tests/bench/README.md) holds the code, and says what each runtime is given.\n\n\
- **Machine:** {} processors ({}), {}, {}.\n\
- **Compiler:** {}, the `release` profile as it is. **Date:** {}.\n\
- **Versions:** {}.\n\
- **Method:** {} rounds in which all take turns; processor time of the whole process, all its\n\
  threads; a ratio is taken within a round. A cell shows the median of the rounds; after it,\n\
  for glassloop, the quartiles. A margin under 5 % is no evidence, and a target that is\n\
  not met says so.\n\n",
        machine.processors,
        machine.processor,
        machine.memory,
        machine.system,
        machine.compiler,
        machine.date,
        machine.versions.join(", "),
        report.rounds,
    )
}

fn ratios(report: &Report) -> String {
    if report.rows.is_empty() {
        return String::new();
    }
    let others: Vec<_> =
        report.runtimes.iter().filter(|name| ![OURS, UNIT].contains(name)).collect();
    let mut text = String::from(
        "## Processor time as a multiple of tokio's\n\n\
         ![Ratios by workload](benchmarks/ratios.svg)\n\n| workload | glassloop | target |",
    );
    others.iter().for_each(|name| text += &format!(" {name} |"));
    text += " tokio, one operation |\n|---|---|---|";
    text += &"---|".repeat(others.len() + 1);
    for (row, rounds) in &report.rows {
        text += &format!("\n| `{}`: {} |", row.workload, row.what);
        text += &ours(rounds, row.target);
        for name in &others {
            let ratio = rounds.ratio(name).map(|ratio| short(ratio.median));
            text += &format!(" {} |", ratio.unwrap_or("–".into()));
        }
        let unit = rounds.values(UNIT, Outcome::cpu).map(|spread| time(spread.median));
        text += &format!(" {} |", unit.unwrap_or("–".into()));
    }
    text + "\n\nasyncio and uvloop do fewer operations, of the same kind. *floor* and monoio-epoll read \
            files on the loop's own thread, which stands still meanwhile. monoio runs a task that woke itself before \
            all others: its 1,000 yielding tasks do not take turns, and beside busy tasks a short \
            one waits until they end.\n\n"
}

/// Two cells.
fn ours(rounds: &Rounds, target: Option<f64>) -> String {
    let Some(ratio) = rounds.ratio(OURS) else { return " – | – |".into() };
    let (lower, upper) = (short(ratio.lower), short(ratio.upper));
    let verdict = target.map(|target| verdict(ratio.median, target, 2));
    let verdict = verdict.unwrap_or("–".into()).replace("NOT met", "**not met**");
    format!(" **{}** ({lower}–{upper}) | {verdict} |", short(ratio.median))
}

/// Two digits where they tell something.
fn short(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") }
}

fn figures(report: &Report) -> String {
    let mut text = String::new();
    for (measurement, rounds) in &report.figures {
        let table = figure_table(measurement, rounds, &report.runtimes);
        text += &format!("### {}\n\n{table}\n", measurement.title);
    }
    if text.is_empty() { text } else { format!("## Memory, lateness, fairness\n\n{text}") }
}

fn figure_table(measurement: &Measurement, rounds: &Rounds, runtimes: &[&str]) -> String {
    let titles: Vec<_> = measurement.figures.iter().map(|figure| figure.title).collect();
    let mut text = format!("| | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    for runtime in runtimes {
        let cells: Vec<_> =
            measurement.figures.iter().map(|figure| cell(figure, rounds, runtime)).collect();
        if cells.iter().any(|cell| cell != "–") {
            text += &format!("| {runtime} | {} |\n", cells.join(" | "));
        }
    }
    text
}

fn cell(figure: &Figure, rounds: &Rounds, runtime: &str) -> String {
    let spread = rounds.values(runtime, |outcome| outcome.get(figure.name));
    let Some(spread) = spread else { return "–".into() };
    let shown = format!("{:.*}", figure.digits, spread.median);
    match figure.target.filter(|_| runtime == OURS) {
        Some(target) => {
            let verdict = verdict(spread.median, target, figure.digits);
            format!("{shown} ({})", verdict.replace("NOT met", "**not met**"))
        }
        None => shown,
    }
}

fn calls(report: &Report) -> String {
    if report.calls.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## System calls per round trip\n\nEcho over one connection, both ends on the loop, \
         counted by strace.\n\n| | calls |\n|---|---|\n",
    );
    for (runtime, calls) in &report.calls {
        text += &format!("| {runtime} | {calls:.1} |\n");
    }
    text + "\n"
}

fn scales(report: &Report) -> String {
    let mut text = String::new();
    for (scale, points) in &report.scales {
        text += &format!("### {}\n\n![{0}](benchmarks/{})\n\n", scale.title, scale.plot);
        text += &scale_table(scale, points, &report.runtimes);
    }
    if text.is_empty() { text } else { format!("## Cost against scale\n\n{text}") }
}

fn scale_table(scale: &Scale, points: &[(u64, Rounds)], runtimes: &[&str]) -> String {
    let numbers: Vec<_> = points.iter().map(|(number, _)| number.to_string()).collect();
    let head = format!("`{}`", scale.workload);
    let mut text =
        format!("| {head} | {} |\n|---|{}\n", numbers.join(" | "), "---|".repeat(points.len()));
    for runtime in runtimes {
        let costs = points.iter().map(|(_, rounds)| rounds.values(runtime, Outcome::cpu));
        let cells: Vec<_> =
            costs.map(|cost| cost.map_or("–".into(), |cost| time(cost.median))).collect();
        if cells.iter().any(|cell| cell != "–") {
            text += &format!("| {runtime} | {} |\n", cells.join(" | "));
        }
    }
    text + "\n"
}

fn left_out(report: &Report) -> String {
    if report.left_out.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = report.left_out.iter().map(|line| format!("- {line}\n")).collect();
    format!("## Left out\n\n{}", lines.concat())
}
