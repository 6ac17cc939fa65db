//! The links that are known, and those that are to be checked next.
//!
//! A link is kept once, however many pages refer to it. So the memory follows the number of
//! links, and not the number of references, of which a site can have a hundred times more.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::page::Link;

/// How many bytes of names are kept. (Some sites never end: a calendar, or a trap.)
const MOST: usize = 256 << 20;
pub(crate) const TOO_MANY: &str = "links beyond 256 MiB of URLs in all";

/// A link, and the page that refers to it.
pub(crate) struct Found {
    pub(crate) link: Link,
    pub(crate) page: Rc<str>,
    /// The place of the page in its frontier, and of the link on its page.
    place: (usize, usize),
}

#[derive(Default)]
pub(crate) struct Frontier {
    known: HashSet<String>,
    next: HashMap<String, Found>,
    bytes: usize,
}

impl Frontier {
    /// A frontier of one link.
    pub(crate) fn new(link: Link, page: &str) -> Frontier {
        let mut frontier = Frontier::default();
        frontier.add(link, page.into(), (0, 0));
        frontier
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    /// Takes in a link. `place` is the place of its page in the present frontier, and its own
    /// on the page: of several references, the first one counts, whichever page has answered
    /// first. `false`: there are too many.
    pub(crate) fn add(&mut self, link: Link, page: Rc<str>, place: (usize, usize)) -> bool {
        if self.knows(link.name()) {
            return true;
        }
        if let Some(found) = self.next.get_mut(link.name()) {
            if place < found.place {
                *found = Found { link, page, place };
            }
            return true;
        }
        self.bytes += 2 * link.name().len() + size_of::<Found>();
        let has_room = self.bytes <= MOST;
        if has_room {
            self.next.insert(link.name().to_owned(), Found { link, page, place });
        }
        has_room
    }

    /// The next frontier, in the order of the pages; empty at the end.
    pub(crate) fn advance(&mut self) -> Vec<Found> {
        let (names, mut found): (Vec<_>, Vec<_>) = self.next.drain().unzip();
        self.known.extend(names);
        found.sort_by_key(|found: &Found| found.place);
        found
    }
}
