//! The link checker of the examples, as its user meets it: a program that is run
//! against real servers.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread;

use programs::program;
use support::within_limit;

// ── what it finds ─────────────────────────────────────────────────────────

#[test]
fn a_site_without_broken_links_gives_code_0() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href=/a><img src='/b.png'>")),
            ("/a", page("")),
            ("/b.png", reply("200 OK\r\nContent-Type: image/png", "no page")),
        ]);
        let (code, report) = site.check(&[]);
        assert_eq!(report, "links: 3 good, 0 broken, 0 skipped, 0 not checked\n");
        assert_eq!(code, Some(0), "nothing is broken");
    });
}

#[test]
fn a_broken_link_is_reported_once_with_its_status_and_the_first_page_that_refers_to_it() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href=/b><a href=/a><a href=/gone>")),
            ("/a", page("<a href=/gone><a href=/gone><a href=/once><a href=/twice>")),
            ("/b", page("<a href=/twice><a href=/gone>")),
            ("/gone", reply("410 Gone", "")),
        ]);
        let (code, report) = site.check(&[]);
        let expected = "\
/gone
  broken: status 410, on /
/once
  broken: status 404, on /a
/twice
  broken: status 404, on /b
links: 3 good, 3 broken, 0 skipped, 0 not checked
";
        assert_eq!(report, expected, "sorted by link; / comes to /b first");
        assert_eq!(code, Some(1), "some are broken");
    });
}

#[test]
fn pages_that_refer_to_each_other_come_to_an_end_and_each_is_asked_for_once() {
    within_limit(|| {
        let links = "<a href=/><a href=/a#top><a href=/b><a href='/a#end'>";
        let site = Site::of(&[("/", page(links)), ("/a", page(links)), ("/b", page(links))]);
        assert_eq!(site.check(&[]).1, "links: 3 good, 0 broken, 0 skipped, 0 not checked\n");
        assert_eq!(site.asked(), ["/", "/a", "/b"]);
    });
}

#[test]
fn the_report_does_not_depend_on_which_link_answers_first() {
    within_limit(|| {
        let report_if_first = |first: &'static str| {
            let first_was_asked = OnceLock::new();
            let site = Site::new(move |path| match path {
                "/" => Some(page("<a href=/a><a href=/b>")),
                "/a" | "/b" => {
                    match path == first {
                        true => first_was_asked.get_or_init(|| ()),
                        false => first_was_asked.wait(),
                    };
                    Some(page("<a href=/gone><a href=x>"))
                }
                _ => Some(not_found()),
            });
            site.check(&[])
        };
        assert_eq!(report_if_first("/a"), report_if_first("/b"));
    });
}

#[test]
fn what_is_not_plain_http_is_skipped_and_counted() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href=https://example.org/x><a href=mailto:a@b><a href=/moved>")),
            ("/moved", redirect("https://example.org/y")),
        ]);
        let report = "links: 1 good, 0 broken, 3 skipped, 0 not checked\n".to_owned();
        assert_eq!(site.check(&[]), (Some(0), report), "skipped is not broken");
    });
}

#[test]
fn other_hosts_are_asked_but_their_pages_are_not_read() {
    within_limit(|| {
        let other = Site::of(&[("/page", page("<a href=/unread>"))]);
        let link = format!("<a href={0}/page><a href={0}/gone>", other.url);
        let site = Site::of(&[("/", page(&link))]);
        let (code, report) = site.check(&[]);
        let expected = format!(
            "{}/gone\n  broken: status 404, on /\n\
             links: 2 good, 1 broken, 0 skipped, 0 not checked\n",
            other.url
        );
        assert_eq!((code, report), (Some(1), expected));
        assert_eq!(other.asked(), ["/gone", "/page"]);
    });
}

// ── links ─────────────────────────────────────────────────────────────────

