//! The observer: a thread that watches from outside. It writes the progress line,
//! remembers the most descriptors and threads, and ends a run that hangs, saying what
//! it hangs on.

use std::io::{IsTerminal, Write, stderr};
use std::process::exit;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::account::Most;
use crate::meters::Meters;
use crate::system;

const PERIOD: Duration = Duration::from_secs(1);

pub struct Observer {
    thread: thread::JoinHandle<Most>,
    /// Dropped when there is nothing more to watch.
    watching: Sender<()>,
}

impl Observer {
    /// Watches until it is told to stop, or until `limit`, when it ends the program.
    pub fn start(meters: Arc<Meters>, limit: Duration) -> Observer {
        let (watching, stopped) = channel::<()>();
        let thread = thread::spawn(move || {
            let mut most = Most::default();
            // Counted by its own beats: while the whole program is stopped (`kill -STOP`),
            // no time passes here, and that is not taken for hanging.
            let mut elapsed = Duration::ZERO;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                elapsed += PERIOD;
                most.descriptors = most.descriptors.max(system::descriptors().unwrap_or(0));
                most.threads = most.threads.max(system::threads().unwrap_or(0));
                tell_progress(elapsed, &meters);
                if elapsed > limit {
                    end_the_program(elapsed, &meters);
                }
            }
            clear_progress();
            most
        });
        Observer { thread, watching }
    }

    pub fn stop(self) -> Most {
        drop(self.watching);
        self.thread.join().unwrap_or_default()
    }
}

/// On a terminal only, and always in the same line.
fn tell_progress(elapsed: Duration, meters: &Meters) {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K{:3} s  {meters}", elapsed.as_secs());
    }
}

fn clear_progress() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}

fn end_the_program(elapsed: Duration, meters: &Meters) -> ! {
    let under_way = match meters.under_way() {
        names if names.is_empty() => "the end of the executor".to_owned(),
        names => names,
    };
    let _ = writeln!(
        stderr(),
        "\nglassloop-soak: hangs. After {} s, this has not ended: {under_way}. So far: {meters}",
        elapsed.as_secs()
    );
    exit(1);
}
