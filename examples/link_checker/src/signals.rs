//! Ctrl-C: the first one ends the crawl with a report, a second one the program at once.

use std::io;
use std::process::exit;

use futures_lite::future;

/// Ready at the first signal to stop, with the exit code. A thread waits for the signals and
/// not the loop: the second one must end the program whatever the loop is doing, and the
/// first one too if the crawl is over, and a reader of the report makes us wait.
#[cfg(unix)]
pub(crate) fn stopped() -> io::Result<impl Future<Output = Option<i32>>> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let (promise, promised) = glassloop::promise();
    let mut first = Some(promise);
    let wait = move || {
        for signal in signals.forever() {
            let code = 128 + signal; // as a shell says it
            if first.take().is_none_or(|promise| promise.set(code).is_err()) {
                exit(code);
            }
        }
    };
    std::thread::Builder::new().spawn(wait)?;
    Ok(async {
        match promised.await {
            Ok(code) => Some(code),
            Err(_) => future::pending().await, // the thread is gone
        }
    })
}

/// Never ready: on this system, Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub(crate) fn stopped() -> io::Result<impl Future<Output = Option<i32>>> {
    Ok(future::pending())
}
