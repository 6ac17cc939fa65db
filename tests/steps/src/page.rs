//! A page: the text of a header, names, and excerpts of a program with signs before the lines.

use similar::{ChangeTag, TextDiff};

use crate::items::{Item, Kind, find};
use crate::names::join;
use crate::paint::{Paint, Style};

/// The text so far, and what is open at its end.
pub struct Page {
    pub text: String,
    paint: Paint,
    section: String,
    block: Option<Open>,
}

/// A block that is open.
struct Open {
    name: String,
    /// The sign of its own lines.
    sign: ChangeTag,
    /// None of its members has been shown yet.
    empty: bool,
}

/// Where an excerpt is from.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    pub items: &'a [Item],
    /// The items of the program that it is compared with.
    pub other: &'a [Item],
    /// The sign of a block that the other one does not have.
    pub own: ChangeTag,
}

/// A line and its sign: `+` for `Insert`, `-` for `Delete`.
pub type Line<'a> = (ChangeTag, &'a str);

impl Page {
    /// An empty page.
    pub fn new(paint: Paint) -> Page {
        Page { text: String::new(), paint, section: String::new(), block: None }
    }

    /// A line of its own.
    pub fn say(&mut self, style: Style, text: &str) {
        self.text += &self.paint.paint(style, text);
        self.text.push('\n');
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A header as running text: its title, then its paragraphs. What is fenced as code is
    /// indented instead.
    pub fn header(&mut self, header: &str) {
        let mut code = false;
        for line in header.lines() {
            let line = line.trim_start_matches("//!");
            let line = line.strip_prefix(' ').unwrap_or(line);
            if line.starts_with("```") {
                code = !code;
            } else if code {
                self.text += &format!("    {line}\n");
            } else if let Some(title) = line.strip_prefix("# ") {
                self.say(Style::Bold, title);
            } else {
                self.text += &format!("{}\n", line.replace("**", ""));
            }
        }
    }

    /// The names of items in one line; nothing if there are none.
    pub fn names<'a>(&mut self, style: Style, title: &str, names: impl Iterator<Item = &'a str>) {
        let names = join(names);
        if !names.is_empty() {
            self.say(style, &format!("{title}: {names}"));
        }
    }

    /// Items of one program with their lines, each below its section line and in its block.
    pub fn excerpt<'a>(
        &mut self,
        title: &str,
        program: Program,
        items: impl Iterator<Item = (&'a Item, Vec<Line<'a>>)>,
    ) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return;
        }
        self.gap();
        self.say(Style::Bold, title);
        self.section.clear();
        for (item, lines) in items {
            self.enter_section(item);
            self.enter_block(item, program);
            lines.into_iter().for_each(|line| self.line(line));
        }
        self.leave_block();
    }

    fn enter_section(&mut self, item: &Item) {
        if self.section != item.section {
            self.leave_block();
            self.gap();
            self.say(Style::Bold, &item.section);
            self.section.clone_from(&item.section);
        }
    }

    fn enter_block(&mut self, item: &Item, program: Program) {
        if self.block.as_ref().map(|open| &*open.name) != item.block() {
            self.leave_block();
        }
        match &mut self.block {
            Some(open) if open.empty => open.empty = false,
            _ => self.gap(),
        }
        match &item.kind {
            // Its lines follow: they have changed.
            Kind::Block => {
                let (name, sign) = (item.name.clone(), ChangeTag::Equal);
                self.block = Some(Open { name, sign, empty: true });
            }
            Kind::Member { block } if self.block.is_none() => {
                let sign = find(program.other, block).map_or(program.own, |_| ChangeTag::Equal);
                let lines = find(program.items, block).map_or("", Item::code).lines();
                lines.for_each(|line| self.line((sign, line)));
                self.block = Some(Open { name: block.clone(), sign, empty: false });
            }
            _ => {}
        }
    }

    fn leave_block(&mut self) {
        if let Some(open) = self.block.take() {
            self.line((open.sign, "}"));
        }
    }

    fn line(&mut self, (tag, line): Line) {
        let style = match tag {
            ChangeTag::Equal => Style::Dim,
            ChangeTag::Delete => Style::Red,
            ChangeTag::Insert => Style::Green,
        };
        self.say(style, format!("{tag} {line}").trim_end());
    }
}

/// All lines of an item, with the same sign.
pub fn whole(item: &Item, tag: ChangeTag) -> Vec<Line<'_>> {
    item.code().lines().map(|line| (tag, line)).collect()
}

/// The lines of two versions of an item.
pub fn both<'a>(older: &'a Item, newer: &'a Item) -> Vec<Line<'a>> {
    let difference = TextDiff::from_lines(older.code(), newer.code());
    let lines = difference.iter_all_changes();
    lines.map(|line| (line.tag(), line.value().trim_end_matches('\n'))).collect()
}
