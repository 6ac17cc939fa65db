//! # 22 Crawler: workers on a queue that grows while they work
//!
//! ```text
//! cargo run --example 22_crawler
//! ```
//!
//! Twin: `22_crawler.py`, where `task_done` must be called, and `join` waits for it.
//!
//! Take away: **let each job carry a guard of a `WaitGroup`: a job counts as done when it is
//! dropped, for whatever reason, and no worker can forget to report it.**

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::channel::{self, Receiver, Sender};
use glassloop::sync::{WaitGroup, WaitGuard};
use glassloop::{println, sleep, spawn_named};

/// A page to fetch.
#[derive(Debug)]
struct Job {
    url: &'static str,
    depth: u32,
    _undone: WaitGuard,
}

/// What the workers share. They are tasks of one loop, so a `RefCell` is enough.
struct Crawl {
    seen: RefCell<BTreeSet<&'static str>>,
    jobs: Sender<Job>,
    undone: WaitGroup,
}

impl Crawl {
    /// Makes a job for a page, unless the page has had one already.
    fn visit(&self, url: &'static str, depth: u32) {
        if self.seen.borrow_mut().insert(url) {
            let job = Job { url, depth, _undone: self.undone.add() };
            self.jobs.try_send(job).expect("the channel is unbounded, and there are workers");
        }
    }
}

async fn worker(name: String, crawl: Rc<Crawl>, jobs: Receiver<Job>) {
    while let Ok(job) = jobs.recv().await {
        let links = fetch(job.url).await;
        println!("{name} fetched {} depth {}", job.url, job.depth);
        for link in links {
            crawl.visit(link, job.depth + 1);
        }
    } // the job is dropped here, after its links have become jobs
}

async fn fetch(url: &str) -> &'static [&'static str] {
    sleep(Duration::from_millis(10)).await;
    match url {
        "/" => &["/a", "/b"],
        "/a" => &["/a/1", "/b"],
        "/b" => &["/"],
        _ => &[],
    }
}

fn main() {
    glassloop::block_on(async {
        let (sender, receiver) = channel::unbounded();
        let (seen, undone) = (RefCell::default(), WaitGroup::new());
        let crawl = Rc::new(Crawl { seen, jobs: sender, undone });
        crawl.visit("/", 0);
        for i in 0..2 {
            let name = format!("w{i}");
            spawn_named(name.clone(), worker(name, crawl.clone(), receiver.clone())).detach();
        }
        crawl.undone.wait().await;
        receiver.close(); // the workers' loops end
        let seen: Vec<_> = crawl.seen.take().into_iter().collect();
        println!("pages {} {}", seen.len(), seen.join(" "));
    });
}
