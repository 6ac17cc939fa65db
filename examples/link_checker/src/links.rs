//! The references in a page of HTML.
//!
//! A tokenizer knows where tags, attributes and comments begin and end, as browsers do. What it
//! does not know stands here: which attributes refer to something, and which elements hold text
//! that looks like tags. A tree is not built: to find the place of a tag in the tree can take
//! time that grows with the depth, and a hostile page is deep.

use html5gum::{DefaultEmitter, HtmlString, StartTag, State, StringReader, Token, Tokenizer};

use crate::page::charset;

/// What stands in a page.
#[derive(Default)]
pub(crate) struct References {
    pub(crate) list: Vec<Reference>,
    /// The first `<base href=…>`, to which all references are relative.
    pub(crate) base: Option<String>,
    /// The label of the encoding that the page says it has.
    pub(crate) charset: Option<Vec<u8>>,
}

#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Link,
    /// A form that is sent by POST: a request could have effects.
    Post,
    /// `preconnect` and the like: a host, and nothing that is requested.
    Hint,
}

/// Elements, and their attributes that refer to something. An attribute with a `*` holds a list
/// of images for screens of several sizes.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("a area", "href xlink:href"),
    ("link", "href imagesrcset*"),
    ("img image", "src srcset* longdesc href xlink:href"),
    ("source", "src srcset*"),
    ("script", "src href xlink:href"),
    ("iframe frame", "src longdesc"),
    ("audio embed track", "src"),
    ("video", "src poster"),
    ("object", "data"),
    ("blockquote q ins del", "cite"),
    ("body table thead tbody tfoot tr td th", "background"),
    ("use feimage textpath lineargradient radialgradient pattern", "href xlink:href"),
];
/// What follows these tags is text up to their end tag, whatever it looks like.
const RAW_TEXT: &str = "style xmp iframe noembed noframes";
/// Tags that end a drawing or a formula, if its own end tag was forgotten.
const BREAKOUT: &str = "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 \
                        h6 head hr i img li menu meta nobr ol p pre ruby s small span strong \
                        strike sub sup table tt u ul var";

fn is_one_of(name: &str, names: &str) -> bool {
    names.split_ascii_whitespace().any(|known| known == name)
}

/// Where the tokenizer is in the page.
#[derive(Default)]
struct Place {
    /// Inside of so many `<template>`s: a script may use that later; it is not in the page.
    templates: usize,
    /// Inside of so many `<svg>` and `<math>`, in which `<title>` and `<style>` hold tags.
    drawings: usize,
    /// In a piece of text of a drawing, up to `]]>`.
    in_text: bool,
}

impl References {
    pub(crate) fn read(html: &str) -> References {
        let (mut found, mut place) = (References::default(), Place::default());
        let mut tokens = Tokenizer::new(html);
        while let Some(Ok(token)) = tokens.next() {
            match token {
                Token::StartTag(tag) if !place.in_text => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    place.enter(&name, &tag, &mut tokens);
                    if place.templates == 0 && !tag.attributes.is_empty() {
                        found.take(&name, &Tag(tag));
                    }
                }
                Token::EndTag(tag) if !place.in_text => place.leave(&tag.name),
                Token::Comment(comment) if place.drawings > 0 => {
                    let is_text = comment.starts_with(b"[CDATA[") && !comment.ends_with(b"]]");
                    place.in_text |= is_text;
                }
                Token::String(text) if place.in_text => {
                    place.in_text = !text.windows(3).any(|bytes| bytes == b"]]>");
                }
                _ => {}
            }
        }
        found
    }

    fn take(&mut self, name: &str, tag: &Tag) {
        for (elements, attributes) in ATTRIBUTES {
            if is_one_of(name, elements) {
                attributes
                    .split(' ')
                    .for_each(|attribute| self.take_attribute(name, attribute, tag));
            }
        }
        match name {
            "base" if self.base.is_none() => self.base = tag.get("href"),
            "input" if tag.get("type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => {
                self.take_attribute(name, "src", tag);
            }
            "meta" => self.take_meta(tag),
            _ => {}
        }
        match name {
            "form" => self.take_form("action", "method", tag),
            "button" | "input" => self.take_form("formaction", "formmethod", tag),
            _ => {}
        }
    }

    fn take_attribute(&mut self, name: &str, attribute: &str, tag: &Tag) {
        if let Some(attribute) = attribute.strip_suffix('*') {
            let images = tag.get(attribute).unwrap_or_default();
            candidates(&images).into_iter().for_each(|image| self.push(image, Kind::Link));
            return;
        }
        let Some(text) = tag.get(attribute) else { return };
        let relations = tag.get("rel").unwrap_or_default().to_ascii_lowercase();
        let mut relations = relations.split_ascii_whitespace();
        let is_hint = relations.any(|it| matches!(it, "preconnect" | "dns-prefetch"));
        let kind = if name == "link" && is_hint { Kind::Hint } else { Kind::Link };
        // An empty link leads to its own page; anything else that is empty leads nowhere.
        if matches!(name, "a" | "area") || !text.trim_ascii().is_empty() {
            self.push(&text, kind);
        }
    }

    fn take_form(&mut self, action: &str, method: &str, tag: &Tag) {
        let method = tag.get(method).unwrap_or_default().to_ascii_lowercase();
        let kind = if method == "post" { Kind::Post } else { Kind::Link };
        if let Some(action) = tag.get(action).filter(|it| !it.trim_ascii().is_empty())
            && method != "dialog"
        {
            self.push(&action, kind);
        }
    }

    /// `<meta http-equiv=refresh content="5; url=/there">` sends the browser there.
    fn take_meta(&mut self, tag: &Tag) {
        let content = tag.get("content").unwrap_or_default();
        match tag.get("http-equiv").unwrap_or_default().to_ascii_lowercase().as_str() {
            "refresh" => {
                if let Some(url) = refresh(&content) {
                    self.push(url, Kind::Link);
                }
            }
            "content-type" if self.charset.is_none() => {
                self.charset = charset(&content).map(|encoding| encoding.name().into());
            }
            _ => {}
        }
        if self.charset.is_none() {
            self.charset = tag.get("charset").map(String::into_bytes);
        }
        // These cannot be: the label was read as if each character were one byte.
        if self
            .charset
            .as_ref()
            .is_some_and(|label| label.to_ascii_lowercase().starts_with(b"utf-16"))
        {
            self.charset = Some(b"utf-8".to_vec());
        }
    }

    fn push(&mut self, text: &str, kind: Kind) {
        self.list.push(Reference { text: text.to_owned(), kind });
    }
}

