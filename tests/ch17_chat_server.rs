//! The chat server of the examples, as its users meet it: the program itself, over
//! real sockets. What is read decides when to go on; nothing here sleeps.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use programs::program;
use support::within_limit;

// ── messages ──────────────────────────────────────────────────────────────

#[test]
fn what_one_client_writes_all_others_see_with_its_name() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [mut ann, mut bob, mut eve] = server.three_clients();
        ann.writes("hello\n\nagain\n");
        for other in [&mut bob, &mut eve] {
            other.reads("ann: hello");
            other.reads("ann: again"); // the empty line between them is none
        }
        bob.writes("hi ann\n");
        ann.reads("bob: hi ann"); // and not what it wrote itself
        eve.reads("bob: hi ann");
    });
}

#[test]
fn a_client_that_comes_or_goes_is_announced_to_the_others() {
    within_limit(|| {
        let server = Server::start(&[]);
        let mut ann = server.client("ann");
        let nameless = server.connects();
        let mut bob = server.client("bob");
        ann.reads("* bob joined");
        drop(nameless); // a client without a name is not announced
        bob.writes("/quit\n");
        ann.reads("* bob left");
        bob.reads_the_end();
        drop(server.client("eve"));
        ann.reads("* eve joined");
        ann.reads("* eve left");
    });
}

#[test]
fn a_client_that_has_given_no_name_sees_no_messages() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, _eve] = server.three_clients();
        let mut nameless = server.connects();
        ann.writes("a secret\n");
        bob.reads("ann: a secret");
        nameless.writes("fay\n");
        nameless.reads("* You are fay now. /help tells what you can do.");
    });
}

#[test]
fn a_book_that_is_pasted_arrives_whole() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, mut eve] = server.three_clients();
        let book: String = (0..5000).map(|n| format!("line {n}\n")).collect();
        ann.writes(&book);
        for reader in [&mut bob, &mut eve] {
            (0..5000).for_each(|n| reader.reads(&format!("ann: line {n}")));
        }
    });
}

#[test]
fn a_hundred_clients_see_the_same_thousand_lines_in_the_same_order() {
    within_limit(|| {
        let server = Server::start(&["--limit", "101"]);
        let mut observer = server.client("observer");
        let mut clients: Vec<_> = (0..100).map(|n| server.client(&format!("c{n}"))).collect();
        for client in &mut clients {
            let lines: String = (0..10).map(|n| format!("line {n}\n")).collect();
            client.writes(&lines);
        }
        let all = observer.messages(1000);
        for (n, client) in clients.iter_mut().enumerate() {
            let own = format!("c{n}: ");
            let (sent, others): (Vec<_>, Vec<_>) =
                all.iter().cloned().partition(|line| line.starts_with(&own));
            let in_order: Vec<_> = (0..10).map(|n| format!("{own}line {n}")).collect();
            assert_eq!(sent, in_order, "what c{n} wrote, as the observer saw it");
            assert!(client.messages(990) == others, "c{n} saw another order than the others");
        }
    });
}

// ── names ─────────────────────────────────────────────────────────────────

#[test]
fn a_name_belongs_to_one_client_at_a_time() {
    within_limit(|| {
        let server = Server::start(&[]);
        let ann = server.client("ann");
        let mut bob = server.connects();
        bob.writes("ann\nbob\n");
        bob.reads("* ann is taken. Please try another one.");
        bob.reads("* You are bob now. /help tells what you can do.");
        drop(ann);
        bob.reads("* ann left");
        server.client("ann"); // the name is free again
        bob.reads("* ann joined");
    });
}

#[test]
fn a_name_that_does_not_fit_is_refused_with_the_rule() {
    within_limit(|| {
        let server = Server::start(&[]);
        let mut client = server.connects();
        for name in ["", "  ", "two words", "/who", "an*", "a23456789012345678901"] {
            client.writes(format!("{name}\n"));
            client.reads("* A name has 1 to 20 letters or digits. Please try again.");
        }
        client.writes("ünïcödé8901234567890\n"); // 20 characters, and some more bytes
        client.reads("* You are ünïcödé8901234567890 now. /help tells what you can do.");
    });
}

