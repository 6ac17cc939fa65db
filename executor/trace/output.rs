//! A trace that is being written, to a file or to stderr.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::event::TraceEvent;
use super::record::{Form, Record, TraceHeader};

/// Writes the text of each record at once, so that it is there if the program crashes next.
pub(super) struct TraceOutput {
    form: Box<dyn Form>,
    /// `None` after a write has failed: the failure is reported once, and the program goes
    /// on untraced.
    to: Option<Box<dyn Write>>,
    path: PathBuf,
    /// How many events the trace may hold.
    limit: u64,
}

/// Whether a trace with this path goes to stderr.
pub(super) fn is_stderr(path: &Path) -> bool {
    path == "-"
}

impl TraceOutput {
    /// Opens the file, and empties it.
    pub(super) fn open(path: &Path, form: Box<dyn Form>, limit: u64) -> io::Result<TraceOutput> {
        let to: Box<dyn Write> =
            if is_stderr(path) { Box::new(io::stderr()) } else { Box::new(File::create(path)?) };
        Ok(TraceOutput { form, to: Some(to), path: path.to_owned(), limit })
    }

    pub(super) fn begin(&mut self, header: &TraceHeader) {
        let mut text = String::new();
        self.form.begin(header, &mut text);
        self.put(&text);
    }

    /// Writes a record. The first record beyond the limit becomes the event `cut`, and
    /// later records are left out.
    pub(super) fn write(&mut self, mut record: Record<'_>) {
        if record.number > self.limit + 1 {
            return;
        }
        if record.number > self.limit {
            record.event = TraceEvent::Cut { limit: self.limit };
        }
        let mut text = String::new();
        self.form.write(&record, &mut text);
        if let TraceEvent::Cut { .. } | TraceEvent::LoopEnd = record.event {
            self.form.end(&mut text);
        }
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        let Some(to) = &mut self.to else { return };
        if let Err(error) = to.write_all(text.as_bytes()) {
            self.to = None;
            let path = self.path.display();
            // Not `eprintln!`, which panics if stderr is gone as well.
            let _ = writeln!(
                io::stderr(),
                "glassloop: the trace {path} ends here: {error}. The program goes on"
            );
        }
    }
}
