//! Servers and pages that mean harm, and a machine that lacks something.

#[path = "../../../tests/support/mod.rs"]
mod support;
mod site;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use site::{Site, link_checker, not_found, page, reply, summary, text};
use support::{within_limit, within_limit_as};

/// As long as a page may be.
const LONGEST: usize = 8 << 20;

/// A page of 8 MiB: a beginning, as many of these pieces as there is room for, and an end.
fn filled(beginning: &str, piece: &str, end: &str) -> Vec<u8> {
    let count = (LONGEST - beginning.len() - end.len()) / piece.len();
    [beginning, &piece.repeat(count), end].concat().into_bytes()
}

/// The checker must read this page, in the time of the watchdog, and find the link at its end.
fn is_read(name: &str, html: Vec<u8>) {
    within_limit_as(name, move || {
        let site = Site::of(&[("/", page(html)), ("/end", page(""))]);
        let (code, report) = site.check(&["--retries", "0"]);
        assert!(site.asked().iter().any(|it| it == "/end"), "{report:.1000}");
        assert_eq!(code, Some(0), "{report:.1000}");
    });
}

#[test]
fn a_page_of_8_mib_takes_a_time_that_grows_with_its_bytes_only() {
    let end = "'\">]]><!-- --></svg><a href=/end>";
    for (name, beginning, piece) in [
        ("tags that do not end", "<a href='", "<"),
        ("one attribute", "<a href='/", "x"),
        ("tabs in an attribute", "<a href='", "\t"),
        ("entities", "<a href='/?", "&am"),
        ("elements in elements", "", "<div>"),
        ("drawings in drawings", "", "<svg>"),
        ("attributes", "<a ", "a "),
        ("comments", "", "<!-->"),
        ("ends of tags", "", "</a "),
        ("a list of images", "<img srcset='", "a,"),
        ("a list of commas", "<img srcset='", ","),
        ("brackets in a list of images", "<img srcset='a ", "(,"),
        ("pieces of text", "<svg><![CDATA[>", "<a>]]"),
        ("labels of a host", "<a href='http://", "a."),
        ("ends of user names", "<a href='http://", "@"),
    ] {
        let html = filled(beginning, piece, end);
        // Many of these are no good links; that they are read at all is what matters here.
        within_limit_as(name, move || {
            let site =
                Site::new(move |path| Some(if path == "/" { page(&html) } else { page("") }));
            let (code, report) = site.check(&["--retries", "0"]);
            assert!(code.is_some(), "{report:.1000}");
            assert!(site.asked().iter().any(|it| it == "/end"), "{name}: {report:.1000}");
            assert!(report.len() < 3000, "a report of {} bytes", report.len());
        });
    }
}

#[test]
fn a_hundred_thousand_steps_up_and_down_take_a_time_that_grows_with_their_number_only() {
    let steps = "a/../".repeat(100_000);
    is_read("in one link", format!("<a href='{steps}end'>").into());
    is_read("after each other", filled("", "<a href=a/../../end>", "<a href=/end>"));
    let many: String =
        (0..1500).map(|i| format!("<a href='{}x?{i}'>", "a/../".repeat(900))).collect();
    within_limit_as("in many links", move || {
        let site = Site::new(move |path| Some(if path == "/" { page(&many) } else { page("") }));
        let report = site.check(&[]).1;
        assert_eq!(summary(&report), "links: 1501 good, 0 broken, 0 skipped, 0 not checked");
    });
    within_limit_as("in a redirect", move || {
        let location = format!("/{}end", "a/../".repeat(50_000));
        let site = Site::of(&[("/", site::redirect(&location)), ("/end", page(""))]);
        assert_eq!(site.check(&[]).0, Some(0));
    });
}

#[test]
fn a_hundred_thousand_links_are_counted_and_take_little_memory() {
    within_limit(|| {
        let links: String = (0..100_000).map(|i| format!("<a href=tel:{i}><a href=/>")).collect();
        let links = links + &"<a href=/end>".repeat(100_000);
        let site = Site::of(&[("/", page(links)), ("/end", page(""))]);
        let (code, report) = site.check(&[]);
        let expected = "\
skipped: 100000 × tel, like tel:0
links: 2 good, 0 broken, 100000 skipped, 0 not checked
";
        assert_eq!((code, &*report), (Some(0), expected));
        assert_eq!(site.asked(), ["/", "/end"]);
    });
}

