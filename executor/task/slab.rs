//! A vector whose entries are used again: how the crate keeps things that come and go by
//! the million, in a few steps each and without an allocation per thing.
//!
//! The vacant entries form a list, each naming the next. Tasks and timers are kept
//! this way, and found by the index of their entry. An index says nothing about
//! *which* thing is in the entry by now. Where that matters, the user of the slab compares
//! a number that is never used twice.

/// The slab. An index is good until the thing there is removed.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<SlabEntry<T>>,
    /// The index of the entry that the next thing gets.
    next: u32,
    len: usize,
}

#[derive(Debug)]
enum SlabEntry<T> {
    Occupied(T),
    /// With the index of the vacant entry to use after this one.
    Vacant(u32),
}

impl<T> Slab<T> {
    /// How many things are there.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The index that the next thing gets.
    pub(crate) fn next_index(&self) -> u32 {
        self.next
    }

    /// Puts a thing into a vacant entry, and returns its index.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        let index = self.next;
        self.len += 1;
        match self.entries.get_mut(index as usize) {
            Some(entry) => {
                if let SlabEntry::Vacant(next) =
                    std::mem::replace(entry, SlabEntry::Occupied(thing))
                {
                    self.next = next;
                }
            }
            None => {
                self.entries.push(SlabEntry::Occupied(thing));
                self.next = u32::try_from(self.entries.len()).expect("fewer than 2^32 entries");
            }
        }
        index
    }

    /// Drops the thing at `index`, and leaves its entry vacant.
    pub(crate) fn remove(&mut self, index: u32) {
        if self.get(index).is_some() {
            self.entries[index as usize] = SlabEntry::Vacant(self.next);
            self.next = index;
            self.len -= 1;
        }
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        match self.entries.get(index as usize) {
            Some(SlabEntry::Occupied(thing)) => Some(thing),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        match self.entries.get_mut(index as usize) {
            Some(SlabEntry::Occupied(thing)) => Some(thing),
            _ => None,
        }
    }

    /// The things, in the order of their indices.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.entries.len()).filter_map(|index| self.get(index as u32))
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { entries: Vec::new(), next: 0, len: 0 }
    }
}
