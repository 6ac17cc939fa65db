//! # 28 Subprocess: two child processes at once
//!
//! ```text
//! cargo run --example 28_subprocess
//! ```
//!
//! Twin: `28_subprocess.py`, where asyncio waits for pipes and processes by itself.
//!
//! Take away: **the loop can wait for a pipe, through `Async`; it cannot wait for the end
//! of a process, so a thread of the pool waits for that.**

#[cfg(unix)]
fn main() -> std::io::Result<()> {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("left out: this example starts `sh`, and awaits pipes as only Unix can");
}

#[cfg(unix)]
mod unix {
    use std::io::{self, PipeReader};
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    use futures_lite::AsyncReadExt;
    use glassloop::{Async, join_all, println, unblock};

    async fn run(name: &str, script: &str) -> io::Result<String> {
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().expect("it was piped");
        // A `PipeReader` can be read by reference, which `Async` needs.
        let mut stdout = Async::new(PipeReader::from(OwnedFd::from(stdout)))?;
        let mut said = String::new();
        stdout.read_to_string(&mut said).await?;
        let status = unblock(move || child.wait()).await?;
        let code = status.code().expect("nothing kills the process");
        Ok(format!("{name} exit {code} said {}", said.trim_end()))
    }

    pub(super) fn main() -> io::Result<()> {
        glassloop::block_on(async {
            let slow = run("slow", "sleep 0.2; echo hello");
            let fast = run("fast", "echo hi; exit 3");
            for line in join_all([slow, fast]).await {
                println!("{}", line?);
            }
            Ok(())
        })
    }
}