#[test]
fn references_are_resolved_against_the_page_that_they_are_on() {
    within_limit(|| {
        let references = [
            "a",
            "./b",
            "../c",
            "../../../d",
            "/e",
            "?f=/../f",
            "g?h=1#i",
            "#j",
            "k/../l",
            "m/.",
            "//HOST/n",
            "http://HOST/o",
            "http://HOST",
            " /p ",
            "/q//r",
            "",
            "s t",
        ];
        let site_page = "/x/y/z?query=/not/a/folder";
        let host = Arc::new(Mutex::new(String::new()));
        let its_host = host.clone();
        let site = Site::new(move |path| {
            let links = references.map(|it| format!("<a href='{it}'>\n")).concat();
            let links = links.replace("HOST", &its_host.lock().unwrap());
            Some(if path == site_page { page(&links) } else { page("") })
        });
        *host.lock().unwrap() = site.url.replace("http://", "");
        assert_eq!(site.check_from(site_page, &[]).0, Some(0));
        let expected = [
            "/",
            "/d",
            "/e",
            "/n",
            "/o",
            "/p",
            "/q//r",
            "/x/c",
            "/x/y/a",
            "/x/y/b",
            "/x/y/g?h=1",
            "/x/y/l",
            "/x/y/m",
            "/x/y/s%20t",
            "/x/y/z?f=/../f",
            site_page,
        ];
        assert_eq!(site.asked(), expected);
    });
}

#[test]
fn links_are_what_stands_in_the_href_and_src_of_tags() {
    within_limit(|| {
        let site = Site::of(&[(
            "/",
            page(
                "<A HREF='/single'> <img alt='src=/in-a-value' SRC=\"/double\"> <b\nsrc=/bare\n>
                <a href=/amp?x=1&amp;y=2> href=/no-tag <a data-href=/no href='' id='no'> <a href='/spa ce'",
            ),
        )]);
        site.check(&[]);
        let expected = ["/", "/amp?x=1&y=2", "/bare", "/double", "/single", "/spa%20ce"];
        assert_eq!(site.asked(), expected);
    });
}

#[test]
fn control_characters_in_a_link_reach_neither_the_request_nor_the_report() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href='/a\r\nX-Smuggled:1'><a href='/\u{9b}31m'><a href=/moved>")),
            ("/moved", redirect("/\x1b[31m")),
        ]);
        let (_, report) = site.check(&[]);
        assert_eq!(site.asked(), ["/", "/a%20%20X-Smuggled:1", "/moved"]);
        let expected = "\
/a%20%20X-Smuggled:1
  broken: status 404, on /
links: 1 good, 1 broken, 2 skipped, 0 not checked
";
        assert_eq!(report, expected, "what would control a terminal is not asked for either");
    });
}

#[test]
fn only_what_is_said_to_be_html_is_read() {
    within_limit(|| {
        let unread = "<a href=/unread>";
        let head = "200 OK\r\ncontent-TYPE:Text/HTML; charset=latin1\r\nX-Name: ?";
        let mut latin = reply(head, "?<a href=/read>");
        // Bytes that are no UTF-8 must not matter.
        latin.iter_mut().filter(|byte| **byte == b'?').for_each(|byte| *byte = 0xe4);
        let site = Site::of(&[
            ("/", page("<a href=/text><a href=/none><a href=/latin>")),
            ("/text", reply("200 OK\r\nContent-Type: text/plain", unread)),
            ("/none", reply("200 OK", unread)),
            ("/latin", latin),
        ]);
        assert_eq!(
            site.check(&[]).1.lines().last(),
            Some("links: 4 good, 1 broken, 0 skipped, 0 not checked")
        );
        assert_eq!(site.asked(), ["/", "/latin", "/none", "/read", "/text"]);
    });
}

// ── redirects ─────────────────────────────────────────────────────────────

#[test]
fn redirects_are_followed_and_the_links_are_those_of_the_page_they_lead_to() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href=/old><a href=/older><a href=/stale>")),
            ("/older", redirect("old")),
            ("/old", redirect("/new/page")),
            ("/new/page", page("<a href=relative>")),
            ("/stale", redirect("/gone")),
        ]);
        let expected = "\
/new/relative
  broken: status 404, on /new/page
/stale
  broken: status 404, on /
links: 3 good, 2 broken, 0 skipped, 0 not checked
";
        assert_eq!(site.check(&[]).1, expected);
    });
}

#[test]
fn redirects_without_end_are_given_up_after_five() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href=/5><a href=/ping><a href=/nowhere>")),
            ("/5", redirect("/4")),
            ("/4", redirect("/3")),
            ("/3", redirect("/2")),
            ("/2", redirect("/1")),
            ("/1", redirect("/0")),
            ("/0", page("")),
            ("/ping", redirect("/pong")),
            ("/pong", redirect("/ping")),
            ("/nowhere", reply("302 Found", "")),
        ]);
        let expected = "\
/nowhere
  broken: status 302, on /
