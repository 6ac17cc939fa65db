//! Runs a model on a copy of the source:
//!
//! ```text
//! cargo run --release -p glassloop-loom -- MODEL [COPY]
//! ```
//!
//! COPY is `sound`, or the name of a bug. A model that fails ends the program with an
//! error. (As a program of its own, since a failed model may end in a second panic.)

mod models;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_default();
    let copy = arguments.next().unwrap_or_else(|| "sound".into());
    match models::find(&copy, &model) {
        Some(model) => loom::model(model),
        None => {
            eprintln!("usage: glassloop-loom MODEL [COPY]\nmodels: {:?}", models::MODELS);
            std::process::exit(2);
        }
    }
}
