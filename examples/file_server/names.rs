//! Names: between the target of a request, the path of a file, and a link in a page.

use std::path::{Component, Path, PathBuf};

/// What a request is about.
pub(crate) struct Target {
    /// Inside of the root; it has only names, no `.` and no `..`.
    pub(crate) path: PathBuf,
    /// A target that ends with a slash is a directory, or it is not there.
    pub(crate) is_directory: bool,
    query: String,
}

impl Target {
    /// `None` if it is absolute, has a `..` in it, or characters that no target may have.
    pub(crate) fn parse(target: &str) -> Option<Target> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = decode(path.strip_prefix('/')?)?;
        if target.contains(char::is_control) || path.contains('\0') {
            return None;
        }
        let is_name = |part: &Component<'_>| matches!(part, Component::Normal(_));
        // A `.` leads nowhere, also if it is the first of all.
        let names = Path::new(&path).components().filter(|part| *part != Component::CurDir);
        names.clone().all(|part| is_name(&part)).then(|| Target {
            path: names.collect(),
            is_directory: matches!(&*path, "" | ".") || path.ends_with('/') || path.ends_with("/."),
            query: query.to_owned(),
        })
    }

    /// The same with a slash at its end. It begins with one slash, never two: a browser would
    /// take what follows two slashes for the name of another server.
    pub(crate) fn with_slash(&self) -> String {
        let query = encode(&self.query, b"%=&+;:@!$'()*,?/");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", link_to(&self.path))
    }
}

/// A link to a directory, with a slash at its beginning and at its end.
pub(crate) fn link_to(directory: &Path) -> String {
    let mut link = "/".to_owned();
    for name in directory {
        link += &encode(&name.to_string_lossy(), b"");
        link.push('/');
    }
    link
}

/// Replaces each code, as in `%20`, by its byte.
fn decode(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let mut rest = part.chars();
        let (high, low) = (rest.next()?.to_digit(16)?, rest.next()?.to_digit(16)?);
        bytes.push((high * 16 + low) as u8);
        bytes.extend(rest.as_str().bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Replaces each byte by its code, but for those that mean only themselves.
pub(crate) fn encode(text: &str, also_plain: &[u8]) -> String {
    let mut link = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also_plain.contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push('%');
            link.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            link.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
    link
}

/// The media type of a file, by the ending of its name. A browser shows text; what it does not
/// know it saves.
pub(crate) fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let ending = ending.to_ascii_lowercase();
    let found = TYPES.iter().find(|(endings, _)| endings.split(' ').any(|known| known == ending));
    found.map_or("application/octet-stream", |(_, kind)| kind)
}

const TYPES: &[(&str, &str)] = &[
    ("html htm", "text/html; charset=utf-8"),
    ("xhtml", "application/xhtml+xml"),
    ("txt text log md rs py c h cc cpp hpp java go sh toml yaml yml ini cfg conf patch diff", TEXT),
    ("css", "text/css; charset=utf-8"),
    ("js mjs", "text/javascript; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("json map", "application/json"),
    ("jsonl ndjson", "application/x-ndjson"),
    ("webmanifest", "application/manifest+json"),
    ("xml xsl", "application/xml"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("rtf", "application/rtf"),
    ("epub", "application/epub+zip"),
    ("zip", "application/zip"),
    ("gz tgz", "application/gzip"),
    ("bz2", "application/x-bzip2"),
    ("xz", "application/x-xz"),
    ("zst", "application/zstd"),
    ("tar", "application/x-tar"),
    ("7z", "application/x-7z-compressed"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("apng", "image/apng"),
    ("jpg jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("tif tiff", "image/tiff"),
    ("ico", "image/x-icon"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("ogg oga opus", "audio/ogg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("mp4 m4v", "video/mp4"),
    ("webm", "video/webm"),
    ("ogv", "video/ogg"),
    ("mov", "video/quicktime"),
    ("mkv", "video/x-matroska"),
    ("avi", "video/x-msvideo"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
];
const TEXT: &str = "text/plain; charset=utf-8";
