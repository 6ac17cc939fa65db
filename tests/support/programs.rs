//! Other programs that the tests run: the examples, and CPython.

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of a file in `examples/`.
pub fn in_examples(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file)
}

/// An example's program. Tests are in `target/<profile>/deps`, examples in
/// `target/<profile>/examples`. `cargo test` builds both; `cargo test --test ch16_twins`
/// builds only the test, so the examples may be missing, or old.
pub fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("target/<profile>");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(file);
    assert!(
        program.exists(),
        "{} is missing: run `cargo test`, or `cargo build --examples` before this test alone",
        program.display()
    );
    Command::new(program)
}

/// A CPython of at least 3.12, if there is one. It treats warnings as errors.
pub fn python() -> Option<Command> {
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

/// Says on the terminal what was not tested, and why. libtest hides the output of a test
/// that passes, so this writes to the terminal directly.
pub fn say_left_out(what: &str) {
    let _ =
        std::io::Write::write_all(&mut std::io::stderr(), format!("left out: {what}\n").as_bytes());
}
