//! A flaw: a step that goes wrong, because some of its items are replaced.
//!
//! ```text
//! //! # The flag is cleared after the poll
//! //! …
//! glassloop_step::step!(3 without TaskWaker::poll, main);
//!
//! impl TaskWaker { fn poll(…) … }
//! fn main() { … }
//! ```
//!
//! After `without`, an item is written as in the list of items (`impl Wake for Signal`,
//! `struct RunQueue`, `TaskWaker::poll`) or by its name alone (`main`). An `impl` stands for all
//! of its members. Generic arguments may be left out.

use crate::items::{Item, Step, split};
use crate::names::separate;

/// A flaw, as its file has it.
#[derive(Debug)]
pub struct Flaw {
    /// The `//!` lines.
    pub header: String,
    /// The number of the step that does it right.
    pub step: u32,
    /// The items that are replaced, or left out.
    pub without: Vec<String>,
    pub items: Vec<Item>,
}

impl Flaw {
    /// Reads a flaw.
    ///
    /// # Errors
    /// A sentence, if there is no call of `step!`, or none that names a step.
    pub fn parse(text: &str) -> Result<Flaw, String> {
        let (header, mut items) = split(text);
        let at = items.iter().position(|item| item.name == "step!");
        let call = at.map(|at| items.remove(at).text).and_then(|call| arguments(&call));
        let (number, without) = call
            .as_deref()
            .map_or(("", ""), |call| call.split_once(" without ").unwrap_or((call, "")));
        let Ok(step) = number.parse() else {
            return Err("a call like `glassloop_step::step!(3 without main);` must be in it".into());
        };
        let without = separate(without).into_iter().map(String::from).collect();
        Ok(Flaw { header, step, without, items })
    }

    /// The items of the whole wrong program: the flaw's own, and those that it takes over from
    /// the step.
    ///
    /// # Errors
    /// A sentence, if an item that is replaced is not in the step.
    pub fn program(&self, step: &Step) -> Result<Vec<Item>, String> {
        Ok(self.items.iter().chain(step.without(&self.without)?).cloned().collect())
    }
}

/// What is in the brackets of a macro call, in one line.
fn arguments(call: &str) -> Option<String> {
    let lines: Vec<&str> = call.lines().filter(|line| !line.starts_with("//")).collect();
    let lines = lines.join(" ");
    let (_, arguments) = lines.split_once('!')?;
    let arguments = arguments.trim_matches(|c: char| c.is_whitespace() || "(){}[];".contains(c));
    Some(arguments.split_whitespace().collect::<Vec<&str>>().join(" "))
}
