//! One program: one runtime. One run: one workload, one line of result.
//!
//! ```text
//! bench-tokio                                    the names of its workloads
//! bench-tokio yield1                             one line of JSON
//! bench-tokio yield1 --operations 1000 --exact   this many, once, and nothing before it
//! ```

use std::env;
use std::panic;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::time::Duration;

use crate::meter::{Meter, Span};
use crate::system;
use crate::workload::{Job, Workload};

/// A measurement goes on until it has this much of either time.
const ENOUGH_CPU: Duration = Duration::from_millis(200);
const ENOUGH_WALL: Duration = Duration::from_millis(1000);

/// The command line of one run.
struct Options {
    workload: Option<String>,
    operations: Option<u64>,
    scale: Option<u64>,
    /// An n-th of the operations and of the time: a trial.
    divide: u32,
    data: PathBuf,
    /// Once, unmeasured repetitions left out: for instruments that count instructions.
    exact: bool,
}

/// The `main` of every such program.
pub fn main(runtime: &str, workloads: &[Workload]) -> ExitCode {
    let options = match read_options() {
        Ok(options) => options,
        Err(mistake) => return refuse(&mistake),
    };
    let Some(name) = &options.workload else {
        workloads.iter().for_each(|workload| println!("{}", workload.name));
        return ExitCode::SUCCESS;
    };
    let Some(workload) = workloads.iter().find(|workload| workload.name == name) else {
        return refuse(&format!("{runtime} has no workload {name:?}"));
    };
    end_with_any_thread();
    println!("{}", measure(runtime, workload, &options));
    ExitCode::SUCCESS
}

/// A thread that panicked owes the loop a wake, and the loop would wait for it for ever.
fn end_with_any_thread() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        report(info);
        process::exit(101);
    }));
}

fn refuse(mistake: &str) -> ExitCode {
    eprintln!("{mistake}");
    ExitCode::from(2)
}

fn read_options() -> Result<Options, String> {
    let mut options = Options {
        workload: None,
        operations: None,
        scale: None,
        divide: 1,
        data: env::temp_dir().join("glassloop-bench"),
        exact: false,
    };
    let words = env::args_os().skip(1).map(|word| word.into_string());
    let words =
        words.collect::<Result<Vec<_>, _>>().map_err(|word| format!("{word:?} is no UTF-8"));
    let mut arguments = words?.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument:?} needs a value after it"));
        let number =
            |text: String| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
        match argument.as_str() {
            "--operations" => options.operations = Some(number(value()?)?),
            "--scale" => options.scale = Some(number(value()?)?),
            "--divide" => options.divide = number(value()?)?.max(1) as u32,
            "--data" => options.data = value()?.into(),
            "--exact" => options.exact = true,
            option if option.starts_with("--") => return Err(format!("there is no {option:?}")),
            name => options.workload = Some(name.into()),
        }
    }
    Ok(options)
}

/// Runs it until enough was measured, and tells the result as a line of JSON.
fn measure(runtime: &str, workload: &Workload, options: &Options) -> String {
    system::raise_open_files();
    if workload.pinned {
        system::pin();
    }
    let operations =
        options.operations.unwrap_or(workload.operations / u64::from(options.divide)).max(1);
    let run = |operations| run(workload, operations, options);
    let once = workload.once || options.exact;
    let enough = Span { cpu: ENOUGH_CPU / options.divide, wall: ENOUGH_WALL / options.divide };
    if !once {
        // So that the first touch of code and memory is not measured.
        run((operations / 100).max(1));
    }
    let mut total = Span::default();
    let mut done = 0;
    loop {
        let meter = run(operations);
        total.cpu += meter.span().cpu;
        total.wall += meter.span().wall;
        done += operations;
        if once || total.cpu >= enough.cpu || total.wall >= enough.wall {
            return line(runtime, workload.name, done, total, &meter.figures());
        }
    }
}

fn run(workload: &Workload, operations: u64, options: &Options) -> Meter {
    let job = Job {
        operations,
        scale: options.scale.unwrap_or(workload.scale),
        data: options.data.clone(),
        meter: Meter::default(),
    };
    job.meter.start();
    (workload.run)(&job);
    job.meter.stop();
    job.meter
}

fn line(runtime: &str, workload: &str, done: u64, total: Span, figures: &[(&str, f64)]) -> String {
    let (cpu, wall) = (total.cpu.as_nanos(), total.wall.as_nanos());
    let mut line = format!(
        r#"{{"runtime":"{runtime}","workload":"{workload}","operations":{done},"cpu_ns":{cpu},"wall_ns":{wall}"#
    );
    line += &format!(r#","cpu_ns_per_operation":{:.2}"#, cpu as f64 / done as f64);
    line += &format!(r#","wall_ns_per_operation":{:.2}"#, wall as f64 / done as f64);
    for (name, value) in figures {
        line += &format!(r#","{name}":{value:.2}"#);
    }
    line + "}"
}
