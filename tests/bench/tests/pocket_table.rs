//! The tables of the pocket executor in docs/performance.md hold the counts of
//! instructions.txt. The last cell of a row, why the two differ, is written by hand.
//! `GLASSLOOP_UPDATE_DOCS=1 cargo test -p glassloop-bench --test pocket_table -- --test-threads=1`
//! writes the other cells.

use std::fs;

const PAGE: &str = include_str!("../../../docs/performance.md");
const RECORD: &str = include_str!("../instructions.txt");

const ROWS: [&str; 8] = [
    "spawn_batch",
    "yield1",
    "yield1000",
    "ping_pong",
    "timer_cancel",
    "timer_cancel_all",
    "timer_fire",
    "echo_1",
];

const MAP_ROWS: [&str; 2] = ["timer_cancel", "timer_cancel_all"];

#[test]
fn the_table_of_the_pocket_executor_holds_what_was_counted() {
    let rows = ROWS.map(|workload| {
        let (ours, pocket) = (count(workload), count(&format!("pocket/{workload}")));
        let instructions = [whole(ours), whole(pocket), format!("{:.2}", pocket / ours)];
        let calls = ["", "pocket/"].map(|runtime| calls(&format!("{runtime}{workload}/calls")));
        row(workload, &[&instructions[..], &calls].concat())
    });
    stand_in(section("## The pocket executor", "### "), &rows);
}

#[test]
fn the_table_of_the_sorted_map_holds_what_was_counted() {
    let rows = MAP_ROWS.map(|workload| {
        let runtimes = ["step_5/", "pocket/", ""];
        row(workload, &runtimes.map(|runtime| whole(count(&format!("{runtime}{workload}")))))
    });
    stand_in(section("### The sorted map and the wheels", "## "), &rows);
}

/// The part of the page from a heading to the next one.
fn section(heading: &str, next: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n{heading}\n")).expect("the heading is there");
    rest.split(&format!("\n{next}")).next().unwrap_or_default()
}

/// Each row begins a line of the section, and it has no other rows.
fn stand_in(section: &str, rows: &[String]) {
    if std::env::var_os("GLASSLOOP_UPDATE_DOCS").is_some() {
        return write(section, rows);
    }
    let on_page: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let same = on_page.len() == rows.len()
        && on_page.iter().zip(rows).all(|(line, row)| line.starts_with(row.as_str()));
    assert!(
        same,
        "docs/performance.md does not say what tests/bench/instructions.txt says. Its rows must \
         begin with:\n{}\nand they are:\n{}",
        rows.join("\n"),
        on_page.join("\n")
    );
}

/// Puts the cells of a row in the place of as many cells.
fn write(section: &str, rows: &[String]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance.md");
    let mut page = fs::read_to_string(path).expect("the page is there");
    for (line, row) in section.lines().filter(|line| line.starts_with("| `")).zip(rows) {
        let by_hand: Vec<_> = line.split(" | ").skip(row.split(" | ").count()).collect();
        let by_hand =
            if by_hand.is_empty() { String::new() } else { format!(" {}", by_hand.join(" | ")) };
        page = page.replacen(line, &format!("{row}{by_hand}"), 1);
    }
    fs::write(path, page).expect("the page can be written");
}

fn row(workload: &str, cells: &[String]) -> String {
    format!("| `{workload}` | {} |", cells.join(" | "))
}

/// A number of the record.
fn count(name: &str) -> f64 {
    recorded(name).unwrap_or_else(|| panic!("instructions.txt has no {name}"))
}

fn recorded(name: &str) -> Option<f64> {
    let line = RECORD.lines().skip(1).find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line?.parse().ok()
}

/// "–" for what was not counted; thousandths only where there is nothing larger.
fn calls(name: &str) -> String {
    match recorded(name) {
        None => "–".into(),
        Some(0.0) => "0".into(),
        Some(number) if number < 0.5 => format!("{number:.3}"),
        Some(number) => format!("{number:.0}"),
    }
}

/// With a comma between thousands.
fn whole(number: f64) -> String {
    let number = number.round() as u64;
    match number {
        ..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}
