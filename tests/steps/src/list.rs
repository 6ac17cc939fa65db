//! The list of the steps, with their sizes.

use crate::folder::Folder;
use crate::items::{Item, Step, compare};
use crate::paint::{Paint, Style};

/// The steps of a folder, one a line, and what may be asked about them.
///
/// # Errors
/// A step cannot be read.
pub fn of(folder: &Folder, paint: Paint) -> Result<String, String> {
    let steps = folder.steps()?;
    let width = steps.iter().map(|step| step.title.chars().count()).max().unwrap_or(0);
    let columns = format!(
        "step  {:width$}  lines of code  more  items: new  changed  gone  the same",
        "title"
    );
    let mut text = paint.paint(Style::Bold, &columns) + "\n";
    let before = [None].into_iter().chain(steps.iter().map(Some));
    for (older, newer) in before.zip(&steps) {
        text += &line(older, newer, width);
    }
    text += "\nWhat step 3 adds to step 2:  cargo run -p glassloop-steps -- 3\n";
    let flaws = folder.flaws();
    if !flaws.is_empty() {
        text += "What is wrong in a flaw:     cargo run -p glassloop-steps -- flaw NAME\n";
        text += &format!("The flaws: {}\n", flaws.join(", "));
    }
    Ok(text)
}

fn line(older: Option<&Step>, newer: &Step, width: usize) -> String {
    let before = older.map_or(&[][..], |step| &step.items);
    let all = compare(before, &newer.items);
    let lines = lines_of_code(&newer.items);
    let more = lines as i64 - lines_of_code(before) as i64;
    let (number, title) = (newer.number, &newer.title);
    let (new, changed, gone) = (all.new.len(), all.changed.len(), all.gone.len());
    let same = all.same.len();
    format!(
        "{number:4}  {title:width$}  {lines:13}  {more:+4}  {new:10}  {changed:7}  {gone:4}  {same:8}\n"
    )
}

/// The lines that are neither empty nor a comment.
pub fn lines_of_code(items: &[Item]) -> usize {
    let lines = items.iter().flat_map(|item| item.text.lines()).map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}
