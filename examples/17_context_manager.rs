//! # 17 Context manager: a file and a lock, closed on every way out
//!
//! ```text
//! cargo run --example 17_context_manager
//! ```
//!
//! Twin: `17_context_manager.py`, where `__aexit__` may await; a `Drop` may not.
//!
//! Take away: **leaving a scope drops what is in it, also when `?` leaves it; but a drop
//! cannot await, so a close that may wait or fail is a call of its own.**

use std::io;
use std::path::{Path, PathBuf};

use futures_lite::{AsyncReadExt, AsyncWriteExt, future::try_zip};
use glassloop::fs::{File, OpenOptions};
use glassloop::{println, sync::Mutex};

/// A file, and how it was closed.
struct LogFile(File, &'static str);

impl Drop for LogFile {
    fn drop(&mut self) {
        println!("closed {}", self.1);
    }
}

async fn open(mode: &str, options: &OpenOptions, path: &Path) -> io::Result<LogFile> {
    let file = options.open(path).await?;
    println!("opened {mode}");
    Ok(LogFile(file, "after error"))
}

async fn append(path: &Mutex<PathBuf>, line: &str) -> io::Result<()> {
    let path = path.lock().await; // the guard: unlocked when it is dropped
    let mut log = open("a", File::options().append(true).create(true), &path).await?;
    log.0.write_all(format!("{line}\n").as_bytes()).await?;
    log.0.close().await?;
    log.1 = "cleanly";
    Ok(())
}

async fn read(path: &Path) -> io::Result<()> {
    let mut log = open("r", File::options().read(true), path).await?;
    let mut text = String::new();
    log.0.read_to_string(&mut text).await?;
    println!("['{}']", text.lines().collect::<Vec<_>>().join("', '"));
    Err(io::Error::other("oops"))
}

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?; // removed when it is dropped
    glassloop::block_on(async {
        let path = Mutex::new(folder.path().join("log.txt"));
        try_zip(append(&path, "one"), append(&path, "two")).await?;
        read(&path.into_inner()).await.unwrap_or_else(|error| println!("caught {error}"));
        Ok(())
    })
}
