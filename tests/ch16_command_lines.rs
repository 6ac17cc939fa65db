//! The command lines of the programs in `examples/`: what is asked for help, what cannot be
//! understood, and who reads the answer, is the same for all of them.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use programs::program;
use support::within_limit;

/// All programs that read their command line, but the steps, which are read and not used.
const PROGRAMS: [&str; 6] = ["chat_server", "file_server", "flaw", "gallery", "profile", "tour"];

/// The exit code of a Rust program that has panicked.
const PANICKED: i32 = 101;

#[test]
fn every_program_explains_itself_when_asked() {
    for name in PROGRAMS {
        for help in ["-h", "--help"] {
            let output = run(program(name).arg(help));
            assert_eq!(output.status.code(), Some(0), "{name} {help}: {output:?}");
            let text = text(&output.stdout);
            assert!(text.contains("Usage: "), "{name} {help}: {text}");
            assert!(output.stderr.is_empty(), "{name} {help}: {output:?}");
        }
    }
}

#[test]
fn what_no_program_understands_is_an_error_of_one_line_and_the_exit_code_is_2() {
    for name in PROGRAMS {
        for word in ["--nope", "--\u{1b}[31m\u{202e}\n", "-"] {
            expect_refusal(name, OsStr::new(word));
        }
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_utf_8_is_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    for name in PROGRAMS {
        expect_refusal(name, OsStr::from_bytes(b"--\xff\xfe"));
        // For some it is the name of a file, and there is none.
        let output = run(program(name).arg(OsStr::from_bytes(b"\xff\xfe")));
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name}: {output:?}");
    }
}

fn expect_refusal(name: &str, word: &OsStr) {
    let output = run(program(name).arg(word));
    assert_eq!(output.status.code(), Some(2), "{name} {word:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{name} must not go on after {word:?}: {output:?}");
    let complaint = text(&output.stderr);
    assert!(complaint.starts_with(&format!("{name}: ")), "{name} {word:?}: {complaint}");
    assert!(complaint.ends_with("; see --help\n"), "{name} {word:?}: {complaint}");
    let shown = complaint.trim_end_matches('\n');
    let is_hidden = |c: char| c.is_control() || c == '\u{202e}';
    assert!(!shown.contains(is_hidden), "{name} {word:?}: {complaint:?}");
}

/// As with `| head -1`, and with `2>&1 | head -1`.
#[test]
fn a_reader_that_has_gone_is_no_panic() {
    for name in PROGRAMS {
        expect_no_panic(name, &["--help"], 0);
        expect_no_panic(name, &["--nope"], 2);
    }
    expect_no_panic("flaw", &[], 0);
    expect_no_panic("flaw", &["one_poll"], 0);
    expect_no_panic("flaw", &["woken_twice"], 0);
    expect_no_panic("tour", &["Cargo.toml"], 0);
    expect_no_panic("tour", &["no/such/file"], 1);
}

fn expect_no_panic(name: &str, arguments: &[&str], code: i32) {
    let mut gone = program(name);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    gone.args(arguments).stdout(writer.try_clone().unwrap()).stderr(writer);
    expect_code(&mut gone, code);
    #[cfg(target_os = "linux")]
    {
        let full = || std::fs::File::options().write(true).open("/dev/full").expect("Linux");
        let mut full_disk = program(name);
        full_disk.args(arguments).stdout(full()).stderr(full());
        expect_code(&mut full_disk, code);
        let closed = format!("exec \"$0\" {} >&- 2>&-", arguments.join(" "));
        let mut shell = Command::new("sh");
        shell.args(["-c", &closed]).arg(program(name).get_program());
        expect_code(&mut shell, code);
    }
}

fn expect_code(command: &mut Command, code: i32) {
    command.env("GLASSLOOP_TRACE", "").current_dir(env!("CARGO_MANIFEST_DIR"));
    let shown = format!("{command:?}");
    let mut process = command.stdin(Stdio::null()).spawn().expect("the program starts");
    let status = within_limit(move || process.wait().expect("it ends"));
    assert_ne!(status.code(), Some(PANICKED), "{shown} panics");
    assert_eq!(status.code(), Some(code), "{shown}");
}

fn run(command: &mut Command) -> Output {
    command.env("GLASSLOOP_TRACE", "").stdin(Stdio::null());
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let process = process.expect("the program starts");
    within_limit(move || process.wait_with_output().expect("it ends"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("programs print UTF-8")
}
