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
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The programs, and whether each can run on virtual time.
const PROGRAMS: [(&str, bool); 6] = [
    ("06_round_robin", true),
    ("07_gather_fetch", true),
    ("18_blocking", false),
    ("14_lock", true),
    ("10_timeout", true),
    ("21_echo", true),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/gallery");
    fs::create_dir_all(&folder)?;
    let mut index = String::from("<!doctype html><meta charset=\"utf-8\"><title>Gallery</title>\n");
    for (name, is_virtual) in PROGRAMS {
        let page = folder.join(name).with_extension("html");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            // The page shows the source; the tracer looks for it from this directory.
            .args(["run", "--quiet", "--example", name])
            .current_dir(root)
            .env("GLASSLOOP_TRACE", &page)
            .env("GLASSLOOP_VIRTUAL_TIME", if is_virtual { "1" } else { "0" })
            .status()?;
        if !status.success() {
            return Err(format!("{name} failed: {status}").into());
        }
        index += &format!("<p><a href=\"{name}.html\">{name}</a></p>\n");
    }
    fs::write(folder.join("index.html"), index)?;
    println!("\nopen {} in a browser", folder.join("index.html").display());
    Ok(())
}
