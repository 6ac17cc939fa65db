//! An exercise of the documentation: a change of a line or two in `executor/`, and the
//! command of the test that must go red.
//!
//! In a page, an exercise is a diff and the command after it:
//!
//! ````text
//! ```diff
//! --- executor/event_loop/core.rs
//! -        for _ in 0..self.parts.queue.len() {
//! +        while !self.parts.queue.is_empty() {
//! ```
//!
//! Red: `cargo test --test ch02_order_and_fairness a_task_that_becomes_ready_…`
//! ````
//!
//! The first line names the file. A line `@@` separates two changes of the same file; lines
//! that begin with a space are context. The old lines of each change must be in the file
//! exactly once, so an exercise that is out of date says so.

use std::path::Path;
use std::{fs, io};

/// An exercise, as a page has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Where the diff begins, as in `docs/exercises.md:12`.
    pub place: String,
    /// The file to change, below the root of the package.
    pub file: String,
    pub changes: Vec<Change>,
    /// The name of the file in `tests/`, without its ending.
    pub chapter: String,
    /// The test that must go red.
    pub test: String,
}

/// Lines of a file, and the lines that replace them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub old: Vec<String>,
    pub new: Vec<String>,
}

impl Exercise {
    /// The text of the file with all changes of the exercise.
    ///
    /// # Errors
    /// A sentence, if the old lines of a change are not in the text exactly once.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        let mut lines: Vec<&str> = text.lines().collect();
        for Change { old, new } in &self.changes {
            let begins: Vec<usize> =
                (0..lines.len()).filter(|&at| starts_with(&lines[at..], old)).collect();
            let [begin] = begins[..] else {
                let (Exercise { place, file, .. }, count) = (self, begins.len());
                return Err(format!(
                    "{place}: these lines must be in {file} exactly once, but are there {count} \
                     times. Copy the lines from the file as they are now:\n{}",
                    old.join("\n")
                ));
            };
            lines.splice(begin..begin + old.len(), new.iter().map(String::as_str));
        }
        Ok(lines.join("\n") + "\n")
    }
}

fn starts_with(lines: &[&str], old: &[String]) -> bool {
    lines.len() >= old.len() && lines.iter().zip(old).all(|(line, old)| line == old)
}

/// All exercises of `README.md` and of the pages in `docs/`, below `root`.
///
/// # Errors
/// A page that cannot be read, or a diff in a page that is not an exercise.
pub fn all_below(root: &Path) -> io::Result<Vec<Exercise>> {
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.sort();
    let mut exercises = Vec::new();
    for page in pages {
        let name = page.strip_prefix(root).unwrap_or(&page).display().to_string();
        exercises.extend(in_page(&name, &fs::read_to_string(&page)?).map_err(io::Error::other)?);
    }
    Ok(exercises)
}

/// The exercises in the text of a page.
///
/// # Errors
/// A sentence, if a diff names no file in `executor/`, or no command follows it.
pub fn in_page(name: &str, text: &str) -> Result<Vec<Exercise>, String> {
    let mut exercises = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line != "```diff" {
            continue;
        }
        let place = format!("{name}:{}", index + 1);
        let diff = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let (file, changes) = read_diff(diff).map_err(|error| format!("{place}: {error}"))?;
        // The command is in the paragraphs before the next heading.
        let after = lines.clone().map(|(_, line)| line).take_while(|line| !line.starts_with('#'));
        let (chapter, test) = read_command(after).ok_or_else(|| {
            format!("{place}: after the diff, a `cargo test --test CHAPTER TEST` must follow")
        })?;
        exercises.push(Exercise { place, file, changes, chapter, test });
    }
    Ok(exercises)
}

fn read_diff<'a>(
    mut lines: impl Iterator<Item = &'a str>,
) -> Result<(String, Vec<Change>), String> {
    let file = lines.next().and_then(|line| line.strip_prefix("--- "));
    let file = file.filter(|file| file.starts_with("executor/"));
    let file = file.ok_or("the first line of the diff must be `--- executor/…`")?.to_owned();
    let mut changes = vec![Change::default()];
    for line in lines {
        if line == "@@" {
            changes.push(Change::default());
            continue;
        }
        let Change { old, new } = changes.last_mut().expect("the first one is there");
        let (sign, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        for (side, signs) in [(old, " -"), (new, " +")] {
            if signs.contains(sign) {
                side.push(text.to_owned());
            }
        }
        if !" -+".contains(sign) {
            return Err(format!("a line must begin with -, + or a space: {line:?}"));
        }
    }
    Ok((file, changes))
}

/// The chapter and the test in the first command `cargo test --test CHAPTER TEST`.
fn read_command<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<(String, String)> {
    lines.find_map(|line| {
        let (_, rest) = line.split_once("`cargo test --test ")?;
        let (chapter, test) = rest.split_once('`')?.0.split_once(' ')?;
        Some((chapter.to_owned(), test.to_owned()))
    })
}