/// A tag whose attributes can be asked for.
struct Tag(StartTag<()>);

impl Tag {
    /// The value of an attribute; of two with the same name, the first one.
    fn get(&self, name: &str) -> Option<String> {
        let value = self.0.attributes.get(&HtmlString(name.into()))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

type Tokens<'a> = Tokenizer<StringReader<'a>, DefaultEmitter>;

impl Place {
    fn enter(&mut self, name: &str, tag: &StartTag<()>, tokens: &mut Tokens<'_>) {
        if self.drawings > 0 && is_one_of(name, BREAKOUT) {
            self.drawings = 0;
        }
        match name {
            "svg" | "math" if !tag.self_closing => self.drawings += 1,
            _ if self.drawings > 0 => {}
            "template" => self.templates += 1,
            "textarea" | "title" => tokens.set_state(State::RcData),
            "script" => tokens.set_state(State::ScriptData),
            "plaintext" => tokens.set_state(State::PlainText),
            _ if is_one_of(name, RAW_TEXT) => tokens.set_state(State::RawText),
            _ => {}
        }
    }

    fn leave(&mut self, name: &[u8]) {
        match name {
            b"svg" | b"math" => self.drawings = self.drawings.saturating_sub(1),
            b"template" => self.templates = self.templates.saturating_sub(1),
            _ => {}
        }
    }
}

/// The URLs in the value of a `srcset`, as in `small.png 1x, large.png 2x`. A URL may have commas
/// in it, but not at its end.
fn candidates(images: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_ascii_whitespace() || c == ',';
    let (mut found, mut rest) = (Vec::new(), images.trim_start_matches(is_between));
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        found.push(url.trim_end_matches(','));
        let mut depth = 0_usize;
        let end = after.find(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        });
        let end = if url.ends_with(',') { 0 } else { end.unwrap_or(after.len()) };
        rest = after[end..].trim_start_matches(is_between);
    }
    found
}

/// The URL in `5; url=/there`; also in `5, '/there'`, as browsers read it. `None`: this page.
fn refresh(content: &str) -> Option<&str> {
    let rest = content.trim_ascii_start();
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if after.len() == rest.len() {
        return None;
    }
    let has_end = after.starts_with(|c: char| c.is_ascii_whitespace() || c == ';' || c == ',');
    let mut url = after.trim_ascii_start();
    url = url.strip_prefix([';', ',']).unwrap_or(url).trim_ascii_start();
    if url.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("url"))
        && let Some(value) = url[3..].trim_ascii_start().strip_prefix('=')
    {
        url = value.trim_ascii_start();
    }
    if let Some(quote) = url.chars().next().filter(|c| ['"', '\''].contains(c)) {
        url = url[1..].split(quote).next().unwrap_or_default();
    }
    (has_end && !url.is_empty()).then_some(url)
}
