//! A step as a list of items: the unit in which a reader compares two steps.
//!
//! ```text
//! impl Wake for Signal {              Block    impl Wake for Signal
//!     /// Wakes the thread.           Member   <Signal as Wake>::wake
//!     fn wake(self: Arc<Self>) {
//!         self.thread.unpark();
//!     }
//! }                                   End
//! ```
//!
//! The sources are formatted by rustfmt, so an item can be found by its text: it begins at
//! column 0, a member of an `impl` or a `trait` at column 4, and it ends with a line of the same
//! indentation that ends in `}` or `;`. Comments and attributes belong to the item that follows,
//! empty lines to the item before. So each line is in exactly one item, and the header with the
//! texts of all items is the file again.
//!
//! This file depends on nothing, so that other tests can include it.

/// A step: a complete program.
#[derive(Debug)]
pub struct Step {
    pub number: u32,
    pub title: String,
    /// The `//!` lines and the empty lines after them.
    pub header: String,
    pub items: Vec<Item>,
}

/// A part of a file that a reader sees as one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// As in `fn block_on`, `struct Task`, `impl Wake for TaskWaker`, `TaskWaker::poll`.
    pub name: String,
    /// Its lines, with the comments before it and the empty lines after it.
    pub text: String,
    /// The heading above it, as in `── the run queue ── executor/task/run_queue.rs`.
    pub section: String,
    pub kind: Kind,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A section line: `// ── the loop ──`.
    Heading,
    /// All `use` lines that follow each other.
    Use,
    /// A function, a type, a constant, or a call of a macro.
    Plain,
    /// The first line of an `impl` or a `trait`. Its members follow.
    Block,
    /// What is in a block: a method, a type or a constant.
    Member {
        /// The name of the block.
        block: String,
    },
    /// The last line of a block.
    End {
        /// The name of the block.
        block: String,
    },
}

impl Step {
    /// Reads a step, whose first line must be `//! # Step N: title`.
    ///
    /// # Errors
    /// A sentence, if the first line is another one.
    pub fn parse(text: &str) -> Result<Step, String> {
        let title = text.lines().next().and_then(|line| line.strip_prefix("//! # Step "));
        let parts = title.and_then(|title| title.split_once(": "));
        let Some((Ok(number), title)) = parts.map(|(number, title)| (number.parse(), title)) else {
            return Err("the first line must be like `//! # Step 3: many tasks`".into());
        };
        let (header, items) = split(text);
        Ok(Step { number, title: title.into(), header, items })
    }

    /// Its items, except those that are named: as in the list of items (`impl Wake for Signal`,
    /// `struct RunQueue`, `TaskWaker::poll`), or by their name alone (`main`). An `impl` stands for
    /// all of its members. Generic arguments may be left out.
    ///
    /// # Errors
    /// A sentence, if an item is not there: a flaw must not lose its cure.
    pub fn without(&self, names: &[String]) -> Result<Vec<&Item>, String> {
        let mut kept: Vec<&Item> = self.items.iter().collect();
        for wanted in names {
            let named = named(&self.items, wanted);
            if named.is_empty() {
                let known = self.items.iter().filter(|item| item.kind == Kind::Plain);
                let known: Vec<&str> = known.map(|item| &*item.name).collect();
                return Err(format!(
                    "there is no `{wanted}` in step {}. Write the name of one of its items: {}, \
                     a method (`Task::poll`), or an `impl` (`impl Drop for Task`)",
                    self.number,
                    known.join(", ")
                ));
            }
            kept.retain(|item| !named.contains(item));
        }
        Ok(kept)
    }
}

impl Item {
    /// The text without the empty lines after it, which no comparison regards.
    pub fn code(&self) -> &str {
        self.text.trim_end()
    }

    /// The block that the item is a member of.
    pub fn block(&self) -> Option<&str> {
        match &self.kind {
            Kind::Member { block } | Kind::End { block } => Some(block),
            _ => None,
        }
    }
}

/// What becomes of the items from one program to another. Headings, `use` lines and the ends of
/// blocks are left out. A block counts only if its own line has changed: otherwise its members
/// say what there is to say.
#[derive(Debug, Default)]
pub struct Comparison<'a> {
    pub same: Vec<&'a Item>,
    /// The older and the newer one.
    pub changed: Vec<(&'a Item, &'a Item)>,
    pub gone: Vec<&'a Item>,
    pub new: Vec<&'a Item>,
}

/// Compares the items of the same name. All lists are in the order of the file, `gone` in that
/// of the older one.
pub fn compare<'a>(older: &'a [Item], newer: &'a [Item]) -> Comparison<'a> {
    let mut all = Comparison::default();
    for item in newer {
        let block = item.kind == Kind::Block;
        match (find(older, &item.name), &item.kind) {
            (_, Kind::Heading | Kind::Use | Kind::End { .. }) => {}
            (Some(old), _) if old.code() != item.code() => all.changed.push((old, item)),
            (Some(_), _) if !block => all.same.push(item),
            (None, _) if !block => all.new.push(item),
            _ => {}
        }
    }
    let gone = |item: &&Item| matches!(item.kind, Kind::Plain | Kind::Member { .. });
    all.gone = older.iter().filter(gone).filter(|item| find(newer, &item.name).is_none()).collect();
    all
}

