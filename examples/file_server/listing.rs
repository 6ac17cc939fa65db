//! The page for a directory.
//!
//! A directory with 100,000 files is a second of work and ten megabytes of page. A thread of
//! the pool does the work, so that nobody else waits. And it is not done for each client: those
//! who have asked while one page is made share the next one, and as long as a page is sent and
//! the directory has not changed, all share that. So 500 clients cannot make the server do it
//! 500 times, or keep it 500 times in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant, SystemTime};

use glassloop::sync::Mutex;
use glassloop::unblock;

use crate::names::{encode, link_to};
use crate::system::{self, Directory};
use crate::terminal::shown;

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
    /// Keeps the page for those who wait for their turn.
    for_others: Option<Rc<String>>,
    began: Instant,
    /// When the directory had last changed, as it was opened; `None` if that was just now.
    modified: Option<SystemTime>,
}

/// The time of a change is only known so exactly, on some file systems.
const COARSE: Duration = Duration::from_secs(2);

impl Listings {
    /// The page for an open directory, which was asked for as `path`.
    pub(crate) async fn page(&self, directory: Directory, path: &Path) -> io::Result<Rc<String>> {
        let (listing, asked) = (self.listing(path), Instant::now());
        let _turn = listing.turn.lock().await;
        let page = match listing.page(directory.modified, asked) {
            Some(page) => page,
            None => listing.make(directory, path).await?,
        };
        // One count is the map's, one is ours: then nobody else waits for the page.
        if Rc::strong_count(&listing) == 2
            && let Some(made) = &mut *listing.made.borrow_mut()
        {
            made.for_others = None;
        }
        Ok(page)
    }

    fn listing(&self, path: &Path) -> Rc<Listing> {
        let mut listings = self.0.borrow_mut();
        listings.retain(|_, listing| Rc::strong_count(listing) > 1 || listing.is_sent());
        listings.entry(path.to_owned()).or_default().clone()
    }
}

impl Listing {
    /// A page that shows the directory as it is since `asked`, or earlier and unchanged.
    fn page(&self, modified: SystemTime, asked: Instant) -> Option<Rc<String>> {
        let made = self.made.borrow();
        let fits = |made: &&Made| made.began >= asked || made.modified == Some(modified);
        made.as_ref().filter(fits)?.page.upgrade()
    }

    async fn make(&self, directory: Directory, path: &Path) -> io::Result<Rc<String>> {
        let (began, modified) = (Instant::now(), directory.modified);
        // After a change just now, the next one might not show in the time.
        let is_settled = modified + COARSE < SystemTime::now();
        let path = path.to_owned();
        let page = Rc::new(unblock(move || make(directory, &path)).await?);
        let modified = is_settled.then_some(modified);
        let (shared, for_others) = (Rc::downgrade(&page), Some(page.clone()));
        self.made.replace(Some(Made { page: shared, for_others, began, modified }));
        Ok(page)
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
