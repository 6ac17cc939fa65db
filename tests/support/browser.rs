//! A real Chromium without a window, for the tests of the player's page.

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of a Chromium that is not on the PATH under one of the names below.
const VARIABLE: &str = "GLASSLOOP_CHROMIUM";
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

pub struct Browser {
    program: PathBuf,
}

/// A page that was opened.
pub struct Seen {
    /// The page at the end, as HTML.
    pub page: String,
    /// What the page wrote to its console: errors, above all.
    pub console: Vec<String>,
}

impl Browser {
    /// The Chromium of this machine.
    pub fn find() -> Option<Browser> {
        let named = std::env::var_os(VARIABLE).map(PathBuf::from);
        let mut programs = named.into_iter().chain(NAMES.map(PathBuf::from));
        programs.find(|program| starts(program)).map(|program| Browser { program })
    }

    /// Opens a page and waits until it is loaded, and for `more_time` in milliseconds of the
    /// page's own clock, which does not wait. With that clock, nothing can be measured.
    pub fn open(&self, page: &str, size: (u32, u32), more_time: Option<u32>) -> Seen {
        let profile = tempfile::tempdir().expect("a directory for the browser's profile");
        let mut command = Command::new(&self.program);
        // Chromium's sandbox needs rights that a container may not have; these pages are ours.
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]);
        command.args(["--enable-logging=stderr", "--dump-dom"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg(format!("--window-size={},{}", size.0, size.1));
        if let Some(time) = more_time {
            command.arg(format!("--virtual-time-budget={time}"));
        }
        let output = command.arg(page).output().expect("the browser can be started");
        let messages = String::from_utf8_lossy(&output.stderr);
        let console = messages.lines().filter(|line| line.contains("CONSOLE"));
        let console = console.map(str::to_owned).collect();
        Seen { page: String::from_utf8_lossy(&output.stdout).into_owned(), console }
    }
}

/// The address of a file.
pub fn address(file: &Path) -> String {
    format!("file://{}", file.display())
}

fn starts(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
