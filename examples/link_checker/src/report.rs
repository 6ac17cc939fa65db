//! What is said to the user: each broken link; what was skipped or could not be checked, by its
//! reason; and the count.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use url::Url;

/// How a link has ended.
pub(crate) enum Outcome {
    Good,
    Broken(String),
    Skipped(&'static str),
    /// Neither good nor broken, so far as we know.
    Unchecked(String),
}

/// What is known so far.
#[derive(Default)]
pub(crate) struct Tally {
    /// How many links are known.
    pub(crate) known: usize,
    /// How many pages were read.
    pub(crate) pages: usize,
    /// Why no page was read at all.
    pub(crate) nothing_read: Option<String>,
    good: usize,
    broken: usize,
    skipped: BTreeMap<&'static str, Several>,
    unchecked: BTreeMap<String, Several>,
    /// The text for each link that has one, sorted by link.
    lines: BTreeSet<String>,
}

/// Links with something in common: how many, and the first of them in the alphabet.
#[derive(Default)]
struct Several {
    count: usize,
    example: String,
}

impl Tally {
    /// Counts a link. `name` is its URL, or what stands in the page if that is none.
    pub(crate) fn count(&mut self, name: &str, page: &str, outcome: Outcome) {
        match outcome {
            Outcome::Good => self.good += 1,
            Outcome::Broken(why) => {
                self.broken += 1;
                self.say(name, "broken", &why, page);
            }
            Outcome::Skipped(reason) => self.skipped.entry(reason).or_default().add(name),
            Outcome::Unchecked(reason) => self.unchecked.entry(reason).or_default().add(name),
        }
    }

    /// A link of the host is redirected to another one: that may be meant, or not.
    pub(crate) fn leads_away(&mut self, link: &Url, page: &str, status: u16, to: &Url) {
        let what = format!("status {status} to {}", shown(to.as_str()));
        self.say(link.as_str(), "leads off the host", &what, page);
    }

    fn say(&mut self, name: &str, what: &str, why: &str, page: &str) {
        self.lines.insert(format!("{}\n  {what}: {why}, on {}\n", shown(name), shown(page)));
    }

    /// References that were not even kept.
    pub(crate) fn lose(&mut self, count: usize, why: &str, page: &str) {
        if count > 0 {
            self.known += count;
            let several = self.unchecked.entry(why.to_owned()).or_default();
            several.add(&format!("those on {page}"));
            several.count += count - 1;
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        u8::from(self.broken > 0 || !self.unchecked.is_empty() || self.pages == 0)
    }

    pub(crate) fn report(&self) -> String {
        let mut report: String = self.lines.iter().map(String::as_str).collect();
        for (reason, Several { count, example }) in &self.skipped {
            report += &format!("skipped: {count} × {reason}, like {example}\n");
        }
        for (reason, Several { count, example }) in &self.unchecked {
            report += &format!("not checked: {count} × {}; like {example}\n", shown(reason));
        }
        if let Some(why) = self.nothing_read.as_ref().filter(|_| self.pages == 0) {
            report += &format!("nothing was checked: {}\n", shown(why));
        }
        report + &self.summary() + "\n"
    }

    pub(crate) fn summary(&self) -> String {
        let (good, broken) = (self.good, self.broken);
        let skipped: usize = self.skipped.values().map(|several| several.count).sum();
        let left = self.known - good - broken - skipped;
        format!("links: {good} good, {broken} broken, {skipped} skipped, {left} not checked")
    }
}

impl Several {
    fn add(&mut self, name: &str) {
        let name = shown(name);
        if self.count == 0 || name < self.example {
            self.example = name;
        }
        self.count += 1;
    }
}

/// Characters that have no width, or turn the direction of the text round them.
const DIRECTIONS: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e0fff}',
];

/// A text as a terminal may see it: what a server or a page says can hold characters that
/// move the cursor, turn the reading direction round, or worse; and it can be very long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 500;
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        match character {
            _ if index == LONGEST => return shown + &format!("… ({} bytes)", text.len()),
            _ if DIRECTIONS.iter().any(|range| range.contains(&character)) => {
                shown.extend(character.escape_unicode());
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}
