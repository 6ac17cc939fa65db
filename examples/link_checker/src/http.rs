//! HTTP/1.1: one request, one answer, on a connection of its own.
//!
//! ```text
//!   head, perhaps some 1xx before it ─▶ how long is the body? ─┬▶ none     204, 205
//!                                                              ├▶ chunks   Transfer-Encoding
//!                                                              ├▶ length   Content-Length
//!                                                              └▶ close    up to the end
//! ```

use std::io::{self, Error};

use futures_lite::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use glassloop::net::TcpStream;
use httparse::{EMPTY_HEADER, ParserConfig, Response};
use url::{Position, Url};

/// The most that is read of a body, so that none can fill the memory.
pub(crate) const MAX_BODY: u64 = 8 << 20;
/// The most that is read of a head, and of a line between chunks.
const MAX_HEAD: u64 = 256 << 10;

type Reader = Take<BufReader<TcpStream>>;

pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    /// Not wanted, or there is none.
    None,
    Bytes(Vec<u8>),
    /// It has more than `MAX_BODY` bytes.
    TooLong,
}

/// Requests a URL. Its body is read if it is a page, and `read` is set.
pub(crate) async fn get(mut stream: TcpStream, url: &Url, read: bool) -> io::Result<Answer> {
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: link_checker\r\nAccept: */*\r\n\
         Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(stream).take(0);
    let mut answer = read_head(&mut reader).await?;
    while matches!(answer.status, 100 | 102..=199) {
        answer = read_head(&mut reader).await?; // it has said something before its answer
    }
    if read && answer.is_page() {
        answer.body = read_body(&mut reader, &answer).await?;
    }
    Ok(answer)
}

impl Answer {
    /// The values of a header, with commas between them if it is there more than once.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let named = self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let values: Vec<_> = named.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The elements of a header that is a list, in lower case.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let value = self.header(name).unwrap_or_default().to_ascii_lowercase();
        let parts = value.split(',').map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    }

    pub(crate) fn is_good(&self) -> bool {
        (200..=299).contains(&self.status)
    }

    /// Whether it is HTML, which may have links.
    pub(crate) fn is_page(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split([';', ',']).next().unwrap_or_default().trim().to_owned();
        self.is_good() && matches!(&*kind, "text/html" | "application/xhtml+xml")
    }

    /// Where it sends us. Some servers write bytes that are no ASCII: as UTF-8, or as Latin-1.
    pub(crate) fn location(&self) -> Option<&str> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        let mut headers = self.headers.iter().filter(|_| is_redirect);
        let location = headers.find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
        Some(&location.1)
    }
}

async fn read_head(reader: &mut Reader) -> io::Result<Answer> {
    let mut head = Vec::new();
    reader.set_limit(MAX_HEAD);
    loop {
        let start = head.len();
        reader.read_until(b'\n', &mut head).await?;
        match &head[start..] {
            b"\r\n" | b"\n" if start == 0 => head.clear(), // a line too many before the head
            b"\r\n" | b"\n" => return parse_head(&head),
            line if line.ends_with(b"\n") => {}
            _ if reader.limit() == 0 => return Err(Error::other("its head is too long")),
            _ => return Err(Error::other("the answer breaks off")),
        }
    }
}

fn parse_head(head: &[u8]) -> io::Result<Answer> {
    let mut config = ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .ignore_invalid_headers_in_responses(true);
    let lines = head.iter().filter(|byte| **byte == b'\n').count();
    let mut headers = vec![EMPTY_HEADER; lines];
    let mut response = Response::new(&mut headers);
    let parsed = config.parse_response(&mut response, head);
    let status = parsed.ok().and(response.code);
    let status = status.ok_or_else(|| Error::other("the answer is not HTTP/1.1"))?;
    let headers = response.headers.iter();
    let headers = headers.map(|header| (header.name.to_owned(), text(header.value))).collect();
    Ok(Answer { status, headers, body: Body::None })
}

/// A value in one line. (It may be folded: a line that begins with a space goes on.)
fn text(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    };
    let lines: Vec<_> = text.split(['\r', '\n']).map(str::trim).collect();
    lines.join(" ").trim().to_owned()
}

async fn read_body(reader: &mut Reader, answer: &Answer) -> io::Result<Body> {
    if matches!(answer.status, 204 | 205) {
        return Ok(Body::None);
    }
    let mut body = Vec::new();
    if answer.list("transfer-encoding").last().is_some_and(|coding| coding == "chunked") {
        return read_chunks(reader, body).await;
    }
    let length = match answer.header("transfer-encoding") {
        Some(_) => None, // it ends with the connection, whatever a length says
        None => length(&answer.list("content-length"))?,
    };
    match length {
        Some(length) if length > MAX_BODY => return Ok(Body::TooLong),
        Some(length) => read_exactly(reader, length, &mut body).await?,
        None => {
            reader.set_limit(MAX_BODY + 1);
            reader.read_to_end(&mut body).await?;
        }
    }
    Ok(if body.len() as u64 > MAX_BODY { Body::TooLong } else { Body::Bytes(body) })
}

/// The length that a head promises. It may say so twice, but not two different lengths.
fn length(values: &[String]) -> io::Result<Option<u64>> {
    let Some(first) = values.first() else { return Ok(None) };
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    let is_one = values.iter().all(|value| value == first);
    match first.parse() {
        Ok(length) if is_number && is_one => Ok(Some(length)),
        // Too many digits: it is longer than anything that is read.
        Err(_) if is_number && is_one => Ok(Some(u64::MAX)),
        _ => Err(Error::other("bad content length")),
    }
}

async fn read_exactly(reader: &mut Reader, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    reader.set_limit(length);
    match reader.read_to_end(body).await? as u64 == length {
        true => Ok(()),
        false => Err(Error::other("the answer breaks off")),
    }
}

/// Reads chunks, each after its size. What comes after the last one does not matter here: the
/// connection is not used again.
async fn read_chunks(reader: &mut Reader, mut body: Vec<u8>) -> io::Result<Body> {
    loop {
        let line = read_line(reader).await?;
        // Behind a semicolon there may be more, which nobody uses.
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(size).ok().filter(|size| !size.starts_with('+'));
        let size = size.and_then(|size| u64::from_str_radix(size, 16).ok());
        match size.ok_or_else(|| Error::other("bad chunk size"))? {
            0 => return Ok(Body::Bytes(body)),
            size if size > MAX_BODY - body.len() as u64 => return Ok(Body::TooLong),
            size => read_exactly(reader, size, &mut body).await?,
        }
        if !read_line(reader).await?.trim_ascii().is_empty() {
            return Err(Error::other("bad chunk size")); // it was longer than it said
        }
    }
}

async fn read_line(reader: &mut Reader) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.set_limit(MAX_HEAD);
    reader.read_until(b'\n', &mut line).await?;
    match line.ends_with(b"\n") {
        true => Ok(line),
        false => Err(Error::other("the answer breaks off")),
    }
}
