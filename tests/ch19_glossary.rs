//! The page `docs/glossary.md` is true: the source uses each of its words, and uses none of
//! the words that they have replaced.
//!
//! Who reads the source should meet the words of the field, and one word for one thing. A
//! word that has been given up comes back easily, in a comment here and a page there; the
//! second half of this file finds it.

use std::fs;
use std::path::{Path, PathBuf};

/// A word that is not used any more.
struct Struck {
    /// Whole words. With a capital letter in them, only so; otherwise in any case.
    words: &'static [&'static str],
    /// What to write instead.
    instead: &'static str,
    /// The folders and files in which it is looked for.
    within: &'static [&'static str],
    /// Other senses: phrases in which the word stands, or files that may use it.
    allowed: &'static [&'static str],
}

const EVERYWHERE: &[&str] = &["executor", "examples", "tests", "docs"];
const SOURCE_AND_DOCS: &[&str] = &["executor", "docs"];

/// This file names all of them, and the glossary names what textbooks say.
const EXEMPT: [&str; 2] = ["tests/ch19_glossary.rs", "docs/glossary.md"];

const STRUCK: &[Struck] = &[
    Struck {
        words: &[
            "rooms",
            "this room",
            "the room",
            "a room",
            "one room",
            "every room",
            "each room",
            "other room",
            "| room |",
        ],
        instead: "module",
        within: EVERYWHERE,
        // A chat has rooms, and a buffer has room.
        allowed: &["chat", "the room for", "a room in", "Rooms"],
    },
    Struck { words: &["house"], instead: "crate", within: EVERYWHERE, allowed: &[] },
    Struck { words: &["ready queue"], instead: "run queue", within: EVERYWHERE, allowed: &[] },
    Struck {
        words: &[
            "in line",
            "lines up",
            "line up",
            "lined up",
            "back of the line",
            "place in a line",
            "place in the line",
            "own line",
        ],
        instead: "in the run queue, or in the wait queue",
        within: EVERYWHERE,
        // `for word in line.split(…)`, and a line of the source.
        allowed: &["in line.", "its own line", "in line {"],
    },
    Struck {
        words: &["glass", "Glass", "nobody looks", "somebody looks"],
        instead: "tracer; unless the loop is traced",
        within: EVERYWHERE,
        // A variable, beside `mini`.
        allowed: &["examples/event_loop.rs"],
    },
    Struck {
        words: &["tell", "told", "telling"],
        instead: "emit, write, say",
        within: &["executor/trace"],
        // The player tells its viewer in sentences what has happened.
        allowed: &["executor/trace/player/"],
    },
    Struck {
        words: &["struct Name", "stale name", "names travel", "name leads"],
        instead: "`TaskKey`, key",
        within: SOURCE_AND_DOCS,
        allowed: &[],
    },
    Struck { words: &["Labelled", "labelled"], instead: "name", within: EVERYWHERE, allowed: &[] },
    Struck { words: &["mailbox", "mailboxes"], instead: "inbox", within: EVERYWHERE, allowed: &[] },
    Struck {
        words: &["the mark", "*mark*"],
        instead: "loop id, or the address of the inbox",
        within: SOURCE_AND_DOCS,
        allowed: &["docs/gallery.md", "docs/trace.md", "executor/trace/player"],
    },
    Struck {
        words: &["KeptWaker", "kept waker", "kept wakers", "held inside", "held outside"],
        instead: "registered waker; held by our own leaves, by others",
        within: EVERYWHERE,
        // What the report of a deadlock says, in plain English.
        allowed: &["held outside of these"],
    },
    Struck { words: &["witness"], instead: "–", within: SOURCE_AND_DOCS, allowed: &[] },
    Struck {
        words: &["lend", "lends", "lent", "spare", "spares", "give_back", "retire", "OwnWaker"],
        instead: "reuse, free list; put back",
        within: SOURCE_AND_DOCS,
        // A buffer is lent, in Rust's own sense.
        allowed: &["`AsyncRead` lends"],
    },
    Struck {
        words: &["Joinable", "Content", "dyn Body", "trait Body", "trait Outcome", "struct Inner"],
        instead: "`TaskCell`, `FutureCell`, `Stage`",
        within: SOURCE_AND_DOCS,
        allowed: &[],
    },
    Struck {
        words: &["the hand", "hand's", "under_hand", "UnderHand", "Lying"],
        instead: "cursor; due-soon list; entry",
        within: EVERYWHERE,
        allowed: &[],
    },
    Struck {
        words: &[
            "was served",
            "were served",
            "is served",
            "served means owned",
            "serve_first",
            "serve_all",
            "Ticket",
        ],
        instead: "granted; waiter",
        within: EVERYWHERE,
        allowed: &[],
    },
    Struck {
        words: &["ticket", "line"],
        instead: "waiter, wait queue",
        within: &["executor/sync"],
        // A line of the user's program.
        allowed: &["user's line", "caller's line", "line that made", "the line of"],
    },
    Struck {
        words: &["a look", "the look", "each look", "next look", "two looks", "looks:"],
        instead: "non-blocking poll of the I/O driver; `io_polls`",
        within: EVERYWHERE,
        allowed: &[],
    },
    Struck { words: &["bed"], instead: "parker", within: EVERYWHERE, allowed: &[] },
    Struck {
        // One task that sleeps may be called so.
        words: &["the sleeper"],
        instead: "the system's poller",
        within: SOURCE_AND_DOCS,
        allowed: &[],
    },
    Struck {
        words: &["Header", "Place", "Parts"],
        instead: "a name that no other type has: `TaskWaker`, `TraceHeader`, `CodeLine`",
        within: SOURCE_AND_DOCS,
        // What a peer said when it failed.
        allowed: &["Header { ptr"],
    },
    Struck {
        words: &["came of it", "was hoped", "nought", "currencies"],
        instead: "result, was planned, zero, costs",
        within: SOURCE_AND_DOCS,
        allowed: &[],
    },
];

