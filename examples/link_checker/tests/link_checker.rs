//! The link checker, as its user meets it: a program that is run against real servers.

#[path = "../../../tests/support/mod.rs"]
mod support;
mod site;

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, OnceLock};

use site::{Site, link_checker, not_found, page, redirect, reply, text};
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
fn what_is_not_plain_http_is_skipped_and_counted_by_its_reason() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href=https://example.org/x><a href=mailto:a@b><a href=/moved>")),
            ("/moved", redirect("https://example.org/y")),
        ]);
        let report = "\
/moved
  leads off the host: status 302 to https://example.org/y, on /
skipped: 2 × https, like /moved
skipped: 1 × mailto, like mailto:a@b
links: 1 good, 0 broken, 3 skipped, 0 not checked
"
        .to_owned();
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
fn control_characters_in_a_link_reach_neither_the_request_nor_the_report() {
    within_limit(|| {
        let site = Site::of(&[
            ("/", page("<a href='/a\r\nX-Smuggled:1'><a href='/\u{9b}31m'><a href=/moved>")),
            ("/moved", redirect("/\x1b[31m")),
        ]);
        let (_, report) = site.check(&[]);
        assert_eq!(site.asked(), ["/", "/%C2%9B31m", "/aX-Smuggled:1", "/moved"]);
        let expected = "\
/%C2%9B31m
  broken: status 404, on /
/aX-Smuggled:1
  broken: status 404, on /
/moved
  broken: status 302, on /
links: 1 good, 3 broken, 0 skipped, 0 not checked
";
        assert_eq!(report, expected, "a header with such a character does not count");
    });
}

#[test]
fn control_characters_from_anywhere_are_escaped_in_the_report() {
    within_limit(|| {
        let kind = "200 OK\r\nContent-Type: text/html\r\nContent-Encoding: \u{1b}[1m\u{9b}2m";
        let links = "<a href='http://\u{1b}[3m/'><a href='x\u{9b}y:z'><a href=/1>\
                     <a href='http://\u{202e}a b/'><a href='mailto:\u{202e}a'><a href=/2>\
                     <a href=/3><a href=/4>";
        let coding = "200 OK\r\nContent-Type: text/html\r\nContent-Encoding: \u{9b}2J\u{202e}";
        let site = Site::of(&[
            ("/", page(links)),
            ("/1", reply(kind, "")),
            ("/2", redirect("http://\u{1b}[31m/\u{9b}31m")),
            ("/3", redirect("other:\u{9b}31m\u{202e}")),
            ("/4", reply(&format!("{coding}{}", "x".repeat(100_000)), "x")),
        ]);
        let (code, report) = site.check(&["--retries", "0"]);
        assert_eq!(code, Some(1));
        let is_bad =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!report.contains(is_bad), "{report:?}");
        assert!(report.contains("\\u{1b}[3m"), "it is shown: {report}");
        assert!(report.contains("encoded as \\u{9b}2j\\u{202e}xxx"), "it is shown: {report}");
        assert!(report.len() < 10_000, "it is clipped: {} bytes", report.len());
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
  broken: status 404, after a redirect to /gone, on /
links: 3 good, 2 broken, 0 skipped, 0 not checked
";
        assert_eq!(site.check(&[]).1, expected);
    });
}

#[test]
fn redirects_without_end_are_given_up_after_twenty() {
    within_limit(|| {
        let site = Site::new(|path| {
            let page_of = || page("<a href=/20><a href=/ping><a href=/itself><a href=/nowhere>");
            let steps = path[1..].parse::<usize>();
            Some(match (path, steps) {
                ("/", _) => page_of(),
                ("/ping", _) => redirect("/pong"),
                ("/pong", _) => redirect("/ping"),
                ("/itself", _) => redirect(""),
                ("/nowhere", _) => reply("302 Found", ""),
                (_, Ok(0)) => page(""),
                (_, Ok(steps)) => redirect(&format!("/{}", steps - 1)),
                _ => not_found(),
            })
        });
        let expected = "\
/itself
  broken: more than 20 redirects, on /
/nowhere
  broken: status 302, on /
/ping
  broken: more than 20 redirects, on /
links: 2 good, 3 broken, 0 skipped, 0 not checked
";
        assert_eq!(site.check(&[]).1, expected, "as many as browsers follow, those of /20");
    });
}

