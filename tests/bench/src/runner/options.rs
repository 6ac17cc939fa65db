//! The runner's command line.

use std::path::PathBuf;

pub const HELP: &str = "\
cargo run --release -p glassloop-bench            everything; writes docs/benchmarks.md
cargo run --release -p glassloop-bench -- [options]
  --only a,b        these workloads (the start of a name will do); prints, writes nothing
  --runtimes a,b    these runtimes; prints, writes nothing
  --rounds n        how often each takes its turn (5)
  --divide n        every workload with an n-th of its operations (1): a trial
  --write folder    write the report there, whatever was selected
  -h, --help        this";

/// Those with a value.
const OPTIONS: [&str; 5] = ["--only", "--runtimes", "--rounds", "--divide", "--write"];

#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub only: Vec<String>,
    pub runtimes: Vec<String>,
    pub rounds: usize,
    pub divide: u64,
    pub write: Option<PathBuf>,
    pub help: bool,
}

impl Options {
    /// Reads them; `Err` names the mistake.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { only: vec![], runtimes: vec![], rounds: 5, divide: 1, write: None, help: false };
        while let Some(option) = arguments.next() {
            if option == "--help" || option == "-h" {
                options.help = true;
                continue;
            }
            if !OPTIONS.contains(&option.as_str()) {
                return Err(format!("there is no option {option:?}"));
            }
            let value = arguments.next().ok_or(format!("{option} needs a value after it"))?;
            match option.as_str() {
                "--only" => options.only = words(&value),
                "--runtimes" => options.runtimes = words(&value),
                "--rounds" => options.rounds = number(&option, &value)? as usize,
                "--divide" => options.divide = number(&option, &value)?,
                _ => options.write = Some(value.into()),
            }
        }
        Ok(options)
    }

    /// Whether the runtime takes part.
    pub fn takes_runtime(&self, name: &str) -> bool {
        self.runtimes.is_empty() || self.runtimes.iter().any(|wanted| wanted == name)
    }

    /// Whether the workload takes part.
    pub fn takes_workload(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| name.starts_with(wanted.as_str()))
    }

    /// A selection is for looking, and must not overwrite the report of a full run.
    pub fn is_selection(&self) -> bool {
        !self.only.is_empty() || !self.runtimes.is_empty() || self.divide != 1
    }
}

fn words(list: &str) -> Vec<String> {
    list.split(',').filter(|word| !word.is_empty()).map(str::to_string).collect()
}

fn number(option: &str, value: &str) -> Result<u64, String> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or(format!("{option} takes a whole number above 0, and {value:?} is none"))
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(line.split_whitespace().map(str::to_string))
    }

    #[test]
    fn without_options_everything_takes_part_and_the_report_is_written() {
        let options = read("").expect("nothing is wrong");
        assert!(options.takes_runtime("tokio") && options.takes_workload("yield1"));
        assert!(!options.is_selection());
    }

    #[test]
    fn the_start_of_a_name_selects_workloads_and_runtimes_go_by_their_whole_name() {
        let options = read("--only yield,ping --runtimes tokio").expect("nothing is wrong");
        assert!(options.takes_workload("yield1000") && !options.takes_workload("spawn_all"));
        assert!(options.takes_runtime("tokio") && !options.takes_runtime("floor"));
        assert!(options.is_selection());
    }

    #[test]
    fn a_mistake_is_named() {
        assert_eq!(read("--rounds"), Err("--rounds needs a value after it".into()));
        assert_eq!(read("--round 3"), Err("there is no option \"--round\"".into()));
        assert!(read("--rounds 0").is_err_and(|mistake| mistake.contains("\"0\" is none")));
    }
}
