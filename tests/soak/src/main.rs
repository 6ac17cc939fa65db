//! # Soak: everything at once on one loop, and then the account
//!
//! ```text
//! cargo run --release -p glassloop-soak                 # a minute and a half
//! cargo run --release -p glassloop-soak -- --help
//! ```
//!
//! A test shows that a promise is kept once. This shows that it is kept under load, while
//! everything else goes on, ten thousand and a million times; and that nothing is left
//! behind. One file for each load, in this order:
//!
//! | file | load | what must be true |
//! |---|---|---|
//! | `sockets.rs` | 10,000 connections that talk both ways | every byte arrives, in order |
//! | `sleeps.rs` | 1,000,000 tasks asleep at once | each wakes once, none early, in order |
//! | `storm.rs`, `acts.rs` | aborts, time limits, panics | each future dropped once, nothing lost |
//! | `files.rs` | files, in pieces and as a whole | what was written is read |
//! | `jobs.rs` | blocking jobs | each accepted one runs once |
//! | `wakes.rs`, `parks.rs` | 2,000,000 wakes by other threads | none is lost |
//! | `account.rs` | the end | memory, descriptors, threads as before |
//!
//! A wake that is lost shows as a run that does not end: `observer.rs` ends it then.

mod account;
mod acts;
mod files;
mod heap;
mod jobs;
mod meters;
mod observer;
mod options;
mod parks;
mod plan;
mod planned;
mod random;
mod report;
mod sleeps;
mod sockets;
mod storm;
mod wakes;

#[cfg_attr(unix, path = "limit_unix.rs")]
#[cfg_attr(not(unix), path = "limit_other.rs")]
mod limit;
#[cfg_attr(target_os = "linux", path = "system_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "system_other.rs")]
mod system;
#[cfg_attr(all(target_os = "linux", target_env = "gnu"), path = "trim_gnu.rs")]
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), path = "trim_other.rs")]
mod trim;

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use glassloop::{Executor, spawn};

use account::Holdings;
use jobs::Jobs;
use observer::Observer;
use options::{Command, Options};
use plan::Plan;
use report::{Row, bytes_of, grouped, table};

/// Open files besides those of the connections: of the files, the pollers, the
/// listeners, the terminal, and some to spare.
const OTHER_FILES: u64 = 128;
/// If it takes longer than it should by this, something hangs.
const GRACE: Duration = Duration::from_secs(25);

fn main() -> ExitCode {
    // What is no UTF-8 is no option either, and is named as one.
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    match options::read(words) {
        Command::Run(options) => run(&options),
        Command::Help => {
            let _ = write!(stdout(), "{}", options::USAGE);
            ExitCode::SUCCESS
        }
        Command::Mistake(mistake) => {
            let _ = writeln!(stderr(), "glassloop-soak: {mistake}. See --help");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> ExitCode {
    planned::be_silent_about_planned_panics();
    let connections = as_many_as_allowed(options.sockets);
    // Everything once on a small scale, so that what is made only once, for ever, exists
    // before the process is measured.
    let (mut rows, _) = soak(&small(options), connections.min(50));
    rows.retain(Row::is_wrong);
    let before = Holdings::now().without(bytes_of(&rows));
    let (told, most) = soak(options, connections);
    rows.extend(told);
    let after = Holdings::when_settled(&before).without(bytes_of(&rows));
    rows.extend(before.compare(&after, most));

    tell(&rows, options.seed)
}

fn tell(rows: &[Row], seed: u64) -> ExitCode {
    let _ = write!(stdout(), "{}", table(rows));
    let again = format!("--seed {seed}");
    match rows.iter().all(Row::is_fine) {
        true => {
            let _ = writeln!(stdout(), "\nEverything is as it must be ({again}).");
            ExitCode::SUCCESS
        }
        false => {
            let _ = writeln!(stderr(), "glassloop-soak: not everything is as it must be ({again})");
            ExitCode::FAILURE
        }
    }
}

/// The same for a second, with little of everything.
fn small(options: &Options) -> Options {
    let seed = options.seed.wrapping_add(1);
    Options { seconds: 1, sockets: 50, tasks: 1000, wakes: 1000, fronts: 4, seed }
}

/// One run on one loop; the executor is gone when it returns.
fn soak(options: &Options, connections: usize) -> (Vec<Row>, account::Most) {
    let plan = Plan::new(options, connections);
    let limit = Duration::from_secs(options.seconds) + GRACE;
    let observer = Observer::start(plan.meters.clone(), limit);
    let executor = Executor::builder().real_time().build().expect("an event loop");
    let jobs = Jobs::default();
    let mut rows = executor.block_on(all_loads(Rc::new(plan), jobs.clone()));
    let stats = executor.stats();
    // The end of the executor waits for the jobs.
    drop(executor);
    rows.push(jobs.account());
    let checked = format!("{} polls, {} events", grouped(stats.polls), grouped(stats.events));
    rows.push(Row::told("turns of the loop", grouped(stats.turns), checked));
    (rows, observer.stop())
}

async fn all_loads(plan: Rc<Plan>, jobs: Jobs) -> Vec<Row> {
    let jobs = spawn(jobs::run(Rc::clone(&plan), jobs));
    let storm = spawn(storm::run(Rc::clone(&plan)));
    let loads = [
        spawn(sockets::run(Rc::clone(&plan))),
        spawn(sleeps::run(Rc::clone(&plan))),
        spawn(files::run(Rc::clone(&plan))),
        spawn(wakes::run(Rc::clone(&plan))),
        spawn(parks::run(plan)),
    ];
    let mut rows = Vec::new();
    for load in loads {
        rows.push(load.await.expect("a load notes its faults and does not panic"));
    }
    rows.extend(storm.await.expect("nor does the storm"));
    jobs.await.expect("nor do the jobs");
    rows
}

/// Each connection takes two descriptors, since both of its ends are here.
fn as_many_as_allowed(asked: usize) -> usize {
    let others = system::descriptors().unwrap_or(0) + OTHER_FILES;
    let wanted = 2 * asked as u64 + others;
    match limit::raise(wanted) {
        Some(limit) if limit < wanted => {
            let allowed = (limit.saturating_sub(others) / 2) as usize;
            let _ = writeln!(
                stderr(),
                "The system allows this process {} open files: enough for {} connections of {}.",
                grouped(limit),
                grouped(allowed as u64),
                grouped(asked as u64)
            );
            allowed
        }
        _ => asked,
    }
}
