//! The file server of the examples, as its users meet it: a program of its own that
//! is asked through sockets, by hand-made requests and by curl.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use programs::{program, say_left_out};
use support::within_limit;
use tempfile::TempDir;

// ── files ─────────────────────────────────────────────────────────────────

#[test]
fn a_file_arrives_byte_for_byte_whatever_its_length() {
    within_limit(|| {
        let server = Server::start();
        for length in [0, 1, 65_536, 1_000_000] {
            let bytes = some_bytes(length);
            server.put("file", &bytes);
            let reply = server.get("/file");
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("content-length"), Some(length.to_string().as_str()));
            assert!(reply.body == bytes, "other bytes than those of the file, at length {length}");
        }
    });
}

#[test]
fn the_type_of_a_file_follows_from_its_name() {
    within_limit(|| {
        let server = Server::start();
        for (name, kind) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.b.png", "image/png"),
            ("a.htm", "text/html; charset=utf-8"),
            ("a.JPG", "image/jpeg"),
            ("a.gif", "image/gif"),
            ("a.json", "application/json"),
            ("a.pdf", "application/pdf"),
            ("a.mp4", "video/mp4"),
            ("a.wasm", "application/wasm"),
            ("a.Md", "text/plain; charset=utf-8"),
            ("a.unknown", "application/octet-stream"),
            ("none", "application/octet-stream"),
        ] {
            server.put(name, b"x");
            assert_eq!(
                server.get(&format!("/{name}")).header("content-type"),
                Some(kind),
                "{name}"
            );
        }
    });
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    within_limit(|| {
        let server = Server::start();
        server.put("file.txt", b"twelve bytes");
        let reply = server.ask("HEAD /file.txt HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-length"), Some("12"));
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(reply.body, b"", "an answer to HEAD has no body");
    });
}

#[test]
fn a_part_of_a_file_is_206_and_a_part_behind_its_end_is_416() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"0123456789");
        server.put("empty", b"");
        for (range, status, text, content_range) in [
            ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
            ("bytes=0-0", 206, "0", Some("bytes 0-0/10")),
            ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
            ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
            ("bytes=-99", 206, "0123456789", Some("bytes 0-9/10")),
            ("Bytes = 8-99999999999999999999999", 200, "0123456789", None),
            ("Bytes= 8-99999999999999999999999 ", 206, "89", Some("bytes 8-9/10")),
            ("bytes=10-", 416, "416 Range Not Satisfiable\n", Some("bytes */10")),
            (
                "bytes=99999999999999999999999-",
                416,
                "416 Range Not Satisfiable\n",
                Some("bytes */10"),
            ),
            ("bytes=-0", 416, "416 Range Not Satisfiable\n", Some("bytes */10")),
            // What cannot be understood is no range; several ranges are answered as none.
            ("bytes=4-2", 200, "0123456789", None),
            ("bytes=+1-2", 200, "0123456789", None),
            ("bytes=-", 200, "0123456789", None),
            ("bytes=a-b", 200, "0123456789", None),
            ("lines=1-2", 200, "0123456789", None),
            ("bytes=1-2,4-5", 200, "0123456789", None),
        ] {
            let reply = server.ask(&format!("GET /file HTTP/1.1\r\nrange: {range}\r\n\r\n"));
            assert_eq!((reply.status, reply.text().as_str()), (status, text), "{range}");
            assert_eq!(reply.header("content-range"), content_range, "{range}");
            let length = text.len().to_string();
            assert_eq!(reply.header("content-length"), Some(length.as_str()), "{range}");
        }
        let reply = server.ask("GET /empty HTTP/1.1\r\nRange: bytes=0-\r\n\r\n");
        assert_eq!((reply.status, reply.text().as_str()), (200, ""), "nothing has no part");
        let reply = server.ask("HEAD /file HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n");
        assert_eq!((reply.status, reply.header("content-length")), (200, Some("10")));
        let twice = "GET /file HTTP/1.1\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n";
        assert_eq!(server.ask(twice).status, 200, "a contradiction is no range");
        assert_eq!(server.get("/file").header("accept-ranges"), Some("bytes"));
    });
}

#[test]
fn a_part_of_another_version_is_not_sent() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"0123456789");
        let modified = server.get("/file").header("last-modified").expect("a time").to_owned();
        for (version, status) in
            [(modified.as_str(), 206), ("Sun, 06 Nov 1994 08:49:37 GMT", 200), ("\"tag\"", 200)]
        {
            let fields = format!("Range: bytes=0-1\r\nIf-Range: {version}");
            let reply = server.ask(&format!("GET /file HTTP/1.1\r\n{fields}\r\n\r\n"));
            assert_eq!(reply.status, status, "{version}");
        }
    });
}

#[test]
fn a_file_that_has_not_changed_since_is_304_without_a_body() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"0123456789");
        server.set_modified("file", Duration::from_secs(784_111_777));
        let modified = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(server.get("/file").header("last-modified"), Some(modified));
        for (fields, status) in [
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304),
            ("if-modified-since:  Sunday, 06-Nov-94 08:49:37 GMT ", 304),
            ("If-Modified-Since: Sun Nov  6 08:49:37 1994", 304),
            ("If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT", 304),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nRange: bytes=0-1", 304),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200),
            ("If-Modified-Since: yesterday", 200),
            ("If-Modified-Since:", 200),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nIf-None-Match: \"x\"", 200),
        ] {
            for method in ["GET", "HEAD"] {
                let reply = server.ask(&format!("{method} /file HTTP/1.1\r\n{fields}\r\n\r\n"));
                assert_eq!(reply.status, status, "{method}, {fields}");
                assert_eq!(reply.header("last-modified"), Some(modified));
                if status == 304 {
                    assert_eq!(reply.text(), "", "304 has no body");
                }
            }
        }
    });
}

#[test]
fn a_time_that_http_cannot_say_is_left_out() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"0123456789");
        // Years of five digits. A file system that cannot keep them cuts them.
        for late in [300_000_000_000, 253_402_300_800] {
            server.set_modified("file", Duration::from_secs(late));
            assert_eq!(server.get("/file").text(), "0123456789");
        }
        server.set_modified_before_1970("file");
        let reply = server.get("/file");
        assert_eq!((reply.status, reply.header("last-modified")), (200, None));
    });
}