#[test]
fn a_long_base_makes_no_gigabyte_of_a_short_page() {
    within_limit(|| {
        let links: String = (0..100_000).map(|i| format!("<a href={i}>")).collect();
        let base = format!("<base href='/{}'>", "b/".repeat(4000));
        let site = Site::new(move |path| match path {
            "/" => Some(page([&*base, &links].concat())),
            _ => Some(reply("200 OK", "")),
        });
        let (code, report) = site.check(&["--limit", "64"]);
        assert!(report.starts_with("not checked: 95"), "{report}");
        assert!(report.contains(" × links beyond 32 MiB of URLs from one page; like"), "{report}");
        assert_eq!(code, Some(1), "what was not checked is no success");
    });
}

#[test]
fn a_base_or_a_link_of_more_than_8_kib_is_skipped_and_said_so() {
    within_limit(|| {
        let long = "x".repeat(9000);
        let html = format!("<base href='/{long}/'><a href=a><a href=/{long}/b><a href=tel:{long}>");
        let site = Site::of(&[("/", page(html))]);
        let (code, report) = site.check(&[]);
        assert!(report.contains("skipped: 2 × a URL of more than 8 KiB, like "), "{report}");
        assert_eq!(summary(&report), "links: 1 good, 0 broken, 3 skipped, 0 not checked");
        assert!(report.len() < 2000 && code == Some(0), "{report}");
    });
}

#[test]
fn a_few_bytes_that_become_many_are_cut_at_the_same_length() {
    within_limit(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        (0..64).for_each(|_| encoder.write_all(&[b'<'; 1 << 20]).unwrap());
        let bomb = encoder.finish().unwrap();
        let kind = "200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip";
        let site = Site::of(&[("/", reply(kind, bomb))]);
        let (code, report) = site.check(&[]);
        let expected = "\
not checked: 1 × the links of a page that is longer than 8 MiB; like /
links: 0 good, 0 broken, 0 skipped, 1 not checked
";
        assert_eq!((code, &*report), (Some(1), expected));
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_whatever_page_is_being_read() {
    within_limit(|| {
        let steps = format!("<a href='{}'>", "a/../".repeat(400_000));
        let mut html = filled(&steps, "<a href=tel:1><b>", "");
        html.truncate(LONGEST / 2);
        let sent = std::sync::Arc::new(AtomicBool::new(false));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let is_sent = sent.clone();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
            stream.write_all(&[head, &*html].concat()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // It hangs up when it has the whole page, and begins to read it.
            let _ = stream.read(&mut [0; 4096]);
            while stream.read(&mut [0]).is_ok_and(|count| count > 0) {}
            is_sent.store(true, SeqCst);
        });
        let child = link_checker().arg(url).stdout(Stdio::piped()).spawn().unwrap();
        while !sent.load(SeqCst) {
            thread::yield_now();
        }
        let kill = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(text(&output.stdout).starts_with("links: "), "{output:?}");
    });
}

// ── what the machine lacks ────────────────────────────────────────────────

/// A checker that may have so many open files.
#[cfg(unix)]
fn with_files(count: u32) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -n {count} && exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(link_checker().get_program());
    shell
}

#[cfg(unix)]
#[test]
fn a_link_without_a_descriptor_waits_until_one_comes_free() {
    within_limit(|| {
        let links: String = (0..300).map(|i| format!("<a href=/{i}>")).collect();
        let site = Site::new(move |path| Some(if path == "/" { page(&links) } else { page("") }));
        let output = with_files(20).args([&*site.url, "--limit", "100"]).output().unwrap();
        let expected = "links: 301 good, 0 broken, 0 skipped, 0 not checked\n";
        assert_eq!(text(&output.stdout), expected);
        assert_eq!(output.status.code(), Some(0));
    });
}

