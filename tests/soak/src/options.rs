//! The command line.

use std::str::FromStr;

pub const USAGE: &str = "\
Everything at once on one event loop; then every byte is accounted for.

Usage: cargo run --release -p glassloop-soak [-- OPTIONS]

  --seconds N   how long, from 2 to 3600; the last seventh is for what is still
                under way, and the warm-up takes a second more            [90]
  --sockets N   TCP connections at once; each has both of its sockets in this
                process. Fewer, if the system allows fewer open files  [10000]
  --tasks N     tasks asleep at once                                 [1000000]
  --wakes N     wakes from other threads, to the loop that is under load, and
                as many to one that does nothing but park            [1000000]
  --fronts N    of the storm, each with up to 24 tasks at a time           [256]
  --seed N      of all that is random (threads and clocks are not)     [random]
  -h, --help    this text

The account is printed at the end. Exit code 0: everything was as it must be;
1: something was not, or it hung; 2: a mistake in the command; 101: a panic that
nobody planned, like that of a loop which finds that nothing can ever wake it.
";

#[derive(Clone, Debug)]
pub struct Options {
    pub seconds: u64,
    pub sockets: usize,
    pub tasks: usize,
    pub wakes: usize,
    pub fronts: usize,
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seconds: 90,
            sockets: 10_000,
            tasks: 1_000_000,
            wakes: 1_000_000,
            fronts: 256,
            seed: random_seed(),
        }
    }
}

pub enum Command {
    Run(Options),
    Help,
    /// And why.
    Mistake(String),
}

/// Reads the arguments, without the program's name.
pub fn read(arguments: impl Iterator<Item = String>) -> Command {
    match try_read(arguments) {
        Ok(Some(options)) => Command::Run(options),
        Ok(None) => Command::Help,
        Err(mistake) => Command::Mistake(mistake),
    }
}

/// `None`: help is asked for.
fn try_read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    while let Some(option) = arguments.next() {
        let mut number = || match arguments.next() {
            Some(value) => parse(&option, &value),
            None => Err(format!("{option} needs a number after it")),
        };
        match option.as_str() {
            "--help" | "-h" => return Ok(None),
            "--seconds" => options.seconds = number()?,
            "--sockets" => options.sockets = number()? as usize,
            "--tasks" => options.tasks = number()? as usize,
            "--wakes" => options.wakes = number()? as usize,
            "--fronts" => options.fronts = number()? as usize,
            "--seed" => options.seed = number()?,
            _ => return Err(format!("there is no option {option:?}")),
        }
    }
    match options.seconds {
        2..=3600 => Ok(Some(options)),
        seconds => Err(format!("--seconds takes a number from 2 to 3600, not {seconds}")),
    }
}

fn parse(option: &str, value: &str) -> Result<u64, String> {
    let number = u64::from_str(value);
    number.map_err(|_| format!("{option} takes a whole number, and {value:?} is none"))
}

/// The standard library's hash maps are seeded by the system; so is this.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("soak") % 1_000_000_000
}