#[test]
fn what_is_not_there_is_404_also_below_a_file() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"x");
        let long_name = format!("/{}", "x".repeat(300));
        for path in [
            "/missing",
            "/missing/",
            "/file/",
            "/file/.",
            "/file/?x",
            "/file//",
            "/file/below",
            &long_name,
        ] {
            assert_eq!(server.get(path).status, 404, "{path}");
        }
    });
}

// ── directories ───────────────────────────────────────────────────────────

#[test]
fn a_directory_is_listed_at_its_path_with_a_slash() {
    within_limit(|| {
        let server = Server::start();
        server.put("a b/c#/file", b"below");
        let page = server.get("/a%20b/c%23/").text();
        assert!(page.contains("<a href=\"/a%20b/c%23/file\">file</a>"), "{page}");
        assert!(page.contains("<a href=\"/a%20b/c%23/../\">../</a>"), "{page}");
        for path in ["/a%20b/c%23/?query", "/a%20b//c%23//", "/a%20b/./c%23/."] {
            assert_eq!(server.get(path).text(), page, "{path}");
        }
        assert_eq!(server.get("/a%20b/c%23/file").text(), "below");
    });
}

#[test]
fn a_directory_without_a_slash_is_redirected_to_this_server() {
    within_limit(|| {
        let server = Server::start();
        server.put("a b/c#/file", b"below");
        server.put("evil.example/x/file", b"below");
        for (path, expected) in [
            ("/a%20b", "/a%20b/"),
            ("/a%20b//c%23", "/a%20b/c%23/"),
            ("/a%20b/c%23?q=%20&r=1", "/a%20b/c%23/?q=%20&r=1"),
            ("/evil.example//x", "/evil.example/x/"),
            ("/.//evil.example", "/evil.example/"),
        ] {
            let reply = server.get(path);
            assert_eq!(reply.status, 301, "{path}");
            assert_eq!(reply.header("location"), Some(expected), "{path}");
        }
        // To a browser, `//evil.example/` is another server.
        for path in ["//evil.example", "/%2fevil.example", "/\\evil.example"] {
            let reply = server.get(path);
            assert!(matches!(reply.status, 400 | 404), "{path} gave {}", reply.status);
        }
        let reply = server.ask("GET /a%20b?x\rSet-Cookie:y HTTP/1.1\r\n\r\n");
        assert_eq!(reply.status, 400, "no target has such characters");
    });
}

#[test]
fn an_index_page_stands_for_its_directory() {
    within_limit(|| {
        let server = Server::start();
        server.put("site/index.html", b"welcome");
        server.put("old/index.htm", b"welcome back");
        server.put("odd/index.html/file", b"x"); // a directory of that name
        for (path, text) in [("/site/", "welcome"), ("/old/", "welcome back")] {
            let reply = server.get(path);
            assert_eq!(reply.text(), text);
            assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
        }
        assert_eq!(server.get("/site").status, 301, "the links of the page need the slash");
        assert!(server.get("/odd/").text().contains("<a href=\"/odd/index.html/\">"));
        assert_eq!(server.get("/site/index.html/").status, 404, "it is no directory");
    });
}

#[test]
fn a_large_listing_delays_no_other_client() {
    within_limit(|| {
        let server = Server::start();
        for number in 0..4_000 {
            server.put(&format!("many/{number}"), b"");
        }
        server.put("file", b"small");
        let mut clients: Vec<Client> = (0..30).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.send("GET /many/ HTTP/1.1\r\n\r\n");
        }
        assert_eq!(server.get("/file").text(), "small");
        // The lines are in the order of the answers.
        let first = [(); 3].map(|()| server.next_line());
        assert!(first.contains(&"\"GET /file HTTP/1.1\" 200 OK".to_owned()), "{first:?}");
        for client in &mut clients {
            assert_eq!(client.reply().text().matches("<li>").count(), 4_001);
        }
    });
}

#[test]
fn a_listing_shows_what_has_changed_since_the_last_one() {
    within_limit(|| {
        let server = Server::start();
        for number in 0..20 {
            server.put(&format!("file{number}"), b"");
            assert!(server.get("/").text().contains(&format!(">file{number}</a>")));
        }
    });
}

#[test]
fn a_listing_leads_to_every_file_whatever_its_name() {
    within_limit(|| {
        let server = Server::start();
        for name in ODD_NAMES {
            server.put(name, name.as_bytes());
        }
        let page = server.get("/").text();
        let links: Vec<&str> = page.split("<a href=\"").skip(2).map(until_quote).collect();
        assert_eq!(links.len(), ODD_NAMES.len(), "a link for each file: {page}");
        let mut found: Vec<String> = links.iter().map(|link| server.get(link).text()).collect();
        found.sort();
        let mut names = ODD_NAMES.to_vec();
        names.sort();
        assert_eq!(found, names, "each link leads to its file: {page}");
    });
}

#[test]
fn a_listing_is_sorted_by_name() {
    within_limit(|| {
        let server = Server::start();
        for name in ["b", "z", "a", "c/file", "-"] {
            server.put(name, b"x");
        }
        let page = server.get("/").text();
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("<li>")).collect();
        let expected = ["../", "-", "a", "b", "c/", "z"]
            .map(|name| format!("<li><a href=\"/{name}\">{name}</a>"));
        assert_eq!(rows, expected);
    });
}

#[test]
fn a_name_cannot_put_markup_into_a_listing() {
    within_limit(|| {
        let server = Server::start();
        server.put(MARKUP.0, b"x");
        let page = server.get("/").text();
        assert!(page.contains(MARKUP.1), "escaped as text, encoded as a link: {page}");
    });
}

// ── what must not be seen ─────────────────────────────────────────────────