#[cfg(unix)]
#[test]
fn a_lack_of_descriptors_is_no_broken_link_and_what_to_do_is_said() {
    within_limit(|| {
        let links: String = (0..40).map(|i| format!("<a href=/{i}>")).collect();
        let site = Site::new(move |path| Some(if path == "/" { page(&links) } else { page("") }));
        let (mut lacking, mut enough) = (0, 0);
        // At the same time, since most of them only wait.
        let start = |count| {
            let mut command = with_files(count);
            command.args([&*site.url, "--limit", "40"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        for child in (5..14).map(start).collect::<Vec<_>>() {
            let output = child.wait_with_output().unwrap();
            let (code, report) = (output.status.code(), text(&output.stdout));
            match code {
                Some(0) => {
                    enough += 1;
                    assert_eq!(report, "links: 41 good, 0 broken, 0 skipped, 0 not checked\n");
                }
                // With one descriptor for a connection, there would be one for each in turn.
                Some(1) => {
                    lacking += 1;
                    let why = "not checked: 1 × too many open files; raise the limit (ulimit -n)";
                    assert!(report.starts_with(why), "{report}");
                    let last = "links: 0 good, 0 broken, 0 skipped, 1 not checked";
                    assert_eq!(summary(&report), last);
                }
                Some(2) => assert!(text(&output.stderr).contains("cannot wait for Ctrl-C")),
                _ => panic!("{output:?}"),
            }
        }
        assert!(lacking > 0 && enough > 0, "{lacking} and {enough}");
    });
}

/// A checker under `strace`, which writes what it has seen to `file`. `None` where it may not.
#[cfg(target_os = "linux")]
fn under_strace(arguments: &[&str], file: &std::path::Path) -> Option<Command> {
    let strace = |program: &std::ffi::OsStr| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(file).args(arguments).arg(program);
        strace
    };
    if strace("true".as_ref()).output().is_ok_and(|output| output.status.success()) {
        return Some(strace(link_checker().get_program()));
    }
    let _ = std::io::stderr().write_all(b"left out: strace is not here, or may not trace\n");
    None
}

#[cfg(target_os = "linux")]
#[test]
fn a_lack_of_ports_or_of_memory_is_no_broken_link_either() {
    within_limit(|| {
        let site =
            Site::of(&[("/", page("<a href=/a><a href=/b>")), ("/a", page("")), ("/b", page(""))]);
        let folder = tempfile::tempdir().unwrap();
        for (error, when) in [("EADDRNOTAVAIL", "1..3"), ("ENOBUFS", "1..3"), ("ENOMEM", "1+")] {
            let fault = format!("inject=connect:error={error}:when={when}");
            let file = folder.path().join("calls");
            let Some(mut command) = under_strace(&["-e", "trace=connect", "-e", &fault], &file)
            else {
                return;
            };
            let output = command.args([&site.url, "--retries", "0"]).output().unwrap();
            let report = text(&output.stdout);
            if when == "1+" {
                let why = "not checked: 1 × no port or memory is free for a connection; ";
                assert!(report.starts_with(why), "{report}");
                let last = "links: 0 good, 0 broken, 0 skipped, 1 not checked";
                assert_eq!((output.status.code(), summary(&report)), (Some(1), last));
            } else {
                let expected = "links: 3 good, 0 broken, 0 skipped, 0 not checked\n";
                assert_eq!((output.status.code(), &*report), (Some(0), expected), "{error}");
            }
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_host_is_looked_up_once_however_many_links_it_has() {
    within_limit(|| {
        let links: String = (0..50).map(|i| format!("<a href=/{i}>")).collect();
        let site = Site::new(move |path| Some(if path == "/" { page(&links) } else { page("") }));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls");
        let arguments = ["-e", "trace=openat", "-P", "/etc/hosts"];
        let Some(mut command) = under_strace(&arguments, &file) else { return };
        let start = format!("http://localhost:{}/", site.port());
        let output = command.arg(start).output().unwrap();
        let expected = "links: 51 good, 0 broken, 0 skipped, 0 not checked\n";
        assert_eq!(text(&output.stdout), expected);
        let calls = std::fs::read_to_string(file).unwrap();
        assert_eq!(calls.matches("/etc/hosts").count(), 1, "{calls}");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_wait_for_a_thread_of_the_pool_is_no_time_of_the_link() {
    within_limit(|| {
        // Nobody accepts here, and the queue of connections is full: a connect gets no answer.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let limit = std::time::Duration::from_millis(300);
        let mut filling = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, limit) {
            filling.push(stream);
        }
        // More than the pool has threads; each takes one for a second.
        let silent_links: String =
            (0..150).map(|i| format!("<a href=http://{address}/{i}>")).collect();
        let html = silent_links + "<a href=/good>";
        let site = Site::new(move |path| Some(if path == "/" { page(&html) } else { page("") }));
        let options = ["--limit", "200", "--timeout", "1", "--retries", "0"];
        let (_, report) = site.check(&options);
        assert!(!report.starts_with("/good"), "{report:.1000}");
        assert_eq!(summary(&report), "links: 2 good, 150 broken, 0 skipped, 0 not checked");
        drop((filling, silent));
    });
}

#[test]
fn an_endless_site_of_gone_pages_is_counted_to_its_end() {
    within_limit(|| {
        let site = Site::new(|path| match path[1..].parse::<u32>().unwrap_or(0) {
            100.. => Some(not_found()),
            number => Some(page(format!("<a href=/{}>", number + 1))),
        });
        let report = site.check(&[]).1;
        assert_eq!(summary(&report), "links: 100 good, 1 broken, 0 skipped, 0 not checked");
    });
}