#[test]
fn a_redirect_to_another_host_says_so_and_its_links_are_not_those_of_this_host() {
    within_limit(|| {
        let other = Site::of(&[("/there", page("<a href=/unread>")), ("/back", redirect("x:y"))]);
        let site = Site::of(&[
            ("/", page("<a href=/good><a href=/bad><a href=/tls>")),
            ("/good", redirect(&format!("{}/there#part", other.url))),
            ("/bad", redirect(&format!("{}/gone", other.url))),
            ("/tls", redirect("https://example.org/")),
        ]);
        let (code, report) = site.check(&[]);
        let expected = format!(
            "/bad\n  broken: status 404, after a redirect to {0}/gone, on /\n\
             /bad\n  leads off the host: status 302 to {0}/gone, on /\n\
             /good\n  leads off the host: status 302 to {0}/there, on /\n\
             /tls\n  leads off the host: status 302 to https://example.org/, on /\n\
             skipped: 1 × https, like /tls\n\
             links: 2 good, 1 broken, 1 skipped, 0 not checked\n",
            other.url
        );
        assert_eq!((code, report), (Some(1), expected));
        assert_eq!(other.asked(), ["/gone", "/there"]);
    });
}

#[test]
fn nothing_was_checked_is_no_success() {
    within_limit(|| {
        let other = Site::of(&[("/", page("<a href=/unread>"))]);
        let site = Site::of(&[
            ("/away", redirect(&other.url)),
            ("/tls", redirect("https://example.org/")),
            ("/text", reply("200 OK\r\nContent-Type: text/plain", "<a href=/unread>")),
            ("/none", reply("204 No Content\r\nContent-Type: text/html", "")),
        ]);
        for path in ["/away", "/tls", "/text"] {
            let (code, report) = site.check_from(path, &[]);
            assert_eq!(code, Some(1), "{path}: {report}");
            assert!(report.contains("nothing was checked: no page was read at "), "{report}");
        }
        let (_, report) = site.check_from("/away", &[]);
        let line = format!("/away\n  leads off the host: status 302 to {}/, on", other.url);
        assert!(report.starts_with(&line), "{report}");
    });
}

// ── bodies ────────────────────────────────────────────────────────────────

#[test]
fn a_body_ends_after_its_length_its_last_chunk_or_with_its_connection() {
    within_limit(|| {
        // The server keeps the first two connections open: the bodies themselves must say
        // where they end. The second body has a link that is cut in two.
        let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
        let chunks = "4\r\n<a h\r\nB;name=value\r\nref=/three>\r\n0\r\nTrailer: yes\r\n\r\n";
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
            ("/", page(links.map(|link| format!("<a href={link}>")).concat())),
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
  broken: the answer breaks off, on /
/empty
  broken: the answer breaks off, on /
/head
  broken: the answer breaks off, on /
/short
  broken: the answer breaks off, on /
/ssh
  broken: the answer is not HTTP/1.1, on /
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
        let expected = "\
not checked: 1 × the links of a page that is longer than 8 MiB; like /
links: 0 good, 0 broken, 0 skipped, 1 not checked
";
        assert_eq!(report, expected);
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
  broken: no whole answer within 1s, on /
links: 2 good, 1 broken, 0 skipped, 0 not checked
";
        assert_eq!((code, &*report), (Some(1), expected));
    });
}

#[test]
fn the_largest_numbers_are_taken() {
    within_limit(|| {
        let site = Site::of(&[("/", reply("200 OK", "")), ("/page", page("<a href=/>"))]);
        let most = u64::MAX.to_string();
        let options = ["--retries", &most, "--timeout", &most, "--limit", &most];
        assert_eq!(site.check_from("/page", &options).0, Some(0));
    });
}

