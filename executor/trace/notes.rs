//! The notes of one poll: what its leaf futures say they wait for.
//!
//! Notes are taken only when they are needed: for a loop that is traced, and for the report
//! of a deadlock. A leaf writes a note when it is not ready, and takes it back when it is
//! dropped in the same poll, as the loser of a race is. So the notes that are left are true
//! (unless a leaf was moved in between: it is known by its address).

use std::cell::{Cell, RefCell};

use super::wait::WaitReason;

/// The address of the leaf future that wrote a note.
pub(crate) type LeafAddress = usize;

/// The address of a leaf future.
pub(crate) fn address<L: ?Sized>(leaf: &L) -> LeafAddress {
    std::ptr::from_ref(leaf).cast::<()>().addr()
}

/// The notes of the poll that is under way.
#[derive(Default)]
pub(crate) struct Notes {
    are_taken: Cell<bool>,
    notes: RefCell<Vec<(LeafAddress, WaitReason)>>,
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
        self.notes.take();
    }

    /// The leaf is not ready, and waits for this.
    #[inline]
    pub(crate) fn write(&self, leaf: LeafAddress, wait: WaitReason) {
        if self.are_taken.get() {
            self.replace(leaf, Some(wait));
        }
    }

    /// The leaf waits no longer.
    #[inline]
    pub(crate) fn take_back(&self, leaf: LeafAddress) {
        if self.are_taken.get() {
            self.replace(leaf, None);
        }
    }

    #[cold]
    fn replace(&self, leaf: LeafAddress, wait: Option<WaitReason>) {
        let mut notes = self.notes.borrow_mut();
        notes.retain(|(of, _)| *of != leaf);
        notes.extend(wait.map(|wait| (leaf, wait)));
    }

    /// What the leaves wait for, in the order in which they were polled.
    pub(crate) fn waits(&self) -> Vec<WaitReason> {
        self.notes.borrow().iter().map(|(_, wait)| *wait).collect()
    }

    /// The timer `old` has another number from now on.
    pub(super) fn renumber_timer(&self, old: u64, new: u64) {
        self.notes.borrow_mut().iter_mut().for_each(|(_, wait)| wait.renumber_timer(old, new));
    }
}
