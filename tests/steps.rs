//! The steps of examples/steps: what they print, what they promise, and how they differ.
//!
//! docs/steps.md has two tables that this test compares: which step keeps which promise, and
//! which items each step changes. `GLASSLOOP_UPDATE_DOCS=1 cargo test --test steps` writes them.

#[path = "steps/src/items.rs"]
#[allow(dead_code, unreachable_pub, reason = "the command that shows the steps uses it all")]
mod items;
#[path = "support/programs.rs"]
mod programs;
#[path = "steps/specification/mod.rs"]
#[allow(unreachable_pub, reason = "nobody else uses it")]
mod specification;
mod support;

/// The steps, each as a module: its own `main` is not run here.
macro_rules! steps {
    ($($name:ident $path:literal)*) => {
        $(
            #[path = $path]
            #[allow(dead_code, unreachable_pub, reason = "its own program is not run here")]
            mod $name;
        )*
    };
}

steps! {
    step_1 "../examples/steps/step_1.rs"
    step_2 "../examples/steps/step_2.rs"
    step_3 "../examples/steps/step_3.rs"
    step_4 "../examples/steps/step_4.rs"
    step_5 "../examples/steps/step_5.rs"
    step_6 "../examples/steps/step_6.rs"
    step_7 "../examples/steps/step_7.rs"
    step_8 "../examples/steps/step_8.rs"
}

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use items::{Kind, Step, compare};
use programs::{in_examples, program, python, say_left_out};
use specification::promises;
use specification::subject::{self, NOT_OFFERED};
use support::{within, within_limit_as};

const STEPS: usize = 8;

// ── what they print ───────────────────────────────────────────────────────

#[test]
fn each_step_prints_its_recorded_output() {
    for number in 1..=STEPS {
        let name = format!("step_{number}");
        prints(&format!("steps/{name}.out"), program(&name));
    }
}

#[test]
fn each_step_in_python_prints_the_same() {
    if python().is_none() {
        return say_left_out("no CPython 3.12 or newer; the steps in Python were not run");
    }
    for number in 1..=STEPS {
        let mut python = python().expect("it was there a moment ago");
        python.arg(in_examples(&format!("steps/step_{number}.py")));
        prints(&format!("steps/step_{number}.out"), python);
    }
}

#[test]
fn each_flaw_shows_itself_as_recorded() {
    let prints_as_recorded = |name: &String| {
        let mut flaw = program("flaw");
        flaw.arg(name);
        prints(&format!("steps/flaws/{name}.out"), flaw);
    };
    // A few at a time, since most of them hang for a second.
    for names in flaws().chunks(6) {
        thread::scope(|scope| {
            let runs: Vec<_> =
                names.iter().map(|name| scope.spawn(|| prints_as_recorded(name))).collect();
            runs.into_iter()
                .for_each(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic)));
        });
    }
}

