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

/// Breaks when the reader handles all that it has buffered without giving the writers
/// a turn: then an outbox overflows although its owner reads.
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
    });
}

// ── unkind connections ────────────────────────────────────────────────────

#[test]
fn a_client_that_never_reads_is_dropped_and_the_others_go_on() {
    within_limit(|| {
        let server = Server::start(&[]);
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
    for word in ["Usage: cargo run --example chat_server", "--port N", "--limit N"] {
        assert!(help.contains(word), "{word} is missing: {help}");
    }
}

#[test]
fn a_wrong_option_is_named_in_one_line() {
    let wrong: [(&[&str], &str); 5] = [
        (&["--prot", "1"], "unknown option \"--prot\"; see --help\n"),
        (&["7000"], "unknown option \"7000\"; see --help\n"),
        (&["--port", "x"], "\"--port\" \"x\": invalid digit found in string; see --help\n"),
        (
            &["--port", "65536"],
            "\"--port\" \"65536\": number too large to fit in target type; see --help\n",
        ),
        (&["--limit"], "\"--limit\" \"\": cannot parse integer from empty string; see --help\n"),
    ];
    for (arguments, complaint) in wrong {
        let output = run(arguments);
        let expected = format!("chat_server: {complaint}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
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

    /// A client that reads no answers keeps the server waiting, for a while: a second
    /// signal does not wait.
    #[test]
    fn a_second_signal_ends_the_server_at_once() {
        within_limit(|| {
            let mut server = Server::start(&[]);
            let names = (0..100).map(|n| format!("name{n:016}"));
            let mut clients: Vec<_> = names.map(|name| server.client(&name)).collect();
            // 2 kB for each line: more than fits into the buffers of any system.
            clients[0].writes("/who\n".repeat(8000) + "done\n");
            let last = clients.last_mut().expect("there are a hundred");
            last.reads("name0000000000000000: done");
            signal(&server, "INT");
            last.reads("* The server is going down. Good-bye!");
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
#[test]
fn a_line_without_an_end_takes_no_memory() {
    let peak = |server: &Server| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.0.id()));
        let status = status.expect("Linux describes the process");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    };
    within_limit(move || {
        let server = Server::start(&[]);
        let (ann, mut bob) = (server.client("ann"), server.client("bob"));
        let before = peak(&server);
        for _ in 0..250 {
            ann.writes("x".repeat(64_000));
            (0..64).for_each(|_| bob.reads(&format!("ann: {}", "x".repeat(1000))));
        }
        let more = peak(&server) - before;
        assert!(more < 8 * 1024, "a line of 16 MB has taken {more} KiB of memory");
    });
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
