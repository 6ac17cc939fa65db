//! The profile, in Rust and in Python: both do the same jobs in the same ways and
//! come to the same results. How long that takes is the machine's business.

mod support;
#[path = "support/programs.rs"]
mod programs;

use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use programs::{in_examples, program, python, say_left_out};
use support::within_limit;

const HEADER: &str =
    "job  way      result         time    speed  time against sync  longest silence";
const DEPTHS: &str = "depth  call: ns a level  resume: ns a level  resume: ns in all";

#[test]
fn each_job_is_done_in_three_ways_with_the_same_result() {
    within_limit(|| expect_the_same_jobs(rust_account()));
}

#[test]
fn every_figure_stands_under_its_heading() {
    within_limit(|| expect_columns(rust_account()));
}

#[test]
fn the_conclusions_follow_from_the_figures() {
    within_limit(|| {
        expect_conclusions(rust_account());
        expect_the_price_of_depth(rust_account());
    });
}

#[test]
fn the_python_twin_does_the_same_jobs_and_draws_its_own_conclusions() {
    let Some(mut python) = python() else {
        return say_left_out("no CPython 3.12 or newer; profile.py was not run");
    };
    python.arg(in_examples("profile.py"));
    within_limit(|| {
        let account = account("Python", python);
        expect_the_same_jobs(&account);
        expect_columns(&account);
        expect_conclusions(&account);
        expect_the_price_of_depth(&account);
    });
}

#[test]
fn it_explains_itself_and_refuses_what_it_does_not_know() {
    let mut sides = vec![("Rust", rust as fn() -> Command)];
    match python() {
        Some(_) => sides.push(("Python", || {
            let mut python = python().expect("it was there a moment ago");
            python.arg(in_examples("profile.py"));
            python
        })),
        None => say_left_out("no CPython 3.12 or newer; the options of profile.py were not tried"),
    }
    within_limit(|| {
        for (side, command) in sides {
            let help = run(command().arg("--help"));
            assert_eq!(help.status.code(), Some(0), "{side}: {help:?}");
            assert!(text(&help.stdout).to_lowercase().contains("usage: "), "{side}: {help:?}");

            let refusal = run(command().arg("--nope"));
            assert_eq!(refusal.status.code(), Some(2), "{side}: {refusal:?}");
            assert_eq!(text(&refusal.stdout), "", "{side} must not go on after --nope");
            let complaint = text(&refusal.stderr);
            assert!(complaint.contains("--nope"), "{side} must name the option: {complaint}");
        }
    });
}

/// The printed tables, parsed.
struct Account {
    side: &'static str,
    whole: String,
    rows: Vec<String>,
    depths: Vec<String>,
}

impl Account {
    fn column(&self, row: &str, number: usize) -> String {
        let field = row.split_whitespace().nth(number);
        field.unwrap_or_else(|| panic!("no column {number} in {row:?}, {self}")).to_owned()
    }

    fn number(&self, row: &str, column: usize) -> f64 {
        let field = self.column(row, column);
        field.parse().unwrap_or_else(|_| panic!("{field:?} in {row:?} is no number, {self}"))
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} printed:\n{}", self.side, self.whole)
    }
}

/// Run once, for all tests.
fn rust_account() -> &'static Account {
    static ACCOUNT: LazyLock<Account> = LazyLock::new(|| account("Rust", rust()));
    &ACCOUNT
}

fn rust() -> Command {
    let mut command = program("profile");
    command.env_remove("GLASSLOOP_VIRTUAL_TIME"); // it measures real time
    command
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8").replace("\r\n", "\n")
}

fn account(side: &'static str, mut command: Command) -> Account {
    let output = run(&mut command);
    assert!(output.status.success(), "{side} failed: {output:?}");
    assert_eq!(text(&output.stderr), "", "{side} complains");
    let whole = text(&output.stdout);
    let is_row = |line: &&str| line.starts_with("I/O  ") || line.starts_with("CPU  ");
    let rows = whole.lines().filter(is_row).map(str::to_owned).collect();
    let depths = whole.lines().skip_while(|line| *line != DEPTHS).skip(1).take(4);
    let depths = depths.map(str::to_owned).collect();
    Account { side, whole, rows, depths }
}

