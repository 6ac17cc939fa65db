//! The twins: each concept once in asyncio and once on glassloop, in `examples/`.
//! Both sides must print the same file, exactly.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::within_limit;

/// The names of the twins, as in `06_round_robin`.
fn twins() -> Vec<String> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path());
    let recorded = entries.filter(|path| path.extension().is_some_and(|end| end == "out"));
    let names = recorded.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let mut twins: Vec<_> =
        names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect();
    twins.sort();
    twins
}

fn in_examples(name: &str, ending: &str) -> PathBuf {
    let file = format!("{name}.{ending}");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file)
}

/// The example's program, which `cargo test` builds beside this one.
fn program(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).expect("target/…/deps");
    let program =
        profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is not built; run `cargo test`", program.display());
    Command::new(program)
}

/// A CPython of at least 3.12, if there is one.
fn python() -> Option<Command> {
    let names = ["python3", "python3.14", "python3.13", "python3.12", "python"];
    let check =
        "import sys; sys.exit(sys.implementation.name != 'cpython' or sys.version_info < (3, 12))";
    let fits = |name: &&&str| {
        let mut python = Command::new(name);
        python.args(["-c", check]).stdout(Stdio::null()).stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    };
    let mut python = Command::new(names.iter().find(fits)?);
    python.args(["-W", "error"]);
    Some(python)
}

/// Runs a program, which must print what is recorded, and no complaint.
fn expect_recorded(name: &str, side: &str, mut command: Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{name}, {side}, complains:\n{complaints}");
    let printed = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    let recorded = fs::read_to_string(in_examples(name, "out")).unwrap().replace("\r\n", "\n");
    assert_eq!(printed, recorded, "{name}, {side}: the output differs from {name}.out");
}

#[cfg(unix)]
#[test]
fn every_rust_twin_prints_what_is_recorded() {
    let twins = twins();
    assert!(twins.len() >= 30, "some twins are missing: {twins:?}");
    for name in twins {
        within_limit(move || expect_recorded(&name, "the Rust twin", program(&name)));
    }
}

#[cfg(unix)]
#[test]
fn every_python_twin_prints_what_is_recorded() {
    if python().is_none() {
        // Straight to the terminal: a test that passes has its output hidden.
        let text = "left out: no CPython 3.12 or newer; the Python twins were not run\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        return;
    }
    for name in twins() {
        within_limit(move || {
            let mut python = python().expect("it was there a moment ago");
            python.arg(in_examples(&name, "py"));
            expect_recorded(&name, "the Python twin", python);
        });
    }
}
