//! # Gallery: six programs, each with a page that plays what its loop did
//!
//! ```text
//! cargo run --example gallery   # then open target/gallery/index.html
//! ```
//!
//! Runs the programs that `docs/gallery.md` explains, each with `GLASSLOOP_TRACE` set to
//! a page of its own. The programs themselves are not changed.
//!
//! Take away: **to trace a program, only the path of the trace has to be given.**

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

#[path = "shared/terminal.rs"]
mod terminal;

const USAGE: &str = "\
Makes a page of each program of docs/gallery.md, which plays what its loop did, in
target/gallery of glassloop's own folder.

Usage: cargo run --example gallery
";

/// The programs, and whether each can run on virtual time.
const PROGRAMS: [(&str, bool); 6] = [
    ("06_round_robin", true),
    ("07_gather_fetch", true),
    ("18_blocking", false),
    ("14_lock", true),
    ("10_timeout", true),
    ("21_echo", true),
];

fn main() -> ExitCode {
    if let Some(code) = terminal::only_help("gallery", USAGE) {
        return code;
    }
    match gallery() {
        Ok(index) => {
            let index = terminal::shown(&index.to_string_lossy());
            terminal::say(format_args!("\nopen {index} in a browser\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal::complain("gallery", error);
            ExitCode::FAILURE
        }
    }
}

/// Returns the page that leads to all others.
fn gallery() -> Result<PathBuf, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/gallery");
    let cannot = |path: &Path, error| format!("cannot write {}: {error}", path.display());
    fs::create_dir_all(&folder).map_err(|error| cannot(&folder, error))?;
    let mut text = String::from("<!doctype html><meta charset=\"utf-8\"><title>Gallery</title>\n");
    for (name, is_virtual) in PROGRAMS {
        let page = folder.join(name).with_extension("html");
        run(root, name, is_virtual, &page)?;
        text += &format!("<p><a href=\"{name}.html\">{name}</a></p>\n");
    }
    let index = folder.join("index.html");
    fs::write(&index, text).map_err(|error| cannot(&index, error))?;
    Ok(index)
}

/// Runs a program, and sees to it that it has left its page: an old one does not count.
fn run(root: &Path, name: &str, is_virtual: bool, page: &Path) -> Result<(), Box<dyn Error>> {
    let _ = fs::remove_file(page);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // The page shows the source; the tracer looks for it from this directory.
        .args(["run", "--quiet", "--example", name])
        .current_dir(root)
        .env("GLASSLOOP_TRACE", page)
        .env("GLASSLOOP_VIRTUAL_TIME", if is_virtual { "1" } else { "0" })
        .stderr(Stdio::inherit())
        .output()?;
    // Its output goes through this program, which does not mind if nobody reads.
    terminal::say(String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        return Err(format!("{name} failed: {}", output.status).into());
    }
    match fs::metadata(page) {
        Ok(data) if data.len() > 0 => Ok(()),
        _ => Err(format!("{name} has left no page at {}", page.display()).into()),
    }
}
