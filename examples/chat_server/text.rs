//! Text: what may reach another's terminal, where it may be cut, what a name is.

use crate::terminal::misleads;

const LONGEST_NAME: usize = 20;

/// What a client wrote, as others may see it. Control characters would move the cursor of
/// their terminals, or ring the bell; bytes that are no UTF-8 become U+FFFD.
pub(crate) fn shown(bytes: &[u8]) -> String {
    // A joiner between two letters or two pictures does no harm.
    let harms = |c: char| c.is_control() || misleads(c) && !matches!(c, '\u{200c}' | '\u{200d}');
    String::from_utf8_lossy(bytes).replace(harms, " ")
}

/// Where a line can be cut: at `at` or up to `back` bytes before. What one sees as one
/// character is not torn apart, unless it is longer than that.
pub(crate) fn cut(bytes: &[u8], at: usize, back: usize) -> usize {
    let mut places = (at - back..=at).rev();
    let between = |at: &usize| is_between_letters(bytes, *at);
    places.clone().find(between).or_else(|| places.find(|&at| starts(bytes, at))).unwrap_or(at)
}

/// Whether a byte is not the second, third or fourth one of its character in UTF-8.
fn starts(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
}

/// Whether `at` is between characters, and the one behind does not belong to the one before.
fn is_between_letters(bytes: &[u8], at: usize) -> bool {
    let before = (1..=at.min(4)).find(|&back| starts(bytes, at - back)).unwrap_or(0);
    let before = String::from_utf8_lossy(&bytes[at - before..at]);
    let behind = String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 4)]);
    starts(bytes, at) && !before.ends_with('\u{200d}') && !behind.starts_with(belongs_to_the_last)
}

/// Accents, marks and joiners that change the character before. Not all that Unicode has: a
/// cut before another one is ugly, and does no harm.
fn belongs_to_the_last(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' // accents
        | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' // vowels, points
        | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}' | '\u{e34}'..='\u{e3a}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' // colours of skin, flags
    )
}

pub(crate) const RULE: &str = "A name has 1 to 20 letters or digits.";

/// Whether a name keeps the rule. So no name looks like a line of the server.
pub(crate) fn is_name(name: &str) -> bool {
    // Letters by their kind, but nobody sees them.
    let is_blank = |c| matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    (1..=LONGEST_NAME).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() && !is_blank(c))
}

/// Names are the same if they differ only in upper and lower case.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Whether this is the first byte of another protocol, not of a text: TLS begins with 22.
pub(crate) fn is_no_text(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace() || (0x80..0xc0).contains(&byte)
}

/// Whether a line that should be a name is a request of HTTP, or one of its headers. A web
/// page can make its visitor's browser send such lines, and choose what follows.
pub(crate) fn is_of_the_web(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    let (method, target) = line.split_once(' ').unwrap_or((&line, ""));
    let has_target = target.starts_with(['/', '*']) || target.contains("://");
    let is_request = has_target && method.chars().all(|c| c.is_ascii_graphic());
    is_request || line.contains("HTTP/") || line.contains(':')
}
