//! Sends an answer.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::SystemTime;

use futures_lite::AsyncWriteExt;
use glassloop::net::TcpStream;
use glassloop::{timeout, unblock};

use crate::answer::{Answer, Body};
use crate::clients::IDLE;

/// How many bytes of a file are in memory, for each client. (A listing is there as a whole,
/// but once for all that are sent it. What the system keeps of a connection comes in addition.)
const PIECE: u64 = 64 * 1024;

pub(crate) async fn send(answer: Answer, is_head: bool, stream: &TcpStream) -> io::Result<()> {
    let Answer { status, headers, body } = answer;
    let length = match &body {
        Body::None => None,
        Body::Page(page) => Some(page.len() as u64),
        Body::File(_, length) => Some(*length),
    };
    let length = length.map(|length| format!("Content-Length: {length}\r\n"));
    let length = length.unwrap_or_default();
    let now = httpdate::fmt_http_date(SystemTime::now());
    let rest = format!("Date: {now}\r\nConnection: close\r\n\r\n");
    let head = format!("HTTP/1.1 {status}\r\n{headers}{length}{rest}");
    write(head.as_bytes(), stream).await?;
    match body {
        Body::None => Ok(()),
        _ if is_head => Ok(()),
        Body::Page(page) => write(page.as_bytes(), stream).await,
        Body::File(file, length) => send_file(file, length, stream).await,
    }
}

/// No more than `length`, even if the file grows meanwhile.
async fn send_file(file: File, mut length: u64, stream: &TcpStream) -> io::Result<()> {
    let file = Arc::new(file);
    while length > 0 {
        let (file, count) = (file.clone(), length.min(PIECE));
        let mut piece = Vec::with_capacity(count as usize);
        let piece = unblock(move || file.take(count).read_to_end(&mut piece).map(|_| piece));
        let piece = piece.await?;
        if piece.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into()); // it has become shorter
        }
        length -= piece.len() as u64;
        write(&piece, stream).await?;
    }
    Ok(())
}

/// The limit begins again with each byte that the client takes: a long download goes on, a
/// stalled download ends.
async fn write(mut bytes: &[u8], mut stream: &TcpStream) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = timeout(IDLE, stream.write(bytes)).await??;
        bytes = &bytes[count..];
    }
    Ok(())
}
