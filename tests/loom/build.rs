//! Makes copies of `executor/` whose atomics, locks, threads and channels are loom's.
//!
//! What is modelled is the production source itself, whole files of it; only the names
//! behind a few imports change. A second kind of copy has a bug sown into it, by
//! replacing a line. If that line is no longer there, the build fails: a model that
//! is not seen to find a bug proves nothing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

mod bugs;

use bugs::{BUGS, Bug};

/// What stands in for what. Each must be found somewhere, or it is out of date.
const STAND_INS: &[(&str, &str)] = &[
    ("std::sync::atomic", "crate::stand_in::atomic"),
    ("use std::sync::{Arc, Mutex", "use crate::stand_in::sync::{Arc, Mutex"),
    ("use std::thread", "use crate::stand_in::thread"),
    ("thread_local!", "loom::thread_local!"),
    ("static LOOPS: Loops = const {\n        Loops {", "static LOOPS: Loops = {\n        Loops {"),
    ("const { Cell::new(BUDGET) }", "Cell::new(BUDGET)"),
    ("const { Cell::new(NO_LOOP) }", "Cell::new(NO_LOOP)"),
    ("const { Cell::new(0) }", "Cell::new(0)"),
    ("const { Cell::new((0, 0)) }", "Cell::new((0, 0))"),
    ("const { Cell::new(cfg!(debug_assertions)) }", "Cell::new(cfg!(debug_assertions))"),
    (
        "const { ManuallyDrop::new(RefCell::new(BTreeMap::new())) }",
        "ManuallyDrop::new(RefCell::new(BTreeMap::new()))",
    ),
    ("crossbeam_channel::", "crate::stand_in::channel::"),
    // Of which a crate can have one only.
    ("#[macro_export]\nmacro_rules! println {", "#[allow(unused_macros)]\nmacro_rules! print {"),
    (
        "include_str!(\"",
        concat!("include_str!(\"", env!("CARGO_MANIFEST_DIR"), "/../../executor/trace/"),
    ),
    ("use polling::", "use crate::stand_in::polling::"),
];

/// The modules that take part. Files and sockets have no handshake of their own.
const MODULES: [&str; 9] =
    ["trace", "task", "time", "io", "blocking", "event_loop", "report", "join", "sync"];
/// The modules that are files: one with a macro for all others, and one to find the loop by.
const MACROS: &str = "impl_debug.rs";
const CURRENT: &str = "current.rs";

fn main() {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let executor = package.join("../../executor").canonicalize().expect("executor/");
    println!("cargo::rerun-if-changed={}", executor.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=bugs.rs");
    let source = read(&executor);
    check_stand_ins(&source);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let mut modules = write_copy(&out, "sound", &source);
    for bug in BUGS {
        modules += &write_copy(&out, bug.name, &sow(&source, bug));
    }
    fs::write(out.join("copies.rs"), modules).expect("OUT_DIR can be written");
}

type Source = BTreeMap<PathBuf, String>;

/// The files of the modules, and `lib.rs`, by their paths in `executor/`.
fn read(executor: &Path) -> Source {
    let mut source = Source::new();
    for file in ["lib.rs", MACROS, CURRENT] {
        source.insert(file.into(), text(&executor.join(file)));
    }
    for module in MODULES {
        for entry in fs::read_dir(executor.join(module)).expect("a module") {
            let path = entry.expect("a file of the module").path();
            if path.is_dir() {
                continue;
            }
            let name = Path::new(module).join(path.file_name().expect("a file"));
            source.insert(name, text(&path));
        }
    }
    source
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check_stand_ins(source: &Source) {
    for (is, _) in STAND_INS {
        let found = source.values().any(|text| text.contains(is));
        assert!(found, "build.rs replaces {is:?}, which is nowhere in executor/ any more");
    }
}

fn sow(source: &Source, bug: &Bug) -> Source {
    let mut source = source.clone();
    let text = source.get_mut(Path::new(bug.file)).expect("bugs.rs names a file of executor/");
    let count = text.matches(bug.is).count();
    assert_eq!(count, 1, "bugs.rs, {}: {} has {count} times\n{}", bug.name, bug.file, bug.is);
    *text = text.replace(bug.is, bug.becomes);
    source
}

/// Writes a copy into a folder, and returns the module that it makes up.
fn write_copy(out: &Path, name: &str, source: &Source) -> String {
    let folder = out.join(name);
    let _ = fs::remove_dir_all(&folder);
    for (file, text) in source {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("OUT_DIR can be written");
        fs::write(path, with_stand_ins(text, name)).expect("OUT_DIR can be written");
    }
    let lib = &source[Path::new("lib.rs")];
    let macros = folder.join(MACROS);
    let mut module =
        format!("pub mod {name} {{\n#[macro_use]\n#[path = {macros:?}] mod impl_debug;\n");
    for part in MODULES {
        let path = folder.join(part).join("mod.rs");
        writeln!(module, "#[path = {path:?}] pub mod {part};").expect("a string");
    }
    writeln!(module, "#[path = {:?}] mod current;", folder.join(CURRENT)).expect("a string");
    for line in lib.lines().filter(|line| line.starts_with("pub use ")) {
        writeln!(module, "{line}").expect("a string");
    }
    module + "}\n"
}

fn with_stand_ins(text: &str, copy: &str) -> String {
    // Its modules are not at the root here.
    let mut text = text.replace("crate::", &format!("crate::{copy}::"));
    for (is, becomes) in STAND_INS {
        text = text.replace(is, becomes);
    }
    text
}