#[test]
fn a_name_cannot_look_like_the_server_or_like_nothing() {
    within_limit(|| {
        let server = Server::start(&[]);
        let (mut ann, mut client) = (server.client("Ann"), server.connects());
        let blank = "\u{3164}";
        for name in ["*", "* server", "\u{1b}[31m", "a\u{202e}b", "e\u{301}", "a\u{200d}b", blank] {
            client.writes(format!("{name}\n"));
            client.reads("* A name has 1 to 20 letters or digits. Please try again.");
        }
        for name in ["ann", "ANN", "aNn\0"] {
            client.writes(format!("{name}\n"));
            client.reads(&format!("* {} is taken. Please try another one.", &name[..3]));
        }
        client.writes("bob\n");
        ann.reads("* bob joined");
    });
}

// ── commands ──────────────────────────────────────────────────────────────

#[test]
fn who_lists_the_names_in_the_order_of_arrival() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [_ann, _bob, mut eve] = server.three_clients();
        let _nameless = server.connects();
        eve.writes("/who\n");
        eve.reads("* Here: ann bob eve");
    });
}

/// Breaks when the connection is closed while answers are still in the outbox.
#[test]
fn what_is_piped_in_is_answered_before_the_end() {
    within_limit(|| {
        let server = Server::start(&[]);
        for last in ["/quit\n", ""] {
            let mut piped = server.connects();
            piped.writes(format!("ann\n{}{last}", "/who\n".repeat(500)));
            piped.reader.get_ref().shutdown(Shutdown::Write).unwrap();
            piped.reads("* You are ann now. /help tells what you can do.");
            (0..500).for_each(|_| piped.reads("* Here: ann"));
            piped.reads_the_end();
        }
    });
}

#[test]
fn help_names_every_command_and_an_unknown_one_is_explained() {
    within_limit(|| {
        let server = Server::start(&[]);
        let mut ann = server.client("ann");
        ann.writes("/help\n/dance\n");
        let help = ann.line();
        for command in ["/who", "/quit"] {
            assert!(help.contains(command), "{command} is missing: {help}");
        }
        ann.reads("* No such command. See /help.");
    });
}

// ── hostile input ─────────────────────────────────────────────────────────

#[test]
fn lines_may_end_as_telnet_ends_them() {
    within_limit(|| {
        let server = Server::start(&[]);
        let (mut ann, mut bob) = (server.client("ann\r"), server.client("bob"));
        ann.reads("* bob joined");
        ann.writes("hello\r\n/who\r\n");
        bob.reads("ann: hello");
        ann.reads("* Here: ann bob");
    });
}

#[test]
fn the_last_line_needs_no_end() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, _eve] = server.three_clients();
        ann.writes("no end");
        drop(ann);
        bob.reads("ann: no end");
        bob.reads("* ann left");
    });
}

#[test]
fn a_line_that_is_too_long_is_broken_into_several() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, _eve] = server.three_clients();
        for length in [999, 1000, 1001, 2000, 5001] {
            ann.writes(format!("{}\r\nnext\n", "x".repeat(length)));
            for start in (0..length).step_by(1000) {
                bob.reads(&format!("ann: {}", "x".repeat(1000.min(length - start))));
            }
            bob.reads("ann: next");
        }
    });
}

