//! The notes of one poll: what its leaf futures say they wait for.
//!
//! Notes are taken only when they are needed: for a loop that is traced, and for the report
//! of a deadlock. A leaf writes a note when it is not ready, and takes it back when it is
//! dropped in the same poll, as the loser of a race is. So the notes that are left are true.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

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

/// The notes of the poll that is under way.
#[derive(Default)]
pub(crate) struct Notes {
    are_taken: Cell<bool>,
    /// Whether a large combinator must poll all its children, so that each writes its notes.
    pub(crate) are_of_all: Cell<bool>,
    notes: RefCell<VecDeque<(LeafId, WaitReason)>>,
}

impl Notes {
    /// From now on notes are taken. Forgets the notes of the last poll.
    pub(crate) fn start(&self) {
        self.are_taken.set(true);
        self.notes.borrow_mut().clear();
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
        let mut notes = self.notes.borrow_mut();
        let too_many = (notes.len() + 1).saturating_sub(MOST);
        notes.drain(..too_many);
        notes.retain(|(of, _)| *of != leaf);
        notes.extend(wait.map(|wait| (leaf, wait)));
    }

    /// What the leaves wait for, in the order in which they were polled.
    pub(crate) fn waits(&self) -> Vec<WaitReason> {
        self.notes.borrow().iter().map(|(_, wait)| *wait).collect()
    }

    /// The timer `old` has another number from now on.
    pub(super) fn renumber_timer(&self, old: u64, new: u64) {
        for ((_, number), wait) in &mut *self.notes.borrow_mut() {
            if wait.what == What::Timer(old) {
                (*number, wait.what) = (new, What::Timer(new));
            }
        }
    }
}
