//! A vector whose places are used again: how the crate keeps things that come and
//! go by the million, in a few steps each and without an allocation per thing.
//!
//! The free places form a list, each naming the next. Tasks, timers and waiters
//! are kept this way, and named by the index of their place. An index says nothing
//! about *which* thing lies there by now; where that matters, the name carries a
//! number that is never used twice.

/// The slab. An index is good until the thing there is removed.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    /// The place that the next thing gets.
    next: u32,
    len: usize,
}

#[derive(Debug)]
enum Place<T> {
    Taken(T),
    /// And the place to use after this one.
    Free(u32),
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

    /// Puts a thing into a free place, and returns its index.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        let index = self.next;
        self.len += 1;
        match self.places.get_mut(index as usize) {
            Some(place) => {
                if let Place::Free(next) = std::mem::replace(place, Place::Taken(thing)) {
                    self.next = next;
                }
            }
            None => {
                self.places.push(Place::Taken(thing));
                self.next = u32::try_from(self.places.len()).expect("fewer things than bytes");
            }
        }
        index
    }

    /// Takes the thing at `index` out, and frees its place.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        self.get(index)?;
        let freed = std::mem::replace(&mut self.places[index as usize], Place::Free(self.next));
        self.next = index;
        self.len -= 1;
        match freed {
            Place::Taken(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        match self.places.get(index as usize) {
            Some(Place::Taken(thing)) => Some(thing),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        match self.places.get_mut(index as usize) {
            Some(Place::Taken(thing)) => Some(thing),
            _ => None,
        }
    }

    /// The things, in the order of their indices.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.places.len()).filter_map(|index| self.get(index as u32))
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { places: Vec::new(), next: 0, len: 0 }
    }
}