/// Each of these would lead to the file `secret`, which lies beside the root, if its
/// dots, slashes or codes were understood too late or too often. (One stays inside: but
/// `..` is refused wherever it leads.)
const WAYS_OUT: &[&str] = &[
    "/../secret",
    "/..",
    "/below/../../secret",
    "/below/../file",
    "/%2e%2e/secret",
    "/%2E%2E%2Fsecret",
    "/..%2fsecret",
    "/%252e%252e/secret",
    "/below/..%2f..%2fsecret",
    "/..\\secret",
    "/%2e%2e%5csecret",
    "//../secret",
    "/./../secret",
    "/.../secret",
    "/../secret%00.html",
    "/file%00",
    "/file%0",
    "/file%+1",
    "/%",
    "../secret",
    "secret",
    "file:///etc/passwd",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/C:/Windows/win.ini",
];

#[test]
fn no_path_leads_out_of_the_directory() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"x");
        server.put("below/file", b"x");
        let absolute = format!("/{}", server.secret().display());
        for path in WAYS_OUT.iter().copied().chain([absolute.as_str()]) {
            let reply = server.get(path);
            assert!(matches!(reply.status, 400 | 404), "{path} gave {}", reply.status);
            assert!(!reply.text().contains("TOP SECRET"), "{path} shows what lies outside");
        }
    });
}

#[test]
fn what_is_no_code_is_400() {
    within_limit(|| {
        let server = Server::start();
        for path in ["/%", "/%4", "/%zz", "/%+1", "/%\u{fc}", "/%ff"] {
            assert_eq!(server.get(path).status, 400, "{path}");
        }
    });
}

#[test]
fn a_path_may_go_round_inside_of_its_names() {
    within_limit(|| {
        let server = Server::start();
        server.put("..a/..b", b"dots are no parents");
        for path in ["/..a/..b", "/..a//..b", "/..a/./..b", "/./..a/..b", "/%2e%2ea/..b?x=../y"] {
            assert_eq!(server.get(path).text(), "dots are no parents", "{path}");
        }
        for path in ["/.", "/./", "/././", "/..a/.."] {
            let is_up = path.ends_with("..");
            assert_eq!(server.get(path).status, if is_up { 400 } else { 200 }, "{path}");
        }
    });
}

// ── connections ───────────────────────────────────────────────────────────

#[test]
fn a_request_may_come_one_byte_at_a_time() {
    within_limit(|| {
        let server = Server::start();
        server.put("a", b"patience");
        let mut client = server.connect();
        for byte in "GET /a HTTP/1.1\r\nHost: x\r\n\r\n".chars() {
            client.send(&byte.to_string());
        }
        assert_eq!(client.reply().text(), "patience");
    });
}

#[test]
fn a_request_that_is_typed_is_answered() {
    within_limit(|| {
        let server = Server::start();
        server.put("a", b"0123456789");
        for request in [
            "GET /a HTTP/1.0\n\n",
            "GET /a HTTP/1.1\nHost: x\n\n",
            "GET /a HTTP/1.1\r\nHost: x\n\r\n",
            "\nGET /a HTTP/1.1\n\n",
            "\r\nGET /a HTTP/1.1\r\n\r\n",
        ] {
            let mut client = server.connect();
            client.send(request); // and it waits for the answer
            assert_eq!(client.reply().text(), "0123456789", "{request:?}");
        }
        let mut client = server.connect();
        client.send("GET /a HTTP/1.1\nRange: bytes=0-2\nX: y\n\n");
        assert_eq!(client.reply().text(), "012", "a header counts whatever ends its line");
        let mut client = server.connect();
        client.send("HELP\n");
        assert_eq!(client.reply().status, 400, "what is no request is told at once");
    });
}

#[test]
fn half_a_header_does_not_count() {
    within_limit(|| {
        let server = Server::start();
        server.put("a", b"0123456789");
        // The limit of a request, 16 KiB, cuts `bytes=0-5` behind `bytes=0-`.
        let start = "GET /a HTTP/1.1\r\n";
        let filler = 16 * 1024 - start.len() - "X: \r\n".len() - "Range: bytes=0-".len();
        let request = format!("{start}X: {}\r\nRange: bytes=0-5\r\n\r\n", "x".repeat(filler));
        assert_eq!(server.ask(&request).status, 200);
    });
}

#[test]
fn a_thousand_headers_are_read_as_far_as_the_limit() {
    within_limit(|| {
        let server = Server::start();
        server.put("a", b"0123456789");
        let request = format!("GET /a HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
        assert_eq!(server.ask(&request).text(), "0123456789");
    });
}

#[test]
fn each_connection_has_one_answer_and_then_the_end() {
    within_limit(|| {
        let server = Server::start();
        for request in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            let mut client = server.connect();
            client.send(request);
            assert_eq!(client.reply().header("connection"), Some("close"), "{request}");
            assert!(client.is_at_end(), "one answer, then the end: {request}");
        }
    });
}

#[test]
fn what_is_no_request_is_400() {
    within_limit(|| {
        let server = Server::start();
        for request in [
            "\r\n\r\n",
            "GET\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/1.1 x\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/3\r\n\r\n",
            "GET / SMTP\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\n\r\n",
            "POST /\r\n\r\n",
        ] {
            assert_eq!(server.ask(request).status, 400, "{request:?}");
        }
    });
}

#[test]
fn other_methods_are_405_and_the_answer_names_the_allowed_ones() {
    within_limit(|| {
        let server = Server::start();
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
            let reply = server.ask(&format!("{method} / HTTP/1.1\r\n\r\n"));
            assert_eq!(reply.status, 405, "{method}");
            assert_eq!(reply.header("allow"), Some("GET, HEAD"));
        }
    });
}

#[test]
fn a_request_without_end_is_answered_all_the_same() {
    within_limit(|| {
        let server = Server::start();
        // No end of the line: only the limit can end it. And the answer arrives although
        // not all has been read.
        assert_eq!(server.ask(&("GET /".to_owned() + &"x".repeat(200_000))).status, 414);
        let header = format!("X: {}\r\n", "x".repeat(100));
        let endless_headers = "GET / HTTP/1.1\r\n".to_owned() + &header.repeat(2000);
        assert_eq!(server.ask(&endless_headers).status, 200);
    });
}

