//! Runs a model on a copy of the source:
//!
//! ```text
//! cargo run --release -p glassloop-loom -- MODEL [COPY]
//! ```
//!
//! COPY is `sound`, or the name of a bug. A model that fails ends the program with an
//! error. (As a program of its own, since a failed model may end in a second panic.)

mod models;
#[path = "../../../examples/shared/terminal.rs"]
mod terminal;

const USAGE: &str = "Usage: glassloop-loom MODEL [COPY]";

fn main() -> std::process::ExitCode {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    if words.iter().any(|word| word == "-h" || word == "--help") {
        terminal::say(format_args!("{USAGE}\nmodels: {:?}\n", models::MODELS));
        return std::process::ExitCode::SUCCESS;
    }
    let model = words.first().map_or("", String::as_str);
    let copy = words.get(1).map_or("sound", String::as_str);
    match models::find(copy, model).filter(|_| words.len() <= 2) {
        Some(model) => loom::model(model),
        None => {
            return terminal::refuse("glassloop-loom", format_args!("no such model: {words:?}"));
        }
    }
    std::process::ExitCode::SUCCESS
}
