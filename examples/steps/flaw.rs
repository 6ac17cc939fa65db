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

use std::io::{self, IsTerminal, Write};
use std::process::{Command, ExitCode, Termination, exit};
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

/// Says that the program is the one that may hang.
const HERE: &str = "--here";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => list(),
        [name, HERE] => run_here(name),
        [asked] => run_alone(asked),
        _ => complain("one name at a time"),
    }
}

fn list() -> ExitCode {
    for flaw in FLAWS {
        println!("step {}  {:24}{}", flaw.step, flaw.name, flaw.title());
    }
    println!("\nTo run one: cargo run --example flaw {}", FLAWS[0].name);
    ExitCode::SUCCESS
}

/// Runs a flaw in this process, which may hang.
fn run_here(name: &str) -> ExitCode {
    let Some(flaw) = FLAWS.iter().find(|flaw| flaw.name == name) else {
        return complain("no flaw has this name");
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
        return complain("there is no such flaw, and no such step");
    }
    for flaw in chosen {
        println!("── a flaw, cured in step {} ──", flaw.step);
        let program = std::env::current_exe().expect("this program has a path");
        let ended = Command::new(program).args([flaw.name, HERE]).status();
        if !ended.is_ok_and(|status| status.success()) {
            return complain("this flaw has ended in another way than it should");
        }
    }
    ExitCode::SUCCESS
}

fn complain(reason: &str) -> ExitCode {
    eprintln!("{reason}; the list of flaws: cargo run --example flaw");
    ExitCode::FAILURE
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
            println!("(What is wrong? Guess, and press Enter.)");
            let _ = io::stdin().read_line(&mut String::new());
        }
        let what = format!("{} {reason}", self.title());
        let how = format!("cargo run -p glassloop-steps -- flaw {}", self.name);
        // A reader that has gone is no error.
        let _ = writeln!(
            io::stdout(),
            "\nIt is this: {}\nTo see it, and its cure: {how}\n",
            what.trim_end()
        );
    }
}

/// Ends the program after a second, with the reason why it hangs.
fn hangs(reason: &'static str) {
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(1));
        println!("… and hangs.");
        RUNNING.get().expect("a flaw runs").answer(reason);
        exit(0);
    });
}
