//! The rule that makes `executor/` readable from the first file to the last: a module uses
//! only modules that come before it. There are no circles, so a reader needs nothing that
//! comes later.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules that a file declares, in the order of the declarations.
fn declared_modules(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source file");
    let declarations = text.lines().filter(|line| line.ends_with(';'));
    let names = declarations.filter_map(|line| {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    names.map(str::to_owned).collect()
}

/// The lines of code of a file, without comments.
fn code_lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source file");
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.map(str::to_owned).collect()
}

/// Whether a line names the module that is reached by `path`, as in `crate::io`.
fn names_module(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, found)| {
        let next = line[start + found.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

/// The modules in `later` that `file` uses although they come after it.
fn uses_of_later(file: &Path, prefix: &str, later: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for line in code_lines(file) {
        for module in later {
            if names_module(&line, &format!("{prefix}::{module}")) {
                found.push(format!("{} uses {module}, which comes later", file.display()));
            }
        }
    }
    found
}

fn executor() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("executor")
}

#[test]
fn a_module_uses_only_modules_that_come_before_it_in_lib_rs() {
    let modules = declared_modules(&executor().join("lib.rs"));
    assert!(modules.len() >= 8, "the modules were not found in lib.rs: {modules:?}");
    for (index, module) in modules.iter().enumerate() {
        for file in source_files(&executor().join(module)) {
            let wrong = uses_of_later(&file, "crate", &modules[index + 1..]);
            assert!(wrong.is_empty(), "{wrong:#?}\nMove what is shared to an earlier module");
        }
    }
}

#[test]
fn a_file_uses_only_files_that_stand_before_it_in_its_mod_rs() {
    for module in declared_modules(&executor().join("lib.rs")) {
        let folder = executor().join(&module);
        let files = declared_modules(&folder.join("mod.rs"));
        for (index, file) in files.iter().enumerate() {
            let path = folder.join(format!("{file}.rs"));
            if path.exists() {
                let wrong = uses_of_later(&path, "super", &files[index + 1..]);
                assert!(wrong.is_empty(), "{wrong:#?}\nIs it two concepts in one file?");
            }
        }
    }
}

#[test]
fn every_file_of_the_executor_opens_by_saying_what_it_is() {
    for module in declared_modules(&executor().join("lib.rs")) {
        for file in source_files(&executor().join(module)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} begins without a `//!`", file.display());
        }
    }
}

#[test]
fn every_unsafe_block_stands_with_its_proof() {
    let mut blocks = 0;
    for module in declared_modules(&executor().join("lib.rs")) {
        for file in source_files(&executor().join(module)) {
            let code = code_lines(&file);
            blocks += code.iter().filter(|line| line.contains("unsafe {")).count();
        }
    }
    assert_eq!(blocks, 2, "docs/decisions.md argues for two unsafe blocks; argue for each more");
}
