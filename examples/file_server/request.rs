//! A request: its first line, and the few headers that matter here.

use std::io::{self, ErrorKind};
use std::ops::Range;

use futures_lite::io::{AsyncBufRead, BufReader};
use futures_lite::{AsyncBufReadExt, AsyncReadExt};
use glassloop::net::TcpStream;

use crate::names::Target;

/// How many bytes of a request are read. Headers behind that do not count.
const LIMIT: u64 = 16 * 1024;

pub(crate) struct Request {
    pub(crate) line: String,
    headers: Vec<String>,
}

/// Which bytes of a file a client asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    Whole,
    Bytes(Range<u64>),
    /// It asks for bytes behind the end.
    Nothing,
}

impl Request {
    pub(crate) async fn read(stream: &TcpStream) -> io::Result<Request> {
        let mut stream = BufReader::new(stream.take(LIMIT));
        let mut line = read_line(&mut stream).await?;
        if line == "\n" {
            line = read_line(&mut stream).await?; // one empty line may come first
        }
        if line.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut request = Request { line: line.trim_end().to_owned(), headers: Vec::new() };
        // What is no request has no headers either: a user who types gets the answer now.
        if request.target().is_err() {
            return Ok(request);
        }
        loop {
            match read_line(&mut stream).await? {
                // Without its end, half a header may say something else than the whole one.
                line if line.len() < 2 || !line.ends_with('\n') => return Ok(request),
                line => request.headers.push(line),
            }
        }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.line.starts_with("HEAD ")
    }

    pub(crate) fn target(&self) -> io::Result<Target> {
        if self.line.len() as u64 >= LIMIT - 2 {
            return Err(ErrorKind::ArgumentListTooLong.into()); // its end was not read
        }
        let target = match self.line.split(' ').collect::<Vec<_>>()[..] {
            ["GET" | "HEAD", target, "HTTP/1.0" | "HTTP/1.1"] => target,
            [_, _, "HTTP/1.0" | "HTTP/1.1"] => return Err(ErrorKind::Unsupported.into()),
            _ => return Err(ErrorKind::InvalidInput.into()),
        };
        Target::parse(target).ok_or(ErrorKind::InvalidInput.into())
    }

    /// The value of a header; `None` if it is missing, or is there twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().filter_map(|line| line.split_once(':'));
        let named = headers.filter(move |(found, _)| found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }

    /// The part that the header `Range` asks for, of a file of `length` bytes. A range that
    /// cannot be understood, and several at once, count as none: that is allowed.
    pub(crate) fn part(&self, length: u64) -> Part {
        let range = self.header("Range").filter(|_| !self.is_head());
        range.and_then(|range| part(range, length)).unwrap_or(Part::Whole)
    }
}

/// A line, with `\n` as its end; without one, if the stream ends first.
async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.read_until(b'\n', &mut bytes).await?;
    // People and old programs end their lines without `\r`.
    if bytes.ends_with(b"\r\n") {
        bytes.remove(bytes.len() - 2);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads `bytes=2-5`, `bytes=2-` (up to the end) or `bytes=-5` (the last five).
fn part(range: &str, length: u64) -> Option<Part> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    // Nobody can have a part of nothing. Some clients always ask for one.
    if !unit.eq_ignore_ascii_case("bytes") || length == 0 {
        return None;
    }
    let bytes = match (first, last) {
        ("", count) => length.saturating_sub(position(count)?)..length,
        (first, "") => position(first)?..length,
        (first, last) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(first..length.min(last.saturating_add(1)))?
        }
    };
    Some(if bytes.is_empty() { Part::Nothing } else { Part::Bytes(bytes) })
}

/// A number of any length; what is too large lies behind the end of every file.
fn position(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}
