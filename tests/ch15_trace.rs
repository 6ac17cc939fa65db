//! Chapter 15: traces as files. A trace that is cut off can be read up to there, a trace
//! that cannot be written does no harm, and each loop has a trace of its own.

#![cfg(unix)]

mod oracle;
#[path = "support/programs.rs"]
mod programs;
mod support;

use std::fs;
use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::task::Poll;
use std::time::Duration;

use glassloop::net::TcpListener;
use glassloop::{Executor, block_on, sleep, spawn, yield_now};
use oracle::Account;
use oracle::traced::{expect_good, read};
use programs::program;
use support::alone::output_alone;
use support::within_limit;

// ── a trace that is cut off ───────────────────────────────────────────────

/// Runs `scenario` in a process of its own, whose loops are traced. Returns how the process
/// ended, and the account of its first trace; `None` in that process.
fn traced_alone(scenario: fn()) -> Option<(Output, Account)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let mut launcher = Command::new("env");
    launcher.env("GLASSLOOP_TRACE", &path);
    let output = output_alone(launcher, scenario)?;
    Some((output, expect_good(&read(&path))))
}

/// Some tasks that wait, and one that calls `act` in its second poll.
async fn in_the_midst(act: fn()) {
    spawn(sleep(Duration::from_secs(60))).detach();
    spawn(async move {
        yield_now().await;
        act();
    })
    .await
    .unwrap();
}

#[test]
fn the_trace_of_a_program_that_is_killed_is_good_up_to_there() {
    let killed = traced_alone(|| {
        block_on(in_the_midst(|| {
            let _killed = Command::new("sh").args(["-c", "kill -KILL $PPID"]).status();
        }));
    });
    let Some((output, account)) = killed else { return };
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    assert_eq!((account.count("poll"), account.count("end")), (4, 0), "{account:?}");
}

#[test]
fn the_trace_of_a_program_that_exits_in_the_midst_is_good_up_to_there() {
    let exited = traced_alone(|| block_on(in_the_midst(|| std::process::exit(7))));
    let Some((output, account)) = exited else { return };
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!((account.count("poll"), account.count("end")), (4, 0), "{account:?}");
}

#[test]
fn the_trace_of_a_program_that_aborts_is_good_up_to_there() {
    let aborted = traced_alone(|| block_on(in_the_midst(|| std::process::abort())));
    let Some((output, account)) = aborted else { return };
    assert_eq!(output.status.signal(), Some(6), "{output:?}");
    assert_eq!((account.count("poll"), account.count("end")), (4, 0), "{account:?}");
}

#[test]
fn the_trace_of_a_program_that_panics_has_the_panic_and_the_end() {
    let panicked = traced_alone(|| block_on(async { in_the_midst(|| panic!("oh")).await }));
    let Some((output, account)) = panicked else { return };
    assert_eq!(output.status.code(), Some(101), "the code of every test that panics: {output:?}");
    assert_eq!((account.count("panic"), account.count("end")), (2, 1), "{account:?}");
}

#[test]
fn a_trace_is_written_event_by_event() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let executor = Executor::builder().trace(&path).build().unwrap();
        let seen = executor.block_on(poll_fn(|_| Poll::Ready(read(&path))));
        let last = seen.lines().last().unwrap();
        assert!(
            last.contains(r#""ev":"poll""#),
            "the trace must have the poll that reads it: {last}"
        );
    });
}

#[test]
fn what_outlives_its_loop_is_not_traced_after_the_end() {
    within_limit(|| {
        for ending in ["jsonl", "json", "html"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("trace").with_extension(ending);
            let executor = Executor::builder().trace(&path).build().unwrap();
            let kept = executor.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                let mut accept = Box::pin(async move { listener.accept().await.map(drop) });
                assert!(support::poll_once(&mut accept).await.is_pending());
                let mut sleep = sleep(Duration::from_secs(9));
                assert!(support::poll_once(&mut sleep).await.is_pending());
                (accept, sleep)
            });
            drop(executor);
            let at_the_end = read(&path);
            drop(kept);
            assert_eq!(read(&path), at_the_end, "the {ending} was whole before");
        }
    });
}