/ping
  broken: more than 5 redirects, on /
links: 2 good, 2 broken, 0 skipped, 0 not checked
";
        assert_eq!(site.check(&[]).1, expected, "five redirects, as those of /5, are allowed");
    });
}

// ── bodies ────────────────────────────────────────────────────────────────

#[test]
fn a_body_ends_after_its_length_its_last_chunk_or_with_its_connection() {
    within_limit(|| {
        // The server keeps the first two connections open: the bodies themselves must say
        // where they end. The second body has a link that is cut in two.
        let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
        let chunks = "4\r\n<a h\r\nA;name=value\r\nref=/three>\r\n0\r\nTrailer: yes\r\n\r\n";
        let site = Site::of(&[
            ("/", page("<a href=/two>")),
            ("/two", format!("{html}Transfer-Encoding: chunked\r\n\r\n{chunks}").into()),
            ("/three", format!("{html}\r\n<a href=/four>").into()),
        ]);
        let expected = "\
/four
  broken: status 404, on /three
links: 3 good, 1 broken, 0 skipped, 0 not checked
";
        assert_eq!(site.check(&[]).1, expected);
    });
}

#[test]
fn an_answer_that_makes_no_sense_or_breaks_off_is_a_broken_link() {
    within_limit(|| {
        let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
        let links = ["/chunk", "/chunks", "/empty", "/head", "/short", "/ssh"];
        // A header in lower case: the server closes the connection all the same.
        let chunked = format!("{html}transfer-encoding: chunked\r\n\r\n");
        let site = Site::of(&[
            ("/", page(&links.map(|link| format!("<a href={link}>")).concat())),
            ("/chunk", format!("{html}Transfer-Encoding: chunked\r\n\r\nnumber\r\n").into()),
            ("/chunks", format!("{chunked}4\r\n<a h\r\n").into()),
            ("/empty", Vec::new()),
            ("/head", html.into()),
            ("/short", format!("{html}content-length: 9\r\n\r\n<a href=").into()),
            ("/ssh", "SSH-2.0-OpenSSH_9.2\r\n\r\n".into()),
        ]);
        let expected = "\
/chunk
  broken: bad chunk size, on /
/chunks
  broken: the answer breaks off, or is longer than 8 MiB, on /
/empty
  broken: the answer breaks off, or is longer than 8 MiB, on /
/head
  broken: the answer breaks off, or is longer than 8 MiB, on /
/short
  broken: the answer breaks off, or is longer than 8 MiB, on /
/ssh
  broken: the answer is not HTTP, on /
links: 1 good, 6 broken, 0 skipped, 0 not checked
";
        assert_eq!(site.check(&["--retries", "0"]).1, expected);
    });
}

#[test]
fn an_answer_without_end_is_given_up() {
    within_limit(|| {
        let endless = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n".to_owned();
        let site = Site::of(&[("/", (endless + &"<p>".repeat(3 << 20)).into())]);
        let (code, report) = site.check(&["--retries", "0"]);
        assert!(
            report.starts_with("/\n  broken: the answer breaks off, or is longer than 8 MiB"),
            "{report}"
        );
        assert_eq!(code, Some(1), "8 MiB are enough");
    });
}

// ── patience ──────────────────────────────────────────────────────────────

#[test]
fn a_503_that_turns_good_is_good_and_a_404_is_not_asked_for_again() {
    within_limit(|| {
        let tries = AtomicUsize::new(0);
        let site = Site::new(move |path| match path {
            "/" => Some(page("<a href=/busy><a href=/gone>")),
            "/busy" if tries.fetch_add(1, SeqCst) == 0 => Some(reply("503 Busy", "")),
            "/busy" => Some(page("")),
            _ => Some(not_found()),
        });
        let (_, report) = site.check(&["--retries", "1"]);
        assert!(!report.contains("/busy"), "the second answer counts: {report}");
        assert_eq!(site.asked(), ["/", "/busy", "/busy", "/gone"]);
    });
}

