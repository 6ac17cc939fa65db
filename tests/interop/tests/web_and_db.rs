//! Twin 25 and clients that send what they should not: both sides refuse the same.

#[path = "../../support/programs.rs"]
mod programs;
#[path = "../../support/mod.rs"]
mod support;
#[path = "../examples/25_web_and_db.rs"]
#[allow(dead_code, reason = "only the server is tested here")]
mod web_and_db;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::net::TcpListener;
use programs::{in_examples, python, say_left_out};
use support::{on_virtual_loop, within_limit};

/// Serves the Python twin, which waits for less time than it would.
const PYTHON_SERVER: &str = "
import asyncio, importlib.util, sys
spec = importlib.util.spec_from_file_location('twin', sys.argv[1])
twin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(twin)
twin.PATIENCE = 0.5
async def main():
    async with twin.Database() as db, twin.server(db) as port:
        print(port, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
";

/// What is sent, and the status of the answer.
fn requests() -> Vec<(String, &'static str)> {
    let with = |headers: &str| format!("GET /user/1 HTTP/1.1\r\n{headers}\r\n\r\n");
    let bad = "400 Bad Request";
    let large = "413 Content Too Large";
    let many = "431 Request Header Fields Too Large";
    let cases = [
        ("Host: localhost", "200 OK"),
        ("content-LENGTH: 0", "200 OK"),
        ("Content-Length: 0\r\nContent-Length: 0", "200 OK"),
        ("Content-Length: 100000000000", large),
        ("Content-Length: 65537", large),
        ("Content-Length: 99999999999999999999999999999999", large),
        ("Content-Length: -1", bad),
        ("Content-Length: +1", bad),
        ("Content-Length: ten", bad),
        ("Content-Length:", bad),
        ("Content-Length: 0x10", bad),
        ("Content-Length: 1_0", bad),
        ("Content-Length: 0, 0", bad),
        ("Content-Length: 0\r\nContent-Length: 1", bad),
        ("Content-Length : 0", bad),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked", bad),
        ("Transfer-Encoding: chunked", bad),
        ("no header", bad),
    ];
    let mut requests: Vec<_> =
        cases.into_iter().map(|(headers, status)| (with(headers), status)).collect();
    let digits = "9".repeat(10_000);
    requests.push((with(&format!("Content-Length: {digits}")), large));
    requests.push((with(&format!("Long: {}", "x".repeat(100_000))), many));
    requests.push((with(&"Many: x\r\n".repeat(10_000)), many));
    requests.push((format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)), many));
    requests
        .push((with(&format!("Content-Length: 65536\r\n\r\n{}", "x".repeat(65_536))), "200 OK"));
    requests
}

fn expect_refusals(address: SocketAddr, side: &str) {
    for (request, status) in requests() {
        let start: String = request.chars().take(80).collect();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.write_all(request.as_bytes()); // it may be refused before its end
        let mut first = String::new();
        BufReader::new(&stream).read_line(&mut first).expect("an answer");
        assert_eq!(first, format!("HTTP/1.1 {status}\r\n"), "{side}: {start:?}");
    }
}

#[test]
fn what_would_take_too_much_memory_or_is_ambiguous_is_refused() {
    within_limit(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            glassloop::block_on(async {
                let database = Rc::new(web_and_db::Database::open().await.unwrap());
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                web_and_db::serve(listener, database).await
            })
        });
        expect_refusals(receiver.recv().unwrap(), "Rust");
    });
}

#[test]
fn a_request_that_does_not_come_to_its_end_is_answered_in_time() {
    let answers = on_virtual_loop(|| async {
        let database = Rc::new(web_and_db::Database::open().await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = glassloop::spawn(web_and_db::serve(listener, database));
        let mut answers = Vec::new();
        for half in ["", "GET /us", "GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"] {
            let mut stream = glassloop::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(half.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answers.push(answer.lines().next().unwrap_or_default().to_owned());
        }
        server.abort();
        answers
    });
    assert_eq!(answers, ["HTTP/1.1 408 Request Timeout"; 3]);
}

#[test]
fn the_python_side_refuses_the_same() {
    let Some(mut python) = python() else {
        return say_left_out("no CPython 3.12 or newer; twin 25's Python side was not tried");
    };
    within_limit(move || {
        let twin = in_examples("25_web_and_db.py");
        python.args(["-c", PYTHON_SERVER]).arg(twin).stdout(Stdio::piped());
        let mut server = python.spawn().expect("it starts");
        let mut port = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut port).unwrap();
        let address = format!("127.0.0.1:{}", port.trim()).parse().expect("an address");
        let outcome = std::panic::catch_unwind(|| {
            expect_refusals(address, "Python");
            let mut slow = TcpStream::connect(address).unwrap();
            slow.write_all(b"GET /us").unwrap();
            let mut answer = String::new();
            slow.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "Python: {answer}");
        });
        server.kill().unwrap();
        server.wait().unwrap();
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}
