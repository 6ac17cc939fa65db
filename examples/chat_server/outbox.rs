//! The outbox: the lines that a client has not taken yet.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use glassloop::sync::Event;

/// An outbox with so many bytes is full.
const FULL: usize = 64 * 1024;
/// What a line takes besides its text: its entry here, its counts, its allocation. A flood
/// of empty lines must not be free.
const BESIDES: usize = 64;

/// How much is written at once. Packets of a few bytes each would fill the system's buffers
/// with what the system adds to them.
const AT_ONCE: usize = 16 * 1024;

/// The first lines of an outbox. They stay there until they were taken.
pub(crate) struct Batch {
    pub(crate) text: String,
    /// How many lines these are.
    pub(crate) lines: usize,
}

#[derive(Default)]
pub(crate) struct Outbox {
    /// All receivers of a line share its text.
    lines: RefCell<VecDeque<Rc<str>>>,
    bytes: Cell<usize>,
    is_closed: Cell<bool>,
    /// Set when there is a line, or there will never be one again.
    changed: Event,
    /// Set when the outbox is full no longer.
    emptied: Event,
}

impl Outbox {
    /// Takes one line more, even if the outbox is full: whoever can wait asks `is_full` first.
    pub(crate) fn push(&self, text: Rc<str>) {
        if !self.is_closed.get() {
            self.bytes.set(self.bytes.get() + cost(&text));
            self.lines.borrow_mut().push_back(text);
            self.changed.set();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.get() >= FULL && !self.is_closed.get()
    }

    /// Waits until the outbox is not full, or nobody fills it any more.
    pub(crate) async fn has_room(&self) {
        while self.is_full() {
            self.emptied.clear();
            self.emptied.wait().await;
        }
    }

    /// The first lines; `None` after the last line of an outbox that is closed.
    pub(crate) async fn first(&self) -> Option<Batch> {
        loop {
            if let Some(batch) = self.batch() {
                return Some(batch);
            } else if self.is_closed.get() {
                return None;
            }
            self.changed.clear();
            self.changed.wait().await;
        }
    }

    fn batch(&self) -> Option<Batch> {
        let lines = self.lines.borrow();
        let first = lines.front()?;
        let mut batch = Batch { text: first.to_string(), lines: 1 };
        for line in lines.iter().skip(1) {
            if batch.text.len() + line.len() > AT_ONCE {
                break;
            }
            batch.text += line;
            batch.lines += 1;
        }
        Some(batch)
    }

    /// Removes the first lines: the client has taken them.
    pub(crate) fn taken(&self, lines: usize) {
        for line in self.lines.borrow_mut().drain(..lines) {
            self.bytes.set(self.bytes.get() - cost(&line));
        }
        if !self.is_full() {
            self.emptied.set();
        }
    }

    /// From now on the outbox takes no line. Those that are in it can still be taken.
    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.changed.set();
        self.emptied.set();
    }
}

fn cost(text: &str) -> usize {
    text.len() + BESIDES
}
