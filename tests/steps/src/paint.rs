//! Colours, or none.

/// Whether to write the codes of the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Colors,
    Plain,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
}

impl Paint {
    /// The text in that style, if there are colours.
    pub fn paint(self, style: Style, text: &str) -> String {
        match self {
            Paint::Colors if !text.is_empty() => format!("\x1b[{}m{text}\x1b[0m", style as u8),
            _ => text.to_owned(),
        }
    }
}
