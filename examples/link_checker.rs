//! # Link checker: a program to keep
//!
//! Finds the broken links of a website: it reads the pages of a host, requests
//! everything that they refer to, several links at once, and reports what failed.
//!
//! ```text
//! cargo run --example link_checker -- --help
//! cargo run --example link_checker -- http://localhost:8000/
//! ```
//!
//! ```text
//!   frontier: the links that are known, but not checked
//!      │
//!      │ join_all: a future for each of them
//!      ▼
//!    check ─────▶ follow ─────▶ ask ────────────▶ get
//!      │          redirects     a permit,         one request
//!      ▼                        a limit, retries
//!   the links of the pages are the next frontier
//! ```
//!
//! One frontier is checked after the other, so a page is found by its shortest path,
//! whichever link answers first. The price: each frontier waits for its slowest link.
//!
//! Take away: **futures that end together need no tasks of their own. They borrow what
//! they share, and dropping the future that holds them stops them all.**

use std::io::{self, Error, IsTerminal, Write};
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::Relaxed};
use std::{cell::RefCell, collections::BTreeSet, process::exit, time::Duration};

use futures_lite::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use glassloop::{join_all, net::TcpStream, sleep, sync::Semaphore, timeout};

const USAGE: &str = "\
Usage: cargo run --example link_checker -- [OPTIONS] http://HOST[:PORT][/PATH]
Checks the links on the host's pages; skips those that are not http, or not ASCII.
  --limit N          requests at once, 1 or more (8)
  --timeout SECONDS  the longest that a request may take (10)
  --retries N        tries after a failed connection, a timeout or a 5xx (2)
Exit code: 0 if no link is broken, 1 if some are, 2 if it cannot begin, 130 after Ctrl-C
";
const MAX_REDIRECTS: usize = 5;
/// The most that is read of one answer, so that none can fill the memory.
const MAX_BYTES: u64 = 8 << 20;
const CUT_OFF: &str = "the answer breaks off, or is longer than 8 MiB";
const CLEAR_LINE: &str = "\r\x1b[K";

fn main() {
    if std::env::args().any(|argument| argument == "--help") {
        return print!("{USAGE}");
    }
    let crawl = Crawl::from_arguments(std::env::args().skip(1)).unwrap_or_else(|complaint| {
        eprintln!("link_checker: {complaint}");
        exit(2)
    });
    glassloop::block_on(async {
        // The future that ends first drops the other, with every request that is in it.
        let code = futures_lite::future::or(crawl.watch(), crawl.run()).await;
        if io::stderr().is_terminal() {
            eprint!("{CLEAR_LINE}");
        }
        let broken: String = crawl.tally.borrow().broken.iter().map(String::as_str).collect();
        // Unlike `println!`, this does not panic when the reader has closed the pipe.
        let _ = writeln!(io::stdout(), "{broken}{}", crawl.summary());
        // Exits instead of returning: the end of a loop waits for the jobs on its pool, and
        // a look-up of a host name, which no future awaits any more, can take long.
        exit(code)
    })
}

// ── the crawl ─────────────────────────────────────────────────────────────

struct Crawl {
    start: String,
    timeout: Duration,
    retries: u64,
    permits: Semaphore,
    /// The futures share the tally on one thread, so a `RefCell` is enough, as long as no
    /// borrow lives across an `await`.
    tally: RefCell<Tally>,
}

/// What is known so far.
#[derive(Default)]
struct Tally {
    known: BTreeSet<String>,
    /// The text of the report for each broken link.
    broken: BTreeSet<String>,
    good: usize,
    skipped: usize,
}

/// Links, each with the page that refers to it.
type Links = Vec<(String, String)>;

impl Crawl {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Crawl, String> {
        let (mut limit, mut seconds, mut retries, mut start) = (8, 10, 2, None);
        while let Some(argument) = arguments.next() {
            let mut number = |least| arguments.next()?.parse().ok().filter(|it| *it >= least);
            let complain = || format!("{argument} needs a number; see --help");
            match argument.as_str() {
                "--limit" => limit = number(1).ok_or_else(complain)?,
                "--timeout" => seconds = number(1).ok_or_else(complain)?,
                "--retries" => retries = number(0).ok_or_else(complain)?,
                url if start.is_none() && split(url).is_some() => start = Some(resolve("", url)),
                other => return Err(format!("no use for {other}; see --help")),
            }
        }
        let start = start.ok_or("a URL is missing, like http://localhost:8000/; see --help")?;
        let (timeout, permits) = (Duration::from_secs(seconds), Semaphore::new(limit as usize));
        let tally = Tally { known: [start.clone()].into(), ..Tally::default() };
        Ok(Crawl { start, timeout, retries, permits, tally: RefCell::new(tally) })
    }

