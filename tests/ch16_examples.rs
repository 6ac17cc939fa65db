//! The examples: what they print is part of the documentation, so every character is compared.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use programs::program;
use support::within_limit;

#[test]
fn coroutine_prints_its_recorded_output() {
    prints("coroutine", include_str!("../examples/coroutine.out"));
}

#[test]
fn pin_prints_its_recorded_output() {
    prints("pin", include_str!("../examples/pin.out"));
}

#[test]
fn awaitable_prints_its_recorded_output() {
    prints("awaitable", include_str!("../examples/awaitable.out"));
}

#[test]
fn event_loop_prints_its_recorded_output() {
    prints("event_loop", include_str!("../examples/event_loop.out"));
}

/// The example has lines that are commented out, since the compiler refuses them. It does:
/// each is taken in, alone, and must end in the error that the comment below it names.
#[test]
fn what_pin_comments_out_does_not_compile() {
    let source = include_str!("../examples/pin.rs");
    assert_eq!(errors_of(source), [], "as it stands, the example must compile");
    let lines: Vec<&str> = source.lines().collect();
    let mut refused = 0;
    for (index, pair) in lines.windows(2).enumerate() {
        let [statement, error] = pair else { unreachable!("windows of two") };
        let Some(error) = error.trim_start().strip_prefix("// error[") else { continue };
        let statement = statement.trim_start().strip_prefix("// ").expect("a commented statement");
        let mut changed = lines.clone();
        changed[index] = statement;
        let errors = errors_of(&changed.join("\n"));
        let code = error.split(']').next().expect("a code, as in `error[E0596]`").to_owned();
        let expected = (index + 1, code);
        assert!(
            !errors.is_empty() && errors.iter().all(|found| *found == expected),
            "`{statement}` must be refused at (line, code) {expected:?}; rustc finds {errors:?}"
        );
        refused += 1;
    }
    assert_eq!(refused, 2, "two statements of examples/pin.rs are followed by `// error[…]`");
}

/// Compiles a program that uses only the standard library, and returns the line and the code
/// of each error.
fn errors_of(source: &str) -> Vec<(usize, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("program.rs");
    fs::write(&file, source).unwrap();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--emit=metadata", "--error-format=short", "program.rs"]);
    rustc.current_dir(folder.path());
    let output = within_limit(move || rustc.output().expect("rustc can be started"));
    let said = text(&output.stderr);
    // As in `program.rs:190:15: error[E0596]: cannot borrow …`.
    let errors = said.lines().filter_map(|line| {
        let (place, error) = line.split_once(" error[")?;
        let number = place.split(':').nth(1)?.parse().ok()?;
        Some((number, error.split(']').next()?.to_owned()))
    });
    let errors: Vec<_> = errors.collect();
    assert_eq!(output.status.success(), errors.is_empty(), "rustc stopped: {said}");
    errors
}

#[test]
fn tour_adds_up_files_and_directories() {
    let folder = tempfile::tempdir().unwrap();
    let (file, directory) = two_files(folder.path());
    let output = run("tour", &[&file, &directory]);
    assert!(output.status.success(), "{output:?}");
    let account = text(&output.stdout);
    assert!(account.starts_with("2 files, 5 lines, in "), "{account}");
    let rows = [format!("3  {}", directory.join("b").display()), format!("2  {}", file.display())];
    let found: Vec<_> = rows.iter().map(|row| account.find(row)).collect();
    assert!(
        found[0].is_some() && found[0] < found[1],
        "the longest file must come first: {account}"
    );
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn tour_reports_a_missing_path_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (file, directory) = two_files(folder.path());
    let missing = folder.path().join("missing");
    let output = run("tour", &[&missing, &file, &directory]);
    assert_eq!(output.status.code(), Some(1), "something could not be read: {output:?}");
    let account = text(&output.stdout);
    assert!(account.starts_with("2 files, 5 lines, in "), "the rest goes on: {account}");
    assert!(account.contains("1 path could not be read"), "{account}");
    let complaints = text(&output.stderr);
    let complaints: Vec<&str> = complaints.lines().collect();
    assert_eq!(complaints.len(), 1, "one line for one path: {complaints:?}");
    assert!(complaints[0].starts_with("tour: "), "{complaints:?}");
    assert!(complaints[0].contains(&missing.display().to_string()), "{complaints:?}");
}

