//! What a page refers to: pages with one link each, in all the forms in which a link can be
//! written, and what the checker requests.

#[path = "../../../tests/support/mod.rs"]
mod support;
mod site;

use std::sync::{Arc, Mutex};

use site::{Site, link_checker, page, redirect, reply, summary, text};
use support::{within, within_limit};

/// A page at this path has one link; the checker requests this path, and nothing else.
struct Shape(&'static str, &'static str, Expected);

enum Expected {
    Asks(&'static str),
    /// Nothing else than the page.
    AsksNothing,
    /// Nothing else, and the report has this text.
    Says(&'static str),
}

use Expected::{Asks, AsksNothing, Says};

#[rustfmt::skip]
const URLS: &[Shape] = &[
    // Dot segments, in every form of reference.
    Shape("/a/b", "<a href='c'>", Asks("/a/c")),
    Shape("/a/b", "<a href='./c'>", Asks("/a/c")),
    Shape("/a/b/c", "<a href='../d'>", Asks("/a/d")),
    Shape("/a/b", "<a href='../../../d'>", Asks("/d")),
    Shape("/a/b", "<a href='/x/../c'>", Asks("/c")),
    Shape("/a/b", "<a href='//HOST/x/../c'>", Asks("/c")),
    Shape("/a/b", "<a href='http://HOST/x/./y/../c'>", Asks("/x/c")),
    Shape("/a/b", "<a href='http://HOST/../c'>", Asks("/c")),
    Shape("/a/b/c", "<a href='..'>", Asks("/a/")),
    Shape("/a/b/c", "<a href='.'>", Asks("/a/b/")),
    Shape("/a/b/c", "<a href='d/.'>", Asks("/a/b/d/")),
    Shape("/a/b/c", "<a href='d/e/..'>", Asks("/a/b/d/")),
    Shape("/a/b/c", "<a href='%2e%2E/d'>", Asks("/a/d")),
    Shape("/a/b/c", "<a href='..%2Fd'>", Asks("/a/b/..%2Fd")),
    Shape("/a/b/c", "<a href='.../d'>", Asks("/a/b/.../d")),
    Shape("/a/b", "<a href='c//../d'>", Asks("/a/c/d")),
    // Queries and fragments.
    Shape("/a/b?q=/x/y", "<a href='c'>", Asks("/a/c")),
    Shape("/a/b", "<a href='?q=../../c'>", Asks("/a/b?q=../../c")),
    Shape("/a/b", "<a href='c?q=/../d'>", Asks("/a/c?q=/../d")),
    Shape("/a/b", "<a href='c?q=a?b/./c'>", Asks("/a/c?q=a?b/./c")),
    Shape("/a/b?x", "<a href='?'>", Asks("/a/b?")),
    Shape("/a/b", "<a href='c#d/../e'>", Asks("/a/c")),
    Shape("/a/b", "<a href='c?d#e?f'>", Asks("/a/c?d")),
    Shape("/a/b?q", "<a href='#top'>", AsksNothing),
    Shape("/a/b?q", "<a href=''>", AsksNothing),
    Shape("/a/b?q", "<a href>", AsksNothing),
    // Hosts, ports, schemes, users.
    Shape("/a/b", "<a href='HTTP://HOST/c'>", Asks("/c")),
    Shape("/a/b", "<a href='http:c'>", Asks("/a/c")),
    Shape("/a/b", "<a href='http:/c'>", Asks("/c")),
    Shape("/a/b", "<a href='http:\\\\HOST\\c'>", Asks("/c")),
    Shape("/a/b", "<a href='\\c\\d'>", Asks("/c/d")),
    Shape("/a/b", "<a href='c\\..\\d'>", Asks("/a/d")),
    Shape("/a/b", "<a href='http://user:secret@HOST/c'>", Asks("/c")),
    Shape("/a/b", "<a href='//user@HOST/c'>", Asks("/c")),
    Shape("/", "<a href='http://HOST'>", AsksNothing),
    Shape("/a/b", "<a href='http://HOST?q'>", Asks("/?q")),
    Shape("/a/b", "<a href='http://HOST#f'>", Asks("/")),
    Shape("/a/b", "<a href='http://127.0.0.1:000PORT/c'>", Asks("/c")),
    Shape("/a/b", "<a href='http://0x7f.1:PORT/c'>", Asks("/c")),
    Shape("/a/b", "<a href='http://１２７.０.０.１:PORT/c'>", Asks("/c")),
    Shape("/a/b", "<a href='c:d'>", Says("skipped: 1 × another scheme, like c:d")),
    Shape("/a/b", "<a href='./c:d'>", Asks("/a/c:d")),
    Shape("/a/b", "<a href='c?d:e'>", Asks("/a/c?d:e")),
    // White space, and characters that are not ASCII.
    Shape("/a/b", "<a href=' \n\tc \r\n'>", Asks("/a/c")),
    Shape("/a/b", "<a href='c\nd\te'>", Asks("/a/cde")),
    Shape("/a/b", "<a href='c d'>", Asks("/a/c%20d")),
    Shape("/a/b", "<a href='c?d e'>", Asks("/a/c?d%20e")),
    Shape("/a/b", "<a href='ä/€'>", Asks("/a/%C3%A4/%E2%82%AC")),
    Shape("/a/b", "<a href='c?ä'>", Asks("/a/c?%C3%A4")),
    Shape("/a/b", "<a href='%c3%a4'>", Asks("/a/%c3%a4")),
    Shape("/a/b", "<a href='100%'>", Asks("/a/100%")),
    Shape("/a/b", "<a href='c|[d]^`{e}'>", Asks("/a/c|[d]^%60%7Be%7D")),
    Shape("/a/b", "<a href=\"c?it's\">", Asks("/a/c?it%27s")),
    Shape("/a/b", "<a href=\"c'd\">", Asks("/a/c'd")),
    // What is not requested.
    Shape("/", "<a href='https://HOST/c'>", Says("skipped: 1 × https, like https://HOST/c")),
    Shape("/", "<a href='MAILTO:a@b'>", Says("skipped: 1 × mailto, like mailto:a@b")),
    Shape("/", "<a href='tel:+1'>", Says("skipped: 1 × tel, like tel:+1")),
    Shape("/", "<a href=' javascript:void(0)'>", Says("skipped: 1 × javascript, like")),
    Shape("/", "<a href='java\nscript:x'>", Says("skipped: 1 × javascript, like javascript:x")),
    Shape("/", "<img src='data:image/gif;base64,R0'>", Says("skipped: 1 × data, like data:")),
    Shape("/", "<a href='http://[::1/c'>", Says("http://[::1/c\n  broken: no URL: ")),
    Shape("/", "<a href='http://HOST:99999/'>", Says("  broken: no URL: ")),
    Shape("/", "<a href='http://a b/'>", Says("http://a b/\n  broken: no URL: ")),
];

#[rustfmt::skip]
const SPELLINGS: &[Shape] = &[
    Shape("/", "<a href=/c>", Asks("/c")),
    Shape("/", "<a href='/c'>", Asks("/c")),
    Shape("/", "<a href=\"/c\">", Asks("/c")),
    Shape("/", "<A HREF=/c>", Asks("/c")),
    Shape("/", "<a hReF = '/c'>", Asks("/c")),
    Shape("/", "<a\nhref\n=\n/c\n>", Asks("/c")),
    Shape("/", "<a\thref=/c\x0cid=x>", Asks("/c")),
    Shape("/", "<a/href=/c>", Asks("/c")),
    Shape("/", "<a href=/c/>", Asks("/c/")),
    Shape("/", "<a href='/c'/>", Asks("/c")),
    Shape("/", "<a id='x'href='/c'class=y>", Asks("/c")),
    Shape("/", "<a href=/c href=/d>", Asks("/c")),
    Shape("/", "<a title='>' href=/c>", Asks("/c")),
    Shape("/", "<a title='<b href=/d>' href=/c>", Asks("/c")),
    Shape("/", "<a data-href=/d>", AsksNothing),
    Shape("/", "<a xhref=/d>", AsksNothing),
    Shape("/", "<div href=/d src=/e>", AsksNothing),
    Shape("/", "<a href=/c", AsksNothing),
    Shape("/", "a href=/c>", AsksNothing),
    Shape("/", "< a href=/c>", AsksNothing),
    Shape("/", "</a href=/c>", AsksNothing),
    Shape("/", "<a href=\"/c>\" ", AsksNothing),
    // Entities.
    Shape("/", "<a href='/c?d=1&amp;e=2'>", Asks("/c?d=1&e=2")),
    Shape("/", "<a href='/c?d=1&e=2'>", Asks("/c?d=1&e=2")),
    Shape("/", "<a href='&#47;c'>", Asks("/c")),
    Shape("/", "<a href='&#x2F;c&#x2f;d'>", Asks("/c/d")),
    Shape("/", "<a href='&sol;c'>", Asks("/c")),
    Shape("/", "<a href='/c?d&copy=1'>", Asks("/c?d&copy=1")),
    Shape("/", "<a href='/c?d&copy;'>", Asks("/c?d%C2%A9")),
    Shape("/", "<a href='/c&auml;'>", Asks("/c%C3%A4")),
    // What looks like a tag.
    Shape("/", "<!-- <a href=/d> --><a href=/c>", Asks("/c")),
    Shape("/", "<!-- > <a href=/d> --!><a href=/c>", Asks("/c")),
    Shape("/", "<!--><a href=/c>-->", Asks("/c")),
    Shape("/", "<![CDATA[<a href=/d>]]><a href=/c>", Asks("/c")),
    Shape("/", "<svg><![CDATA[<b><a href=/d>]]></svg><a href=/c>", Asks("/c")),
    Shape("/", "<!DOCTYPE html [<a href=/d>]><a href=/c>", Asks("/c")),
    Shape("/", "<?php '<a href=/d>' ?><a href=/c>", Asks("/c")),
    Shape("/", "<script>x = '<a href=/d>'</script><a href=/c>", Asks("/c")),
    Shape("/", "<script><!-- <script> </script> <a href=/d> --></script><a href=/c>", Asks("/c")),
    Shape("/", "<style>/* <a href=/d> */</style><a href=/c>", Asks("/c")),
    Shape("/", "<textarea><a href=/d></textarea><a href=/c>", Asks("/c")),
    Shape("/", "<title><a href=/d></title><a href=/c>", Asks("/c")),
    Shape("/", "<xmp><a href=/d></xmp><a href=/c>", Asks("/c")),
    Shape("/", "<iframe><a href=/d></iframe><a href=/c>", Asks("/c")),
    Shape("/", "<noframes><a href=/d></noframes><a href=/c>", Asks("/c")),
    Shape("/", "<svg><title><a href=/c></title></svg>", Asks("/c")),
    Shape("/", "<svg><p><title><a href=/d></title><a href=/c>", Asks("/c")),
    Shape("/", "<template><a href=/d></template><a href=/c>", Asks("/c")),
    Shape("/", "<template><template></template><a href=/d></template><a href=/c>", Asks("/c")),
    Shape("/", "<noscript><a href=/c></noscript>", Asks("/c")),
    Shape("/", "<a href=/c><plaintext><a href=/d>", Asks("/c")),
    // What refers to something.
    Shape("/", "<area href=/c>", Asks("/c")),
    Shape("/", "<link rel=stylesheet href=/c>", Asks("/c")),
    Shape("/", "<link rel='dns-prefetch' href=/c>", Says("skipped: 1 × a hint to connect early")),
    Shape("/", "<script src=/c></script>", Asks("/c")),
    Shape("/", "<img src=/c>", Asks("/c")),
    Shape("/", "<img src=''>", AsksNothing),
    Shape("/", "<image src=/c>", Asks("/c")),
    Shape("/", "<img srcset='/c 2x'>", Asks("/c")),
    Shape("/", "<img srcset=' /c,d 1x, /c,d 2x'>", Asks("/c,d")),
    Shape("/", "<img srcset='/c, /c 100w'>", Asks("/c")),
    Shape("/", "<img srcset='/c (a, b), /c'>", Asks("/c")),
    Shape("/", "<source srcset='/c'>", Asks("/c")),
    Shape("/", "<link rel=preload as=image imagesrcset='/c 2x'>", Asks("/c")),
    Shape("/", "<iframe src=/c></iframe>", Asks("/c")),
    Shape("/", "<frame src=/c>", Asks("/c")),
    Shape("/", "<embed src=/c>", Asks("/c")),
    Shape("/", "<object data=/c></object>", Asks("/c")),
    Shape("/", "<video src=/c></video>", Asks("/c")),
    Shape("/", "<video poster=/c></video>", Asks("/c")),
    Shape("/", "<audio src=/c></audio>", Asks("/c")),
    Shape("/", "<video><source src=/c></video>", Asks("/c")),
    Shape("/", "<video><track src=/c></video>", Asks("/c")),
    Shape("/", "<input type=IMAGE src=/c>", Asks("/c")),
    Shape("/", "<input type=text src=/c>", AsksNothing),
    Shape("/", "<svg><use xlink:href='/c#icon'/></svg>", Asks("/c")),
    Shape("/", "<svg><image href='/c'/></svg>", Asks("/c")),
    Shape("/", "<svg><a xlink:href='/c'></a></svg>", Asks("/c")),
    Shape("/", "<body background=/c>", Asks("/c")),
    Shape("/", "<blockquote cite=/c></blockquote>", Asks("/c")),
    Shape("/", "<form action=/c></form>", Asks("/c")),
    Shape("/", "<form method=POST action=/c></form>", Says("skipped: 1 × a form that is posted")),
    Shape("/", "<form><button formmethod=post formaction=/c></form>", Says("that is posted")),
    Shape("/", "<meta http-equiv=Refresh content='5; URL=/c'>", Asks("/c")),
    Shape("/", "<meta http-equiv=refresh content=\"0;url='/c' x\">", Asks("/c")),
    Shape("/", "<meta http-equiv=refresh content='5'>", AsksNothing),
    Shape("/", "<meta http-equiv=refresh content='0, /c'>", Asks("/c")),
    // The base.
    Shape("/a/b", "<base href='/x/'><a href=c>", Asks("/x/c")),
    Shape("/a/b", "<base href='../x/y'><a href=c>", Asks("/x/c")),
    Shape("/a/b", "<base href='x/'><base href='/y/'><a href=c>", Asks("/a/x/c")),
    Shape("/a/b", "<base target=_top><base href='/y/'><a href=c>", Asks("/y/c")),
    Shape("/a/b", "<a href=c><base href='/x/'>", Asks("/x/c")),
    Shape("/a/b", "<base href='/x/y?z'><a href='?q'>", Asks("/x/y?q")),
    Shape("/a/b", "<base href='/x/y'><a href='#z'>", Asks("/x/y")),
    Shape("/a/b", "<base href='//HOST/x/'><a href=c>", Asks("/x/c")),
    Shape("/a/b", "<base href='data:,x'><a href=c>", Asks("/a/c")),
    Shape("/a/b", "<base href='http://[/'><a href=c>", Asks("/a/c")),
    Shape("/a/b", "<base href='https://HOST/x/'><a href=c>", Says("skipped: 1 × https, like")),
    Shape("/a/b", "<base href=' &#47;x/ '><a href=c>", Asks("/x/c")),
    Shape("/a/b", "<!-- <base href='/x/'> --><a href=c>", Asks("/a/c")),
];

/// What is wrong with the checker's answer to a shape, if anything is.
fn complaint(Shape(path, html, expected): &'static Shape) -> Option<String> {
    let host = Arc::new(Mutex::new(String::new()));
    let its_host = host.clone();
    let at_host = move |text: &str| {
        let host = its_host.lock().unwrap();
        text.replace("HOST", &host).replace("PORT", host.rsplit(':').next().unwrap())
    };
    let in_page = at_host.clone();
    let site = Site::new(move |asked| {
        let is_page = asked == *path;
        Some(if is_page { page(in_page(html)) } else { reply("200 OK", "") })
    });
    site.host().clone_into(&mut host.lock().unwrap());
    let start = format!("{}{path}", site.url);
    let output = link_checker().args([&start, "--retries", "0"]).output().unwrap();
    let report = text(&output.stdout);
    let mut asked = site.asked();
    asked.remove(asked.iter().position(|asked| asked == path).expect("the page itself"));
    let (wanted, says): (Vec<&str>, _) = match expected {
        Asks(path) => (vec![path], ""),
        AsksNothing => (vec![], ""),
        Says(what) => (vec![], *what),
    };
    let is_right = asked == wanted && report.contains(&at_host(says));
    let is_quiet = !says.is_empty() || report.lines().count() == 1;
    (!is_right || !is_quiet).then(|| format!("{html} at {path}: asks for {asked:?}\n{report}"))
}

fn all_are_right(shapes: &'static [Shape]) {
    let complaints: Vec<_> = shapes.iter().filter_map(complaint).collect();
    let (wrong, all) = (complaints.len(), shapes.len());
    assert!(complaints.is_empty(), "{wrong} of {all} are wrong:\n{}", complaints.join("\n"));
}

#[test]
fn a_reference_in_any_form_leads_where_a_browser_would_go() {
    within(std::time::Duration::from_secs(60), "urls", || all_are_right(URLS));
}

#[test]
fn a_link_in_any_spelling_is_found_and_what_only_looks_like_one_is_not() {
    assert!(URLS.len() + SPELLINGS.len() >= 74 * 2, "{} {}", URLS.len(), SPELLINGS.len());
    within(std::time::Duration::from_secs(60), "spellings", || all_are_right(SPELLINGS));
}

#[test]
fn a_redirect_is_resolved_as_a_reference_is() {
    within_limit(|| {
        let locations = [
            ("/a/b/1", "../c", "/a/c"),
            ("/a/b/2", "/x/../d?q=/../e", "/d?q=/../e"),
            ("/a/b/3", "?q", "/a/b/3?q"),
            ("/a/b/4", "/f#part", "/f"),
            ("/a/b/5", "//HOST/./g", "/g"),
            ("/a/b/6", "http://user:secret@HOST/h", "/h"),
            ("/a/b/7", "/ä b", "/%C3%A4%20b"),
            ("/a/b/8", "HTTP://HOST/x/%2e%2e/i", "/i"),
        ];
        let host = Arc::new(Mutex::new(String::new()));
        let its_host = host.clone();
        let site = Site::new(move |path| {
            if path == "/" {
                return Some(page(locations.map(|(from, ..)| format!("<a href={from}>")).concat()));
            }
            let found = locations.iter().find(|(from, ..)| *from == path);
            let host = its_host.lock().unwrap();
            Some(found.map_or(page(""), |(_, to, _)| redirect(&to.replace("HOST", &host))))
        });
        site.host().clone_into(&mut host.lock().unwrap());
        let (code, report) = site.check(&[]);
        assert_eq!(report, "links: 9 good, 0 broken, 0 skipped, 0 not checked\n");
        assert_eq!(code, Some(0));
        let asked = site.asked();
        for (from, to, expected) in locations {
            assert!(asked.iter().any(|it| it == expected), "{to} on {from}: {asked:?}");
        }
    });
}

#[test]
fn the_default_port_is_no_port() {
    within_limit(|| {
        // Port 80 may have a server, or none: the two links are one all the same.
        let links = "<a href=http://127.0.0.1:80/x><a href=http://127.0.0.1/x>";
        let site = Site::of(&[("/", page(links))]);
        let (_, report) = site.check(&["--retries", "0", "--timeout", "5"]);
        assert!(!report.contains("http://127.0.0.1:80"), "{report}");
        assert!(report.contains(", 0 skipped, 0 not checked"), "{report}");
        let known = summary(&report).split_ascii_whitespace();
        let known = known.filter_map(|word| word.parse::<usize>().ok());
        assert_eq!(known.sum::<usize>(), 2, "the page, and the link: {report}");
    });
}

#[test]
fn an_address_of_ipv6_is_connected_to_and_stands_in_brackets_in_the_host_header() {
    within_limit(|| {
        let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
            eprintln!("left out: no IPv6 here");
            return;
        };
        let site = Site::at(listener, |path| {
            Some(if path == "/" { page("<a href=/x>") } else { page("") })
        });
        assert_eq!(site.check(&[]).0, Some(0));
        assert_eq!(site.header("/x", "Host"), [site.host()]);
        assert!(site.host().starts_with("[::1]:"));
    });
}

#[test]
fn a_user_name_and_a_password_are_neither_sent_nor_shown() {
    within_limit(|| {
        let site = Site::of(&[("/", page("<a href=http://me:secret@127.0.0.1:1/>"))]);
        let start = site.url.replace("http://", "http://me:secret@");
        let output = link_checker().args([&start, "--retries", "0"]).output().unwrap();
        assert_eq!(site.header("/", "Host"), [site.host()]);
        assert!(site.header("/", "Authorization").is_empty());
        let report = text(&output.stdout);
        assert!(report.starts_with("http://127.0.0.1:1/\n  broken: "), "{report}");
        assert!(!report.contains("secret"), "{report}");
    });
}

#[test]
fn a_host_that_is_not_ascii_is_looked_up_as_idna_writes_it() {
    within_limit(|| {
        let site = Site::of(&[("/", page("<meta charset=utf-8><a href=http://bücher.invalid/>"))]);
        let (_, report) = site.check(&["--retries", "0"]);
        assert!(report.starts_with("http://xn--bcher-kva.invalid/\n  broken: "), "{report}");
    });
}

#[test]
fn a_page_is_decoded_as_it_says_and_the_encoding_matters_in_a_query() {
    within_limit(|| {
        let latin = b"<a href='\xe4?\xe4'>".as_slice();
        let utf8 = "<a href='ö?ö'>".as_bytes();
        let meta = b"<meta charset='latin1'><a href='\xfc?\xfc'>".as_slice();
        let old_meta = b"<meta http-equiv=content-type content='text/html; charset=windows-1251'>\
                         <a href='\xe0'>"
            .as_slice();
        let header = "200 OK\r\nContent-Type: text/html; charset=\"ISO-8859-1\"";
        let links = "<a href=/1/x><a href=/2/x><a href=/3/x><a href=/4/x>";
        let site = Site::of(&[
            ("/", page(links)),
            ("/1/x", reply(header, latin)),
            ("/2/x", page(utf8)),
            ("/3/x", page(meta)),
            ("/4/x", page(old_meta)),
        ]);
        site.check(&[]);
        let asked = site.asked();
        let wanted = ["/1/%C3%A4?%E4", "/2/%C3%B6?%C3%B6", "/3/%C3%BC?%FC", "/4/%D0%B0"];
        for wanted in wanted {
            assert!(asked.iter().any(|it| it == wanted), "{wanted} in {asked:?}");
        }
    });
}
