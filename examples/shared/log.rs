//! What a server tells its user.
//!
//! A terminal may stand still, a pipe may be full, and nobody may read at all. A write would
//! then block the loop, and with it every client. So two threads write, one to stdout and
//! one to stderr; what they cannot write is lost.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::terminal::shown;

/// How many lines wait to be written; what comes in addition is lost.
const LINES: usize = 1024;
/// How long the end of the program waits for the last lines to be written.
const FLUSH: Duration = Duration::from_millis(500);

pub(crate) struct Log {
    /// Stands before each complaint.
    program: &'static str,
    stdout: Sender<Message>,
    stderr: Sender<Message>,
}

enum Message {
    Line(String),
    /// Answered by the drop of the sender.
    Flush(#[expect(dead_code, reason = "its drop is the answer")] Sender<()>),
}

impl Log {
    pub(crate) fn new(program: &'static str) -> Log {
        Log { program, stdout: write_to(io::stdout()), stderr: write_to(io::stderr()) }
    }

    /// Unlike `println!`, neither blocks nor panics, whoever reads stdout.
    pub(crate) fn say(&self, what: &str) {
        let _ = self.stdout.try_send(Message::Line(shown(what) + "\n"));
    }

    pub(crate) fn complain(&self, what: &str) {
        let line = format!("{}: {}\n", self.program, shown(what));
        let _ = self.stderr.try_send(Message::Line(line));
    }

    /// Waits until all is written, but not for ever.
    pub(crate) fn flush(&self) {
        for stream in [&self.stdout, &self.stderr] {
            let (done, is_done) = bounded(0);
            let _ = stream.send_timeout(Message::Flush(done), FLUSH);
            let _ = is_done.recv_timeout(FLUSH);
        }
    }
}

/// Starts a thread that writes lines to a stream.
fn write_to(mut stream: impl Write + Send + 'static) -> Sender<Message> {
    let (sender, messages): (_, Receiver<Message>) = bounded(LINES);
    let write = move || {
        for message in messages {
            if let Message::Line(line) = message {
                let _ = stream.write_all(line.as_bytes()).and_then(|()| stream.flush());
            }
        }
    };
    // Without the thread nothing can be told, not even that. The server goes on.
    let _ = thread::Builder::new().spawn(write);
    sender
}