#[test]
fn retries_are_as_many_as_the_option_says() {
    within_limit(|| {
        let site = Site::of(&[("/", reply("500 Oh", ""))]);
        let (code, report) = site.check(&["--retries", "0"]);
        let expected = "\
/
  broken: status 500, on the command line
links: 0 good, 1 broken, 0 skipped, 0 not checked
";
        assert_eq!((code, &*report), (Some(1), expected));
        assert_eq!(site.asked().len(), 1);
        site.check(&["--retries", "2"]);
        assert_eq!(site.asked().len(), 3, "the first try and two more");
    });
}

#[test]
fn a_server_that_never_answers_meets_the_time_limit() {
    within_limit(|| {
        let site = Site::new(|path| match path {
            "/" => Some(page("<a href=/silent><a href=/good>")),
            "/good" => Some(page("")),
            _ => None,
        });
        let (code, report) = site.check(&["--timeout", "1", "--retries", "0"]);
        let expected = "\
/silent
  broken: the time limit of 1s has elapsed, on /
links: 2 good, 1 broken, 0 skipped, 0 not checked
";
        assert_eq!((code, &*report), (Some(1), expected));
    });
}

#[test]
fn a_refused_connection_is_a_broken_link() {
    within_limit(|| {
        let site = Site::of(&[]);
        // A port without a listener, which no other test can get meanwhile.
        let taken = TcpStream::connect(site.url.replace("http://", "")).unwrap();
        let url = format!("http://{}/", taken.local_addr().unwrap());
        let output = program("link_checker").args([&url, "--retries", "0"]).output().unwrap();
        let report = text(&output.stdout);
        assert!(report.starts_with(&format!("{url}\n  broken: ")), "{report}");
        assert!(report.contains("refused"), "{report}");
        assert_eq!(output.status.code(), Some(1));
    });
}

#[test]
fn requests_at_once_are_as_many_as_the_limit_and_no_more() {
    within_limit(|| {
        let (now, most, all_here) = (AtomicUsize::new(0), Arc::default(), Barrier::new(3));
        let most_of_site: Arc<AtomicUsize> = Arc::clone(&most);
        let site = Site::new(move |path| {
            if path == "/" {
                return Some(page(&(0..9).map(|i| format!("<a href=/{i}>")).collect::<String>()));
            }
            most_of_site.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            // No request is answered until there are three.
            all_here.wait();
            // Counted before the answer: the client cannot ask again until it has the answer.
            now.fetch_sub(1, SeqCst);
            Some(page(""))
        });
        let (code, _) = site.check(&["--limit", "3", "--retries", "0"]);
        assert_eq!(code, Some(0), "three at a time get their answers, fewer would wait in vain");
        assert_eq!(most.load(SeqCst), 3);
    });
}