#[test]
fn who_says_nothing_or_half_a_request_is_let_go() {
    within_limit(|| {
        let server = Server::start_on_virtual_time();
        let [mut silent, mut half] = [(); 2].map(|()| server.connect());
        half.send("GET / HTTP/1.1\r\nHost:");
        for client in [&mut silent, &mut half] {
            assert!(client.is_let_go(), "it did not ask: there is nothing to answer");
        }
    });
}

#[test]
fn two_hundred_clients_are_served_at_once() {
    within_limit(|| {
        let server = Server::start();
        let bytes = some_bytes(100_000);
        server.put("file", &bytes);
        let mut clients: Vec<Client> = (0..200).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.send("GET /file HTTP/1.1\r\n\r\n");
        }
        // From the last to the first: none must wait until another one has finished.
        for client in clients.iter_mut().rev() {
            assert!(client.reply().body == bytes);
        }
    });
}

#[test]
fn who_finds_no_place_waits_until_somebody_leaves() {
    within_limit(|| {
        const PLACES: usize = 16;
        let mut command = program("file_server");
        command.args(["--clients", &PLACES.to_string()]);
        let server = Server::start_by(command);
        let mut clients: Vec<Client> = (0..PLACES).map(|_| server.connect()).collect();
        let mut late = server.connect();
        late.send("GET /late HTTP/1.1\r\n\r\n");
        // All are answered, but a client that does not hang up keeps its place for a while.
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\n\r\n");
            assert_eq!(client.reply().status, 200);
            assert_eq!(
                server.next_line(),
                "\"GET / HTTP/1.1\" 200 OK",
                "a client without a place waits"
            );
        }
        drop(clients.pop());
        assert_eq!(late.reply().status, 404);
    });
}

#[test]
fn slow_and_hostile_clients_hold_up_no_honest_one() {
    within_limit(|| {
        let server = Server::start();
        server.put_large("large");
        server.put("file", b"still here");
        let silent: Vec<Client> = (0..100).map(|_| server.connect()).collect();
        let asking = |request: &str| {
            let mut client = server.connect();
            client.send(request);
            client
        };
        let half: Vec<Client> = (0..100).map(|_| asking("GET /file HTTP/1.1\r\nX")).collect();
        let requests = ["GET /large HTTP/1.1\n\n", "GET / HTTP/1.1\n\n", "\u{0}\n\n"];
        let stalled: Vec<Client> = (0..100).map(|n| asking(requests[n % 3])).collect();
        assert_eq!(server.get("/file").text(), "still here");
        drop((silent, half, stalled));
    });
}

/// Breaks when the target is read again for each header: these requests then take minutes.
#[test]
fn the_work_for_a_request_grows_with_its_bytes_and_not_with_their_square() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"still here");
        let request = format!("GET /{} HTTP/1.1\n{}\n", "a/".repeat(4000), "a\n".repeat(4000));
        let mut clients: Vec<Client> = (0..50).map(|_| server.connect()).collect();
        clients.iter_mut().for_each(|client| client.send(&request));
        assert_eq!(server.get("/file").text(), "still here");
        for client in &mut clients {
            assert_eq!(client.reply().status, 404);
        }
    });
}

#[test]
fn a_client_that_breaks_off_does_not_matter_to_the_others() {
    within_limit(|| {
        let server = Server::start();
        server.put_large("large");
        server.put("file", b"still here");
        let mut patient = server.connect();
        patient.send("GET /file HT");
        for _ in 0..10 {
            let mut client = server.connect();
            client.send("GET /large HTTP/1.1\r\n\r\n");
            client.head();
            drop(client); // with unread bytes: the system resets the connection
        }
        patient.send("TP/1.1\r\n\r\n");
        assert_eq!(patient.reply().text(), "still here");
    });
}

#[test]
fn every_request_leaves_a_line() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"12345");
        server.get("/file");
        server.get("/missing?x");
        server.ask("\u{1b}[31m\r\n\r\n");
        let lines = [(); 3].map(|()| server.next_line());
        assert_eq!(lines[0], "\"GET /file HTTP/1.1\" 200 OK");
        assert_eq!(lines[1], "\"GET /missing?x HTTP/1.1\" 404 Not Found");
        assert_eq!(lines[2], "\"\\u{1b}[31m\" 400 Bad Request", "nothing reaches the terminal");
    });
}

#[test]
fn a_log_that_nobody_reads_does_not_matter() {
    within_limit(|| {
        let server = Server::start();
        server.put("file", b"still here");
        server.output.replace(Box::new(std::io::empty())); // closes the pipe
        assert_eq!([(); 2].map(|()| server.get("/file").text()), ["still here"; 2]);
    });
}

// ── the command line ──────────────────────────────────────────────────────

