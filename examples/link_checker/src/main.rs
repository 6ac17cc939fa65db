//! # Link checker: a program to keep
//!
//! Finds the broken links of a website: it reads the pages of one host, requests
//! everything that they refer to, several links at once, and reports what failed.
//!
//! ```text
//! cargo run -p link_checker -- --help
//! cargo run -p link_checker -- http://localhost:8000/
//! ```
//!
//! The way of a link through the files of this folder:
//!
//! ```text
//!   main ──▶ crawl ─────────▶ hosts ──────▶ http
//!   start,   frontier by      names,        one request,
//!   stop     frontier;        connections   one answer
//!            redirects, tries                  │ the body
//!              ▲                               ▼
//!              │             links ◀─────── page
//!           frontier ◀────── HTML to        decompress, decode;
//!           each link once   references     references to URLs
//! ```
//!
//! `options` reads the command line, `signals` waits for Ctrl-C, `report` says what was found.
//!
//! One frontier is checked after the other, so a page is found by its shortest path,
//! whichever link answers first. The price: each frontier waits for its slowest link.
//!
//! Take away: **futures that end together need no tasks of their own. They borrow what they
//! share, and dropping the future that holds them stops them all. What takes long and never
//! awaits, as reading a page does, goes to a thread: then Ctrl-C and the other links do not wait.**
//!
//! Its limits: it speaks HTTP/1.1 without TLS, so `https` links are counted and not checked. It
//! sends no cookies and no passwords. It runs no scripts, and reads no style sheets, no `srcdoc`
//! and no XML, so it does not see the links that are made or named there. It does not look whether
//! a page has the place that a fragment (`#part`) names. It does not read `robots.txt`, so point it
//! at your own sites.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::process::{ExitCode, exit};
use std::time::Duration;

use futures_lite::future::or;
use glassloop::sleep;

use crawl::Crawl;
use options::{Options, USAGE};
use report::{Tally, shown};

mod crawl;
mod frontier;
mod hosts;
mod http;
mod links;
mod options;
mod page;
mod report;
mod signals;

const CLEAR_LINE: &str = "\r\x1b[K";

fn main() -> ExitCode {
    match Options::read(std::env::args_os().skip(1)) {
        Ok(Some(options)) => check(options),
        Ok(None) => ExitCode::from(say(USAGE)),
        Err(misuse) => cannot_begin(&format!("{misuse}; see --help")),
    }
}

fn check(options: Options) -> ExitCode {
    let stopped = match signals::stopped() {
        Ok(stopped) => stopped,
        Err(error) => return cannot_begin(&format!("cannot wait for Ctrl-C: {error}")),
    };
    let tally = RefCell::new(Tally::default());
    glassloop::block_on(async {
        let crawl = Crawl::new(options, &tally);
        // The future that ends first drops the others, with every request that is in them.
        let interrupted = or(stopped, or(crawl.run(), show_progress(&tally))).await;
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "{CLEAR_LINE}");
        }
        let tally = tally.borrow();
        let written = say(&tally.report());
        // Exits instead of returning: the end of a loop waits for the jobs on its pool, and
        // a look-up of a host name, which no future awaits any more, can take long.
        exit(interrupted.unwrap_or(i32::from(tally.exit_code().max(written))))
    })
}

/// Shows the progress on a terminal, ten times a second; never ends.
async fn show_progress(tally: &RefCell<Tally>) -> Option<i32> {
    loop {
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "{CLEAR_LINE}{}", tally.borrow().summary());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Prints; unlike `print!`, this does not panic when nobody reads it. Returns the exit code.
fn say(text: &str) -> u8 {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write the report: {error}"));
            1
        }
        _ => 0,
    }
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "link_checker: {}", shown(text));
}

fn cannot_begin(text: &str) -> ExitCode {
    complain(text);
    ExitCode::from(2)
}
