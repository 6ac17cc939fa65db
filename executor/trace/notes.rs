//! The notes of one poll: what its leaf futures say they wait for.
//!
//! Notes are taken only when they are needed: for a loop that is traced, and for the report
//! of a deadlock. A leaf writes a note when it is not ready, and takes it back when it is
//! dropped in the same poll, as the loser of a race is. So the notes that are left are true.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::rc::{Rc, Weak};

use super::wait::{WaitReason, What};

/// The leaf future that wrote a note: the address of what it waits in, and its number there.
/// (Not the address of the leaf, which may be moved between its wait and its drop.)
pub(crate) type LeafId = (usize, u64);

/// The address of what a leaf waits in: a queue, a task, a source.
pub(crate) fn address<P: ?Sized>(place: &P) -> usize {
    std::ptr::from_ref(place).cast::<()>().addr()
}

/// How many notes are kept of one poll. A poll that writes more is one that never ends, with
/// another executor inside; or it has forgotten its leaves. The latest notes are kept.
const MOST: usize = 1 << 12;

type Note = (LeafId, WaitReason);

/// The notes of the children of a large combinator, each from the child's last poll: a poll of
/// the task polls only the children that were woken.
pub(crate) type ChildNotes = RefCell<BTreeMap<usize, VecDeque<Note>>>;

/// What a task waits for: the notes of its last poll, and those of its combinators.
#[derive(Clone, Default)]
pub(crate) struct Waits {
    last: VecDeque<Note>,
    children: Vec<Weak<ChildNotes>>,
}

impl Waits {
    /// All that the task waits for, in the order of the last poll; then in the children that
    /// were not polled.
    pub(crate) fn all(&self) -> Vec<WaitReason> {
        let mut notes = self.last.clone();
        let polled: HashSet<LeafId> = notes.iter().map(|(leaf, _)| *leaf).collect();
        for children in self.children.iter().filter_map(Weak::upgrade) {
            let children = children.borrow();
            notes.extend(children.values().flatten().filter(|(leaf, _)| !polled.contains(leaf)));
        }
        notes.into_iter().map(|(_, wait)| wait).collect()
    }

    /// The timer `old` has another number from now on.
    pub(super) fn renumber_timer(&mut self, old: u64, new: u64) {
        for ((_, number), wait) in &mut self.last {
            if wait.what == What::Timer(old) {
                (*number, wait.what) = (new, What::Timer(new));
            }
        }
    }
}

/// The notes of the poll that is under way.
#[derive(Default)]
pub(crate) struct Notes {
    are_taken: Cell<bool>,
    /// Whether a large combinator must poll all its children, so that each writes its notes.
    pub(crate) are_of_all: Cell<bool>,
    notes: RefCell<Waits>,
}

impl Notes {
    /// From now on notes are taken. Forgets the notes of the last poll.
    pub(crate) fn start(&self) {
        self.are_taken.set(true);
        let mut notes = self.notes.borrow_mut();
        notes.last.clear();
        notes.children.clear();
    }

    /// From now on no notes are taken.
    pub(crate) fn stop(&self) {
        self.are_taken.set(false);
        self.are_of_all.set(false);
        self.notes.take();
    }

    /// The leaf is not ready, and waits for this.
    #[inline]
    pub(crate) fn write(&self, leaf: LeafId, wait: WaitReason) {
        if self.are_taken.get() {
            self.replace(leaf, Some(wait));
        }
    }

    /// The leaf waits no longer.
    #[inline]
    pub(crate) fn take_back(&self, leaf: LeafId) {
        if self.are_taken.get() {
            self.replace(leaf, None);
        }
    }

    #[cold]
    fn replace(&self, leaf: LeafId, wait: Option<WaitReason>) {
        let notes = &mut self.notes.borrow_mut().last;
        let too_many = (notes.len() + 1).saturating_sub(MOST);
        notes.drain(..too_many);
        notes.retain(|(of, _)| *of != leaf);
        notes.extend(wait.map(|wait| (leaf, wait)));
    }

    /// Calls `poll`, which polls a child of a large combinator. The child's notes are also put
    /// to those of `all` children.
    pub(crate) fn poll_child(&self, all: &ChildNotes, index: usize, poll: impl FnOnce()) {
        if !self.are_taken.get() {
            return poll();
        }
        let outer = std::mem::take(&mut self.notes.borrow_mut().last);
        poll();
        let notes = &mut self.notes.borrow_mut().last;
        let of_child = std::mem::replace(notes, outer);
        notes.extend(&of_child);
        all.borrow_mut().insert(index, of_child);
    }

    /// A large combinator was polled. These are the notes of all its children.
    pub(crate) fn add_children(&self, all: &Rc<ChildNotes>) {
        if self.are_taken.get() {
            self.notes.borrow_mut().children.push(Rc::downgrade(all));
        }
    }

    /// What the leaves wait for, in the order in which they were polled.
    pub(crate) fn waits(&self) -> Vec<WaitReason> {
        self.notes.borrow().last.iter().map(|(_, wait)| *wait).collect()
    }

    /// What the task waits for.
    pub(crate) fn taken(&self) -> Waits {
        self.notes.borrow().clone()
    }

    /// The timer `old` has another number from now on.
    pub(super) fn renumber_timer(&self, old: u64, new: u64) {
        self.notes.borrow_mut().renumber_timer(old, new);
    }
}