/// Breaks when each piece of a line is read as a line of its own.
#[test]
fn what_follows_a_cut_is_never_a_command_and_a_command_is_a_whole_line() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [mut ann, mut bob, _eve] = server.three_clients();
        for command in ["/quit", "/who", "/help", "/nope"] {
            for start in [1000, 2000] {
                ann.writes(format!("{}{command}\n", "x".repeat(start)));
                (0..start / 1000).for_each(|_| bob.reads(&format!("ann: {}", "x".repeat(1000))));
                bob.reads(&format!("ann: {command}"));
            }
            // A command with spaces behind it, and a whole book behind the spaces.
            ann.writes(format!("{command}{}/quit\nnext\n", " ".repeat(5000)));
            ann.reads("* No such command. See /help.");
            bob.reads("ann: next");
        }
    });
}

#[test]
fn a_line_is_cut_between_characters() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, _eve] = server.three_clients();
        // Two, three and four bytes; an accent of its own; a family; a thumb with a colour.
        for letter in ["ü", "€", "🦀", "e\u{301}", "👩\u{200d}👧", "👍\u{1f3fd}"] {
            for offset in 0..letter.len() {
                let line = "x".repeat(offset) + &letter.repeat(1200 / letter.len());
                ann.writes(format!("{line}\n"));
                let pieces = [bob.line(), bob.line()];
                let pieces = pieces.map(|piece| piece.strip_prefix("ann: ").unwrap().to_owned());
                assert_eq!(pieces.concat(), line, "with {letter:?} at {offset}");
                assert!(pieces[0].len() <= 1000, "{} bytes", pieces[0].len());
                assert!(pieces[1].starts_with(letter), "cut inside of {letter:?}: {pieces:?}");
            }
        }
    });
}

/// What is no UTF-8 does not keep a line from being cut, nor what belongs to no letter.
#[test]
fn a_line_of_bytes_that_are_no_text_is_cut_as_well() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, _eve] = server.three_clients();
        for byte in [0x80, 0xbf, 0xc3, 0xe2, 0xf0, 0xff, 0] {
            ann.writes([vec![byte; 2500], b"\nnext\n".to_vec()].concat());
            let mut line = bob.line();
            while line != "ann: next" {
                let text = line.strip_prefix("ann: ").expect("each piece has a name");
                assert!(text.chars().all(|c| c == '\u{fffd}' || c == ' '), "{line:?}");
                line = bob.line();
            }
        }
        ann.writes("\u{301}".repeat(1500) + "\nnext\n");
        while bob.line() != "ann: next" {}
    });
}

#[test]
fn bytes_that_are_no_text_and_controls_of_the_terminal_do_not_come_through() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, _eve] = server.three_clients();
        ann.writes(b"caf\xc3\xa9 \xff!\n\x1b[31mred\x07\x08\x7f\xc2\x9b1m\n1\t2\r3\0\n");
        bob.reads("ann: café \u{fffd}!");
        bob.reads("ann:  [31mred    1m"); // without ESC, BEL, BS, DEL, and the one-byte CSI
        bob.reads("ann: 1 2 3");
        ann.writes("👩‍🚀\n");
        bob.reads("ann: 👩‍🚀"); // what is no control is left alone
        ann.writes("abc\u{202e}fed\u{2066}\u{2028}* bob left\n");
        bob.reads("ann: abc fed  * bob left"); // nothing turns the direction, or begins a line
    });
}

// ── unkind connections ────────────────────────────────────────────────────

#[test]
fn a_client_that_never_reads_is_dropped_and_the_others_go_on() {
    within_limit(|| {
        let server = Server::start(&["--patience", "1"]);
        let [mut talker, mut reader, mut sleepy] = server.three_clients();
        let written = flood_until_dropped(&talker, &mut reader);
        talker.reads("* eve left");
        talker.writes("still here\n/who\n");
        reader.reads("ann: still here");
        talker.reads("* Here: ann bob");

        // The client has missed the end, and nothing in between.
        for n in 0..written {
            let line = sleepy.line();
            if line.is_empty() {
                break;
            }
            assert!(line.starts_with(&format!("ann: {n} ")), "line {n}, as eve sees it: {line}");
        }
        sleepy.reads_the_end();
    });
}

