//! Chapter 15: the loops of all example programs keep the rules of the oracle.

#![cfg(unix)]

mod oracle;
#[path = "support/programs.rs"]
mod programs;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use oracle::traced::read;
use programs::{in_examples, program};
use support::{within_limit, within_limit_as};
use tempfile::TempDir;

/// The programs that need real time, as in `twins.rs`.
const ON_REAL_TIME: [&str; 5] = ["18", "20", "23", "28", "29"];
/// Programs that are run by a test of their own, with arguments.
const WITH_ARGUMENTS: [&str; 4] = ["chat_server", "file_server", "profile", "tour"];

/// The names of the programs in `examples/` that run without arguments.
fn examples() -> Vec<String> {
    let folders = [in_examples(""), in_examples("differences")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let sources = files.map(|file| file.unwrap().path());
    let sources = sources.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let names = sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<String> = names.filter(|name| !WITH_ARGUMENTS.contains(&&**name)).collect();
    names.sort();
    names
}

/// A folder for the traces of a program.
struct Traces(TempDir);

impl Traces {
    fn new() -> Traces {
        Traces(tempfile::tempdir().unwrap())
    }

    /// Lets a program trace its loops here.
    fn take<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("GLASSLOOP_TRACE", self.0.path().join("trace.jsonl"))
    }

    fn paths(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.0.path()).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    /// Checks that there are traces, that all are good, and that each loop has ended in order.
    fn must_be_good(&self, name: &str) {
        let paths = self.paths();
        assert!(!paths.is_empty(), "{name} has left no trace");
        for path in paths {
            let account = oracle::check(&read(&path));
            let account = account.unwrap_or_else(|complaint| panic!("{name}: {complaint}"));
            assert_eq!(account.count("end"), 1, "{name} has not ended: {account:?}");
        }
    }
}

/// Runs programs, each under the watchdog; those that have loops must have good traces.
fn all_are_good(names: Vec<String>, prepare: fn(&mut Command)) {
    for name in names {
        within_limit_as(&name.clone(), move || {
            let traces = Traces::new();
            let mut command = program(&name);
            prepare(&mut command);
            let output = traces.take(&mut command).stdin(Stdio::null()).output().unwrap();
            let complaints = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} fails when it is traced: {complaints}");
            assert!(!complaints.contains("glassloop: "), "{name}: {complaints}");
            // Two examples have a loop of their own in their source; one polls by hand; and
            // one only runs other programs.
            if !["awaitable", "event_loop", "gallery", "pin"].contains(&&*name) {
                traces.must_be_good(&name);
            }
        });
    }
}

#[test]
fn every_example_and_every_twin_keeps_the_rules() {
    let names = examples();
    assert!(names.len() > 40, "{names:?}");
    all_are_good(names, |_| {});
}

#[test]
fn every_example_and_every_twin_keeps_the_rules_on_virtual_time() {
    let mut names = examples();
    names.retain(|name| !ON_REAL_TIME.contains(&&name[..2]));
    all_are_good(names, |command| {
        command.env("GLASSLOOP_VIRTUAL_TIME", "1");
    });
}

#[test]
fn the_tour_keeps_the_rules_whether_or_not_it_can_read_its_files() {
    within_limit(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("executor");
        for (path, code) in [(source.as_path(), 0), (Path::new("/there/is/no/such"), 1)] {
            let traces = Traces::new();
            let output = traces.take(program("tour").arg(path)).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{output:?}");
            traces.must_be_good("tour");
        }
    });
}

#[test]
fn the_profile_keeps_the_rules() {
    within_limit(|| {
        let traces = Traces::new();
        assert!(traces.take(&mut program("profile")).output().unwrap().status.success());
        traces.must_be_good("profile");
    });
}

/// A server that prints its address in its first line. Dropping it kills it.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port = line.split_once("127.0.0.1").expect("its address").1.chars().skip(1);
        let port: String = port.take_while(char::is_ascii_digit).collect();
        Server { child, address: format!("127.0.0.1:{port}") }
    }

    /// Asks the server to end, and waits until it has ended.
    fn stop(mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "a signal ends it in order");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_chat_server_keeps_the_rules_until_a_signal_ends_it() {
    within_limit(|| {
        let traces = Traces::new();
        let server = Server::start(traces.take(program("chat_server").args(["--port", "0"])));
        let mut guests: Vec<TcpStream> =
            (0..3).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
        for (index, guest) in guests.iter_mut().enumerate() {
            writeln!(guest, "guest{index}").unwrap();
            writeln!(guest, "good evening").unwrap();
        }
        drop(guests.pop());
        let mut heard = BufReader::new(&guests[0]);
        while next_line(&mut heard) != "guest1: good evening" {}
        server.stop();
        traces.must_be_good("chat_server");
    });
}

fn next_line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    assert!(reader.read_line(&mut line).unwrap() > 0, "it has hung up");
    line.trim_end().to_owned()
}

#[test]
fn the_file_server_keeps_the_rules_with_many_clients_at_once() {
    within_limit(|| {
        let site = tempfile::tempdir().unwrap();
        fs::write(site.path().join("page"), "text").unwrap();
        let traces = Traces::new();
        let mut command = program("file_server");
        let server = Server::start(traces.take(command.args(["--port", "0"]).arg(site.path())));
        let paths = ["/page", "/", "/gone"].iter().cycle().take(30);
        let clients: Vec<TcpStream> = paths
            .map(|path| {
                let mut client = TcpStream::connect(&server.address).unwrap();
                let request =
                    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                client.write_all(request.as_bytes()).unwrap();
                client
            })
            .collect();
        for mut client in clients {
            client.read_to_end(&mut Vec::new()).unwrap();
        }
        server.stop();
        traces.must_be_good("file_server");
    });
}