/// The item of that name.
pub fn find<'a>(items: &'a [Item], name: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.name == name)
}

/// The items of that name; if there are none, those that have it without generic arguments.
fn named<'a>(items: &'a [Item], wanted: &str) -> Vec<&'a Item> {
    let exact: Vec<&Item> =
        items.iter().filter(|item| is_named(item, wanted, str::to_owned)).collect();
    if !exact.is_empty() {
        return exact;
    }
    items.iter().filter(|item| is_named(item, wanted, without_arguments)).collect()
}

fn is_named(item: &Item, wanted: &str, spell: fn(&str) -> String) -> bool {
    let same = |name: &str| spell(name) == spell(wanted);
    // `main` is `fn main`, but `RunQueue` is not `impl RunQueue`.
    let alone = match item.kind {
        Kind::Plain => item.name.split_once(' ').is_some_and(|(_, name)| same(name)),
        _ => false,
    };
    alone || same(&item.name) || item.block().is_some_and(same)
}

/// The header of a program, and its items.
pub fn split(text: &str) -> (String, Vec<Item>) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let header = lines.iter().take_while(|line| line.starts_with("//!")).count();
    let mut splitter = Splitter { lines, at: 0, ..Splitter::default() };
    splitter.at = splitter.after_empty_lines(header);
    let header = splitter.lines[..splitter.at].concat();
    while splitter.at < splitter.lines.len() {
        splitter.take_item();
    }
    (header, splitter.items)
}

#[derive(Default)]
struct Splitter<'a> {
    lines: Vec<&'a str>,
    /// The first line of the next item.
    at: usize,
    items: Vec<Item>,
    section: String,
    /// The block that is open.
    block: Option<String>,
}

impl Splitter<'_> {
    fn take_item(&mut self) {
        let first = self.first_line_of_code();
        let (kind, name, end) = self.recognize(first);
        match kind {
            Kind::Heading => self.section = name.clone(),
            Kind::Block => self.block = Some(name.clone()),
            Kind::End { .. } => self.block = None,
            _ => {}
        }
        let end = self.after_empty_lines(end);
        let text = self.lines[self.at..end].concat();
        self.items.push(Item { name, text, section: self.section.clone(), kind });
        self.at = end;
    }

    /// What the item is, its name, and the line after it.
    fn recognize(&self, first: usize) -> (Kind, String, usize) {
        let Some(line) = self.lines.get(first) else {
            return (Kind::Plain, "the last comment".into(), first);
        };
        if let Some(block) = &self.block {
            return self.recognize_member(block, first);
        }
        if is_heading(line) {
            return (Kind::Heading, line.trim_start_matches("// ").trim().into(), first + 1);
        }
        if line.starts_with("use ") {
            return (Kind::Use, "use".into(), self.end_of_uses(first));
        }
        let end = self.end_of_item(first, 0);
        match self.end_of_block_line(first, end) {
            Some(end) => (Kind::Block, name(&self.lines[first..end].concat()), end),
            None => (Kind::Plain, name(&self.lines[first..end].concat()), end),
        }
    }

    fn recognize_member(&self, block: &str, first: usize) -> (Kind, String, usize) {
        if self.lines[first].starts_with('}') {
            let end = Kind::End { block: block.into() };
            return (end, format!("the end of {block}"), first + 1);
        }
        let end = self.end_of_item(first, 4);
        let name = member_name(block, &self.lines[first..end].concat());
        (Kind::Member { block: block.into() }, name, end)
    }

    /// Passes over the comments and the attributes before an item.
    fn first_line_of_code(&self) -> usize {
        let before = |line: &&&str| {
            let text = line.trim_start();
            text.is_empty() || text.starts_with("#[") || text.starts_with("//") && !is_heading(line)
        };
        self.at + self.lines[self.at..].iter().take_while(before).count()
    }

    fn after_empty_lines(&self, at: usize) -> usize {
        at + self.lines[at..].iter().take_while(|line| line.trim().is_empty()).count()
    }

    /// The line after the last `use` line.
    fn end_of_uses(&self, first: usize) -> usize {
        let end = self.end_of_item(first, 0);
        let next = self.after_empty_lines(end);
        let goes_on = self.lines.get(next).is_some_and(|line| line.starts_with("use "));
        if goes_on { self.end_of_uses(next) } else { end }
    }

    /// The line after the item. An item whose first lines open no bracket, as in
    /// `const TEXT: &str =`, ends one level deeper.
    fn end_of_item(&self, first: usize, indentation: usize) -> usize {
        let mut deepest = indentation + 4;
        for (at, line) in self.lines.iter().enumerate().skip(first) {
            let code = without_comment(line);
            let depth = code.len() - code.trim_start().len();
            if depth == indentation && code.ends_with(['{', '(', '[']) {
                deepest = indentation;
            }
            if depth <= deepest && code.ends_with(['}', ';']) {
                return at + 1;
            }
        }
        self.lines.len()
    }

    /// The line after the one that opens a block, if the item is an `impl` or a `trait`.
    fn end_of_block_line(&self, first: usize, end: usize) -> Option<usize> {
        let line = self.lines[first].trim_start_matches("pub ").trim_start_matches("unsafe ");
        let opens = |line: &&str| !line.starts_with(' ') && without_comment(line).ends_with('{');
        let block = line.starts_with("impl") || line.starts_with("trait ");
        let opening = self.lines[first..end].iter().position(opens).filter(|_| block)?;
        Some(first + opening + 1)
    }
}