/// Lets a client write the line again and again until it would have to wait: a client is there that does not
/// read, and its outbox and all buffers on the way are full. The reader reads what comes. Returns
/// how many lines there are; the last one may lack its end.
fn fill_the_room(talker: &Client, reader: &mut Client, line: &str) -> usize {
    let (mut written, lines) = (0, line.repeat(8192 / line.len()));
    let talks = talker.reader.get_ref();
    talks.set_nonblocking(true).unwrap();
    let mut reads = reader.reader.get_ref();
    reads.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    // Until the reader gets nothing for a while, though there is more to send.
    let is_wait = |error: &std::io::Error| {
        matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
    };
    loop {
        loop {
            match (&*talks).write(&lines.as_bytes()[written % line.len()..]) {
                Ok(bytes) => written += bytes,
                Err(error) if is_wait(&error) => break,
                Err(error) => panic!("{error}"),
            }
        }
        match reads.read(&mut [0; 65536]) {
            Ok(read) => assert!(read > 0, "the reader was dropped"),
            Err(error) if is_wait(&error) => break,
            Err(error) => panic!("{error}"),
        }
    }
    reads.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    written.div_ceil(line.len())
}

/// Lets a client (ann) write and another client (bob) read, until the server drops a third
/// client, which does not read. Returns how many lines there were.
fn flood_until_dropped(talker: &Client, reader: &mut Client) -> usize {
    for n in 0..50_000 {
        talker.writes(format!("{n} {}\n", "x".repeat(900)));
        let line = reader.line();
        if line == "* eve left" {
            assert!(reader.line().starts_with(&format!("ann: {n} ")), "the line behind it");
            return n;
        }
        assert!(line.starts_with(&format!("ann: {n} ")), "line {n}, as bob sees it: {line}");
    }
    panic!("45 MB were written, and the client that reads none of it is still there");
}

/// Breaks when a line that finds a full outbox costs the owner its place, or is lost.
#[test]
fn a_client_that_reads_gets_every_line_of_a_flood_and_the_talker_waits() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [ann, mut bob, mut eve] = server.three_clients();
        // Eve reads too late, but she reads.
        let line = "x".repeat(600);
        let lines = fill_the_room(&ann, &mut bob, &format!("{line}\n"));
        let end = std::thread::spawn(move || {
            ann.reader.get_ref().set_nonblocking(false).unwrap();
            ann.writes("\nend\n");
            ann
        });
        let reader = std::thread::spawn(move || while bob.line() != "ann: end" {});
        (1..lines).for_each(|_| eve.reads(&format!("ann: {line}")));
        eve.line(); // the last one may be half a line
        eve.reads("ann: end");
        reader.join().expect("bob reads on");
        drop(end.join());
    });
}

#[test]
fn a_client_that_does_not_read_stops_the_room_for_its_patience_and_no_longer() {
    within_limit(|| {
        let server = Server::start(&["--patience", "1"]);
        let [ann, mut bob, _eve] = server.three_clients();
        fill_the_room(&ann, &mut bob, "x\n");
        while bob.line() != "* eve left" {} // and bob is still here
    });
}

#[test]
fn two_talkers_that_do_not_read_do_not_wait_for_each_other_for_ever() {
    within_limit(|| {
        let server = Server::start(&["--patience", "1"]);
        let [ann, bob, mut eve] = server.three_clients();
        let flood = |talker: Client| {
            std::thread::spawn(move || {
                let lines = "x\n".repeat(32 * 1024);
                while talker.reader.get_ref().write_all(lines.as_bytes()).is_ok() {}
            })
        };
        let floods = [flood(ann), flood(bob)];
        // Then the other one has nobody to wait for but eve, who reads.
        while !eve.line().ends_with(" left") {}
        let mut more = 0;
        while more < 50_000 {
            more += usize::from(eve.line().ends_with(": x"));
        }
        drop(server);
        floods.into_iter().for_each(|flood| flood.join().unwrap());
    });
}

