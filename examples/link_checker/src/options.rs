//! What the command line asks for.

use std::ffi::{OsStr, OsString};
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::page::without_secrets;

pub(crate) const USAGE: &str = "\
Usage: cargo run -p link_checker -- [OPTIONS] http://HOST[:PORT][/PATH]

Reads the pages of the host, from this one on, and requests all that they refer to. Pages of
other hosts are requested and not read. A redirect to another host is reported. What is not
http, as https and mailto, is skipped and counted. A user name or password in a URL is not sent.

  --limit N          requests at once, 1 or more (8)
  --timeout SECONDS  the longest that a request may take, from its connection on (10)
  --retries N        tries after a failed connection, a timeout or a 5xx (2)
  -h, --help         print this

Exit code: 0 if all links are good or skipped, 1 if some are broken or could not be checked, or
if no page was read; 2 if it cannot begin, 130 after Ctrl-C. A second Ctrl-C stops at once.
";

pub(crate) struct Options {
    pub(crate) start: Url,
    pub(crate) limit: usize,
    pub(crate) timeout: Duration,
    pub(crate) retries: u64,
}

impl Options {
    /// Reads the command line; `None` if it asks for help.
    pub(crate) fn read(
        mut words: impl Iterator<Item = OsString>,
    ) -> Result<Option<Options>, String> {
        let (mut limit, mut seconds, mut retries, mut start) = (8, 10, 2, None);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("-h" | "--help") => return Ok(None),
                Some("--limit") => limit = number("--limit", words.next(), 1)?,
                Some("--timeout") => seconds = number("--timeout", words.next(), 1)?,
                Some("--retries") => retries = number("--retries", words.next(), 0)?,
                Some(url) if start.is_none() && !url.starts_with('-') => {
                    start = Some(start_at(url)?);
                }
                _ => return Err(format!("no use for {}", word.display())),
            }
        }
        let start = start.ok_or("a URL is missing, like http://localhost:8000/")?;
        let timeout = Duration::from_secs(seconds);
        Ok(Some(Options { start, limit, timeout, retries }))
    }
}

fn number<N: FromStr + PartialOrd>(
    option: &str,
    word: Option<OsString>,
    least: N,
) -> Result<N, String> {
    let number = word.as_deref().and_then(OsStr::to_str).and_then(|word| word.parse().ok());
    number.filter(|number| *number >= least).ok_or(format!("{option} needs a number"))
}

fn start_at(url: &str) -> Result<Url, String> {
    match Url::parse(url) {
        Ok(start) if start.scheme() == "http" => Ok(without_secrets(start)),
        Ok(start) if start.scheme() == "https" => {
            Err(format!("no use for {url}: it speaks http, and no https"))
        }
        Err(why) if url.contains("://") => Err(format!("no use for {url}: {why}")),
        _ => Err(format!("no use for {url}: a URL is like http://localhost:8000/")),
    }
}
