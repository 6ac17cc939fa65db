//! The command line: what is asked, and the answer.

use std::path::PathBuf;

use crate::folder::Folder;
use crate::paint::Paint;
use crate::{difference, list};

/// What `--help` prints.
pub const HELP: &str = "\
Shows what a step of the growing executor (examples/steps) adds to the step before.

  cargo run -p glassloop-steps                  list the steps
  cargo run -p glassloop-steps -- 3             what step 3 adds to step 2
  cargo run -p glassloop-steps -- 2 5           what is new in step 5 since step 2
  cargo run -p glassloop-steps -- flaw NAME     what is wrong in a flaw, and its cure

Options:
  --color=WHEN     auto (the default), always or never. With `auto` there are colours
                   if the output is a terminal and NO_COLOR is not set.
  --folder=PATH    where the steps are, if not in examples/steps
  --help           this text
";

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    List,
    Steps { older: u32, newer: u32 },
    Flaw(String),
    Help,
}

/// When to use colours.
#[derive(Debug, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The whole command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub command: Command,
    pub color: Color,
    pub folder: Option<PathBuf>,
}

/// Why there is no answer: a sentence.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The command line cannot be understood.
    Usage(String),
    /// What it asks for is not there.
    Failed(String),
}

impl Request {
    /// Reads the arguments.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn parse(arguments: &[String]) -> Result<Request, Error> {
        let (options, words): (Vec<&str>, Vec<&str>) =
            arguments.iter().map(|argument| &**argument).partition(|word| word.starts_with('-'));
        let mut request = Request { command: Command::List, color: Color::Auto, folder: None };
        for option in options {
            request.set(option)?;
        }
        if request.command != Command::Help {
            request.command = command(&words)?;
        }
        Ok(request)
    }

    fn set(&mut self, option: &str) -> Result<(), Error> {
        match option.split_once('=').unwrap_or((option, "")) {
            ("--help" | "-h", "") => self.command = Command::Help,
            ("--color", "auto") => self.color = Color::Auto,
            ("--color", "always") => self.color = Color::Always,
            ("--color", "never") => self.color = Color::Never,
            ("--color", _) => {
                return Err(usage("Write `--color=auto`, `--color=always` or `--color=never`."));
            }
            ("--folder", path) => self.folder = Some(path.into()),
            _ => return Err(usage(&format!("There is no option `{option}`."))),
        }
        Ok(())
    }

    /// The text of the answer.
    ///
    /// # Errors
    /// [`Error::Failed`]: a step or a flaw does not exist or cannot be read.
    pub fn answer(self, paint: Paint) -> Result<String, Error> {
        let folder = self.folder.map_or_else(Folder::of_repository, Folder);
        let answer = match self.command {
            Command::Help => Ok(HELP.into()),
            Command::List => list::of(&folder, paint),
            Command::Steps { older, newer } => steps(&folder, older, newer, paint),
            Command::Flaw(name) => flaw(&folder, &name, paint),
        };
        answer.map_err(Error::Failed)
    }
}

fn steps(folder: &Folder, older: u32, newer: u32, paint: Paint) -> Result<String, String> {
    let newer = folder.step(newer)?;
    if older == 0 {
        return Err("There is no step before step 1: read examples/steps/step_1.rs. \
                    Its successor is shown by `cargo run -p glassloop-steps -- 2`."
            .into());
    }
    Ok(difference::of_steps(&folder.step(older)?, &newer, paint))
}

fn flaw(folder: &Folder, name: &str, paint: Paint) -> Result<String, String> {
    let (flaw, step) = folder.flaw(name)?;
    let difference = difference::of_flaw(&flaw, &step, paint);
    difference.map_err(|error| format!("The flaw `{name}` cannot be shown: {error}."))
}

fn command(words: &[&str]) -> Result<Command, Error> {
    match *words {
        [] => Ok(Command::List),
        ["flaw", name] => Ok(Command::Flaw(name.into())),
        ["flaw"] => Err(usage("Which flaw? Write its name: `flaw NAME`.")),
        [newer] => {
            let newer = number(newer)?;
            Ok(Command::Steps { older: newer.saturating_sub(1), newer })
        }
        [older, newer] => Ok(Command::Steps { older: number(older)?, newer: number(newer)? }),
        _ => Err(usage("Write one step or two, as in `2 3`.")),
    }
}

fn number(word: &str) -> Result<u32, Error> {
    let number = word.trim_start_matches("step_").parse();
    number.map_err(|_| usage(&format!("`{word}` is not the number of a step. Write `2 3` or `3`.")))
}

fn usage(problem: &str) -> Error {
    Error::Usage(format!("{problem} `cargo run -p glassloop-steps -- --help` shows all commands."))
}