// ── a trace that cannot be written ────────────────────────────────────────

/// Runs a program with this trace. The program must print and return the same as without a
/// trace, and complain in one more line. Returns that line.
fn complaint(name: &str, arguments: &[&str], trace: &Path) -> String {
    let run = |trace: Option<&Path>| {
        let mut command = program(name);
        command.args(arguments).env("GLASSLOOP_VIRTUAL_TIME", "1").stdin(Stdio::null());
        command.env_remove("GLASSLOOP_TRACE").envs(trace.map(|path| ("GLASSLOOP_TRACE", path)));
        command.output().unwrap()
    };
    let (without, with) = (run(None), run(Some(trace)));
    assert_eq!(with.stdout, without.stdout, "{trace:?}");
    assert_eq!(with.status, without.status, "{trace:?}");
    let lines = |output: Output| -> Vec<String> {
        String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
    };
    let (mut said, otherwise) = (lines(with), lines(without));
    said.retain(|line| !otherwise.contains(line));
    assert_eq!(said.len(), 1, "one clear line: {said:#?}");
    assert!(said[0].starts_with("glassloop: the trace "), "{said:?}");
    assert!(said[0].contains(trace.to_str().unwrap()), "which one? {said:?}");
    said.remove(0)
}

#[test]
fn a_trace_that_cannot_be_written_is_said_in_one_line_and_does_no_harm() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("directory.jsonl");
        fs::create_dir(&directory).unwrap();
        for path in [folder.path().join("missing/x.html"), directory] {
            let said = complaint("07_gather_fetch", &[], &path);
            assert!(said.contains("cannot be written"), "{said}");
            assert!(said.ends_with("runs without a trace"), "{said}");
        }
    });
}

#[test]
fn a_program_that_fails_fails_in_the_same_way_when_its_trace_cannot_be_written() {
    within_limit(|| {
        let arguments = ["/there/is/no/directory"];
        complaint("file_server", &arguments, Path::new("/there/is/no/x.jsonl"));
    });
}

#[test]
fn a_program_of_many_loops_says_once_that_its_traces_cannot_be_written() {
    within_limit(|| {
        complaint("coroutine", &[], Path::new("/there/is/no/x.jsonl"));
    });
}

/// On Linux, there is a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_trace_and_not_the_program() {
    within_limit(|| {
        for ending in ["jsonl", "json", "html"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x").with_extension(ending);
            std::os::unix::fs::symlink("/dev/full", &path).unwrap();
            let said = complaint("07_gather_fetch", &[], &path);
            assert!(said.contains("No space left") && said.contains("goes on"), "{said}");
        }
    });
}

#[test]
fn a_trace_of_an_unknown_form_is_said_in_one_line_and_does_no_harm() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.txt", "x", ".jsonl", "x.jsonl.gz"] {
            let said = complaint("07_gather_fetch", &[], &folder.path().join(name));
            assert!(said.contains(".jsonl") && said.contains(".html"), "it names them: {said}");
        }
        assert!(traces_in(folder.path()).is_empty(), "nothing was made");
    });
}

#[test]
fn a_trace_that_the_program_itself_wants_and_cannot_have_is_an_error() {
    within_limit(|| {
        let build = |path: &str| Executor::builder().trace(path).build().map(drop).unwrap_err();
        let missing = build("/there/is/no/x.jsonl");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(missing.to_string().contains("/there/is/no/x.jsonl"), "{missing}");
        let unknown = build("x.txt");
        assert_eq!(unknown.kind(), io::ErrorKind::InvalidInput);
        assert!(unknown.to_string().contains(".jsonl"), "{unknown}");
    });
}

// ── which loops are traced ────────────────────────────────────────────────

/// The traces in a folder, by their names.
fn traces_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

fn names(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect()
}

