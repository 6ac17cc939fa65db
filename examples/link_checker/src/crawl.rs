//! The crawl: frontier by frontier, each link with its redirects and its tries.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::{Permit, Semaphore};
use glassloop::{join_all, sleep, timeout, unblock, yield_now};
use url::Url;

use crate::frontier::{Found, Frontier, TOO_MANY};
use crate::hosts::{Failure, Hosts, is_of_files, pauses};
use crate::http::{self, Answer};
use crate::options::Options;
use crate::page::{self, Link, Page, TOO_MANY_ON_A_PAGE, reason_to_stop, without_secrets};
use crate::report::{Outcome, Tally};

/// As many as browsers follow.
const MAX_REDIRECTS: usize = 20;
/// How many links are handled before it is the turn of others, of Ctrl-C above all.
const SLICE: usize = 10_000;
/// So many links more have begun than there are requests at once.
const MORE_PLACES: usize = 64;
/// How often a link without a descriptor is tried while no link gets one.
const TRIES_FOR_LACK: u32 = 6;
/// Pages that are read at once: each can take 100 MB.
const READERS: usize = 4;

pub(crate) struct Crawl<'a> {
    options: Options,
    /// The links that have begun. Some of them hold no permit: they wait for a name, or for
    /// their next try.
    places: Semaphore,
    /// The requests at once.
    permits: Semaphore,
    readers: Semaphore,
    hosts: Hosts,
    /// How many connections had been made when no descriptor came free for a while. As long as
    /// there are no more, the other links do not wait for that again.
    gave_up: Cell<Option<u64>>,
    // The futures share these on one thread, so a `RefCell` is enough, as long as no borrow
    // lives across an `await`.
    frontier: RefCell<Frontier>,
    tally: &'a RefCell<Tally>,
}

/// What a link knows that waits for a descriptor.
#[derive(Default)]
struct Lack {
    /// How often it was tried in vain, while nobody else got one.
    tries: u32,
    /// How many connections had been made.
    made: u64,
}

/// Where a link has led.
struct End<'a> {
    url: Url,
    /// The first status, if that was a redirect.
    redirect: Option<u16>,
    what: What<'a>,
}