#[test]
fn tour_has_nothing_to_add_up_in_an_empty_directory() {
    let folder = tempfile::tempdir().unwrap();
    let output = run("tour", &[folder.path()]);
    assert!(output.status.success(), "{output:?}");
    let account = text(&output.stdout);
    assert!(account.starts_with("0 files, 0 lines, in "), "{account}");
}

#[test]
fn tour_without_a_path_visits_the_source() {
    let output = run("tour", &[]);
    assert!(output.status.success(), "{output:?}");
    let account = text(&output.stdout);
    assert!(account.contains("examples/tour.rs") || account.contains("other files"), "{account}");
}

#[test]
fn tour_explains_itself_when_asked() {
    let output = run("tour", &[Path::new("--help")]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("Usage: cargo run --example tour"));
}

/// Comments like `executor/task/waker.rs` and `examples/pin.rs` lead the reader to a file, which must exist.
#[test]
fn the_files_that_the_examples_point_at_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    for example in entries.filter(|path| path.is_file()) {
        let text = fs::read(example).unwrap();
        let text = String::from_utf8_lossy(&text);
        let words = text.split(|c: char| !(c.is_alphanumeric() || "/_.".contains(c)));
        // A sentence may end with the path.
        let words = words.map(|word| word.trim_end_matches('.'));
        let folders = ["executor/", "examples/"];
        let files = words.filter(|word| folders.iter().any(|folder| word.starts_with(folder)));
        let files = files.filter(|word| word.ends_with(".rs"));
        for file in files {
            assert!(root.join(file).is_file(), "an example points at {file}, which is gone");
        }
    }
}

/// A file of two lines, which is no UTF-8, and a directory with one of three.
fn two_files(folder: &Path) -> (PathBuf, PathBuf) {
    let (file, directory) = (folder.join("a"), folder.join("below"));
    fs::write(&file, b"one\n\xff\xfe\n").unwrap();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("b"), "1\n2\n3\nno end of line").unwrap();
    (file, directory)
}

#[test]
fn tour_writes_a_page_that_plays_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = two_files(folder.path());
    fs::create_dir(folder.path().join("target")).unwrap();
    let output = within_limit({
        let mut tour = program("tour");
        tour.arg(&file).current_dir(folder.path()).env_remove("GLASSLOOP_TRACE");
        move || tour.output().unwrap()
    });
    assert!(output.status.success(), "{output:?}");
    let account = text(&output.stdout);
    assert!(account.ends_with("open target/tour.html in a browser.\n"), "{account}");
    let page = fs::read_to_string(folder.path().join("target/tour.html")).unwrap();
    assert!(page.contains("\"glassloop\":1"), "no trace in it: {page}");
    assert!(page.contains("\"ev\":\"end\""), "the trace lacks the end of the loop");
}

#[test]
fn tour_runs_where_no_page_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = two_files(folder.path());
    let output = within_limit({
        let mut tour = program("tour");
        tour.arg(&file).current_dir(folder.path()).env_remove("GLASSLOOP_TRACE");
        move || tour.output().unwrap()
    });
    assert!(output.status.success(), "{output:?}");
    assert!(
        !text(&output.stdout).contains("tour.html"),
        "the tour names a page that does not exist"
    );
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn tour_writes_its_trace_where_the_variable_says() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = two_files(folder.path());
    fs::create_dir(folder.path().join("target")).unwrap();
    let trace = folder.path().join("elsewhere.jsonl");
    let output = within_limit({
        let mut tour = program("tour");
        tour.arg(&file).current_dir(folder.path()).env("GLASSLOOP_TRACE", &trace);
        move || tour.output().unwrap()
    });
    assert!(text(&output.stdout).ends_with(&format!("says: {}\n", trace.display())));
    assert!(fs::read_to_string(trace).unwrap().contains("\"ev\":\"end\""));
    assert!(!folder.path().join("target/tour.html").exists(), "one trace is enough");
}