#[test]
fn a_connection_without_a_name_ends_after_the_patience_also_if_it_sends_byte_by_byte() {
    within_limit(|| {
        let server = Server::start(&["--patience", "1"]);
        let mut silent = server.connects();
        silent.reads("* That took too long. Good-bye!");
        silent.reads_the_end();
        let mut dripping = server.connects();
        let mut socket = dripping.reader.get_ref().try_clone().unwrap();
        let drip = std::thread::spawn(move || {
            while socket.write_all(b"a").is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        dripping.reads("* That took too long. Good-bye!");
        drip.join().unwrap();
        let mut trying = server.connects(); // many lines, and none is a name
        let mut socket = trying.reader.get_ref().try_clone().unwrap();
        let drip = std::thread::spawn(move || {
            while socket.write_all(b"no name\n").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        while trying.line() != "* That took too long. Good-bye!" {}
        drip.join().unwrap();
    });
}

/// A page of the web can make a browser send requests to this machine, and choose most of
/// what is in them.
#[test]
fn a_request_of_the_web_cannot_join_nor_what_comes_behind_it() {
    within_limit(|| {
        let server = Server::start(&[]);
        let mut ann = server.client("ann");
        let long = format!("GET /{} HTTP/1.1\r\neve\nhello\n", "a".repeat(5000));
        let requests: [&[u8]; 12] = [
            b"POST / HTTP/1.1\r\nHost: localhost:7878\r\n\r\neve\nhello\n",
            b"GET / HTTP/1.1\r\n\r\neve\n",
            b"GET /\r\neve\nhello\n",
            b"OPTIONS * HTTP/1.1\r\neve\nhello\n",
            b"CONNECT localhost:7878 HTTP/1.1\r\neve\nhello\n",
            b"whatever http://localhost/ http/2.0\neve\nhello\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\neve\nhello\n",
            b"Host: localhost\r\neve\nhello\n",
            b"\r\n\r\nPOST / HTTP/1.1\r\neve\nhello\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // TLS; there is no end of a line
            b"\x80\x2e\x01\x03\x01\neve\nhello\n",
            long.as_bytes(),
        ];
        for request in requests {
            let mut web = server.connects();
            web.writes(request);
            let refusal = "* This is a chat for people, and that was no name. Good-bye!";
            let rule = "* A name has 1 to 20 letters or digits. Please try again.";
            let mut line = web.line();
            while line == rule && request.starts_with(b"\r\n") {
                line = web.line();
            }
            assert_eq!(line, refusal, "after {}", request.escape_ascii());
            web.reads_the_end();
        }
        ann.writes("/who\n");
        ann.reads("* Here: ann");
    });
}

#[test]
fn a_connection_that_is_reset_leaves_like_any_other() {
    within_limit(|| {
        let server = Server::start(&[]);
        let [mut ann, bob, _eve] = server.three_clients();
        ann.writes("never to be read\n");
        // The system sends a reset when a socket with unread bytes is closed.
        bob.reader.get_ref().peek(&mut [0]).expect("something to read");
        drop(bob);
        ann.reads("* bob left");
        ann.writes("/who\n");
        ann.reads("* Here: ann eve");
    });
}

#[test]
fn a_full_server_says_so_and_a_client_that_leaves_frees_a_place() {
    within_limit(|| {
        let server = Server::start(&["--limit", "2"]);
        let mut ann = server.client("ann");
        let bob = server.client("bob");
        ann.reads("* bob joined");
        let mut refused = Client::connects(server.address);
        refused.reads("* The server is full. Please come again later.");
        refused.reads_the_end();
        drop(bob);
        ann.reads("* bob left");
        server.client("eve");
        ann.reads("* eve joined");
    });
}

// ── the program ───────────────────────────────────────────────────────────

#[test]
fn the_first_line_says_how_to_connect() {
    within_limit(|| {
        let server = Server::start(&[]);
        let expected = format!("listening; try: nc 127.0.0.1 {}\n", server.address.port());
        assert_eq!(server.first_line, expected);
    });
}

#[test]
fn help_explains_every_option() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    for word in ["Usage: chat_server", "--port N", "--limit N", "--patience SECONDS", "--help"] {
        assert!(help.contains(word), "{word} is missing: {help}");
    }
}

#[test]
fn a_wrong_option_is_named_in_one_line() {
    let wrong: [(&[&str], &str); 6] = [
        (&["--prot", "1"], "unknown argument \"--prot\""),
        (&["7000"], "unknown argument \"7000\""),
        (&["--port", "x"], "--port needs a number from 0 to 65535"),
        (&["--port", "65536"], "--port needs a number from 0 to 65535"),
        (&["--limit"], "--limit needs a number from 1 to 65535"),
        (&["--patience", "0"], "--patience needs a number from 1 to 65535"),
    ];
    for (arguments, complaint) in wrong {
        let output = run(arguments);
        let expected = format!("chat_server: {complaint}; see --help\n");
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_port_in_use_is_named_in_one_line() {
    let server = within_limit(|| Server::start(&[]));
    let output = run(&["--port", &server.address.port().to_string()]);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    let cause = format!("chat_server: cannot listen at {}: ", server.address);
    assert!(complaint.starts_with(&cause), "{complaint}");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// Nobody reads its stdout or stderr, from the start.
#[test]
fn a_closed_stdout_does_not_end_it() {
    within_limit(|| {
        let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = program("chat_server");
        command.args(["--port", &address.port().to_string()]);
        let (reader, stdout) = std::io::pipe().unwrap();
        command.stderr(stdout.try_clone().unwrap()).stdout(stdout);
        drop(reader);
        let mut server = Killed(command.spawn().unwrap());
        while TcpStream::connect(address).is_err() {
            assert_eq!(server.0.try_wait().unwrap(), None, "it has ended");
            std::thread::yield_now();
        }
        Client::connects(address).reads("* Welcome! What is your name?");
    });
}

#[test]
fn nc_is_all_that_a_client_needs() {
    let nc = Command::new("nc").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if nc.is_err() {
        // Straight to the terminal: a test that passes has its output hidden.
        let _ = std::io::stderr().write_all(b"left out: no nc\n");
        return;
    }
    within_limit(|| {
        let server = Server::start(&[]);
        let mut ann = server.client("ann");
        let mut nc = Command::new("nc");
        nc.args(["127.0.0.1", &server.address.port().to_string()]);
        let mut nc = Killed(nc.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        nc.0.stdin.as_ref().unwrap().write_all(b"bob\nhello\n").unwrap();
        ann.reads("* bob joined");
        ann.reads("bob: hello");
        ann.writes("hi bob\n");
        let seen = BufReader::new(nc.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!({ seen }.nth(2).as_deref(), Some("ann: hi bob"));
        nc.0.stdin.as_ref().unwrap().write_all(b"/quit\n").unwrap();
        ann.reads("* bob left");
    });
}

/// What needs signals, or a shell that sets limits.
#[cfg(unix)]
mod unix {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn signal(server: &Server, name: &str) {
        let kill = format!("kill -{name} {}", server.child.0.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}: {status}");
    }

    #[test]
    fn a_signal_makes_the_server_say_good_bye_to_all_and_end_well() {
        within_limit(|| {
            for name in ["TERM", "INT"] {
                let mut server = Server::start(&[]);
                let mut clients = Vec::from(server.three_clients());
                clients.push(server.connects());
                signal(&server, name);
                for client in &mut clients[1..] {
                    client.reads("* The server is going down. Good-bye!"); // and not who left
                    client.reads_the_end();
                }
                assert_eq!(server.child.0.wait().unwrap().code(), Some(0), "after SIG{name}");
            }
        });
    }

    /// Breaks when what is in the outboxes is thrown away at the end.
    #[test]
    fn what_was_said_before_the_signal_still_arrives() {
        within_limit(|| {
            let mut server = Server::start(&[]);
            let [mut ann, mut bob, _eve] = server.three_clients();
            let lines: String = (0..500).map(|n| format!("line {n}\n")).collect();
            ann.writes(&lines);
            ann.writes("/who\n");
            ann.reads("* Here: ann bob eve"); // so the server has read them all
            signal(&server, "TERM");
            (0..500).for_each(|n| bob.reads(&format!("ann: line {n}")));
            bob.reads("* The server is going down. Good-bye!");
            assert_eq!(server.child.0.wait().unwrap().code(), Some(0));
        });
    }

    /// A client that reads nothing keeps the server waiting, for a while: a second
    /// signal does not wait.
    #[test]
    fn a_second_signal_ends_the_server_at_once() {
        within_limit(|| {
            let mut server = Server::start(&[]);
            let [ann, mut bob, _eve] = server.three_clients();
            // More for eve than fits into the buffers of any system. When it does not fit, bob
            // gets no more either.
            fill_the_room(&ann, &mut bob, "x\n");
            signal(&server, "INT");
            while bob.line() != "* The server is going down. Good-bye!" {}
            signal(&server, "INT");
            let status = server.child.0.wait().unwrap();
            assert_eq!(status.signal(), Some(2), "an exit would mean that it waited: {status}");
        });
    }

    #[test]
    fn when_descriptors_run_out_it_says_so_and_goes_on_later() {
        within_limit(|| {
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -n 20; exec \"$0\" --port 0"]);
            command.arg(program("chat_server").get_program());
            let mut server = Server::spawn(command.stderr(Stdio::piped()));
            let mut clients: Vec<_> = (0..20).map(|_| Client::connects(server.address)).collect();
            let mut complaint = String::new();
            let stderr = server.child.0.stderr.take().expect("a pipe");
            BufReader::new(stderr).read_line(&mut complaint).unwrap();
            assert!(complaint.starts_with("chat_server: cannot let anyone in: "), "{complaint}");
            let mut last = clients.pop().expect("there are twenty");
            drop(clients);
            last.reads("* Welcome! What is your name?");
        });
    }
}

/// On Linux, the system reports the most memory that a process has had.
#[cfg(target_os = "linux")]
mod memory {
    use super::*;

    /// In KiB.
    fn peak(server: &Server) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.0.id()));
        let status = status.expect("Linux describes the process");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory() {
        within_limit(move || {
            let server = Server::start(&[]);
            let (ann, mut bob) = (server.client("ann"), server.client("bob"));
            let before = peak(&server);
            // What may still belong to the last character is sent when that is known.
            ann.writes("x".repeat(100));
            for _ in 0..250 {
                ann.writes("x".repeat(64_000));
                (0..64).for_each(|_| bob.reads(&format!("ann: {}", "x".repeat(1000))));
            }
            let more = peak(&server) - before;
            assert!(more < 2 * 1024, "a line of 16 MB has taken {more} KiB of memory");
        });
    }

    /// `/help` is short, and its answer is not. Breaks when it is answered without room for it.
    #[test]
    fn whoever_asks_and_does_not_read_takes_no_memory_also_without_a_name() {
        within_limit(move || {
            for line in ["/help\n", "no name\n"] {
                let server = Server::start(&["--patience", "2"]);
                let (client, before) = (server.connects(), peak(&server));
                let lines = line.repeat(8192);
                // Until the server reads no more of it, and then drops the client.
                while client.reader.get_ref().write_all(lines.as_bytes()).is_ok() {}
                let more = peak(&server) - before;
                assert!(more < 2 * 1024, "{line:?} has taken {more} KiB of memory");
            }
        });
    }

    /// Lines of one letter cost the most memory for each byte that is sent.
    #[test]
    fn a_flood_takes_memory_by_the_bytes_of_each_client_and_not_of_the_flood() {
        within_limit(move || {
            let server = Server::start(&["--limit", "52"]);
            let mut ann = server.client("ann");
            let mut dead: Vec<_> = (0..50).map(|n| server.client(&format!("c{n}"))).collect();
            let before = peak(&server);
            (0..50).for_each(|n| ann.reads(&format!("* c{n} joined")));
            fill_the_room(&ann, &mut dead.pop().expect("there are fifty"), "x\n");
            let more = peak(&server) - before;
            assert!(more < 8 * 1024, "fifty clients have taken {more} KiB of memory");
        });
    }
}

// ── the instruments ───────────────────────────────────────────────────────

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Server {
    #[allow(dead_code, reason = "only Unix has signals to send to it")]
    child: Killed,
    first_line: String,
    address: SocketAddr,
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(arguments: &[&str]) -> Server {
        Server::spawn(program("chat_server").args(["--port", "0"]).args(arguments))
    }

    fn spawn(command: &mut Command) -> Server {
        let mut child = Killed(command.stdout(Stdio::piped()).spawn().expect("it starts"));
        let mut stdout = BufReader::new(child.0.stdout.take().expect("a pipe"));
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        let port = first_line.trim_end().rsplit(' ').next().and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("no port in {first_line:?}"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Server { child, first_line, address, _stdout: stdout }
    }

    fn connects(&self) -> Client {
        let mut client = Client::connects(self.address);
        client.reads("* Welcome! What is your name?");
        client
    }

    /// A client that has given its name.
    fn client(&self, name: &str) -> Client {
        let mut client = self.connects();
        client.writes(format!("{name}\n"));
        let name = name.trim_end();
        client.reads(&format!("* You are {name} now. /help tells what you can do."));
        client
    }

    /// Three clients that have seen each other come.
    fn three_clients(&self) -> [Client; 3] {
        let (mut ann, mut bob) = (self.client("ann"), self.client("bob"));
        let eve = self.client("eve");
        ann.reads("* bob joined");
        ann.reads("* eve joined");
        bob.reads("* eve joined");
        [ann, bob, eve]
    }
}

struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn connects(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        // A line that does not come fails the test, before the watchdog does, and so that
        // the server is killed.
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Client { reader: BufReader::new(stream) }
    }

    fn writes(&self, bytes: impl AsRef<[u8]>) {
        self.reader.get_ref().write_all(bytes.as_ref()).expect("the server reads");
    }

    /// The next line without its end; an empty one at the end of the connection.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line within ten seconds");
        line.trim_end_matches('\n').to_owned()
    }

    #[track_caller]
    fn reads(&mut self, expected: &str) {
        let mut line = String::new();
        let result = self.reader.read_line(&mut line);
        assert!(result.is_ok(), "instead of the line {expected:?} came nothing: {result:?}");
        assert_eq!(line, format!("{expected}\n"), "the next line is another one");
    }

    #[track_caller]
    fn reads_the_end(&mut self) {
        let mut rest = String::new();
        let result = self.reader.read_to_string(&mut rest);
        assert!(result.is_ok(), "the server has not closed the connection: {result:?}");
        assert_eq!(rest, "", "there was more before the end");
    }

    /// The next `count` messages of clients, without those of the server about clients that
    /// join or leave.
    fn messages(&mut self, count: usize) -> Vec<String> {
        let lines = std::iter::repeat_with(|| self.line()).filter(|line| !line.starts_with("* "));
        lines.take(count).collect()
    }
}

fn run(arguments: &[&str]) -> Output {
    let mut command = program("chat_server");
    command.args(arguments);
    within_limit(move || command.output().expect("the program starts"))
}
