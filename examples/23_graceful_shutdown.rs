//! # 23 Graceful shutdown: await a signal, let the running job end, then leave
//!
//! ```text
//! cargo run --example 23_graceful_shutdown
//! ```
//!
//! Twin: `23_graceful_shutdown.py`, whose loop has the same pipe inside.
//!
//! Take away: **a signal handler may do next to nothing, so it writes a byte into a
//! pipe; to await the pipe is to await the signal.**

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("left out: this example sends itself SIGTERM, which only Unix has");
}

#[cfg(unix)]
mod unix {
    use std::{error::Error, os::unix::net::UnixStream, rc::Rc, time::Duration};

    use futures_lite::AsyncReadExt;
    use glassloop::{Async, println, sleep, spawn_named, sync::Event, timeout};
    use signal_hook::{consts::SIGTERM, low_level};

    async fn worker(stop: Rc<Event>, second_job: Rc<Event>) {
        for n in (1..).take_while(|_| !stop.is_set()) {
            println!("job {n} start");
            if n == 2 {
                second_job.set();
            }
            sleep(Duration::from_millis(200)).await;
            println!("job {n} end");
        }
        println!("worker drained");
    }

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        glassloop::block_on(async {
            let (stop, second_job) = (Rc::new(Event::new()), Rc::new(Event::new()));
            let (signals, handler) = UnixStream::pair()?;
            low_level::pipe::register(SIGTERM, handler)?;
            let mut signals = Async::new(signals)?;
            let task = spawn_named("worker", worker(stop.clone(), second_job.clone()));
            second_job.wait().await;
            low_level::raise(SIGTERM)?;
            signals.read_exact(&mut [0]).await?;
            println!("signal received");
            stop.set();
            timeout(Duration::from_secs(60), task).await??;
            println!("bye");
            Ok(())
        })
    }
}
