//! Servers for the tests: threads, with nothing of glassloop in them.

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

/// The link checker, as cargo has built it for these tests.
pub fn link_checker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_link_checker"))
}

/// A server. It ends with the tests.
pub struct Site {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

struct Request {
    path: String,
    headers: Vec<String>,
}

impl Site {
    /// A site of these pages; everything else is not found.
    pub fn of(pages: &[(&'static str, Vec<u8>)]) -> Site {
        let pages: BTreeMap<_, _> = pages.iter().cloned().collect();
        Site::new(move |path| Some(pages.get(path).cloned().unwrap_or_else(not_found)))
    }

    /// A site that answers with what `answer` makes of a path and query; never, if that
    /// is `None`.
    pub fn new(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Site {
        Site::at(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    pub fn at(
        listener: TcpListener,
        answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Site {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new((answer, requests.clone()));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), shared.clone());
                thread::spawn(move || serve(stream, &shared.0, &shared.1));
            }
        });
        Site { url, requests }
    }

    /// The host and the port.
    pub fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub fn port(&self) -> &str {
        self.url.rsplit_once(':').unwrap().1
    }

    /// Runs the checker from the first page on: its code, and its report, in which the
    /// host is left out.
    pub fn check(&self, options: &[&str]) -> (Option<i32>, String) {
        self.check_from("/", options)
    }

    pub fn check_from(&self, path: &str, options: &[&str]) -> (Option<i32>, String) {
        let start = format!("{}{path}", self.url);
        let output = link_checker().arg(start).args(options).output().unwrap();
        assert_eq!(text(&output.stderr), "", "no progress is shown where no terminal is");
        (output.status.code(), self.without_host(&output))
    }

    pub fn without_host(&self, output: &Output) -> String {
        text(&output.stdout).replace(&self.url, "")
    }

    /// What was asked for since the last call, sorted.
    pub fn asked(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.requests.lock().unwrap());
        let mut asked: Vec<_> = requests.into_iter().map(|request| request.path).collect();
        asked.sort();
        asked
    }

    /// How often it was asked.
    pub fn asked_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// The values of a header in the requests for a path.
    pub fn header(&self, path: &str, name: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let requests = requests.iter().filter(|request| request.path == path);
        let lines = requests.flat_map(|request| &request.headers);
        let prefix = format!("{name}: ");
        lines.filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    }
}

/// Answers one request. A server may ignore `Connection: close`: so does this one,
/// when its answer says how long it is, and waits for the client to hang up.
fn serve(
    mut stream: TcpStream,
    answer: &impl Fn(&str) -> Option<Vec<u8>>,
    requests: &Mutex<Vec<Request>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    let headers = lines.by_ref().map_while(Result::ok).take_while(|it| !it.is_empty()).collect();
    let path = request.strip_prefix("GET ").and_then(|it| it.strip_suffix(" HTTP/1.1"));
    let path = path.unwrap_or_else(|| panic!("no request: {request:?}")).to_owned();
    requests.lock().unwrap().push(Request { path: path.clone(), headers });
    let answer = answer(&path);
    let stays = answer.as_ref().is_none_or(|bytes| says_its_length(bytes));
    // A client that has read enough may have hung up.
    let _ = stream.write_all(&answer.unwrap_or_default());
    if stays {
        let _ = stream.read(&mut [0]);
    }
}

fn says_its_length(answer: &[u8]) -> bool {
    let answer = String::from_utf8_lossy(&answer[..answer.len().min(1024)]).into_owned();
    answer.contains("Content-Length: ") || answer.contains("Transfer-Encoding: ")
}

pub fn reply(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn page(body: impl AsRef<[u8]>) -> Vec<u8> {
    reply("200 OK\r\nContent-Type: text/html", body)
}

pub fn redirect(location: &str) -> Vec<u8> {
    reply(&format!("302 Found\r\nLocation: {location}"), "")
}

pub fn not_found() -> Vec<u8> {
    reply("404 Not Found", "")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the checker prints UTF-8")
}

/// The last line of a report.
pub fn summary(report: &str) -> &str {
    report.lines().last().unwrap_or_default()
}