#[test]
fn help_explains_every_option() {
    for help in ["-h", "--help"] {
        let output = run(&["--port", "0", help]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for word in ["Usage: ", "--port", "--clients", "--help", "DIRECTORY", "Ctrl-C"] {
            assert!(text.contains(word), "{word} is missing: {text}");
        }
    }
}

#[test]
fn help_that_nobody_reads_is_no_error() {
    let mut command = program("file_server");
    command.arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = within_limit(move || {
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take()); // closes the pipe
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn wrong_usage_is_reported_in_one_line() {
    for (words, expected) in [
        (&["--bogus"][..], "file_server: no option --bogus; see --help\n"),
        (&["-x\u{1b}[31m\n"], "file_server: no option -x\\u{1b}[31m\\n; see --help\n"),
        (&["--port"], "file_server: --port needs a number up to 65535; see --help\n"),
        (&["--port", "65536"], "file_server: --port needs a number up to 65535; see --help\n"),
        (
            &["--clients", "0"],
            "file_server: --clients needs a number from 1 to 65535; see --help\n",
        ),
        (&["a", "b"], "file_server: more than one DIRECTORY; see --help\n"),
    ] {
        assert_eq!(complaint(2, words), expected, "{words:?}");
    }
}

#[test]
fn a_path_that_is_no_directory_is_reported_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    for name in ["missing", "file"] {
        let path = folder.path().join(name).display().to_string();
        let complaint = complaint(1, &["--port", "0", &path]);
        assert!(complaint.starts_with("file_server: cannot "), "{complaint}");
        assert!(complaint.contains(name), "{complaint}");
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let complaint = complaint(1, &["--port", &address.port().to_string()]);
    assert!(complaint.contains(&format!("cannot listen at {address}: ")), "{complaint}");
}

// ── curl ──────────────────────────────────────────────────────────────────

#[test]
fn curl_is_content() {
    if Command::new("curl").arg("--version").output().is_err() {
        return say_left_out("no curl");
    }
    within_limit(|| {
        let server = Server::start();
        server.put("a b/file", &some_bytes(1_000_000));
        let url = server.url("/a%20b/file");
        let output = server.curl(&["--fail", &url]);
        assert!(output.stdout == some_bytes(1_000_000), "other bytes, or none");

        let head = server.curl(&["--head", "--fail", &url]).stdout;
        assert!(String::from_utf8_lossy(&head).contains("Content-Length: 1000000"));

        let listing = server.curl(&["--location", &server.url("/a%20b")]);
        assert!(listing.stdout.starts_with(b"<!DOCTYPE html>"), "{listing:?}");

        let out = server.curl(&["--path-as-is", &server.url("/a%20b/../../secret")]);
        assert_eq!(out.stdout, b"400 Bad Request\n");

        // The answer arrives although the server does not read what is uploaded.
        let upload = server.curl(&["--data", &"x".repeat(100_000), &server.url("/")]);
        assert_eq!(upload.stdout, b"405 Method Not Allowed\n", "{upload:?}");
    });
}

// ── the server and its clients ────────────────────────────────────────────

/// A running file server, with a folder of its own. Dropping it kills it.
struct Server {
    folder: TempDir,
    child: Child,
    output: RefCell<Box<dyn BufRead>>,
    address: SocketAddr,
}

impl Server {
    fn start() -> Server {
        Server::start_by(program("file_server"))
    }

    /// Time jumps to the next deadline as soon as no task is ready.
    fn start_on_virtual_time() -> Server {
        let mut command = program("file_server");
        command.env("GLASSLOOP_VIRTUAL_TIME", "1");
        Server::start_by(command)
    }

    /// Starts it through `command`, which gets the server's options and directory.
    fn start_by(mut command: Command) -> Server {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        fs::write(folder.path().join("secret"), "TOP SECRET").unwrap();
        command.args(["--port", "0"]).arg(folder.path().join("root"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_suffix('/').and_then(|line| line.split_once("http://"));
        let address =
            address.unwrap_or_else(|| panic!("no address in {line:?}")).1.parse().unwrap();
        Server { folder, child, output: RefCell::new(Box::new(output)), address }
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join("root").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn set_modified(&self, name: &str, since_1970: Duration) {
        self.file(name).set_modified(UNIX_EPOCH + since_1970).unwrap();
    }

    fn set_modified_before_1970(&self, name: &str) {
        self.file(name).set_modified(UNIX_EPOCH - Duration::from_secs(86_400)).unwrap();
    }

    fn file(&self, name: &str) -> fs::File {
        fs::File::options().write(true).open(self.folder.path().join("root").join(name)).unwrap()
    }

    /// A file that no buffer of the system can hold; it takes no space on the disk.
    fn put_large(&self, name: &str) {
        let file = fs::File::create(self.folder.path().join("root").join(name)).unwrap();
        file.set_len(LARGE).unwrap();
    }

    fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn connect(&self) -> Client {
        Client { stream: BufReader::new(TcpStream::connect(self.address).unwrap()) }
    }

    fn get(&self, path: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    /// Sends a request on a connection of its own, and reads up to the end.
    fn ask(&self, request: &str) -> Reply {
        let mut client = self.connect();
        client.send(request);
        let mut reply = client.head();
        client.stream.read_to_end(&mut reply.body).unwrap();
        reply
    }

    fn curl(&self, arguments: &[&str]) -> Output {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*"]).args(arguments).output().unwrap()
    }

    /// The next line of the access log.
    fn next_line(&self) -> String {
        let mut line = String::new();
        self.output.borrow_mut().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LARGE: u64 = 32 * 1024 * 1024;

/// A client that writes its own requests.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn send(&mut self, request: &str) {
        // The server may hang up before it has read everything: the reply says why.
        let _ = self.stream.get_mut().write_all(request.as_bytes());
    }

    /// Reads an answer up to its body.
    fn head(&mut self) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                self.stream.read_line(&mut head).unwrap() > 0,
                "an answer ends early: {head:?}"
            );
        }
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer begins like {head:?}"));
        Reply { status, head, body: Vec::new() }
    }

    /// Reads an answer with as much body as it says that it has.
    fn reply(&mut self) -> Reply {
        let mut reply = self.head();
        let length = reply.header("content-length").expect("a length").parse().unwrap();
        reply.body.resize(length, 0);
        self.stream.read_exact(&mut reply.body).unwrap();
        reply
    }

    fn is_at_end(&mut self) -> bool {
        self.stream.fill_buf().unwrap().is_empty()
    }

    /// Whether the connection has ended without an answer, by a close or by a reset.
    fn is_let_go(&mut self) -> bool {
        self.stream.fill_buf().map_or(true, <[u8]>::is_empty)
    }
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Bytes whose order shows: no piece is like another one.
fn some_bytes(length: usize) -> Vec<u8> {
    (0..length as u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

fn until_quote(text: &str) -> &str {
    text.split('"').next().unwrap_or_default()
}

/// Runs the server with options with which it ends by itself.
fn run(options: &[&str]) -> Output {
    let mut command = program("file_server");
    command.args(options);
    within_limit(move || command.output().expect("the example can be started"))
}

/// What the server says, in one line, when it cannot serve, and ends with a code.
fn complaint(code: i32, options: &[&str]) -> String {
    let output = run(options);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(complaint.lines().count(), 1, "one line: {complaint}");
    complaint
}

// ── what differs between systems ──────────────────────────────────────────

#[cfg(unix)]
const ODD_NAMES: &[&str] = &[
    "a b",
    "<&>",
    "#?%",
    "%41",
    "a\"b'c",
    "ünï 漢字",
    "-rf",
    "a:b",
    "C:\\x",
    "&amp;",
    "~+,;=@!$()*[]|",
    "tab\there",
    "line\nbreak",
];
#[cfg(not(unix))]
const ODD_NAMES: &[&str] = &["a b", "#%", "%41", "b'c", "ünï 漢字", "-rf", "&amp;", "~+,;=@!$()[]"];

/// A name, and how its row begins.
#[cfg(unix)]
const MARKUP: (&str, &str) = ("<b>&\"'", "<li><a href=\"/%3Cb%3E%26%22%27\">&lt;b>&amp;\"'</a>");
#[cfg(not(unix))]
const MARKUP: (&str, &str) = ("a&b", "<li><a href=\"/a%26b\">a&amp;b</a>");

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    impl Server {
        fn root(&self) -> PathBuf {
            self.folder.path().join("root")
        }

        fn signal(&self, name: &str) {
            // A command of every shell; not every system has it as a program.
            let kill = format!("kill -{name} {}", self.child.id());
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        }
    }

    #[test]
    fn a_link_is_followed_inside_but_never_to_the_outside() {
        within_limit(|| {
            let server = Server::start();
            server.put("file", b"inside");
            let links = [
                ("in", "file"),
                ("out", "../secret"),
                ("up", ".."),
                ("away", "/"),
                ("loop", "loop"),
            ];
            for (link, target) in links {
                symlink(target, server.root().join(link)).unwrap();
            }
            assert_eq!(server.get("/in").text(), "inside");
            for path in [
                "/out",
                "/up",
                "/up/",
                "/out/",
                "/up/secret",
                "/up/root/file/../../secret",
                "/away/etc/passwd",
                "/away/",
            ] {
                let reply = server.get(path);
                assert!(matches!(reply.status, 400 | 404), "{path} gave {}", reply.status);
                assert!(!reply.text().contains("TOP SECRET"), "{path} leads out");
            }
        });
    }

    #[test]
    fn a_file_that_may_not_be_read_is_403_and_a_pipe_holds_up_no_client() {
        within_limit(|| {
            let server = Server::start();
            let pipe = server.root().join("pipe");
            assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            assert_eq!(server.get("/pipe").status, 404);
            server.put("file", b"x");
            let file = server.root().join("file");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
            match fs::read(&file) {
                Ok(_) => say_left_out("403: this user may read everything"),
                Err(_) => assert_eq!(server.get("/file").status, 403),
            }
        });
    }

    /// Replaces `name` again and again, by links and by itself, while it is asked for.
    fn swapped_meanwhile(server: &Server, swap: impl Fn(&std::path::Path) + Sync) -> Vec<Reply> {
        let stop = AtomicBool::new(false);
        let (spare, name) = (server.root().join("spare"), server.root().join("name"));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    swap(&spare);
                    fs::rename(&spare, &name).unwrap();
                    fs::write(&spare, "inside").unwrap();
                    fs::rename(&spare, &name).unwrap();
                }
            });
            let replies = (0..1500).map(|_| server.get("/name")).collect();
            stop.store(true, Ordering::Relaxed);
            replies
        })
    }

    #[test]
    fn a_link_that_is_swapped_in_while_the_file_is_asked_for_shows_nothing_outside() {
        within_limit(|| {
            let server = Server::start();
            server.put("name", b"inside");
            let replies = swapped_meanwhile(&server, |spare| symlink("../secret", spare).unwrap());
            for reply in replies {
                assert!(!reply.text().contains("TOP SECRET"), "what lies outside was sent");
                assert!(matches!(reply.status, 200 | 404), "{}", reply.head);
            }
        });
    }

    #[test]
    fn a_directory_that_is_swapped_for_a_link_shows_nothing_outside() {
        within_limit(|| {
            let server = Server::start();
            server.put("way/secret", b"inside");
            let (way, aside) = (server.root().join("way"), server.root().join("aside"));
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        fs::rename(&way, &aside).unwrap();
                        symlink("..", &way).unwrap();
                        fs::remove_file(&way).unwrap();
                        fs::rename(&aside, &way).unwrap();
                    }
                });
                let replies: Vec<Reply> = (0..1500).map(|_| server.get("/way/secret")).collect();
                stop.store(true, Ordering::Relaxed);
                for reply in replies {
                    assert!(!reply.text().contains("TOP SECRET"), "what lies outside was sent");
                }
            });
        });
    }

    #[test]
    fn a_pipe_that_is_swapped_in_while_the_file_is_asked_for_takes_no_thread() {
        within_limit(|| {
            let mut server = Server::start();
            server.put("name", b"inside");
            let replies = swapped_meanwhile(&server, |spare| {
                assert!(Command::new("mkfifo").arg(spare).status().unwrap().success());
            });
            for reply in replies {
                assert!(matches!(reply.status, 200 | 404), "{}", reply.head);
            }
            // A thread that waits for the other end of the pipe would hold up the end.
            server.signal("TERM");
            assert_eq!(server.child.wait().unwrap().code(), Some(0));
        });
    }

    #[test]
    fn a_file_that_is_replaced_by_a_link_inside_is_always_found() {
        within_limit(|| {
            let server = Server::start();
            server.put("name", b"inside");
            server.put("other", b"inside");
            for reply in swapped_meanwhile(&server, |spare| symlink("other", spare).unwrap()) {
                assert_eq!(reply.text(), "inside");
            }
        });
    }

    #[test]
    fn who_still_talks_while_the_server_stops_gets_its_whole_answer() {
        within_limit(|| {
            let mut server = Server::start();
            server.put_large("large");
            let mut client = server.connect();
            client.send("GET /large HTTP/1.1\r\n\r\n");
            client.head();
            server.signal("TERM");
            let (mut count, mut bytes) = (0, vec![0; 256 * 1024]);
            while count < LARGE {
                // The server has sent its last bytes before the client has read them.
                std::thread::sleep(Duration::from_millis(2));
                client.send("more");
                let read = client.stream.read(&mut bytes).expect("the connection is not reset");
                assert!(read > 0, "{} of {LARGE} bytes are lost", LARGE - count);
                count += read as u64;
            }
            drop(client);
            assert_eq!(server.child.wait().unwrap().code(), Some(0));
        });
    }

    #[test]
    fn a_log_that_is_full_or_closed_does_not_matter() {
        within_limit(|| {
            let mut server = Server::start();
            server.put("file", b"still here");
            for _ in 0..50 {
                // More than a pipe holds, and nobody reads.
                server.get(&format!("/file?{}", "x".repeat(8000)));
            }
            assert_eq!(server.get("/file").text(), "still here");
            server.signal("TERM");
            assert_eq!(server.child.wait().unwrap().code(), Some(0));
        });
        for stream in [">/dev/full", ">&-", "2>&-", ">/dev/full 2>&1", ">&- 2>&-"] {
            within_limit(move || serves_with(stream));
        }
    }

    /// Serves and stops, with an output that the shell describes.
    fn serves_with(stream: &str) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec \"$0\" \"$@\" {stream}")]);
        shell.arg(program("file_server").get_program()).arg("--port").arg(free.port().to_string());
        shell.arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = shell.spawn().unwrap();
        let output = RefCell::new(Box::new(std::io::empty()) as _);
        let mut server = Server { folder, child, output, address: free };
        while TcpStream::connect(free).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(server.get("/missing").status, 404, "{stream}");
        server.signal("TERM");
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{stream}");
    }

    #[test]
    fn control_characters_in_a_name_reach_no_terminal() {
        within_limit(|| {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("a\u{1b}[31m\n\u{202e}b");
            let complaint = complaint(1, &["--port", "0", root.to_str().unwrap()]);
            assert!(complaint.contains("a\\u{1b}[31m\\n\\u{202e}b"), "{complaint}");
            fs::create_dir(&root).unwrap();
            fs::write(root.join("\u{1b}[2J"), "x").unwrap();
            let mut command = program("file_server");
            command.args(["--port", "0"]).arg(&root).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(line.contains("/a\\u{1b}[31m\\n\\u{202e}b at http://"), "{line:?}");
            let server = Server::start();
            server.put("\u{1b}[2J", b"x");
            let page = server.get("/").text(); // curl shows it on a terminal
            assert!(page.contains("<a href=\"/%1B%5B2J\">\\u{1b}[2J</a>"), "{page}");
        });
    }

    #[test]
    fn an_argument_that_is_no_unicode_is_a_directory_or_a_misuse() {
        use std::os::unix::ffi::OsStrExt;
        let odd = |bytes| std::ffi::OsStr::from_bytes(bytes);
        for (words, code) in [
            (vec![odd(b"--\xff")], 2),
            (vec![odd(b"--port"), odd(b"\xff")], 2),
            (vec![odd(b"\xff")], 1),
        ] {
            let mut command = program("file_server");
            command.args(&words);
            let output = within_limit(move || command.output().unwrap());
            assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.starts_with("file_server: ") && said.lines().count() == 1, "{said}");
        }
    }

    #[test]
    fn more_clients_are_let_in_than_the_system_allows_descriptors_at_first() {
        within_limit(|| {
            let mut shell = Command::new("sh");
            shell.args(["-c", "ulimit -S -n 32 && exec \"$0\" \"$@\""]);
            let server = {
                shell.arg(program("file_server").get_program());
                Server::start_by(shell)
            };
            server.put("file", b"served");
            let _others: Vec<Client> = (0..64).map(|_| server.connect()).collect();
            assert_eq!(server.get("/file").text(), "served");
        });
    }

    #[test]
    fn a_server_that_is_asked_to_stop_finishes_what_runs_and_counts() {
        within_limit(|| {
            let mut server = Server::start();
            server.put_large("large");
            let [mut done, mut silent, mut half, mut running] = [(); 4].map(|()| server.connect());
            done.send("GET / HTTP/1.1\r\n\r\n");
            done.reply(); // and it does not hang up
            half.send("GET / HT");
            running.send("GET /large HTTP/1.1\r\n\r\n");
            let mut reply = running.head();
            let lines = [(); 2].map(|()| server.next_line());
            assert_eq!(lines[1], "\"GET /large HTTP/1.1\" 200 OK");
            server.signal("TERM");
            assert!(server.next_line().starts_with("Stopping"));
            assert!(TcpStream::connect(server.address).is_err(), "it must not accept any more");
            running.stream.read_to_end(&mut reply.body).unwrap();
            assert_eq!(reply.body.len() as u64, LARGE, "a running answer must be finished");
            assert_eq!(server.next_line(), "Served 2 requests.");
            assert!(silent.is_at_end(), "the server does not wait for a client without a request");
            assert!(half.is_at_end(), "the server does not wait for a client without a request");
            assert_eq!(server.child.wait().unwrap().code(), Some(0));
        });
    }

    #[test]
    fn ctrl_c_ends_an_idle_server_and_the_second_one_ends_any() {
        within_limit(|| {
            let mut server = Server::start();
            server.signal("INT");
            assert!(server.next_line().starts_with("Stopping"));
            assert_eq!(server.next_line(), "Served 0 requests.");
            assert_eq!(server.child.wait().unwrap().code(), Some(0));

            let mut server = Server::start();
            server.put_large("large");
            let mut client = server.connect();
            client.send("GET /large HTTP/1.1\r\n\r\n");
            client.head();
            assert_eq!(server.next_line(), "\"GET /large HTTP/1.1\" 200 OK");
            server.signal("INT");
            assert!(server.next_line().starts_with("Stopping"));
            server.signal("INT");
            assert_eq!(server.next_line(), "Served 0 requests.", "one was not finished");
            assert_eq!(server.child.wait().unwrap().code(), Some(0));
        });
    }

    #[test]
    fn the_second_ctrl_c_ends_it_at_once_whatever_a_thread_of_the_pool_does() {
        let folder = tempfile::tempdir().unwrap();
        let calls = folder.path().join("calls");
        let strace = {
            let calls = calls.clone();
            move || {
                let mut strace = Command::new("strace");
                strace.args(["-D", "-f", "-qq", "-e", "trace=getdents64", "-o"]).arg(&calls);
                strace.args(["-e", "inject=getdents64:delay_enter=600000000"]);
                strace
            }
        };
        if !strace().arg("true").status().is_ok_and(|status| status.success()) {
            return say_left_out("a disk that does not answer: no strace");
        }
        within_limit(move || {
            let mut command = strace();
            command.arg(program("file_server").get_program());
            let server = Server::start_by(command);
            let process = |field| proc_field(server.child.id(), field);
            let strace = process("TracerPid:").expect("it is traced");
            let mut client = server.connect();
            client.send("GET / HTTP/1.1\r\n\r\n");
            // The list of `/` is stuck; whoever asks for something else is answered.
            while !fs::read_to_string(&calls).is_ok_and(|calls| calls.contains("getdents64")) {
                std::thread::yield_now();
            }
            assert_eq!(server.get("/missing").status, 404);
            server.next_line();
            server.signal("INT");
            assert!(server.next_line().starts_with("Stopping"));
            server.signal("INT");
            assert_eq!(server.next_line(), "Served 1 requests.");
            drop(folder);
            // It has ended, but for the thread that `strace` holds.
            while process("State:").is_some_and(|state| state != "Z") {
                std::thread::yield_now();
            }
            assert!(
                Command::new("sh").args(["-c", &format!("kill -KILL {strace}")]).status().is_ok()
            );
        });
    }

    /// The first word behind `field` in what Linux tells of a process.
    fn proc_field(process: u32, field: &str) -> Option<String> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let value = status.lines().find_map(|line| line.strip_prefix(field))?;
        value.split_whitespace().next().map(str::to_owned)
    }

    #[test]
    fn who_stops_reading_is_let_go_and_holds_up_no_end() {
        within_limit(|| {
            let mut server = Server::start_on_virtual_time();
            server.put_large("large");
            // While the client prepares its request, time may jump, and the request comes too late.
            let _stalled = loop {
                let mut client = server.connect();
                client.send("GET /large HTTP/1.1\r\n\r\n");
                if !client.is_let_go() {
                    break client;
                }
            };
            assert_eq!(server.next_line(), "\"GET /large HTTP/1.1\" 200 OK");
            server.signal("TERM");
            assert!(server.next_line().starts_with("Stopping"));
            assert_eq!(server.next_line(), "Served 0 requests.", "it has not been taken");
            assert_eq!(server.child.wait().unwrap().code(), Some(0));
        });
    }

    #[test]
    fn too_many_open_files_are_reported_and_the_server_recovers() {
        within_limit(|| {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "ulimit -n 32 && exec \"$0\" \"$@\""])
                .arg(program("file_server").get_program());
            let mut server = Server::start_by(shell);
            server.put("file", b"still here");
            let mut errors = BufReader::new(server.child.stderr.take().unwrap());
            let clients: Vec<Client> = (0..64).map(|_| server.connect()).collect();
            let mut line = String::new();
            errors.read_line(&mut line).unwrap();
            assert!(
                line.starts_with("file_server: cannot accept a client, trying again: "),
                "{line}"
            );
            drop(clients);
            // The first requests may find no descriptor left for the file.
            let mut replies = std::iter::repeat_with(|| server.get("/file"));
            let reply = replies.find(|reply| reply.status != 500).expect("it goes on");
            assert_eq!(reply.text(), "still here");
        });
    }
}

