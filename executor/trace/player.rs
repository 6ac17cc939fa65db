//! The form for the browser: a page that plays the trace, forwards and backwards.
//!
//! The page is one file and needs no network. Its program and its style come first. The
//! events come last, as the lines of the raw form, so that each can be appended when it
//! happens: a page whose end is missing works, up to where the program crashed.

use std::collections::HashSet;
use std::fs;

use super::event::TraceEvent;
use super::json::{Object, portable};
use super::lines::Lines;
use super::record::{Form, Record, TraceHeader};
use super::resource::CodeLine;

/// The page, up to where the events begin.
const PAGE: &str = include_str!("player/page.html");
/// The marks in the page, and the text that replaces each.
const INSETS: [(&str, &str); 10] = [
    ("/* player.css */", include_str!("player/player.css")),
    ("/* model.js */", include_str!("player/model.js")),
    ("/* words.js */", include_str!("player/words.js")),
    ("/* draw.js */", include_str!("player/draw.js")),
    ("/* view_loop.js */", include_str!("player/view_loop.js")),
    ("/* view_source.js */", include_str!("player/view_source.js")),
    ("/* view_wheel.js */", include_str!("player/view_wheel.js")),
    ("/* view_lanes.js */", include_str!("player/view_lanes.js")),
    ("/* view_lists.js */", include_str!("player/view_lists.js")),
    ("/* player.js */", include_str!("player/player.js")),
];

/// A source file larger than this is not shown.
const LARGEST_SOURCE: u64 = 1 << 20;

/// Writes a trace as a page.
#[derive(Default)]
pub(super) struct Player {
    /// The source files that the page holds already, or that could not be read.
    files: HashSet<&'static str>,
}

impl Form for Player {
    fn begin(&mut self, header: &TraceHeader, text: &mut String) {
        let page =
            INSETS.iter().fold(PAGE.to_owned(), |page, (mark, inset)| page.replace(mark, inset));
        text.push_str(page.trim_end());
        text.push('\n');
        Lines.begin(header, text);
    }

    fn write(&mut self, record: &Record<'_>, text: &mut String) {
        match record.event {
            TraceEvent::Spawn { at, .. } | TraceEvent::Job { at, .. } => self.add_source(at, text),
            TraceEvent::Pending { waits, .. } => {
                waits.iter().for_each(|wait| self.add_source(wait.at, text));
            }
            _ => {}
        }
        Lines.write(record, text);
    }

    fn end(&mut self, text: &mut String) {
        text.push_str("</script>\n");
    }
}

impl Player {
    /// Puts the source of a file into the page when the file is named for the first time, if
    /// it can be read. (Its path is the compiler's, relative to where the program runs.)
    fn add_source(&mut self, at: CodeLine, text: &mut String) {
        let is_small = |file| fs::metadata(file).is_ok_and(|file| file.len() <= LARGEST_SOURCE);
        if self.files.insert(at.file())
            && is_small(at.file())
            && let Ok(source) = fs::read_to_string(at.file())
        {
            let mut object = Object::begin(text);
            object.text("ev", "source").text("file", portable(at.file()));
            object.text("text", source).end_with("\n");
        }
    }
}
