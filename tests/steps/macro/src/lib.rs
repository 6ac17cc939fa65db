//! `step!(2 without main, TaskWaker::poll)`: all items of `examples/steps/step_2.rs`, except
//! those that are named.
//!
//! A flaw of a step is that step with an item or two in a wrong version. With this macro, the
//! file of a flaw has the wrong items and nothing else, and all the others are those of the
//! step, by construction.
//!
//! An item is named as it begins: `block_on`, `RunQueue`, `impl Wake for Signal`; a method of
//! an `impl` block with the block's type: `TaskWaker::poll`. An item that the step does not
//! have is an error, so that no flaw can lose its cure.

use std::fs;
use std::path::Path;

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// The items of a step, without those that are named.
#[proc_macro]
pub fn step(input: TokenStream) -> TokenStream {
    let (number, mut without) = parse(&input.to_string());
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let path = Path::new(&root).join(format!("examples/steps/step_{number}.rs"));
    let source = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    let tokens: TokenStream = source.parse().expect("the step is Rust");

    let mut kept = TokenStream::new();
    for item in items(tokens) {
        if !take(&mut without, &name(&item)) {
            kept.extend(without_methods(item, &mut without));
        }
    }
    assert!(without.is_empty(), "step {number} has no {}", without.join(", "));
    // So that cargo builds the flaw again when the step has changed.
    let watched = format!("const _: &[u8] = include_bytes!({path:?});");
    kept.extend(watched.parse::<TokenStream>().expect("it is Rust"));
    kept
}

/// `2 without main, TaskWaker::poll`: the number, and the names without their blanks.
fn parse(input: &str) -> (String, Vec<String>) {
    let (number, names) = input.split_once("without").expect("step!(NUMBER without ITEM, …)");
    (squeeze(number), names.split(',').map(squeeze).filter(|name| !name.is_empty()).collect())
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

fn take(names: &mut Vec<String>, name: &str) -> bool {
    let place = names.iter().position(|other| other == name);
    place.map(|place| names.remove(place)).is_some()
}

/// Splits a file, or the inside of an `impl` block, into its items, each with its attributes.
fn items(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut items, mut item) = (Vec::new(), Vec::new());
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            // The braces of `use a::{b, c};` and `const A: B = { … };` do not end it.
            TokenTree::Group(group) => {
                group.delimiter() == Delimiter::Brace && !ends_with_semicolon(&item)
            }
            _ => false,
        };
        item.push(token);
        // `#![…]`, which is the doc comment of the file
        let inner = matches!(&item[..], [hash, bang, _] if is(hash, "#") && is(bang, "!"));
        if inner {
            item.clear();
        } else if ends {
            items.push(std::mem::take(&mut item));
        }
    }
    items
}

fn is(token: &TokenTree, text: &str) -> bool {
    token.to_string() == text
}

fn ends_with_semicolon(item: &[TokenTree]) -> bool {
    let begin = item.iter().filter(|token| !matches!(token, TokenTree::Group(_)));
    let begin: Vec<String> = begin.map(|token| token.to_string()).collect();
    let begin = begin.iter().map(String::as_str).filter(|&word| word != "#" && word != "pub");
    matches!(begin.take(1).last(), Some("use" | "static" | "const" | "type"))
}

/// What an item is called: `impl` blocks by their first line, all others by their own name.
fn name(item: &[TokenTree]) -> String {
    let words: Vec<String> = item.iter().map(|token| token.to_string()).collect();
    let is_word = |word: &&str| words.iter().any(|other| other == word);
    if words.iter().any(|word| word == "impl") && !is_word(&"fn") {
        let first = words.iter().position(|word| word == "impl").expect("it has one");
        return words[first..words.len() - 1].concat();
    }
    let kind = |word: &String| {
        ["fn", "struct", "enum", "const", "static", "type"].contains(&word.as_str())
    };
    let named = words.iter().position(kind).and_then(|kind| words.get(kind + 1));
    named.cloned().unwrap_or_default()
}

/// `impl<T: AsSource> Async<T>`, without its blanks, is about `Async`.
fn type_of(header: &str) -> &str {
    let header = header.trim_start_matches("impl");
    let header = header
        .strip_prefix('<')
        .map_or(header, |parameters| parameters.split_once('>').expect("parameters end").1);
    header.split('<').next().expect("a split has a first part")
}

/// Of an `impl` block, leaves out the methods that are named.
fn without_methods(mut item: Vec<TokenTree>, without: &mut Vec<String>) -> Vec<TokenTree> {
    let header = name(&item);
    if let Some(TokenTree::Group(body)) = item.last().filter(|_| header.starts_with("impl")) {
        let of = type_of(&header);
        let mut kept = TokenStream::new();
        for method in items(body.stream()) {
            if !take(without, &format!("{of}::{}", name(&method))) {
                kept.extend(method);
            }
        }
        let body = Group::new(Delimiter::Brace, kept);
        *item.last_mut().expect("it has a body") = body.into();
    }
    item
}