/// Elsewhere, names must be Unicode, and the memory of a process stands in no file.
#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    impl Server {
        /// The memory that the server has now, in bytes.
        fn memory(&self) -> usize {
            let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
        }

        /// What so many clients cost that ask, see the beginning of the answer, and read no more.
        fn memory_of(&self, clients: usize, request: &str) -> usize {
            let before = self.memory();
            let stalled: Vec<Client> = (0..clients)
                .map(|_| {
                    let mut client = self.connect();
                    client.send(request);
                    assert_eq!(client.head().status, 200);
                    client
                })
                .collect();
            let after = self.memory();
            drop(stalled);
            after.saturating_sub(before)
        }
    }

    #[test]
    fn a_download_takes_a_piece_of_memory_whatever_the_length_of_the_file() {
        within_limit(|| {
            let server = Server::start();
            server.put_large("large");
            server.memory_of(100, "GET /large HTTP/1.1\r\n\r\n"); // starts the threads
            let memory = server.memory_of(100, "GET /large HTTP/1.1\r\n\r\n");
            assert!(memory < 100 * 100 * 1024, "{memory} bytes for 100 clients");
        });
    }

    #[test]
    fn a_listing_that_many_ask_for_is_in_memory_once() {
        within_limit(|| {
            let server = Server::start();
            // Each link has the whole path, so this page is large without many files.
            let above = ["é".repeat(120).as_str(); 4].join("/");
            for number in 0..2_000 {
                server.put(&format!("{above}/{number}"), b"");
            }
            let directory = server.folder.path().join("root").join(&above);
            let directory = fs::File::open(directory).unwrap();
            directory.set_modified(UNIX_EPOCH).unwrap(); // not just now
            let request = format!("GET /{}/ HTTP/1.1\r\n\r\n", above.replace('é', "%C3%A9"));
            server.memory_of(2, &request);
            let memory = server.memory_of(30, &request);
            // The page has six megabytes, more than the system takes for a client.
            assert!(memory < 60_000_000, "{memory} bytes for 30 clients");
        });
    }

    #[test]
    fn a_name_that_is_no_unicode_is_listed_as_far_as_it_can_be_read() {
        within_limit(|| {
            let server = Server::start();
            let name = OsStr::from_bytes(b"a\xff\xfe");
            fs::write(server.folder.path().join("root").join(name), "x").unwrap();
            server.put("b", b"served");
            let page = server.get("/").text();
            assert!(page.contains(">a\u{FFFD}\u{FFFD}</a>"), "{page}");
            assert_eq!(server.get("/b").text(), "served");
        });
    }
}
