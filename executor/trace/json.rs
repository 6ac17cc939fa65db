//! As much of JSON as a trace needs: objects of numbers and texts, appended to a string.

use std::fmt::{Display, Write};

use super::resource::CodeLine;

/// An object that is being written. [`end`](Self::end) closes it.
pub(super) struct Object<'a> {
    text: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object at the end of `text`.
    pub(super) fn begin(text: &'a mut String) -> Object<'a> {
        text.push('{');
        Object { text, is_empty: true }
    }

    /// A field whose value is written as it is: a number, `true`, or JSON already.
    pub(super) fn raw(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.with(key, |text| *text += &value.to_string())
    }

    /// A field whose value is a text.
    pub(super) fn text(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.with(key, |text| quote(text, &value.to_string()))
    }

    /// [`raw`](Self::raw), if there is a value.
    pub(super) fn raw_if(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value { self.raw(key, value) } else { self }
    }

    /// [`text`](Self::text), if there is a value.
    pub(super) fn text_if(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value { self.text(key, value) } else { self }
    }

    /// The fields `file` and `line`.
    pub(super) fn code_line(&mut self, at: CodeLine) -> &mut Self {
        self.text("file", portable(at.file())).raw("line", at.line())
    }

    /// A field whose value is appended by `write`.
    pub(super) fn with(&mut self, key: &str, write: impl FnOnce(&mut String)) -> &mut Self {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.text.push(',');
        }
        // The keys are this crate's own, and need no escapes.
        self.text.extend(["\"", key, "\":"]);
        write(self.text);
        self
    }

    pub(super) fn end(&mut self) {
        self.text.push('}');
    }

    /// Ends the object, and writes what comes after it.
    pub(super) fn end_with(&mut self, after: &str) {
        self.end();
        self.text.push_str(after);
    }
}

/// Writes a list, each item by a call of `write`.
pub(super) fn list<T>(
    text: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    text.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

/// The path of a file, with the same separators on every system.
pub(super) fn portable(file: &str) -> String {
    file.replace('\\', "/")
}

/// Nanoseconds as microseconds, exactly.
pub(super) fn microseconds(nanoseconds: u64) -> String {
    let (whole, rest) = (nanoseconds / 1000, nanoseconds % 1000);
    match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{rest:03}"),
    }
}

/// Writes a text in quotation marks. Escapes `<` as well: a page that holds the text must
/// not take it for the end of its script.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            // Some readers of JSON lines take the last two for the end of a line.
            c if c.is_control() || matches!(c, '<' | '\u{2028}' | '\u{2029}') => {
                // All of these are below U+10000. Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