    async fn run(&self) -> i32 {
        let mut frontier = vec![(self.start.clone(), "the command line".to_owned())];
        while !frontier.is_empty() {
            let checks = frontier.iter().map(|(link, page)| self.check(link, page));
            frontier = join_all(checks).await.into_iter().flatten().collect();
            frontier.retain(|(link, _)| self.tally.borrow_mut().known.insert(link.clone()));
        }
        i32::from(!self.tally.borrow().broken.is_empty())
    }

    /// Checks a link, and returns the links on the page that it leads to.
    async fn check(&self, link: &str, page: &str) -> Links {
        let outcome = self.follow(link).await;
        let mut tally = self.tally.borrow_mut();
        match &outcome {
            Ok(Some(_)) => tally.good += 1,
            Ok(None) => tally.skipped += 1,
            Err(why) => drop(tally.broken.insert(format!("{link}\n  broken: {why}, on {page}\n"))),
        }
        outcome.ok().flatten().unwrap_or_default()
    }

    /// Requests a link, and follows its redirects. `None`: the link leads out of http.
    async fn follow(&self, link: &str) -> io::Result<Option<Links>> {
        let mut url = link.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let Some((host, path)) = split(&url) else { return Ok(None) };
            let (status, head, html) = self.ask(host, path).await?;
            match (status, header(&head, "location")) {
                (200..=299, _) => return Ok(Some(links(&url, &html))),
                (300..=399, Some(location)) => url = resolve(&url, location),
                _ => return Err(Error::other(format!("status {status}"))),
            }
        }
        Err(Error::other(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Sends a request, and again if that may help, after growing pauses, since more
    /// requests do not help an overloaded server.
    async fn ask(&self, host: &str, path: &str) -> io::Result<Answer> {
        let read = split(&self.start).is_some_and(|(start, _)| start == host);
        let mut pauses = (0..self.retries).map(|retry| Duration::from_millis(200 << retry));
        loop {
            let permit = self.permits.acquire().await;
            let answer = timeout(self.timeout, get(host, path, read, self.timeout)).await;
            let answer = answer.unwrap_or_else(|elapsed| Err(elapsed.into()));
            drop(permit); // not kept during the pause
            match pauses.next() {
                Some(pause) if !matches!(answer, Ok((..500, _, _))) => sleep(pause).await,
                _ => return answer,
            }
        }
    }

    /// Shows the progress on a terminal, and ends with Ctrl-C. A signal handler may do next
    /// to nothing, so it sets a flag, which this loop checks ten times a second. (Example 23
    /// awaits a signal; that takes a pipe, which only Unix has.)
    async fn watch(&self) -> i32 {
        let interrupted = Arc::new(AtomicBool::new(false));
        let caught = signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted.clone());
        caught.expect("SIGINT can be caught");
        while !interrupted.load(Relaxed) {
            if io::stderr().is_terminal() {
                eprint!("{CLEAR_LINE}{}", self.summary());
            }
            sleep(Duration::from_millis(100)).await;
        }
        130 // 128 and the number of SIGINT
    }

    fn summary(&self) -> String {
        let Tally { known, broken, good, skipped } = &*self.tally.borrow();
        let (broken, left) = (broken.len(), known.len() - broken.len() - good - skipped);
        format!("links: {good} good, {broken} broken, {skipped} skipped, {left} not checked")
    }
}

// ── HTTP/1.1 ──────────────────────────────────────────────────────────────

/// A status, the head of the answer, and its HTML, if the HTML is to be read.
type Answer = (u16, String, String);
type Reader = Take<BufReader<TcpStream>>;

/// Sends one request, on a connection of its own.
async fn get(host: &str, path: &str, read: bool, limit: Duration) -> io::Result<Answer> {
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    // With a limit here too: a `timeout` does not free the thread that connects.
    let mut stream = TcpStream::connect_timeout(address, limit).await?;
    let headers = format!("Host: {host}\r\nUser-Agent: link_checker\r\nConnection: close");
    stream.write_all(format!("GET {path} HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes()).await?;
    let mut reader = BufReader::new(stream).take(MAX_BYTES);
    let head = read_to(&mut reader, "\r\n\r\n").await?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
    let status = status.ok_or_else(|| Error::other("the answer is not HTTP"))?;
    let kind = header(&head, "content-type").unwrap_or_default().to_ascii_lowercase();
    let is_page = read && (200..=299).contains(&status) && kind.starts_with("text/html");
    let body = if is_page { read_body(&mut reader, &head).await? } else { Vec::new() };
    Ok((status, head, String::from_utf8_lossy(&body).into_owned()))
}

/// Reads lines, up to a line with this end.
async fn read_to(reader: &mut Reader, end: &str) -> io::Result<String> {
    let mut lines = Vec::new();
    while reader.read_until(b'\n', &mut lines).await? > 0 {
        if lines.ends_with(end.as_bytes()) {
            return Ok(String::from_utf8_lossy(&lines).into_owned());
        }
    }
    Err(Error::other(CUT_OFF))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Reads a body: in chunks, each after its size; or with the length from the head; or up
/// to the end of the connection.
async fn read_body(reader: &mut Reader, head: &str) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let is_chunked = header(head, "transfer-encoding") == Some("chunked");
    let mut size = header(head, "content-length").and_then(|size| size.parse().ok());
    loop {
        if is_chunked {
            let line = read_to(reader, "\r\n").await?;
            let hex = line.split(';').next().unwrap_or_default().trim();
            size = Some(u64::from_str_radix(hex, 16).map_err(|_| Error::other("bad chunk size"))?);
        }
        let read = reader.take(size.unwrap_or(u64::MAX)).read_to_end(&mut body).await?;
        if !is_chunked || size == Some(0) {
            let is_whole = reader.limit() > 0 && size.is_none_or(|size| size == read as u64);
            return if is_whole { Ok(body) } else { Err(Error::other(CUT_OFF)) };
        }
        read_to(reader, "\r\n").await?; // what ends a chunk
    }
}

// ── URLs, and the links of a page ─────────────────────────────────────────

/// The host and the path of a URL, if its scheme is http and it is visible ASCII: a line
/// break must get neither into a request nor into the report.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://").filter(|_| url.bytes().all(|b| b.is_ascii_graphic()))?;
    rest.find('/').map(|at| rest.split_at(at)).or(Some((rest, "/")))
}

/// The absolute URL of a reference on a page.
fn resolve(page: &str, reference: &str) -> String {
    let reference = reference.trim().split('#').next().unwrap_or_default().replace(' ', "%20");
    let (host, path) = split(page).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (folder, _) = path.rsplit_once('/').unwrap_or_default();
    let has_scheme = reference.split(['/', '?']).next().is_some_and(|start| start.contains(':'));
    match reference.as_bytes() {
        // A host alone, like http://localhost, has the same page as http://localhost/.
        _ if has_scheme && reference.matches('/').count() == 2 => reference + "/",
        _ if has_scheme => reference,
        [] => page.to_owned(),
        [b'/', b'/', ..] => format!("http:{reference}"),
        [b'/', ..] => format!("http://{host}{reference}"),
        [b'?', ..] => format!("http://{host}{path}{reference}"),
        _ => format!("http://{host}{}", walk(folder, &reference)),
    }
}

/// Follows the steps of a path from a folder. A `..` takes back the step before it.
fn walk(folder: &str, path: &str) -> String {
    let steps = folder.split('/').skip(1).chain(path.split('/'));
    let mut steps: Vec<&str> = steps.filter(|step| *step != ".").collect();
    while let Some(up) = steps.iter().position(|step| *step == "..") {
        steps.drain(up.saturating_sub(1)..=up);
    }
    format!("/{}", steps.join("/"))
}

/// The links of a page: the values after `href=` and `src=` in its tags. Not a parser of
/// HTML: comments and scripts count as text, and every `>` as the end of a tag.
fn links(page: &str, html: &str) -> Links {
    let html = html.replace(['\t', '\r', '\n'], " ").replace("&amp;", "&");
    let html = html.replace(" HREF=", " href=").replace(" SRC=", " src=");
    let tags = html.split('<').filter_map(|text| text.split('>').next());
    let values = tags.flat_map(|tag| [" href=", " src="].map(|name| tag.split_once(name)));
    let link = |(_, value): (&str, &str)| {
        let quote = value.chars().next().filter(|c| ['"', '\''].contains(c)).unwrap_or(' ');
        let value = value.strip_prefix(quote).unwrap_or(value).split(quote).next();
        (resolve(page, value.unwrap_or_default()), page.to_owned())
    };
    values.flatten().map(link).collect()
}
