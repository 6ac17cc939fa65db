//! What a program did: the lines that it wrote, and when.

use std::fmt::{self, Write};
use std::time::Duration;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `None` when the moment is not promised.
    pub stamp: Option<Stamp>,
    pub what: String,
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Turns of this `block_on`. Turns without a ready task do not count: their number is
    /// not promised.
    pub turn: u64,
    /// Polls of the root and of all tasks, in this `block_on`.
    pub poll: u64,
    /// The time of the loop's clock since the beginning of the program.
    pub at: Duration,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = match self.stamp {
            None => String::new(),
            Some(Stamp { turn, poll, at }) => format!("{turn}·{poll}·{at:?}"),
        };
        write!(f, "{stamp:<12} {}", self.what)
    }
}

impl Entry {
    /// Whether this is the promised entry. What is not promised may be anything.
    fn fulfils(&self, promised: &Entry) -> bool {
        self.what == promised.what && (promised.stamp.is_none() || self.stamp == promised.stamp)
    }
}

/// Panics if the loop did not do what the rules promise, and shows both.
#[track_caller]
pub fn compare(promised: &[Entry], happened: &[Entry]) {
    let same = promised.iter().zip(happened).take_while(|(p, h)| h.fulfils(p)).count();
    if same == promised.len() && same == happened.len() {
        return;
    }
    let mut text = String::from("the loop does not follow its rules. Both traces so far:\n");
    for entry in &happened[..same] {
        let _ = writeln!(text, "    {entry}");
    }
    let show = |text: &mut String, who: &str, entries: &[Entry]| {
        let _ = writeln!(text, "{who}:");
        for entry in entries[same..].iter().take(8) {
            let _ = writeln!(text, "    {entry}");
        }
    };
    show(&mut text, "then, by the rules of the reference", promised);
    show(&mut text, "but on the loop", happened);
    panic!("{text}(turn·poll·time; what each line means is in tests/random_programs)");
}