#[test]
fn a_refused_connection_is_a_broken_link() {
    within_limit(|| {
        let site = Site::of(&[]);
        // A port without a listener, which no other test can get meanwhile.
        let taken = TcpStream::connect(site.url.replace("http://", "")).unwrap();
        let url = format!("http://{}/", taken.local_addr().unwrap());
        let output = link_checker().args([&url, "--retries", "0"]).output().unwrap();
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
                return Some(page((0..9).map(|i| format!("<a href=/{i}>")).collect::<String>()));
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
    use std::process::Stdio;

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
        let mut command = link_checker();
        command.args([&*site.url, "--limit", "1", "--timeout", "3600"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        hangs.recv().unwrap();
        signal("INT", child.id());
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

#[cfg(unix)]
#[test]
fn the_second_ctrl_c_ends_it_at_once_also_while_nobody_reads_its_report() {
    use std::process::Stdio;

    within_limit(|| {
        // More than a pipe holds.
        let links: String = (0..3000).map(|i| format!("<a href=/gone/{i}>")).collect();
        let site =
            Site::new(move |path| Some(if path == "/" { page(&links) } else { not_found() }));
        let mut command = link_checker();
        let mut child = command.arg(&site.url).stdout(Stdio::piped()).spawn().unwrap();
        while site.asked_count() < 2000 {
            std::thread::yield_now();
        }
        signal("INT", child.id());
        // The report has begun when its first byte is there.
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        signal("INT", child.id());
        assert_eq!(child.wait().unwrap().code(), Some(130));
    });
}

#[cfg(unix)]
#[test]
fn a_signal_to_terminate_ends_it_with_a_report_too() {
    use std::process::Stdio;

    within_limit(|| {
        let (asked, hangs) = std::sync::mpsc::channel();
        let site = Site::new(move |_| {
            asked.send(()).unwrap();
            None
        });
        let child = link_checker().arg(&site.url).stdout(Stdio::piped()).spawn().unwrap();
        hangs.recv().unwrap();
        signal("TERM", child.id());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(143), "128 and the number of SIGTERM");
        let report = "links: 0 good, 0 broken, 0 skipped, 1 not checked\n";
        assert_eq!(text(&output.stdout), report);
    });
}

#[cfg(unix)]
fn signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn nobody_who_reads_its_output_is_no_reason_to_panic() {
    within_limit(|| {
        let links: String = (0..300).map(|i| format!("<a href=/gone/{i}>")).collect();
        let site =
            Site::new(move |path| Some(if path == "/" { page(&links) } else { not_found() }));
        let program = link_checker().get_program().to_owned();
        let run = |arguments: &str, around: &str| {
            let script = format!("{{ \"$0\" {arguments}; echo code $? >&3; }} {around}");
            let mut shell = std::process::Command::new("sh");
            let output = shell.args(["-c", &format!("{{ {script}; }} 3>&1")]).arg(&program);
            let output = output.output().unwrap();
            (text(&output.stdout), text(&output.stderr))
        };
        for (arguments, code) in [(&*site.url, 1), ("--help", 0), ("--nonsense", 2)] {
            for around in [">&-", "2>&-", ">&- 2>&-", "| true", "2>&1 | true"] {
                let (said, complaint) = run(arguments, around);
                assert!(said.ends_with(&format!("code {code}\n")), "{arguments} {around}: {said}");
                assert!(!complaint.contains("panicked"), "{arguments} {around}: {complaint}");
            }
        }
        let (said, complaint) = run(&site.url, "> /dev/full");
        assert!(said.ends_with("code 1\n"), "{said}");
        assert!(complaint.contains("cannot write the report: "), "{complaint}");
    });
}

#[test]
fn help_is_printed_when_it_is_asked_for() {
    within_limit(|| {
        for arguments in [&["--limit", "2", "--help"][..], &["-h"]] {
            let output = link_checker().args(arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let help = text(&output.stdout);
            assert!(help.contains("Usage: cargo run -p link_checker"), "{help}");
            for option in ["--limit", "--timeout", "--retries", "-h, --help"] {
                assert!(help.contains(option), "{option} is missing: {help}");
            }
            assert_eq!(text(&output.stderr), "");
        }
    });
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_utf_8_or_has_control_characters_is_a_mistake_like_any_other() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    within_limit(|| {
        let arguments: [&[u8]; 4] = [b"\xff", b"http://\xff/", b"--\x1b[31m", b"http://\x1b[31m/"];
        for argument in arguments {
            let output = link_checker().arg(OsStr::from_bytes(argument)).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            let complaint = text(&output.stderr);
            assert!(complaint.starts_with("link_checker: no use for "), "{complaint}");
            assert!(!complaint.trim_end().contains(char::is_control), "{complaint:?}");
        }
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
            let output = link_checker().args(arguments).output().unwrap();
            let complaint = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
            assert!(complaint.starts_with("link_checker: "), "{arguments:?}: {complaint}");
            assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
            assert_eq!(complaint.lines().count(), 1, "{arguments:?}: {complaint}");
            assert_eq!(text(&output.stdout), "", "{arguments:?}");
        }
    });
}