enum What<'a> {
    /// An answer may hold a body of 8 MiB. With its permit, so that there are not more of them
    /// than requests at once.
    Answer(Answer, Permit<'a>),
    /// A redirect leads to what is not requested, for this reason.
    Stop(&'static str),
}

impl Crawl<'_> {
    pub(crate) fn new(options: Options, tally: &RefCell<Tally>) -> Crawl<'_> {
        let start = Link::Http(options.start.clone());
        Crawl {
            places: Semaphore::new(options.limit.saturating_add(MORE_PLACES)),
            permits: Semaphore::new(options.limit),
            readers: Semaphore::new(READERS),
            hosts: Hosts::new(options.retries),
            gave_up: Cell::new(None),
            frontier: RefCell::new(Frontier::new(start, "the command line")),
            options,
            tally,
        }
    }

    /// Checks all. Always `None`: no signal has ended it.
    pub(crate) async fn run(&self) -> Option<i32> {
        loop {
            let links = self.frontier.borrow_mut().advance();
            if links.is_empty() {
                return None;
            }
            self.tally.borrow_mut().known += links.len();
            let mut checks = Vec::new();
            for (place, found) in links.iter().enumerate() {
                match &found.link {
                    Link::Http(url) => checks.push(self.check(url, &found.page, place)),
                    _ => self.count_unasked(found),
                }
                if place % SLICE == SLICE - 1 {
                    yield_now().await;
                }
            }
            join_all(checks).await;
        }
    }

    fn count_unasked(&self, found: &Found) {
        let outcome = match &found.link {
            Link::Http(_) => return,
            Link::Skipped(reason, _) => Outcome::Skipped(reason),
            Link::Bad(_, why) => Outcome::Broken(why.clone()),
        };
        self.tally.borrow_mut().count(found.link.name(), &found.page, outcome);
    }

    async fn check(&self, url: &Url, page: &str, place: usize) {
        let _place = self.places.acquire().await;
        // Boxed when it begins: there may be 100,000 links that only wait, and they stay small.
        let outcome = Box::pin(async {
            match self.follow(url).await {
                Ok(end) => self.arrive(url, page, end, place).await,
                Err(outcome) => outcome,
            }
        });
        let outcome = outcome.await;
        self.tally.borrow_mut().count(url.as_str(), page, outcome);
    }

    /// Requests a link, and follows its redirects.
    async fn follow(&self, link: &Url) -> Result<End<'_>, Outcome> {
        let (mut url, mut redirect) = (link.clone(), None);
        for _ in 0..=MAX_REDIRECTS {
            let (answer, permit) = self.ask(&url).await?;
            let Some(location) = answer.location() else {
                return Ok(End { url, redirect, what: What::Answer(answer, permit) });
            };
            redirect = redirect.or(Some(answer.status));
            let next = url.join(location).map(without_secrets);
            url = next.map_err(|why| Outcome::Broken(format!("redirected to no URL: {why}")))?;
            if let Some(reason) = reason_to_stop(&url) {
                return Ok(End { url, redirect, what: What::Stop(reason) });
            }
        }
        Err(Outcome::Broken(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Says how a link has ended, and takes in the links of its page.
    async fn arrive(&self, link: &Url, page: &str, end: End<'_>, place: usize) -> Outcome {
        let End { url, redirect, what } = end;
        if let Some(status) = redirect.filter(|_| self.is_another_host(link, &url)) {
            self.tally.borrow_mut().leads_away(link, page, status, &url);
        }
        let (answer, _permit) = match what {
            What::Answer(answer, permit) if answer.is_good() => (answer, permit),
            What::Answer(answer, _) => {
                let after = redirect.map(|_| format!(", after a redirect to {url}"));
                let status = format!("status {}", answer.status);
                return Outcome::Broken(status + &after.unwrap_or_default());
            }
            What::Stop(reason) => {
                self.say_why_nothing_is_read(&url, "what is not http is not followed");
                return Outcome::Skipped(reason);
            }
        };
        if !self.is_ours(&url) || !answer.is_page() {
            self.say_why_nothing_is_read(&url, "it is on another host, or it is not HTML");
            return Outcome::Good;
        }
        // A page that is known by its own URL is read when it is asked for by that.
        if redirect.is_some() && self.frontier.borrow().knows(url.as_str()) {
            return Outcome::Good;
        }
        self.read(answer, url, place).await
    }

    async fn read(&self, answer: Answer, url: Url, place: usize) -> Outcome {
        let from = Rc::from(url.as_str());
        let _reader = self.readers.acquire().await;
        match unblock(move || page::read(&answer, &url)).await {
            Ok(Page { links, lost }) => {
                let too_many = self.take_in(links, &from, place).await;
                let mut tally = self.tally.borrow_mut();
                tally.pages += 1;
                tally.lose(lost, TOO_MANY_ON_A_PAGE, &from);
                tally.lose(too_many, TOO_MANY, &from);
                Outcome::Good
            }
            Err(outcome) => outcome,
        }
    }

    /// Returns how many links were too many.
    async fn take_in(&self, links: Vec<Link>, page: &Rc<str>, place: usize) -> usize {
        let mut too_many = 0;
        for (index, link) in links.into_iter().enumerate() {
            let is_kept = self.frontier.borrow_mut().add(link, page.clone(), (place, index));
            too_many += usize::from(!is_kept);
            if index % SLICE == SLICE - 1 {
                yield_now().await;
            }
        }
        too_many
    }

    fn say_why_nothing_is_read(&self, url: &Url, why: &str) {
        let mut tally = self.tally.borrow_mut();
        tally.nothing_read.get_or_insert(format!("no page was read at {url}: {why}"));
    }

    fn is_another_host(&self, link: &Url, to: &Url) -> bool {
        link.host() != to.host() || self.is_ours(link) && !self.is_ours(to)
    }

    fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.options.start.origin()
    }

    /// Sends a request, and again if that may help.
    async fn ask(&self, url: &Url) -> Result<(Answer, Permit<'_>), Outcome> {
        let (mut pauses, mut lack) = (pauses(self.options.retries), Lack::default());
        loop {
            let answer = self.ask_once(url).await;
            let pause = match &answer {
                Ok((Answer { status: 500.., .. }, _)) | Err(Failure::Io(_)) => pauses.next(),
                Ok(_) | Err(Failure::Name(_)) => None,
                Err(Failure::Lack(_)) => self.pause_for_lack(&mut lack),
            };
            let Some(pause) = pause else {
                return answer.map_err(outcome_of);
            };
            drop(answer); // its permit is for others during the pause
            sleep(pause).await;
        }
    }

    async fn ask_once(&self, url: &Url) -> Result<(Answer, Permit<'_>), Failure> {
        let addresses = self.hosts.addresses(url).await?;
        let permit = self.permits.acquire().await;
        let limit = self.options.timeout;
        let connection = self.hosts.connect(addresses, limit).await?;
        let get = http::get(connection.stream.clone(), url, self.is_ours(url));
        let left = limit.saturating_sub(connection.began.elapsed());
        match timeout(left, get).await {
            Ok(answer) => Ok((answer?, permit)),
            Err(_) => {
                let text = format!("no whole answer within {}s", limit.as_secs());
                Err(Failure::Io(std::io::Error::other(text)))
            }
        }
    }

    /// How long a link waits that gets no descriptor or port. As long as others get theirs, or
    /// have a connection open that will end, it goes on; otherwise not for ever.
    fn pause_for_lack(&self, lack: &mut Lack) -> Option<Duration> {
        let (made, open) = (self.hosts.made.get(), self.hosts.open.get());
        if made != lack.made || open > 0 {
            *lack = Lack { tries: 0, made };
        }
        lack.tries += 1;
        if lack.tries > TRIES_FOR_LACK {
            self.gave_up.set(Some(made));
        }
        let is_over = open == 0 && self.gave_up.get() == Some(made);
        (!is_over).then(|| Duration::from_millis(50 << lack.tries.min(4)))
    }
}

/// What is said about a link that has no answer.
fn outcome_of(failure: Failure) -> Outcome {
    match failure {
        Failure::Lack(error) if is_of_files(&error) => Outcome::Unchecked(format!(
            "too many open files; raise the limit (ulimit -n), or close something: {error}"
        )),
        Failure::Lack(error) => Outcome::Unchecked(format!(
            "no port or memory is free for a connection; wait a minute, or close something: {error}"
        )),
        Failure::Name(why) => Outcome::Broken(why),
        Failure::Io(error) => Outcome::Broken(error.to_string()),
    }
}
