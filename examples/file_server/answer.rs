//! What a request is answered with.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clients::Server;
use crate::names::{Target, media_type};
use crate::request::{Part, Request};
use crate::system::{self, Found};

/// The pages that stand for their directory.
const INDEX: [&str; 2] = ["index.html", "index.htm"];

pub(crate) struct Answer {
    pub(crate) status: &'static str,
    /// Header lines, each with its end.
    pub(crate) headers: String,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    None,
    /// Shared: many clients may be sent the same listing.
    Page(Rc<String>),
    /// So many bytes of a file, from its position on.
    File(File, u64),
}

impl Server {
    pub(crate) async fn answer(&self, request: &Request) -> io::Result<Answer> {
        let target = request.target()?;
        if target.is_directory {
            for name in INDEX {
                match self.open(&target.path.join(name)).await {
                    Ok(Found::File(file, about)) => {
                        return of_file(file, about, Path::new(name), request);
                    }
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        match self.open(&target.path).await? {
            Found::Directory(directory) if target.is_directory => {
                let page = self.listings.page(directory, &target.path).await?;
                Ok(Answer::page("200 OK", "text/html; charset=utf-8", page))
            }
            Found::Directory(_) => Ok(Answer::redirect(&target)),
            Found::File(file, about) if !target.is_directory => {
                of_file(file, about, &target.path, request)
            }
            Found::File(..) => Err(ErrorKind::NotFound.into()),
        }
    }

    async fn open(&self, path: &Path) -> io::Result<Found> {
        let (root, path) = (self.root.clone(), path.to_owned());
        glassloop::unblock(move || system::open_inside(&root, &path)).await
    }
}

/// The answer with a file, or with a part of it, or with the news that it has not changed.
fn of_file(file: File, about: Metadata, path: &Path, request: &Request) -> io::Result<Answer> {
    let modified = about.modified().ok().and_then(http_date);
    let mut headers = "Accept-Ranges: bytes\r\n".to_owned();
    if let Some(modified) = &modified {
        headers += &format!("Last-Modified: {modified}\r\n");
    }
    if is_unchanged(modified.as_deref(), request) {
        return Ok(Answer { status: "304 Not Modified", headers, body: Body::None });
    }
    headers += &format!("Content-Type: {}\r\n", media_type(path));
    // Who has a part of another version needs the whole.
    let is_same = modified.is_some() && modified.as_deref() == request.header("If-Range");
    match request.part(about.len()) {
        Part::Bytes(bytes) if is_same || !request.has("If-Range") => {
            of_part(file, bytes, about.len(), headers)
        }
        Part::Nothing if is_same || !request.has("If-Range") => {
            let mut answer = Answer::text("416 Range Not Satisfiable");
            answer.headers += &format!("Content-Range: bytes */{}\r\n", about.len());
            Ok(answer)
        }
        _ => Ok(Answer { status: "200 OK", headers, body: Body::File(file, about.len()) }),
    }
}

fn of_part(mut file: File, bytes: Range<u64>, of: u64, mut headers: String) -> io::Result<Answer> {
    let (first, last) = (bytes.start, bytes.end - 1);
    headers += &format!("Content-Range: bytes {first}-{last}/{of}\r\n");
    file.seek(SeekFrom::Start(first))?; // only sets a number: no disk is asked
    let body = Body::File(file, bytes.end - first);
    Ok(Answer { status: "206 Partial Content", headers, body })
}

/// Whether the client has this version already.
fn is_unchanged(modified: Option<&str>, request: &Request) -> bool {
    let known = request.header("If-Modified-Since");
    // `If-None-Match` comes first, and names a version by a tag. This server gives no tags.
    let known = known.filter(|_| !request.has("If-None-Match"));
    let Some((known, modified)) = known.zip(modified) else { return false };
    match (httpdate::parse_http_date(known), httpdate::parse_http_date(modified)) {
        (Ok(known), Ok(modified)) => modified <= known,
        _ => false, // what is no date counts as none
    }
}

/// Whole seconds, as HTTP has them. It has no years before 1970 here, and none of five digits.
fn http_date(time: SystemTime) -> Option<String> {
    const LAST: Duration = Duration::from_secs(253_402_300_799); // the end of 9999
    let is_date = time.duration_since(UNIX_EPOCH).is_ok_and(|since| since < LAST);
    is_date.then(|| httpdate::fmt_http_date(time))
}

impl Answer {
    fn page(status: &'static str, kind: &str, page: Rc<String>) -> Answer {
        let headers = format!("Content-Type: {kind}\r\n");
        Answer { status, headers, body: Body::Page(page) }
    }

    /// An answer that says nothing but its status.
    fn text(status: &'static str) -> Answer {
        Answer::page(status, "text/plain", Rc::new(format!("{status}\n")))
    }

    /// Without the slash, a page of the directory would look for its links one level too high.
    fn redirect(target: &Target) -> Answer {
        let mut answer = Answer::text("301 Moved Permanently");
        answer.headers += &format!("Location: {}\r\n", target.with_slash());
        answer
    }

    pub(crate) fn refusal(error: io::Error) -> Answer {
        let status = match error.kind() {
            ErrorKind::InvalidInput => "400 Bad Request",
            ErrorKind::PermissionDenied => "403 Forbidden",
            ErrorKind::NotFound => "404 Not Found",
            ErrorKind::ArgumentListTooLong => "414 URI Too Long",
            ErrorKind::Unsupported => "405 Method Not Allowed",
            _ => "500 Internal Server Error",
        };
        let mut answer = Answer::text(status);
        if error.kind() == ErrorKind::Unsupported {
            answer.headers += "Allow: GET, HEAD\r\n";
        }
        answer
    }
}
