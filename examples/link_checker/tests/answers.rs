//! Where an answer begins and ends, and how it is written: each server here says in another
//! way that its page has one link.

#[path = "../../../tests/support/mod.rs"]
mod support;
mod site;

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use site::{Site, page};
use support::within_limit;

const LINK: &[u8] = b"<a href=/link>";
const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";

/// An answer with this head and body.
fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [head.as_bytes(), b"\r\n", body].concat()
}

fn html(headers: &str, body: &[u8]) -> Vec<u8> {
    answer(&format!("{HTML}{headers}"), body)
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let pieces = body
        .chunks(5)
        .map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    [pieces.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// In each of these answers, the link must be found.
fn link_is_found_in(answers: Vec<Vec<u8>>) {
    within_limit(move || {
        for answer in answers {
            let shown = String::from_utf8_lossy(&answer[..answer.len().min(300)]).into_owned();
            let site = Site::of(&[("/", answer), ("/link", page(""))]);
            let (code, report) = site.check(&["--retries", "0", "--timeout", "5"]);
            assert_eq!(site.asked(), ["/", "/link"], "{shown}\n{report}");
            assert_eq!(code, Some(0), "{shown}\n{report}");
        }
    });
}

/// The report about each of these answers.
fn reports(answers: &[Vec<u8>]) -> Vec<String> {
    let answers = answers.to_vec();
    within_limit(move || {
        let report = |answer: Vec<u8>| {
            let site = Site::of(&[("/", answer)]);
            let (code, report) = site.check(&["--retries", "0", "--timeout", "5"]);
            assert_eq!(code, Some(1), "{report}");
            report.lines().take(2).collect::<Vec<_>>().join("\n")
        };
        answers.into_iter().map(report).collect()
    })
}

#[test]
fn what_a_server_says_before_its_answer_is_not_its_answer() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
    let length = format!("{HTML}Content-Length: {}\r\n", LINK.len());
    let befores = [
        "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n".to_owned(),
        early.to_owned(),
        "HTTP/1.1 199\r\n\r\n".to_owned(),
        format!("HTTP/1.1 100 Continue\r\n\r\n{}", early.repeat(3)),
    ];
    link_is_found_in(befores.map(|before| answer(&(before + &length), LINK)).to_vec());
}

#[test]
fn a_server_that_wants_another_protocol_has_not_answered() {
    let switch = answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n", b"");
    let expected = ["/\n  broken: status 101, on the command line"];
    assert_eq!(reports(&[switch]), expected);
}

#[test]
fn a_chunked_body_is_read_however_that_is_written() {
    let chunks = in_chunks(LINK);
    let mut answers: Vec<_> = [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: Chunked\r\n",
        "TRANSFER-ENCODING:CHUNKED\r\n",
        "transfer-encoding: \t chunked \t \r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
    ]
    .map(|headers| html(headers, &chunks))
    .to_vec();
    let bodies: [&[u8]; 6] = [
        b"E;name=value\r\n<a href=/link>\r\n0\r\n\r\n",
        b"e ; a=\"b;c\" ; d\r\n<a href=/link>\r\n0;end\r\n\r\n",
        b"000000000000E\r\n<a href=/link>\r\n000\r\n\r\n",
        b"e\r\n<a href=/link>\r\n0\r\nTrailer: yes\r\nAnother: one\r\n\r\n",
        b"e\n<a href=/link>\n0\n\n",
        b"e\r\n<a href=/link>\r\n0\r\n",
    ];
    answers.extend(bodies.map(|body| html("Transfer-Encoding: chunked\r\n", body)));
    link_is_found_in(answers);
}

#[test]
fn a_compressed_page_is_read() {
    let (gzipped, zlibbed, deflated) = (gzip(LINK), zlib(LINK), deflate(LINK));
    let half = [gzip(b"<a href="), gzip(b"/link>")].concat();
    link_is_found_in(vec![
        html("Content-Encoding: gzip\r\n", &gzipped),
        html("Content-Encoding: x-gzip\r\n", &gzipped),
        html("content-encoding: GZIP\r\n", &gzipped),
        html("Content-Encoding: identity, gzip\r\n", &gzipped),
        html("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", &in_chunks(&gzipped)),
        html("Transfer-Encoding: gzip, chunked\r\n", &in_chunks(&gzipped)),
        html("transfer-encoding: gzip\r\n", &gzipped),
        html("Content-Encoding: gzip\r\n", &half),
        html("Content-Encoding: gzip, gzip\r\n", &gzip(&gzipped)),
        html("Content-Encoding: deflate\r\n", &zlibbed),
        html("Content-Encoding: deflate\r\n", &deflated),
        html("Content-Encoding: deflate, gzip\r\n", &gzip(&zlibbed)),
        html("Content-Encoding:\r\n", LINK),
    ]);
}

#[test]
fn a_page_that_cannot_be_decompressed_is_said_so() {
    let gzipped = gzip(LINK);
    let said = reports(&[
        html("Content-Encoding: br\r\n", LINK),
        html("Content-Encoding: gzip\r\n", LINK),
        html("Content-Encoding: gzip\r\n", &gzipped[..gzipped.len() - 9]),
        html(&format!("Content-Encoding: {}\r\n", "gzip, ".repeat(1000)), &gzipped),
    ]);
    let unread = "not checked: 1 × the links of a page";
    assert!(said[0].starts_with(&format!("{unread} encoded as br; like /")), "{}", said[0]);
    assert!(said[1].starts_with("/\n  broken: bad gzip: "), "{}", said[1]);
    assert!(said[2].starts_with("/\n  broken: bad gzip: "), "{}", said[2]);
    assert!(said[3].starts_with(&format!("{unread} that is encoded too often")), "{}", said[3]);
}

/// As browsers do it.
#[test]
fn what_comes_behind_a_compressed_page_does_not_matter_and_an_empty_page_needs_no_bytes() {
    let encoded = "Content-Encoding: gzip\r\n";
    let with = |end: &[u8]| html(encoded, &[&gzip(LINK), end].concat());
    link_is_found_in(vec![with(b"\n"), with(&[0; 512]), with(b"garbage"), with(b"\x1f\x8b")]);
    within_limit(|| {
        for coding in ["gzip", "deflate"] {
            let headers = format!("Content-Encoding: {coding}\r\nContent-Length: 0\r\n");
            let site = Site::of(&[("/", html(&headers, b""))]);
            let (code, report) = site.check(&["--retries", "0"]);
            assert_eq!(code, Some(0), "{coding}: {report}");
        }
    });
}

#[test]
fn a_length_is_kept_to_however_it_is_written() {
    let number = LINK.len();
    let longer = [LINK, b"<a href=/behind>"].concat();
    link_is_found_in(vec![
        html(&format!("Content-Length: {number}\r\n"), LINK),
        html(&format!("CONTENT-LENGTH:{number}\r\n"), &longer),
        html(&format!("Content-Length: {number}, {number}\r\n"), &longer),
        html(&format!("Content-Length: {number}\r\nContent-Length: {number}\r\n"), &longer),
        html(&format!("Content-Length: 00{number}\r\n"), &longer),
        html("", LINK), // up to the end of the connection
        answer("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n", LINK),
    ]);
}

#[test]
fn a_body_that_contradicts_its_head_is_a_broken_answer() {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let chunks: [&[u8]; 5] = [
        b"+e\r\n<a href=/link>\r\n0\r\n\r\n",
        b"-1\r\n",
        b"\r\n<a href=/link>\r\n0\r\n\r\n",
        b"fffffffffffffffffff\r\n<a href=/link>\r\n0\r\n\r\n",
        b"2\r\n<a href=/link>\r\n0\r\n\r\n",
    ];
    for said in reports(&chunks.map(|body| html(chunked, body))) {
        assert_eq!(said, "/\n  broken: bad chunk size, on the command line");
    }
    let lengths = ["+14", "-1", "fourteen", "14, 15", "14 15", "1e1"];
    for said in reports(&lengths.map(|it| html(&format!("Content-Length: {it}\r\n"), LINK))) {
        assert_eq!(said, "/\n  broken: bad content length, on the command line");
    }
}

#[test]
fn a_head_is_read_though_it_is_written_carelessly() {
    let long = format!("X-Long: {}\r\n", "x".repeat(100_000));
    let many = "X-Many: 1\r\n".repeat(2_000);
    link_is_found_in(vec![
        answer("HTTP/1.1 200 OK\nContent-Type: text/html\n\n", LINK)
            .strip_suffix(&[b"\r\n", LINK].concat()[..])
            .map(|head| [head, LINK].concat())
            .unwrap(),
        answer("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", LINK),
        answer("HTTP/1.1 200\r\nCONTENT-TYPE:TEXT/HTML\r\n", LINK),
        answer("HTTP/1.1 200 \r\ncontent-type:\ttext/html;charset=utf-8\r\n", LINK),
        answer("HTTP/1.1 200 OK\r\nContent-Type:\r\n\ttext/html\r\n", LINK),
        answer("HTTP/1.1 200 OK\r\nContent-Type : text/html\r\n", LINK),
        answer("HTTP/1.1 299 J\u{e4}\r\nno header\r\nContent-Type: text/html\r\n", LINK),
        answer("HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml\r\n", LINK),
        html(&long, LINK),
        html(&many, LINK),
    ]);
}

#[test]
fn an_answer_without_a_body_is_not_waited_for() {
    within_limit(|| {
        // The server keeps the connection open.
        let keep = "Content-Length: 99\r\nContent-Type: text/html";
        let site = Site::new(move |path| {
            let status = path.strip_prefix("/").unwrap();
            let head = format!("HTTP/1.1 {status} x\r\n{keep}\r\n\r\n");
            let links = "<a href=/204><a href=/205><a href=/304><a href=/404><a href=/999>";
            Some(if path == "/" { page(links) } else { head.into_bytes() })
        });
        let (_, report) = site.check(&["--timeout", "5", "--retries", "0"]);
        let expected = "\
/304
  broken: status 304, on /
/404
  broken: status 404, on /
/999
  broken: status 999, on /
links: 3 good, 3 broken, 0 skipped, 0 not checked
";
        assert_eq!(report, expected);
    });
}

#[test]
fn a_head_without_end_is_given_up() {
    let head = format!("HTTP/1.1 200 OK\r\nX-Long: {}", "x".repeat(300_000));
    let lines = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(60_000));
    let chunk =
        html("Transfer-Encoding: chunked\r\n", &[b"1;".as_slice(), &[b'x'; 300_000]].concat());
    for said in reports(&[head.into(), lines.into()]) {
        assert_eq!(said, "/\n  broken: its head is too long, on the command line");
    }
    for said in reports(&[chunk]) {
        assert_eq!(said, "/\n  broken: the answer breaks off, on the command line");
    }
}