fn expect_the_same_jobs(account: &Account) {
    let first = |row: &String| [0, 1, 2].map(|number| account.column(row, number)).join(" ");
    let jobs: Vec<_> = account.rows.iter().map(first).collect();
    // 1 + 4 + 9 + … + 16² = 1496; there are 4946 primes below 48 000.
    let promised = ["I/O sync 1496", "I/O loop 1496", "I/O threads 1496"];
    let promised = [promised, ["CPU sync 4946", "CPU loop 4946", "CPU threads 4946"]].concat();
    assert_eq!(jobs, promised, "{account}");
    let depths: Vec<_> = account.depths.iter().map(|row| account.number(row, 0)).collect();
    assert_eq!(depths, [1.0, 10.0, 100.0, 1000.0], "{account}");
}

/// Right-aligned columns end where their headings end.
fn expect_columns(account: &Account) {
    let (rows, depths) = (account.rows.iter(), account.depths.iter());
    assert!(account.whole.contains(&format!("\n{HEADER}\n")), "{account}");
    assert!(account.rows.len() == 6 && account.depths.len() == 4, "{account}");
    let lines = rows.map(|row| (row, HEADER)).chain(depths.map(|row| (row, DEPTHS)));
    for (row, header) in lines {
        assert_eq!(row.len(), header.len(), "{row:?} is not as wide as its heading; {account}");
        for heading in ["result", "time ", "speed", "silence", "depth", "a level  ", "in all"] {
            let Some(at) = header.find(heading) else { continue };
            let end = at + heading.trim_end().len();
            let (inside, beyond) = (&row[end - 1..end], row.get(end..=end).unwrap_or(" "));
            assert!(inside != " " && beyond == " ", "{heading}: {row:?} of {account}");
        }
    }
    for line in account.whole.lines() {
        assert!(line.len() <= 80, "wider than a terminal: {line:?}");
    }
}

fn expect_conclusions(account: &Account) {
    for (job, rows) in ["I/O", "CPU"].into_iter().zip(account.rows.chunks(3)) {
        let start = format!("{job}: clearly faster than sync: ");
        let found = account.whole.lines().find_map(|line| line.strip_prefix(&start));
        let (faster, silent) = found
            .and_then(|rest| rest.split_once("; mostly silent: "))
            .unwrap_or_else(|| panic!("no conclusion for {job}; {account}"));
        let names = |list: &str| list.split(", ").map(str::to_owned).collect::<Vec<_>>();
        let (faster, silent) = (names(faster), names(silent));
        // No heart can beat while a call blocks the loop, however fast the machine is.
        assert!(silent.contains(&"sync".to_owned()), "sync holds the loop; {account}");
        let is_silent = silent.contains(&"loop".to_owned());
        assert!(is_silent || job == "I/O", "computing holds the loop, task or not; {account}");
        let threads = "threads".to_owned();
        assert!(!silent.contains(&threads), "threads do not hold the loop; {account}");
        // What others do on this machine does not change that.
        let cores = account.whole.strip_prefix("cores: ").and_then(|rest| rest.split(';').next());
        let expected: &[&str] = match job {
            "I/O" => &["loop", "threads"], // waiting at once is faster
            _ if account.side == "Rust" && cores != Some("1") => &["threads"],
            _ => &["none"], // in Python, the threads share a lock
        };
        // The twin measures by the clock; others may have its processors.
        assert!(faster == expected || account.side != "Rust" && job == "CPU", "{account}");
        assert!(!faster.contains(&threads) || expected.contains(&"threads"), "{account}");
        for row in rows {
            let (way, speed) = (account.column(row, 1), account.number(row, 5));
            let (time, silence) = (account.number(row, 3), account.number(row, 8));
            // What is shown has been rounded.
            let claim = silent.contains(&way);
            assert!(!claim || silence * 2.0 + 0.2 > time, "not silent: {row:?} of {account}");
            assert!(claim || silence * 2.0 - 0.2 <= time, "silent: {row:?} of {account}");
            assert!(!faster.contains(&way) || speed > 1.0, "not faster: {row:?} of {account}");
        }
    }
}

fn expect_the_price_of_depth(account: &Account) {
    let depth = account.whole.lines().last().unwrap_or_default();
    let deepest = account.depths.last().expect("there are depths");
    let level = account.column(deepest, 2);
    let sentence = format!("A resume goes through all levels: {level} ns each, ");
    assert!(depth.starts_with(&sentence), "{depth:?} of {account}");
}