#[test]
fn each_loop_of_a_program_has_a_trace_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut launcher = Command::new("env");
    launcher.env("GLASSLOOP_TRACE", folder.path().join("x.jsonl"));
    let output = output_alone(launcher, || {
        block_on(async {});
        let outer = Executor::new().unwrap();
        outer.block_on(async { std::thread::spawn(|| block_on(yield_now())).join().unwrap() });
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    let paths = traces_in(folder.path());
    assert_eq!(names(&paths), ["x-2.jsonl", "x-3.jsonl", "x.jsonl"]);
    let polls = paths.iter().map(|path| expect_good(&read(path)).count("poll"));
    assert_eq!(polls.collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn a_loop_whose_builder_names_a_trace_is_not_asked_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut launcher = Command::new("env");
    launcher.env("GLASSLOOP_TRACE", folder.path().join("x.jsonl"));
    let output = output_alone(launcher, || {
        let path = PathBuf::from(std::env::var_os("GLASSLOOP_TRACE").unwrap());
        let own = path.with_file_name("own.jsonl");
        Executor::builder().trace(own).build().unwrap().block_on(async {});
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    let paths = traces_in(folder.path());
    assert_eq!(names(&paths), ["own.jsonl"]);
    expect_good(&read(&paths[0]));
}

#[test]
fn a_timeline_goes_to_stderr_and_leaves_stdout_as_it_is() {
    within_limit(|| {
        let run = |trace| {
            let mut command = program("07_gather_fetch");
            command.env("GLASSLOOP_TRACE", trace).env("GLASSLOOP_VIRTUAL_TIME", "1");
            command.output().unwrap()
        };
        // An empty variable means: no trace.
        let (traced, not_traced) = (run("-"), run(""));
        assert!(not_traced.stderr.is_empty(), "{not_traced:?}");
        assert_eq!(traced.stdout, not_traced.stdout);
        let timeline = String::from_utf8(traced.stderr).unwrap();
        assert!(timeline.contains("park") && timeline.contains("fetch"), "{timeline}");
    });
}

#[test]
fn a_trace_for_chrome_is_json_to_the_last_character() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let executor = Executor::builder().virtual_time().trace(&path).build().unwrap();
        executor.block_on(async { sleep(Duration::from_millis(3)).await });
        drop(executor);
        let trace: serde_json::Value = serde_json::from_str(&read(&path)).unwrap();
        assert!(trace.as_array().is_some_and(|events| events.len() > 10), "{trace}");
    });
}

#[test]
fn texts_of_all_kinds_are_escaped() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let odd = "\"\\ \u{1} \u{7f} \u{85} \n \u{2028} </script><!-- ä 🦀 \0";
        let executor = Executor::builder().virtual_time().trace(&path).build().unwrap();
        executor.block_on(async {
            glassloop::spawn_named(odd, async {}).await.unwrap();
            glassloop::println!("{odd}");
            spawn(async { std::panic::panic_any(odd.to_owned()) }).await.unwrap_err();
        });
        drop(executor);
        let trace = read(&path);
        expect_good(&trace);
        let texts = trace.lines().filter_map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = ["name", "text"].iter().find_map(|key| value.get(key)?.as_str());
            text.filter(|text| *text != "root").map(str::to_owned)
        });
        assert_eq!(texts.collect::<Vec<_>>(), [odd; 3]);
        assert!(!trace.contains("</"), "nothing in the trace may end the script of the page");
    });
}

/// Breaks when the line is made once for the trace and once more for the screen: a `Display`
/// may be of use only once, or take long.
#[test]
fn a_printed_line_formats_its_arguments_once_whatever_watches_the_loop() {
    struct Counted<'a>(&'a std::cell::Cell<u32>);

    impl std::fmt::Display for Counted<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.set(self.0.get() + 1);
            write!(f, "printed {}", self.0.get())
        }
    }

    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let count = std::cell::Cell::new(0);
        let print = || glassloop::println!("{}", Counted(&count));
        print();
        assert_eq!(count.replace(0), 1, "outside of a loop");
        let explained = Executor::builder().explain(true).build().unwrap();
        explained.block_on(async { print() });
        assert_eq!(count.replace(0), 1, "in a loop that keeps notes");
        let traced = Executor::builder().trace(&path).build().unwrap();
        traced.block_on(async { print() });
        assert_eq!(count.replace(0), 1, "in a loop that is traced");
        drop(traced);
        assert!(read(&path).contains("printed 1"), "the line is in the trace");
    });
}