/// What the tour says at its end, with a trace at `path`, in a folder of its own.
fn where_the_tour_says_its_trace_is(folder: &Path, trace: Option<&str>) -> (String, String) {
    let (file, _) = two_files(folder);
    let mut tour = program("tour");
    tour.arg(&file).current_dir(folder).env_remove("GLASSLOOP_TRACE");
    trace.map(|path| tour.env("GLASSLOOP_TRACE", path));
    let output = within_limit(move || tour.output().unwrap());
    assert!(output.status.success(), "{output:?}");
    let account = text(&output.stdout);
    let last = account.rsplit("\n\n").next().unwrap_or_default();
    (last.trim_end().to_owned(), text(&output.stderr))
}

#[test]
fn tour_says_truly_where_its_trace_is_and_when_there_is_none() {
    let no_file = "There is no trace, see above.";
    let cases = [
        (Some(""), "There is no trace: GLASSLOOP_TRACE is empty.", ""),
        (Some("-"), "The trace is on stderr, as GLASSLOOP_TRACE says.", "loop"),
        (Some("missing/trace.html"), no_file, "cannot be written: "),
        (Some("trace.txt"), no_file, "has no known form"),
        (Some("below.html"), no_file, "cannot be written: "),
        (Some("trace.json"), "The trace is where GLASSLOOP_TRACE says: trace.json", ""),
        (
            Some("red\u{1b}[31m.jsonl"),
            "The trace is where GLASSLOOP_TRACE says: red\\u{1b}[31m.jsonl",
            "",
        ),
        (
            None,
            "There is no trace: no page could be written into target/ (entity not found).\n\
                GLASSLOOP_TRACE=path.html puts it elsewhere.",
            "",
        ),
    ];
    for (trace, expected, complaint) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below.html")).unwrap();
        let (last, said) = where_the_tour_says_its_trace_is(folder.path(), trace);
        assert_eq!(last, expected, "with GLASSLOOP_TRACE={trace:?}; on stderr: {said}");
        assert_eq!(said.is_empty(), complaint.is_empty(), "{trace:?}: {said}");
        assert!(said.contains(complaint), "{trace:?}: {said}");
    }
}

/// A device that is always full, behind the name of a trace.
#[cfg(target_os = "linux")]
#[test]
fn tour_does_not_say_that_a_trace_is_there_if_the_disk_was_full() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("full.html")).unwrap();
    let (last, said) = where_the_tour_says_its_trace_is(folder.path(), Some("full.html"));
    assert_eq!(last, "Whether the trace is whole cannot be seen (it is no file): full.html");
    assert!(said.contains("the trace full.html ends here"), "{said}");
}

#[cfg(unix)]
#[test]
fn tour_shows_no_control_characters_of_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("red\u{1b}[31m\nline\u{202e}");
    fs::write(&file, "1\n").unwrap();
    let output = run("tour", &[&file, &folder.path().join("no\u{1b}[31mfile")]);
    for shown in [text(&output.stdout), text(&output.stderr)] {
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
    assert!(text(&output.stdout).contains("red\\u{1b}[31m\\nline\\u{202e}"), "{output:?}");
}

fn prints(example: &'static str, expected: &str) {
    let output = run(example, &[]);
    assert!(output.status.success(), "{output:?}");
    let printed = text(&output.stdout);
    // By lines: a checkout on Windows may have changed their ends.
    assert!(
        printed.lines().eq(expected.lines()),
        "examples/{example}.out is not what `cargo run --example {example}` prints now:\n{printed}"
    );
}

/// Runs an example, under the watchdog.
fn run(example: &'static str, arguments: &[&Path]) -> Output {
    let mut command = program(example);
    // No trace: the tours of several tests would write the same page.
    command.args(arguments).env("GLASSLOOP_TRACE", "").current_dir(env!("CARGO_MANIFEST_DIR"));
    within_limit(move || command.output().expect("the example can be started"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("examples print UTF-8")
}
