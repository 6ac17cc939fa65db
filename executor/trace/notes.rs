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

/// What a leaf waits for, and since when, in nanoseconds on the loop's clock.
#[derive(Clone, Copy)]
pub(crate) struct Note {
    pub(crate) leaf: LeafId,
    pub(crate) wait: WaitReason,
    pub(crate) since: u64,
}

/// The notes of the children of a large combinator, each from the child's last poll: a poll of
/// the task polls only the children that were woken.
pub(crate) type ChildNotes = RefCell<BTreeMap<usize, VecDeque<Note>>>;

/// What a task waits for: the notes of its last poll, and those of its combinators.
#[derive(Clone, Default)]
pub(crate) struct Waits {
    last: VecDeque<Note>,
    /// The notes of earlier polls, of leaves that were not polled again and still wait.
    older: VecDeque<Note>,
    children: Vec<Weak<ChildNotes>>,
}

impl Waits {
    /// All that the task waits for, in the order of the last poll; then in the children that
    /// were not polled.
    pub(crate) fn all(&self) -> Vec<Note> {
        let polled: HashSet<LeafId> = self.last.iter().map(|note| note.leaf).collect();
        let mut notes: Vec<Note> = self.last.iter().copied().collect();
        for children in self.children.iter().filter_map(Weak::upgrade) {
            let children = children.borrow();
            notes.extend(children.values().flatten().filter(|note| !polled.contains(&note.leaf)));
        }
        notes
    }

    /// What the task has polled in earlier polls, but not in the last one: it has left these
    /// futures behind, for now or for ever.
    pub(crate) fn left_behind(&self) -> Vec<Note> {
        let all: HashSet<LeafId> = self.all().iter().map(|note| note.leaf).collect();
        self.older.iter().filter(|note| !all.contains(&note.leaf)).copied().collect()
    }

    /// What the task waits for, if that is one thing.
    pub(super) fn only(&self) -> Option<Note> {
        let (mut first, mut is_only) = (None::<Note>, true);
        let all = self.try_latest(|note| {
            is_only &= first.replace(*note).is_none_or(|first| first.leaf == note.leaf);
            is_only.then_some(())
        });
        all.and(first)
    }

    /// Calls `act` with each note, of the last poll first, until it gives `None`. A wait may come
    /// twice.
    pub(crate) fn try_each(&self, mut act: impl FnMut(&Note) -> Option<()>) -> Option<()> {
        self.try_latest(&mut act)?;
        self.older.iter().try_for_each(act)
    }

    /// The same, without what was left behind.
    fn try_latest(&self, mut act: impl FnMut(&Note) -> Option<()>) -> Option<()> {
        self.last.iter().try_for_each(&mut act)?;
        let children = self.children.iter().filter_map(Weak::upgrade);
        let mut each = |of: Rc<ChildNotes>| of.borrow().values().flatten().try_for_each(&mut act);
        children.into_iter().try_for_each(&mut each)
    }

    /// The note of a leaf.
    pub(crate) fn find(&self, leaf: LeafId) -> Option<Note> {
        let all = self.all().into_iter().chain(self.older.iter().copied());
        all.into_iter().find(|note| note.leaf == leaf)
    }

    /// Of what was left behind, forgets the ends of tasks that have ended.
    pub(super) fn forget_ends(&mut self, is_alive: impl Fn(u64) -> bool) {
        self.older.retain(|note| note.wait.awaited_task().is_none_or(&is_alive));
    }

    /// Whether the task waits for nothing but locks and tasks.
    pub(super) fn may_close_a_circle(&self) -> bool {
        let is_of_task = |note: &Note| {
            let resource = note.wait.resource();
            note.wait.awaited_task().is_some() || resource.is_some_and(|r| r.has_holders())
        };
        !self.last.is_empty() && self.last.iter().all(is_of_task)
    }

    /// A new poll begins: what was waited for so far is older from now on.
    fn start(&mut self) {
        self.children.clear();
        self.older.append(&mut self.last);
        keep_latest(&mut self.older);
    }

    /// The timer `old` has another number from now on.
    pub(super) fn renumber_timer(&mut self, old: u64, new: u64) {
        for note in self.last.iter_mut().chain(&mut self.older) {
            if note.wait.what == What::Timer(old) {
                (note.leaf.1, note.wait.what) = (new, What::Timer(new));
            }
        }
    }
}

fn keep_latest(notes: &mut VecDeque<Note>) {
    let too_many = notes.len().saturating_sub(MOST);
    notes.drain(..too_many);
}

/// The notes of the poll that is under way.
#[derive(Default)]
pub(crate) struct Notes {
    are_taken: Cell<bool>,
    /// Whether a large combinator must poll all its children, so that each writes its notes.
    pub(crate) are_of_all: Cell<bool>,
    /// When the poll began.
    now: Cell<u64>,
    notes: RefCell<Waits>,
}

impl Notes {
    /// From now on notes are taken, of a task that has waited for `before` so far.
    pub(crate) fn start(&self, now: u64, before: Waits) {
        self.are_taken.set(true);
        self.now.set(now);
        let mut notes = self.notes.borrow_mut();
        *notes = before;
        notes.start();
    }

    /// From now on no notes are taken.
    pub(crate) fn stop(&self) {
        self.are_taken.set(false);
        self.are_of_all.set(false);
        self.notes.take();
    }

    /// The leaf is not ready, and waits for this.
    #[inline]
    pub(crate) fn write(&self, leaf: LeafId, wait: impl FnOnce() -> WaitReason) {
        if self.are_taken.get() {
            self.replace(leaf, Some(wait()));
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
        let mut since = self.now.get();
        let Waits { last, older, .. } = &mut *notes;
        // First where a leaf is that waits on: it is at the front.
        for notes in [older, &mut *last] {
            if let Some(at) = notes.iter().position(|note| note.leaf == leaf) {
                since = notes.remove(at).map_or(since, |before| before.since);
                break;
            }
        }
        last.extend(wait.map(|wait| Note { leaf, wait, since }));
        keep_latest(last);
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
        match of_child.is_empty() {
            true => all.borrow_mut().remove(&index),
            false => all.borrow_mut().insert(index, of_child),
        };
    }

    /// A large combinator was polled. These are the notes of all its children.
    pub(crate) fn add_children(&self, all: &Rc<ChildNotes>) {
        if self.are_taken.get() {
            self.notes.borrow_mut().children.push(Rc::downgrade(all));
        }
    }

    /// What the leaves wait for, in the order in which they were polled.
    pub(crate) fn waits(&self) -> Vec<WaitReason> {
        self.notes.borrow().last.iter().map(|note| note.wait).collect()
    }

    /// What the task waits for. (The report of a deadlock takes it after the tracer.)
    pub(crate) fn taken(&self) -> Waits {
        if self.are_of_all.get() { self.notes.borrow().clone() } else { self.notes.take() }
    }

    /// The timer `old` has another number from now on.
    pub(super) fn renumber_timer(&self, old: u64, new: u64) {
        self.notes.borrow_mut().renumber_timer(old, new);
    }
}
