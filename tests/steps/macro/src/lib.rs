//! `step!(2 without main, TaskWaker::poll)`: all items of `examples/steps/step_2.rs`, except
//! those that are named.
//!
//! A flaw of a step is that step with an item or two in a wrong version. With this macro, the
//! file of a flaw has the wrong items and nothing else, and all the others are those of the
//! step, by construction. How an item is named stands in `items.rs`, with which the command
//! `cargo run -p glassloop-steps` finds the same items.

#[path = "../../src/items.rs"]
#[allow(dead_code, reason = "the command uses the rest")]
mod items;

use std::fs;
use std::path::Path;

use proc_macro::TokenStream;

/// The items of a step, without those that are named.
#[proc_macro]
pub fn step(input: TokenStream) -> TokenStream {
    let (number, names) = parse(&input.to_string());
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let path = Path::new(&root).join(format!("examples/steps/step_{number}.rs"));
    let source = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    // A checkout on Windows may have changed the ends of the lines.
    let kept = items::Step::parse(&source.replace("\r\n", "\n"))
        .and_then(|step| {
            Ok(step.without(&names)?.iter().map(|item| &*item.text).collect::<String>())
        })
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // The last line makes cargo build the flaw again when the step has changed.
    let watched = format!("{kept}\nconst _: &[u8] = include_bytes!({path:?});");
    watched.parse().expect("the step is Rust")
}

/// `2 without main, TaskWaker :: poll`: the number, and the names as they are written in a file.
fn parse(input: &str) -> (String, Vec<String>) {
    let (number, names) = input.split_once("without").expect("step!(NUMBER without ITEM, …)");
    let name =
        |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").replace(" :: ", "::");
    (number.trim().into(), names.split(',').map(name).collect())
}
