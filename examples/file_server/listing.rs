//! The page for a directory.
//!
//! A directory with 100,000 files is a second of work and ten megabytes of page. A thread of
//! the pool does the work, so that nobody else waits. And it is done once: who asks for a page
//! that is being made waits for it, and the same page is sent to all, as long as the directory
//! has not changed. So 500 clients cannot make the server do it 500 times, or keep it 500
//! times in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::{Duration, SystemTime};

use glassloop::sync::Mutex;
use glassloop::unblock;

use crate::log::shown;
use crate::names::{encode, link_to};
use crate::system::{self, Directory};

/// The pages that are being made or sent, by the path that was asked for.
#[derive(Default)]
pub(crate) struct Listings(RefCell<HashMap<PathBuf, Rc<Listing>>>);

#[derive(Default)]
struct Listing {
    /// Held while the page is made.
    turn: Mutex<()>,
    made: RefCell<Option<Made>>,
}

struct Made {
    /// The answers own the page: the last one that is sent drops it.
    page: Weak<String>,
    /// When the directory had last changed, as it was opened.
    modified: SystemTime,
}

/// The time of a change is only known so exactly, on some file systems.
const COARSE: Duration = Duration::from_secs(2);

impl Listings {
    /// The page for an open directory, which was asked for as `path`.
    pub(crate) async fn page(&self, directory: Directory, path: &Path) -> io::Result<Rc<String>> {
        let listing = self.listing(path);
        let _turn = listing.turn.lock().await;
        let modified = directory.modified;
        if let Some(page) = listing.page(modified) {
            return Ok(page);
        }
        let path = path.to_owned();
        let page = Rc::new(unblock(move || make(directory, &path)).await?);
        // After a change just now, the next one might not show in the time.
        let is_settled = modified + COARSE < SystemTime::now();
        let made = is_settled.then(|| Made { page: Rc::downgrade(&page), modified });
        listing.made.replace(made);
        Ok(page)
    }

    fn listing(&self, path: &Path) -> Rc<Listing> {
        let mut listings = self.0.borrow_mut();
        listings.retain(|_, listing| Rc::strong_count(listing) > 1 || listing.is_sent());
        listings.entry(path.to_owned()).or_default().clone()
    }
}

impl Listing {
    fn page(&self, modified: SystemTime) -> Option<Rc<String>> {
        let made = self.made.borrow();
        made.as_ref().filter(|made| made.modified == modified)?.page.upgrade()
    }

    fn is_sent(&self) -> bool {
        self.made.borrow().as_ref().is_some_and(|made| made.page.strong_count() > 0)
    }
}

/// A page with a link to each entry, in the order of the names.
fn make(directory: Directory, path: &Path) -> io::Result<String> {
    let mut names = system::names(directory)?;
    names.sort_unstable();
    let above = link_to(path);
    let mut page = format!("<!DOCTYPE html>\n<ul>\n<li><a href=\"{above}../\">../</a>\n");
    for name in names {
        let link = encode(&name, b"/"); // a directory's name ends with one
        let text = shown(&name).replace('&', "&amp;").replace('<', "&lt;");
        page += &format!("<li><a href=\"{above}{link}\">{text}</a>\n");
    }
    Ok(page)
}
