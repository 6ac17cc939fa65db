//! The folder of the steps: `step_1.rs`, `step_2.rs`, …, and `flaws/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::flaw::Flaw;
use crate::items::Step;

/// The folder. Its errors are sentences that say what to write instead.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// `examples/steps` of this repository.
    pub fn of_repository() -> Folder {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.ancestors().nth(2).expect("tests/steps is below the root");
        Folder(root.join("examples/steps"))
    }

    /// How many steps there are.
    pub fn count(&self) -> u32 {
        (1..).take_while(|&number| self.path(number).exists()).last().unwrap_or(0)
    }

    /// All steps.
    ///
    /// # Errors
    /// There are none, or one cannot be read.
    pub fn steps(&self) -> Result<Vec<Step>, String> {
        let count = self.count();
        if count == 0 {
            return Err(format!("There is no step_1.rs in {}.", self.0.display()));
        }
        (1..=count).map(|number| self.step(number)).collect()
    }

    /// One step.
    ///
    /// # Errors
    /// It does not exist, or cannot be read.
    pub fn step(&self, number: u32) -> Result<Step, String> {
        let count = self.count();
        if !(1..=count).contains(&number) {
            return Err(format!(
                "There is no step {number}. Write a number from 1 to {count}; without a number, \
                 the steps are listed."
            ));
        }
        let path = self.path(number);
        let step = read(&path).and_then(|text| Step::parse(&text));
        step.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The names of the flaws, sorted.
    pub fn flaws(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.join("flaws")).into_iter().flatten().flatten();
        let paths = files.map(|file| file.path());
        let rust = paths.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
        let mut names: Vec<String> =
            rust.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        names.retain(|name| name != "mod"); // it only names the others
        names.sort();
        names
    }

    /// One flaw, and the step that does it right.
    ///
    /// # Errors
    /// It does not exist, or cannot be read, or names a step that does not exist.
    pub fn flaw(&self, name: &str) -> Result<(Flaw, Step), String> {
        let flaws = self.flaws();
        if flaws.iter().all(|one| one != name) {
            let there_are = if flaws.is_empty() { "none yet".into() } else { flaws.join(", ") };
            return Err(format!("There is no flaw `{name}`. The flaws are: {there_are}."));
        }
        let path = self.0.join("flaws").join(name).with_extension("rs");
        let flaw = read(&path).and_then(|text| Flaw::parse(&text));
        let flaw = flaw.map_err(|error| format!("{}: {error}", path.display()))?;
        let step = self.step(flaw.step)?;
        Ok((flaw, step))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.0.join(format!("step_{number}.rs"))
    }
}

fn read(path: &Path) -> Result<String, String> {
    // As on Windows, if git was told so.
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Ok(text.replace("\r\n", "\n"))
}