#[test]
fn every_word_of_the_glossary_is_used_in_the_source_or_the_other_pages() {
    let words = words_of_the_glossary();
    assert!(words.len() > 60, "only {} rows were found in the glossary", words.len());
    let pages = pages();
    let mut texts = pages.iter().filter(|page| page.is_in(SOURCE_AND_DOCS));
    let unused: Vec<_> =
        words.iter().filter(|word| !texts.clone().any(|page| page.has_one_or_many(word))).collect();
    assert!(texts.next().is_some(), "no source was found");
    assert!(unused.is_empty(), "the glossary explains words that nothing uses: {unused:#?}");
}

#[test]
fn no_word_stands_twice_in_the_glossary() {
    let mut words = words_of_the_glossary();
    words.sort();
    let twice: Vec<_> = words.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "two rows for one word: {twice:?}");
}

#[test]
fn the_words_that_were_given_up_are_used_nowhere() {
    let pages = pages();
    let found: Vec<String> = STRUCK.iter().flat_map(|struck| uses_of(struck, &pages)).collect();
    assert!(found.is_empty(), "{} words that were given up:\n{}", found.len(), found.join("\n"));
}

/// Where a word is used all the same, and what to write there.
fn uses_of(struck: &Struck, pages: &[Page]) -> Vec<String> {
    let is_allowed = |page: &Page| struck.allowed.iter().any(|allowed| page.path.contains(allowed));
    let searched = pages.iter().filter(|page| page.is_in(struck.within) && !is_allowed(page));
    let mut found = Vec::new();
    for page in searched {
        for word in struck.words.iter().filter(|word| page.has(word)) {
            for line in page.lines_with(word, struck.allowed) {
                let instead = struck.instead;
                found.push(format!("{}:{line}: {word:?}, write: {instead}", page.path));
            }
        }
    }
    found
}

/// A text of this package.
struct Page {
    /// From the package on, as it is written in the source.
    path: String,
    /// Without the marks of comments and quotations, and without repeated spaces.
    lines: Vec<String>,
    /// The lines in one, for phrases that go on in the next line.
    text: String,
}

impl Page {
    fn read(file: &Path) -> Page {
        let text = fs::read_to_string(file).expect("a text file");
        let lines = text.lines().map(|line| {
            let line = line.trim_start().trim_start_matches(['/', '!', '#', '>', '*']);
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let lines: Vec<String> = lines.collect();
        let path = file.strip_prefix(root()).expect("a file of this package");
        let path = path.to_string_lossy().replace('\\', "/");
        Page { path, text: lines.join(" "), lines }
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| Path::new(&self.path).starts_with(folder))
    }

    fn has(&self, word: &str) -> bool {
        !places(&self.text, word).is_empty()
    }

    fn has_one_or_many(&self, word: &str) -> bool {
        self.has(word) || self.has(&format!("{word}s"))
    }

    /// The lines in which `word` begins, except in a phrase that is allowed.
    fn lines_with(&self, word: &str, allowed: &[&str]) -> Vec<usize> {
        let mut found = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let next = self.lines.get(index + 1).map_or("", String::as_str);
            // An allowed phrase is taken out, however it is broken into lines.
            let take_out = |text: String, phrase: &&str| text.replace(phrase, "…");
            let text = allowed.iter().fold(format!("{line} {next}"), take_out);
            let end = text.len().saturating_sub(next.len()).max(1);
            if places(&text, word).into_iter().any(|place| place < end) {
                found.push(index + 1);
            }
        }
        found
    }
}

/// Where `word` stands in `text`, as whole words. A word in small letters is found in any
/// case, one with a capital letter only so.
fn places(text: &str, word: &str) -> Vec<usize> {
    let has_capital = word.chars().any(char::is_uppercase);
    let text = if has_capital { text.to_owned() } else { text.to_ascii_lowercase() };
    let is_inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let whole = |&place: &usize| {
        let (before, after) = (&text[..place], &text[place + word.len()..]);
        // `look-up` is a word of its own.
        let goes_on = after.starts_with('-') || is_inside(after.chars().next());
        !goes_on && !is_inside(before.chars().next_back())
    };
    text.match_indices(word).map(|(place, _)| place).filter(whole).collect()
}

/// The words of the first column: `task key (`TaskKey`)` is two of them.
fn words_of_the_glossary() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/glossary.md")).expect("the glossary");
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.map(|row| row.split('|').nth(1).expect("a first column").to_owned());
    let words = cells.flat_map(|cell| {
        let words = cell.split('(').map(|word| word.trim_matches([' ', ')', '`']).to_owned());
        words.collect::<Vec<_>>()
    });
    words.collect()
}

/// All texts in which words are looked for.
fn pages() -> Vec<Page> {
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = EVERYWHERE.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() && !path.ends_with("target") {
            open.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.unwrap().path()));
        } else if matches!(kind, Some("rs" | "md" | "py" | "js")) {
            files.push(path);
        }
    }
    files.sort();
    let pages = files.iter().map(|file| Page::read(file));
    pages.filter(|page| !EXEMPT.contains(&page.path.as_str())).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
