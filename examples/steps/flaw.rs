//! # Wrong first: the flaws that the steps cure, to be run
//!
//! ```text
//! cargo run --example flaw              # the list
//! cargo run --example flaw 2            # the flaws of step 2
//! cargo run --example flaw woken_twice  # one of them
//! ```
//!
//! A flaw is a step with one or two items in a wrong version. These are in
//! examples/steps/flaws; `step!` brings all the other items of the step. A program that hangs
//! is ended after a second. Then comes the answer, in words: guess first.

mod flaws;
#[path = "../shared/terminal.rs"]
mod terminal;

use std::io::{self, IsTerminal, Read};
use std::process::{ChildStdout, Command, ExitCode, Stdio, Termination, exit};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

#[derive(Debug)]
struct Flaw {
    /// The step that cures it.
    step: &'static str,
    name: &'static str,
    source: &'static str,
    main: fn() -> ExitCode,
}

macro_rules! flaws {
    ($($step:literal $name:ident,)*) => {
        &[$(Flaw {
            step: stringify!($step),
            name: stringify!($name),
            source: include_str!(concat!("flaws/", stringify!($name), ".rs")),
            main: || flaws::$name::main().report(),
        },)*]
    };
}

const FLAWS: &[Flaw] = flaws! {
    1 one_poll,
    2 burns,
    2 flag_too_late,
    3 woken_twice,
    3 polled_after_the_end,
    3 cleared_after_the_poll,
    3 notify_before_push,
    4 joiner_not_woken,
    4 panic_ends_the_loop,
    5 sleep_stops_the_loop,
    5 timer_left_behind,
    6 million_in_a_map,
    6 one_hand,
    7 deaf_poller,
    7 write_erases_read,
    7 nobody_reads,
    8 blocking_read,
    8 wake_before_value,
};

/// The flaw that runs in this process.
static RUNNING: OnceLock<&Flaw> = OnceLock::new();

const USAGE: &str = "\
Usage: cargo run --example flaw [-- STEP | NAME]

Runs a flaw that a step cures, or all flaws of the step, each for a second at most; then
says what was wrong. Without an argument: the list.
";

/// Says that the program is the one that may hang.
const HERE: &str = "--here";

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let arguments: Vec<String> = arguments.collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => list(),
        words if words.contains(&"-h") || words.contains(&"--help") => {
            terminal::say(USAGE);
            ExitCode::SUCCESS
        }
        [name, HERE] => run_here(name),
        [asked] => run_alone(asked),
        words => terminal::refuse("flaw", format_args!("one name at a time, not {words:?}")),
    }
}

fn list() -> ExitCode {
    for flaw in FLAWS {
        let line = format_args!("step {}  {:24}{}\n", flaw.step, flaw.name, flaw.title());
        terminal::say(line);
    }
    let how = format_args!("\nTo run one: cargo run --example flaw {}\n", FLAWS[0].name);
    terminal::say(how);
    ExitCode::SUCCESS
}

/// Runs a flaw in this process, which may hang.
fn run_here(name: &str) -> ExitCode {
    let Some(flaw) = FLAWS.iter().find(|flaw| flaw.name == name) else {
        return refuse(name);
    };
    RUNNING.set(flaw).expect("one flaw a process");
    let code = (flaw.main)();
    flaw.answer("");
    code
}

/// Runs a flaw, or all those of a step, each in a process of its own.
fn run_alone(asked: &str) -> ExitCode {
    let mut chosen = FLAWS.iter().filter(|flaw| [flaw.step, flaw.name].contains(&asked)).peekable();
    if chosen.peek().is_none() {
        return refuse(asked);
    }
    for flaw in chosen {
        terminal::say(format_args!("── a flaw, cured in step {} ──\n", flaw.step));
        if !run_elsewhere(flaw).is_ok_and(|is_fine| is_fine) {
            terminal::complain("flaw", "this flaw has ended in another way than it should");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Runs a flaw in a process of its own, and shows what it prints. (To a pipe: it prints with
/// `println!`, which would panic if this program's output is closed.)
fn run_elsewhere(flaw: &Flaw) -> io::Result<bool> {
    let program = std::env::current_exe()?;
    let command = &mut Command::new(program);
    let mut process = command.args([flaw.name, HERE]).stdout(Stdio::piped()).spawn()?;
    show(process.stdout.take().expect("a pipe"))?;
    Ok(process.wait()?.success())
}

fn show(mut output: ChildStdout) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match output.read(&mut buffer)? {
            0 => return Ok(()),
            read => terminal::say(String::from_utf8_lossy(&buffer[..read])),
        }
    }
}

fn refuse(name: &str) -> ExitCode {
    terminal::refuse("flaw", format_args!("there is no flaw {name:?}, and no such step"))
}

impl Flaw {
    /// The first line of its file.
    fn title(&self) -> &'static str {
        let first = self.source.lines().next().unwrap_or_default();
        first.trim_start_matches("//! ")
    }

    /// Says what was wrong, but lets a reader guess first.
    fn answer(&self, reason: &str) {
        if io::stdin().is_terminal() {
            terminal::say("(What is wrong? Guess, and press Enter.)\n");
            let _ = io::stdin().read_line(&mut String::new());
        }
        let what = format!("{} {reason}", self.title());
        let how = format!("cargo run -p glassloop-steps -- flaw {}", self.name);
        let what = what.trim_end();
        terminal::say(format_args!("\nIt is this: {what}\nTo see it, and its cure: {how}\n\n"));
    }
}

/// Ends the program after a second, with the reason why it hangs.
fn hangs(reason: &'static str) {
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(1));
        terminal::say("… and hangs.\n");
        RUNNING.get().expect("a flaw runs").answer(reason);
        exit(0);
    });
}
