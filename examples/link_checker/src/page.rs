//! From the body of an answer to links: decompress, decode, read the HTML, resolve.
//!
//! The work grows with the bytes of the page, whatever they are; but a page may be 8 MiB, so a
//! thread of the pool does it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use url::Url;

use crate::http::{Answer, Body, MAX_BODY};
use crate::links::{Kind, Reference, References};
use crate::report::Outcome;

/// The longest URL that is requested: many servers refuse what is longer.
const MAX_URL: usize = 8 << 10;
const TOO_LONG: &str = "a URL of more than 8 KiB";
/// How many bytes of URLs are taken from one page. (With a base of 8 KiB, a short page has a
/// gigabyte of them.)
const MAX_LINKS: usize = 32 << 20;

pub(crate) const TOO_MANY_ON_A_PAGE: &str = "links beyond 32 MiB of URLs from one page";
/// How often a page may be compressed: each time is work.
const MAX_CODINGS: usize = 4;

/// What a page refers to.
pub(crate) enum Link {
    Http(Url),
    /// It is not requested, for this reason.
    Skipped(&'static str, String),
    /// It is no URL.
    Bad(String, String),
}

#[derive(Default)]
pub(crate) struct Page {
    pub(crate) links: Vec<Link>,
    /// How many links were not taken.
    pub(crate) lost: usize,
}

impl Link {
    /// Its URL; or what stands in the page, if that is none.
    pub(crate) fn name(&self) -> &str {
        match self {
            Link::Http(url) => url.as_str(),
            Link::Skipped(_, name) | Link::Bad(name, _) => name,
        }
    }
}

/// Reads the page in an answer, which came from this URL. Takes long: for a thread of the pool.
pub(crate) fn read(answer: &Answer, url: &Url) -> Result<Page, Outcome> {
    let body = match &answer.body {
        Body::None => return Ok(Page::default()),
        Body::Bytes(body) => decompress(answer, body)?,
        Body::TooLong => return Err(too_long()),
    };
    let (html, encoding) = decode(answer, &body);
    Ok(resolve_all(&References::read(&html), url, encoding))
}

fn too_long() -> Outcome {
    Outcome::Unchecked("the links of a page that is longer than 8 MiB".to_owned())
}

/// Undoes the encodings, the last one first.
fn decompress<'a>(answer: &Answer, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Outcome> {
    let mut codings = answer.list("content-encoding");
    codings.extend(answer.list("transfer-encoding"));
    if codings.len() > MAX_CODINGS {
        return Err(Outcome::Unchecked("the links of a page that is encoded too often".to_owned()));
    }
    let mut body = Cow::from(body);
    for coding in codings.iter().rev() {
        // The chunks are joined already.
        if !matches!(&**coding, "identity" | "chunked") {
            body = undo(coding, &body)?.into();
        }
    }
    Ok(body)
}

fn undo(coding: &str, body: &[u8]) -> Result<Vec<u8>, Outcome> {
    let mut reader: Box<dyn Read + '_> = match coding {
        _ if body.is_empty() => return Ok(Vec::new()), // as a server writes an empty page
        "gzip" | "x-gzip" => Box::new(Members(GzDecoder::new(body))),
        // By the standard it is zlib; some servers leave out zlib's head and checksum.
        "deflate" if is_zlib(body) => Box::new(ZlibDecoder::new(body)),
        "deflate" => Box::new(DeflateDecoder::new(body)),
        _ => {
            let coding = clipped(coding);
            return Err(Outcome::Unchecked(format!("the links of a page encoded as {coding}")));
        }
    };
    // No more than of a page that is not compressed: a few bytes can become gigabytes.
    let mut plain = Vec::new();
    match reader.by_ref().take(MAX_BODY + 1).read_to_end(&mut plain) {
        Ok(_) if plain.len() as u64 > MAX_BODY => Err(too_long()),
        Ok(_) => Ok(plain),
        Err(error) => Err(Outcome::Broken(format!("bad {coding}: {error}"))),
    }
}

/// What gzip has made: one member behind the other. As in browsers, it does not matter what
/// else comes behind them.
struct Members<'a>(GzDecoder<&'a [u8]>);

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let rest = *self.0.get_ref();
            if read > 0 || buffer.is_empty() || !rest.starts_with(&[0x1f, 0x8b, 8]) {
                return Ok(read);
            }
            self.0 = GzDecoder::new(rest);
        }
    }
}

fn is_zlib(body: &[u8]) -> bool {
    let head: Option<&[u8; 2]> = body.first_chunk();
    head.is_some_and(|head| head[0] & 15 == 8 && u16::from_be_bytes(*head).is_multiple_of(31))
}