fn is_heading(line: &str) -> bool {
    line.starts_with("// ── ")
}

fn without_comment(line: &str) -> &str {
    line.split_once(" // ").map_or(line, |(code, _)| code).trim_end()
}

/// The name of an item at column 0, from its text without the comments before it.
fn name(text: &str) -> String {
    if let Some(block) = block_name(text) {
        return block;
    }
    match (macro_name(text), &declaration(text)[..]) {
        (Some("thread_local"), [_, "static", name, ..]) => format!("thread_local {name}"),
        (Some("macro_rules"), [_, name, ..]) => format!("macro_rules {name}"),
        (Some(name), _) => format!("{name}!"),
        (None, [keyword, name, ..]) => format!("{keyword} {name}"),
        _ => text.trim().into(),
    }
}

/// `step` of `glassloop_step::step!(…)`.
fn macro_name(text: &str) -> Option<&str> {
    let (path, _) = text.split_once('!').filter(|(path, _)| !path.contains(' '))?;
    path.rsplit("::").next()
}

/// The words of an item from its keyword on: `pub async fn sleep(…)` gives `fn`, `sleep`, ….
fn declaration(text: &str) -> Vec<&str> {
    let between_words = |c: char| !(c.is_alphanumeric() || c == '_');
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| line.split(between_words));
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let qualifier = |word: &&&str| ["pub", "crate", "async", "unsafe", "extern"].contains(*word);
    words.drain(..words.iter().take_while(qualifier).count());
    if let ["const", "fn" | "async" | "unsafe", ..] = words[..] {
        words.drain(..words.iter().position(|word| *word == "fn").unwrap_or(0));
    }
    words.retain(|word| *word != "mut");
    words
}

/// The name of an `impl`, on one line and without its own parameters: `impl<T> Drop for Own<T>`
/// is `impl Drop for Own`, but `impl Own<u8>` keeps the `<u8>`.
fn block_name(text: &str) -> Option<String> {
    let rest = text.trim_start_matches("unsafe ").strip_prefix("impl")?;
    let parameters = if rest.starts_with('<') { end_of_brackets(rest) } else { 0 };
    let head: Vec<&str> = rest[parameters..].split('{').next()?.split_whitespace().collect();
    let head = head.join(" ");
    let head = head.split(" where ").next()?;
    if parameters == 0 {
        return Some(format!("impl {head}"));
    }
    let type_begins = head.find(" for ").map_or(0, |at| at + " for ".len());
    let (of_trait, own_type) = head.split_at(type_begins);
    Some(format!("impl {of_trait}{}", without_arguments(own_type)))
}

/// The name of a member: `Task::poll`, or `<Task as Future>::poll` if a trait demands it.
fn member_name(block: &str, text: &str) -> String {
    let name = declaration(text).get(1).map_or_else(|| text.trim().into(), ToString::to_string);
    let owner = block.trim_start_matches("impl ").trim_start_matches("trait ");
    match owner.split_once(" for ") {
        Some((of_trait, owner)) => format!("<{owner} as {of_trait}>::{name}"),
        None => format!("{owner}::{name}"),
    }
}

/// A name without generic arguments: `Async::read` for `Async<TcpStream>::read`. The brackets
/// of `<Task as Future>` stay.
pub fn without_arguments(name: &str) -> String {
    let mut kept = String::new();
    let (mut depth, mut last) = (0, ' ');
    for c in name.chars() {
        if c == '<' && (depth > 0 || last.is_alphanumeric()) {
            depth += 1;
        }
        if depth == 0 {
            kept.push(c);
        } else if c == '>' && last != '-' {
            depth -= 1;
        }
        last = c;
    }
    kept
}

/// The length of the text in angle brackets with which `text` begins. `->` closes nothing.
fn end_of_brackets(text: &str) -> usize {
    let mut depth = 0;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
        last = c;
    }
    text.len()
}
