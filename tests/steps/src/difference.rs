//! The difference of two programs, as a learner wants to see it: first what may be skipped, then
//! what has changed, then what is new.

use similar::ChangeTag::{Delete, Equal, Insert};

use crate::flaw::Flaw;
use crate::items::{Comparison, Item, Kind, Step, compare};
use crate::page::{Page, Program, both, whole};
use crate::paint::{Paint, Style};
use crate::uses;

/// From one step to another.
pub fn of_steps(older: &Step, newer: &Step, paint: Paint) -> String {
    let all = compare(&older.items, &newer.items);
    let mut page = Page::new(paint);
    page.header(&newer.header);
    page.say(
        Style::Bold,
        &format!("From step {} to {}: {}", older.number, newer.number, sum(&all)),
    );
    page.gap();
    page.names(Style::Dim, "As they were", names(&all.same));
    page.names(Style::Red, "Gone", names(&all.gone));
    let (before, now) = (uses::paths(&older.items), uses::paths(&newer.items));
    page.names(Style::Green, "Also uses", now.difference(&before).map(|path| &**path));
    page.names(Style::Red, "No longer uses", before.difference(&now).map(|path| &**path));
    let program = Program { items: &newer.items, other: &older.items, own: Insert };
    changed(&mut page, program, &all);
    all_of(&mut page, "New:", program, &all.new);
    page.text
}

/// From a flaw to its cure, the step. If only the program is wrong, the program.
///
/// # Errors
/// A sentence, if the flaw replaces an item that is not in the step.
pub fn of_flaw(flaw: &Flaw, step: &Step, paint: Paint) -> Result<String, String> {
    let wrong = flaw.program(step)?;
    let mut page = Page::new(paint);
    page.header(&flaw.header);
    if flaw.without == ["main"] {
        wrong_program(&mut page, flaw);
    } else {
        wrong_items(&mut page, flaw, &wrong, step);
    }
    Ok(page.text)
}

fn wrong_program(page: &mut Page, flaw: &Flaw) {
    let items: Vec<&Item> = flaw.items.iter().filter(|item| item.kind == Kind::Plain).collect();
    let program = Program { items: &flaw.items, other: &[], own: Equal };
    all_of(page, &format!("On the executor of step {}:", flaw.step), program, &items);
}

fn wrong_items(page: &mut Page, flaw: &Flaw, wrong: &[Item], step: &Step) {
    let mut all = compare(wrong, &step.items);
    // The program of a flaw only shows it.
    all.changed.retain(|(_, right)| right.name != "fn main");
    let number = step.number;
    let own = format!("Replaced in step {number}");
    page.names(Style::Bold, &own, flaw.without.iter().map(|name| &**name));
    page.say(Style::Bold, &format!("Lines with - are the flaw, lines with + are step {number}."));
    let right = Program { items: &step.items, other: wrong, own: Insert };
    changed(page, right, &all);
    let wrong = Program { items: wrong, other: &step.items, own: Delete };
    all_of(page, "Only in the flaw:", wrong, &all.gone);
    all_of(page, &format!("Only in step {number}:"), right, &all.new);
}

fn changed(page: &mut Page, program: Program, all: &Comparison) {
    let changed = all.changed.iter().map(|(older, newer)| (*newer, both(older, newer)));
    page.excerpt("Changed:", program, changed);
}

fn all_of(page: &mut Page, title: &str, program: Program, items: &[&Item]) {
    page.excerpt(title, program, items.iter().map(|item| (*item, whole(item, program.own))));
}

fn names<'a>(items: &'a [&'a Item]) -> impl Iterator<Item = &'a str> {
    items.iter().map(|item| &*item.name)
}

fn sum(all: &Comparison) -> String {
    let new = all.new.len();
    let are_new = if new == 1 { "item is new" } else { "items are new" };
    let (changed, gone, same) = (all.changed.len(), all.gone.len(), all.same.len());
    format!("{new} {are_new}, {changed} changed, {gone} gone, {same} as they were.")
}