#[test]
fn each_step_begins_with_a_flaw() {
    let output = program("flaw").output().expect("it can be started");
    let list = String::from_utf8(output.stdout).expect("examples print UTF-8");
    for number in 1..=STEPS {
        assert!(list.contains(&format!("step {number}  ")), "no flaw for step {number}:\n{list}");
    }
    let docs = fs::read_to_string(docs()).unwrap();
    for name in flaws() {
        let line = list.lines().find(|line| line.contains(&format!("  {name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} is not in the list:\n{list}"));
        let number = line.trim_start_matches("step ").split(' ').next().unwrap();
        let row = format!("| [{number}](");
        let row = docs.lines().find(|line| line.starts_with(&row)).expect("each step has a row");
        assert!(row.contains(&format!("`{name}`")), "docs/steps.md does not name {name}: {row}");
    }
}

/// The names of the files in examples/steps/flaws.
fn flaws() -> Vec<String> {
    let entries = fs::read_dir(in_examples("steps/flaws")).unwrap();
    let sources = entries.map(|entry| entry.unwrap().path());
    let sources = sources.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let names = sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<_> = names.filter(|name| name != "mod").collect();
    names.sort();
    names
}

/// Runs a program under the watchdog. It must print what is recorded, and nothing to stderr.
fn prints(recorded: &str, mut command: Command) {
    command.env("GLASSLOOP_TRACE", "").stdin(Stdio::null());
    let shown = format!("{command:?}");
    let output = within_limit_as(&shown, move || command.output().expect("it can be started"));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let printed = String::from_utf8(output.stdout).expect("examples print UTF-8");
    let path = in_examples(recorded);
    if updates() {
        fs::write(&path, &printed).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let steady: fn(&str) -> String =
        if recorded.contains("step_8") { without_numbers } else { without_measured_numbers };
    assert!(
        steady(&printed).lines().eq(steady(&expected).lines()),
        "examples/{recorded} is not what {shown} prints now:\n{printed}"
    );
}

/// The files that step 8 reads may grow, and its ticks are measured.
fn without_numbers(text: &str) -> String {
    let mut steady = text.replace(|c: char| c.is_ascii_digit(), "#");
    while steady.contains("##") {
        steady = steady.replace("##", "#");
    }
    steady
}

/// "about" stands before each number that is measured.
fn without_measured_numbers(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for at in 1..words.len() {
        if words[at - 1].ends_with("about") {
            words[at] = if words[at].ends_with('\n') { "#\n" } else { "#" };
        }
    }
    words.join(" ")
}

// ── what they promise ─────────────────────────────────────────────────────

/// Set in a process that tries one promise on one executor.
const TRIAL: &str = "GLASSLOOP_STEP_TRIAL";

/// A trial that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// The same for a trial that hangs according to the record: a program that does not hang any
/// more ends much sooner.
const LIMIT_OF_A_KNOWN_HANG: Duration = Duration::from_secs(3);

type Try = fn(&str);

const SUBJECTS: [(&str, Try); STEPS + 1] = [
    ("1", promises::try_promise::<subject::Step1>),
    ("2", promises::try_promise::<subject::Step2>),
    ("3", promises::try_promise::<subject::Step3>),
    ("4", promises::try_promise::<subject::Step4>),
    ("5", promises::try_promise::<subject::Step5>),
    ("6", promises::try_promise::<subject::Step6>),
    ("7", promises::try_promise::<subject::Step7>),
    ("8", promises::try_promise::<subject::Step8>),
    ("glassloop", promises::try_promise::<subject::Glassloop>),
];

#[test]
fn each_step_keeps_the_promises_that_are_recorded_and_no_others() {
    if let Ok(trial) = std::env::var(TRIAL) {
        let (subject, promise) = trial.split_once(' ').expect("SUBJECT PROMISE");
        let (_, try_promise) = SUBJECTS.iter().find(|(name, _)| *name == subject).unwrap();
        return try_promise(promise);
    }
    let marks = within(Duration::from_secs(120), "all trials", try_all);
    let mut table = String::from("| promise |");
    SUBJECTS.iter().for_each(|(name, _)| write!(table, " {name} |").unwrap());
    table += &format!("\n|---|{}\n", ":-:|".repeat(SUBJECTS.len()));
    for promise in promises::NAMES {
        write!(table, "| {} |", promise.replace('_', " ")).unwrap();
        SUBJECTS
            .iter()
            .for_each(|(name, _)| write!(table, " {} |", marks[&(*name, *promise)]).unwrap());
        table.push('\n');
    }
    expect_in_docs("promises", &table);
}

/// All promises on all executors. Many at a time, since those that hang only wait.
fn try_all() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let trials: Vec<_> = SUBJECTS
        .iter()
        .flat_map(|&(name, _)| promises::NAMES.iter().map(move |&promise| (name, promise)))
        .collect();
    let recorded = in_docs("promises");
    let (next, marks) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                while let Some(&(subject, promise)) =
                    trials.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let mark = try_alone(subject, promise, limit(&recorded, subject, promise));
                    marks.lock().unwrap().insert((subject, promise), mark);
                }
            });
        }
    });
    marks.into_inner().unwrap()
}

fn limit(recorded: &str, subject: &str, promise: &str) -> Duration {
    let row = format!("| {} |", promise.replace('_', " "));
    let row = recorded.lines().find_map(|line| line.strip_prefix(&row));
    let at = SUBJECTS.iter().position(|(name, _)| *name == subject).unwrap();
    match row.and_then(|row| row.split('|').nth(at)).map(str::trim) {
        Some("**hangs**") => LIMIT_OF_A_KNOWN_HANG,
        _ => LIMIT,
    }
}

