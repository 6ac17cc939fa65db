//! Lines out of a stream of bytes. A line that is too long comes in pieces.
//!
//! Only `\n` ends a line. `\r` and all other control characters become spaces, and the
//! spaces at the end of a line do not count.

use std::io;

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt};
use glassloop::net::TcpStream;

use crate::text;

/// In bytes. So a line without an end takes no more memory than this.
const LONGEST: usize = 1000;
/// How much is read of the next piece, to see where a character ends.
const AHEAD: usize = 64;

pub(crate) struct Lines<'s> {
    stream: BufReader<&'s TcpStream>,
    /// What is read and not returned.
    bytes: Vec<u8>,
    is_inside: bool,
    is_dropped: bool,
}

/// What is read at once.
pub(crate) enum Piece {
    Whole(String),
    /// The first piece of a longer line.
    Start(String),
    /// One more piece of the same line.
    More(String),
}

impl<'s> Lines<'s> {
    pub(crate) fn new(stream: &'s TcpStream) -> Lines<'s> {
        let (bytes, is_inside, is_dropped) = (Vec::new(), false, false);
        Lines { stream: BufReader::with_capacity(LONGEST, stream), bytes, is_inside, is_dropped }
    }

    /// The first byte of the stream; `None` at its end. It is not taken out.
    pub(crate) async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.stream.fill_buf().await?.first().copied())
    }

    /// The next piece; `None` at the end. The last line needs no `\n`.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            match self.read_piece().await? {
                Some(Piece::More(_)) if self.is_dropped => {}
                piece => {
                    self.is_dropped = false;
                    return Ok(piece);
                }
            }
        }
    }

    /// Leaves out the rest of the line whose start was read last.
    pub(crate) fn drop_the_rest(&mut self) {
        self.is_dropped = true;
    }

    async fn read_piece(&mut self) -> io::Result<Option<Piece>> {
        if !self.bytes.ends_with(b"\n") {
            let missing = LONGEST + AHEAD - self.bytes.len();
            (&mut self.stream).take(missing as u64).read_until(b'\n', &mut self.bytes).await?;
        }
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let is_last = line.strip_suffix(b"\r").unwrap_or(line).len() <= LONGEST;
        let end = if is_last { self.bytes.len() } else { text::cut(&self.bytes, LONGEST, AHEAD) };
        let mut text = text::shown(&self.bytes[..end]);
        self.bytes.drain(..end);
        if is_last {
            text.truncate(text.trim_end().len());
        }
        let is_more = std::mem::replace(&mut self.is_inside, !is_last);
        Ok(Some(match (is_more, is_last) {
            (true, _) => Piece::More(text),
            (false, true) => Piece::Whole(text),
            (false, false) => Piece::Start(text),
        }))
    }
}
