//! Where a trace is written to: a file, or stderr.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Takes text and writes it at once, so that it is there if the program crashes next.
pub(super) struct TraceOutput {
    to: To,
    /// What could not be written is said once, and then the program goes on untraced.
    has_failed: bool,
}

enum To {
    File(File, PathBuf),
    Stderr,
}

impl TraceOutput {
    pub(super) fn stderr() -> TraceOutput {
        TraceOutput { to: To::Stderr, has_failed: false }
    }

    /// A new file, or an emptied one.
    pub(super) fn file(path: &Path) -> io::Result<TraceOutput> {
        let file = File::create(path)?;
        Ok(TraceOutput { to: To::File(file, path.to_owned()), has_failed: false })
    }

    pub(super) fn write(&mut self, text: &str) {
        if self.has_failed {
            return;
        }
        let written = match &mut self.to {
            To::File(file, _) => file.write_all(text.as_bytes()),
            To::Stderr => io::stderr().write_all(text.as_bytes()),
        };
        if let Err(error) = written {
            self.has_failed = true;
            self.complain(&error);
        }
    }

    fn complain(&self, error: &io::Error) {
        if let To::File(_, path) = &self.to {
            // Not `eprintln!`, which panics if stderr is gone as well.
            let _ = writeln!(
                io::stderr(),
                "glassloop: the trace {} ends here: {error}. The program goes on",
                path.display()
            );
        }
    }
}