/// The text of a page, and its encoding.
fn decode<'a>(answer: &Answer, body: &'a [u8]) -> (Cow<'a, str>, &'static Encoding) {
    let kind = answer.header("content-type").unwrap_or_default();
    let named = charset(&kind).or_else(|| {
        // It must stand near the beginning.
        let start = String::from_utf8_lossy(&body[..body.len().min(1024)]);
        References::read(&start).charset.as_deref().and_then(Encoding::for_label)
    });
    let encoding = named.unwrap_or(match std::str::from_utf8(body) {
        Ok(_) => UTF_8,
        Err(_) => WINDOWS_1252,
    });
    let (html, encoding, _) = encoding.decode(body); // a byte order mark counts more
    (html, encoding)
}

/// Finds `charset=…` in the value of a header, or of a tag that stands for a header.
pub(crate) fn charset(kind: &str) -> Option<&'static Encoding> {
    let lower = kind.to_ascii_lowercase();
    let (_, label) = lower.split_once("charset")?;
    let label = label.trim_start().strip_prefix('=')?.trim_start();
    let label = label.trim_start_matches(['"', '\'']).split(['"', '\'', ';', ' ', ',']).next()?;
    Encoding::for_label(label.as_bytes())
}

fn resolve_all(references: &References, page: &Url, encoding: &'static Encoding) -> Page {
    let base = references.base.as_ref().and_then(|base| page.join(base).ok());
    let base = base.filter(|base| !matches!(base.scheme(), "data" | "javascript"));
    let resolver = Resolver { base: base.as_ref().unwrap_or(page), encoding };
    let (mut seen, mut found) = (HashSet::new(), Page::default());
    let mut bytes = 0;
    for reference in &references.list {
        if bytes > MAX_LINKS {
            found.lost += 1;
        } else if seen.insert(reference) {
            let link = resolver.resolve(reference);
            bytes += link.name().len();
            found.links.push(link);
        }
    }
    found
}

struct Resolver<'a> {
    base: &'a Url,
    encoding: &'static Encoding,
}

impl Resolver<'_> {
    fn resolve(&self, reference: &Reference) -> Link {
        let text = &*reference.text;
        // A long base would be copied for each link.
        let has_long_base = self.base.as_str().len() > MAX_URL;
        let resolved = match has_long_base {
            true => Url::parse(text).map_err(|error| error.to_string()),
            false => self.join(text),
        };
        match resolved {
            Err(_) if has_long_base => Link::Skipped(TOO_LONG, clipped(text)),
            Ok(url) => match reason_to_skip(&url, reference.kind) {
                None => Link::Http(without_secrets(url)),
                Some(reason) => Link::Skipped(reason, clipped(url.as_str())),
            },
            Err(why) => Link::Bad(clipped(text), format!("no URL: {why}")),
        }
    }

    fn join(&self, text: &str) -> Result<Url, String> {
        // In a query, and only there, the encoding of the page matters.
        let url = Url::options()
            .base_url(Some(self.base))
            .encoding_override(Some(&|text| self.encoding.encode(text).0))
            .parse(text);
        url.map_err(|error| error.to_string())
    }
}

fn reason_to_skip(url: &Url, kind: Kind) -> Option<&'static str> {
    const SCHEMES: &[&str] = &[
        "https",
        "mailto",
        "tel",
        "javascript",
        "data",
        "ftp",
        "file",
        "about",
        "blob",
        "sms",
        "ws",
        "wss",
        "irc",
        "magnet",
        "urn",
    ];
    let known = SCHEMES.iter().find(|scheme| **scheme == url.scheme());
    match kind {
        _ if url.scheme() != "http" => Some(known.unwrap_or(&"another scheme")),
        Kind::Post => Some("a form that is posted"),
        Kind::Hint => Some("a hint to connect early"),
        Kind::Link if url.as_str().len() > MAX_URL => Some(TOO_LONG),
        Kind::Link => None,
    }
}

/// Why a redirect to this URL is not followed.
pub(crate) fn reason_to_stop(url: &Url) -> Option<&'static str> {
    reason_to_skip(url, Kind::Link)
}

/// A URL as it is requested: what stands after `#` is for the browser alone, and user names and
/// passwords are not sent.
pub(crate) fn without_secrets(mut url: Url) -> Url {
    url.set_fragment(None);
    // These fail for URLs without a host only.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// The beginning of a text, and its length: an address of `data:` can be megabytes.
fn clipped(text: &str) -> String {
    const LONGEST: usize = 500;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}