/// Tries a promise in a process of its own: it may hang, burn or crash there.
fn try_alone(subject: &str, promise: &str, limit: Duration) -> &'static str {
    let mut trial = Command::new(std::env::current_exe().expect("the path of this test"))
        .args(["--exact", "each_step_keeps_the_promises_that_are_recorded_and_no_others"])
        .env(TRIAL, format!("{subject} {promise}"))
        .env("GLASSLOOP_TRACE", "")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test can be started again");
    let began = Instant::now();
    loop {
        match trial.try_wait().expect("it is a child of this process") {
            Some(status) if status.success() => return "kept",
            Some(status) if status.code() == Some(NOT_OFFERED) => return "–",
            Some(_) => return "**broken**",
            None if began.elapsed() > limit => break,
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
    trial.kill().and_then(|()| trial.wait()).expect("it can be ended");
    "**hangs**"
}

// ── how they differ ───────────────────────────────────────────────────────

#[test]
fn each_step_changes_the_items_that_are_recorded_and_no_others() {
    let mut table =
        String::from("| step | lines | new | changed | gone |\n|---|--:|---|---|---|\n");
    let mut older: Option<Step> = None;
    for number in 1..=STEPS {
        let step = Step::parse(&source(number)).unwrap();
        let all = compare(older.as_ref().map_or(&[], |older| &older.items[..]), &step.items);
        let names = |items: &[&items::Item]| {
            let mut names: Vec<_> = items.iter().filter(|item| is_executor(item)).collect();
            names.dedup_by_key(|item| &item.name);
            let names: Vec<_> = names.iter().map(|item| format!("`{}`", item.name)).collect();
            names.join(", ")
        };
        let changed: Vec<_> = all.changed.iter().map(|(_, newer)| *newer).collect();
        let lines = code_lines(&source(number));
        writeln!(
            table,
            "| {number}: {} | {lines} | {} | {} | {} |",
            step.title,
            names(&all.new),
            names(&changed),
            names(&all.gone)
        )
        .unwrap();
        older = Some(step);
    }
    expect_in_docs("items", &table);
}

/// The program on top of the executor is another one in each step.
fn is_executor(item: &items::Item) -> bool {
    !item.section.contains("the program") && !matches!(item.kind, Kind::Use)
}

#[test]
fn no_step_is_too_long_to_be_typed() {
    let mut before = 0;
    for number in 1..=STEPS {
        let lines = code_lines(&source(number));
        assert!(lines <= before + 100, "step {number}: {lines} lines after {before}");
        before = lines;
    }
    assert!(before <= 500, "the pocket executor has {before} lines");
}

#[test]
fn no_step_in_python_is_longer_than_in_rust() {
    for number in 1..=STEPS {
        let python = fs::read_to_string(in_examples(&format!("steps/step_{number}.py"))).unwrap();
        let (python, rust) = (python_code_lines(&python), code_lines(&source(number)));
        assert!(python <= rust, "step {number}: {python} lines in Python, {rust} in Rust");
    }
}

fn source(number: usize) -> String {
    fs::read_to_string(in_examples(&format!("steps/step_{number}.rs"))).unwrap()
}

/// Neither blank nor comment.
fn code_lines(source: &str) -> usize {
    let lines = source.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// The same for Python, where a docstring is a comment.
fn python_code_lines(source: &str) -> usize {
    let (mut in_docstring, mut lines) = (false, 0);
    for line in source.lines().map(str::trim) {
        let quotes = line.matches("\"\"\"").count();
        if quotes == 0 && !in_docstring && !line.is_empty() && !line.starts_with('#') {
            lines += 1;
        }
        in_docstring ^= quotes == 1;
    }
    lines
}

// ── the tables in the docs ────────────────────────────────────────────────

fn updates() -> bool {
    std::env::var_os("GLASSLOOP_UPDATE_DOCS").is_some()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/steps.md")
}

/// The table between the marks of that name in docs/steps.md.
fn in_docs(name: &str) -> String {
    let text = fs::read_to_string(docs()).unwrap().replace("\r\n", "\n");
    let begin = format!("<!-- made: {name} -->\n");
    let (_, rest) = text.split_once(&begin).expect("docs/steps.md has the mark");
    rest.split_once("<!-- end -->").expect("the mark has an end").0.trim().to_owned()
}

/// Compares a table with the recorded one.
fn expect_in_docs(name: &str, table: &str) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let recorded = in_docs(name);
    if updates() {
        let text = fs::read_to_string(docs()).unwrap().replace("\r\n", "\n");
        fs::write(docs(), text.replace(&recorded, table.trim())).unwrap();
        return;
    }
    let differences: Vec<_> =
        table.lines().filter(|line| !recorded.lines().any(|other| other == *line)).collect();
    assert!(
        recorded == table.trim(),
        "docs/steps.md is not true any more; now it is:\n{}\nIf that is right: \
         GLASSLOOP_UPDATE_DOCS=1 cargo test --test steps",
        differences.join("\n")
    );
}
