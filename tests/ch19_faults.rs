//! The page `docs/faults.md`: forty faults, each with a test that exists, or with the reason
//! why there is no test.

use std::fs;
use std::path::{Path, PathBuf};

/// A row of the page: its cells are number, fault, what you get, tests.
struct Row {
    cells: Vec<String>,
}

impl Row {
    /// `None` for what comes in addition to the forty.
    fn number(&self) -> Option<usize> {
        self.cells[0].parse().ok()
    }

    /// The names in the last cell, as in `ch07_sockets::a_connect_to_nobody_is_refused`.
    fn tests(&self) -> Vec<&str> {
        let parts = self.cells[3].split('`').skip(1).step_by(2);
        parts.collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/faults.md")).expect("the page");
    let lines = page.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let rows = lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect());
    let is_row = |cells: &Vec<String>| cells[1] != "fault" && cells[1] != "---";
    rows.filter(is_row).map(|cells| Row { cells }).collect()
}

/// The names of the tests in a file of `tests/`; or, as in `link_checker/hostile` and
/// `interop/web_and_db`, in one of another package.
fn tests_in(file: &str) -> Vec<String> {
    let path = match file.split_once('/') {
        None => root().join("tests").join(file),
        Some(("interop", file)) => root().join("tests/interop/tests").join(file),
        Some((package, file)) => root().join("examples").join(package).join("tests").join(file),
    };
    let path = path.with_extension("rs");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("the page names tests in {}: {error}", path.display());
    });
    let after_marks = text.split("#[test]").skip(1);
    // An attribute like `#[cfg(unix)]` may come in between.
    let name = |rest: &str| Some(rest.split_once("fn ")?.1.split_once('(')?.0.to_owned());
    after_marks.filter_map(name).collect()
}

#[test]
fn forty_faults_stand_in_the_page_in_order() {
    let rows = rows();
    for row in &rows {
        let cells = &row.cells;
        assert_eq!(cells.len(), 4, "number, fault, what you get, tests: {cells:?}");
        assert!(cells[1..].iter().all(|cell| !cell.is_empty()), "an empty cell: {cells:?}");
    }
    let numbers: Vec<_> = rows.iter().filter_map(Row::number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

#[test]
fn every_fault_names_tests_that_are_there_or_says_why_there_is_none() {
    for row in rows() {
        let tests = row.tests();
        let reason = row.cells[3].starts_with("No test: ");
        assert_eq!(reason, tests.is_empty(), "a test or a reason: {:?}", row.cells);
        for test in tests {
            let (file, name) = test.split_once("::").expect("a name like `file::test`");
            let there = tests_in(file).iter().any(|found| found == name);
            assert!(there, "docs/faults.md names `{test}`: renamed, or gone?");
        }
    }
}

#[test]
fn the_page_names_every_test_of_a_system_that_fails() {
    let rows = rows();
    let named: Vec<&str> = rows.iter().flat_map(Row::tests).collect();
    for test in tests_in("ch18_system_faults") {
        let name = format!("ch18_system_faults::{test}");
        assert!(named.contains(&name.as_str()), "docs/faults.md does not name `{name}`");
    }
}