// ── its manners ───────────────────────────────────────────────────────────

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_a_report_of_what_has_been_checked() {
    use std::process::{Command, Stdio};

    within_limit(|| {
        let (asked, hangs) = std::sync::mpsc::channel();
        let site = Site::new(move |path| match path {
            "/" => Some(page("<a href=/gone><a href=/hangs><a href=/later>")),
            "/hangs" => {
                asked.send(()).unwrap();
                None
            }
            _ => Some(not_found()),
        });
        // With one request at a time, the request for /hangs comes after the answer to /gone.
        let mut command = program("link_checker");
        command.args([&*site.url, "--limit", "1", "--timeout", "3600"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        hangs.recv().unwrap();
        let kill = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let expected = "\
/gone
  broken: status 404, on /
links: 1 good, 1 broken, 0 skipped, 2 not checked
";
        assert_eq!(site.without_host(&output), expected);
        assert_eq!(output.status.code(), Some(130), "128 and the number of SIGINT");
    });
}

#[test]
fn help_is_printed_when_it_is_asked_for() {
    within_limit(|| {
        let output = program("link_checker").args(["--limit", "2", "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let help = text(&output.stdout);
        assert!(help.contains("Usage: cargo run --example link_checker"), "{help}");
        for option in ["--limit", "--timeout", "--retries"] {
            assert!(help.contains(option), "{option} is missing: {help}");
        }
        assert_eq!(text(&output.stderr), "");
    });
}

#[test]
fn a_mistake_on_the_command_line_is_reported_in_one_line_and_gives_code_2() {
    within_limit(|| {
        let mistakes: [(&[&str], &str); 11] = [
            (&[], "a URL is missing"),
            (&["--fast", "http://localhost/"], "no use for --fast"),
            (&["localhost:8000"], "no use for localhost:8000"),
            (&["https://localhost/"], "no use for https://localhost/"),
            (&["http://localhost/", "http://second/"], "no use for http://second/"),
            (&["--limit", "0"], "--limit needs a number"),
            (&["--limit"], "--limit needs a number"),
            (&["--timeout", "0"], "--timeout needs a number"),
            (&["--timeout", "-1"], "--timeout needs a number"),
            (&["--retries", "-1"], "--retries needs a number"),
            (&["--retries", "many"], "--retries needs a number"),
        ];
        for (arguments, expected) in mistakes {
            let output = program("link_checker").args(arguments).output().unwrap();
            let complaint = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
            assert!(complaint.starts_with("link_checker: "), "{arguments:?}: {complaint}");
            assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
            assert_eq!(complaint.lines().count(), 1, "{arguments:?}: {complaint}");
            assert_eq!(text(&output.stdout), "", "{arguments:?}");
        }
    });
}

// ── the servers ───────────────────────────────────────────────────────────

/// A server of threads, with nothing of glassloop in it. It ends with the tests.
struct Site {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// A site of these pages; everything else is not found.
    fn of(pages: &[(&'static str, Vec<u8>)]) -> Site {
        let pages: BTreeMap<_, _> = pages.iter().cloned().collect();
        Site::new(move |path| Some(pages.get(path).cloned().unwrap_or_else(not_found)))
    }

    /// A site that answers with what `answer` makes of a path and query; never, if that
    /// is `None`.
    fn new(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new((answer, asked.clone()));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), shared.clone());
                thread::spawn(move || serve(stream, &shared.0, &shared.1));
            }
        });
        Site { url, asked }
    }

    /// Runs the checker from the first page on: its code, and its report, in which the
    /// host is left out.
    fn check(&self, options: &[&str]) -> (Option<i32>, String) {
        self.check_from("/", options)
    }

    fn check_from(&self, path: &str, options: &[&str]) -> (Option<i32>, String) {
        let start = format!("{}{path}", self.url);
        let output = program("link_checker").arg(start).args(options).output().unwrap();
        assert_eq!(text(&output.stderr), "", "no progress is shown where no terminal is");
        (output.status.code(), self.without_host(&output))
    }

    fn without_host(&self, output: &Output) -> String {
        text(&output.stdout).replace(&self.url, "")
    }

    /// What was asked for since the last call, sorted.
    fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked
    }
}

/// Answers one request. A server may ignore `Connection: close`: so does this one,
/// when its answer says how long it is, and waits for the client to hang up.
fn serve(
    mut stream: TcpStream,
    answer: &impl Fn(&str) -> Option<Vec<u8>>,
    asked: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    let rest: Vec<_> =
        lines.by_ref().map_while(Result::ok).take_while(|it| !it.is_empty()).collect();
    assert!(rest.iter().any(|line| line.starts_with("Host: 127.0.0.1:")), "{rest:?}");
    let path = request.strip_prefix("GET ").and_then(|it| it.strip_suffix(" HTTP/1.1"));
    let path = path.unwrap_or_else(|| panic!("no request: {request:?}"));
    asked.lock().unwrap().push(path.to_owned());
    let answer = answer(path);
    let stays = answer.as_ref().is_none_or(|bytes| says_its_length(bytes));
    // A client that has read enough may have hung up.
    let _ = stream.write_all(&answer.unwrap_or_default());
    if stays {
        let _ = stream.read(&mut [0]);
    }
}

fn says_its_length(answer: &[u8]) -> bool {
    let answer = String::from_utf8_lossy(answer);
    answer.contains("Content-Length: ") || answer.contains("Transfer-Encoding: ")
}

fn reply(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
}

fn page(body: &str) -> Vec<u8> {
    reply("200 OK\r\nContent-Type: text/html", body)
}

fn redirect(location: &str) -> Vec<u8> {
    reply(&format!("302 Found\r\nLocation: {location}"), "")
}

fn not_found() -> Vec<u8> {
    reply("404 Not Found", "")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the checker prints UTF-8")
}
