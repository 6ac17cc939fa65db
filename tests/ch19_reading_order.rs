//! The rule that makes `executor/` readable from the first file to the last: a module uses
//! only modules that are declared before it. There are no circles, so nothing need be
//! understood before it was read.
//!
//! Two doors are open in both directions, and each is one file's signature: `current`,
//! through which a leaf future finds its loop, and `report`, which the loop calls to
//! describe itself.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules that any module may use, wherever they are declared.
const DOORS: [&str; 2] = ["current", "report"];
/// What may be named with them: the type that `current` leads to.
const BEHIND_THE_DOOR: &str = "crate::event_loop::EventLoop";

/// The modules that a file declares, in the order in which it does.
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

fn executor() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("executor")
}

/// The modules of the crate that are folders.
fn folders() -> Vec<String> {
    let modules = declared_modules(&executor().join("lib.rs"));
    modules.into_iter().filter(|module| executor().join(module).is_dir()).collect()
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

/// Every source file of the crate.
fn all_files() -> Vec<PathBuf> {
    let in_folders =
        folders().into_iter().flat_map(|folder| source_files(&executor().join(folder)));
    source_files(&executor()).into_iter().chain(in_folders).collect()
}

/// The modules in `later` that `file` uses although they come after it.
fn uses_of_later(file: &Path, prefix: &str, later: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for line in code_lines(file) {
        let line = line.replace(BEHIND_THE_DOOR, "");
        for module in later {
            if names_module(&line, &format!("{prefix}::{module}")) {
                found.push(format!("{} uses {module}, which comes later", file.display()));
            }
        }
    }
    found
}

#[test]
fn a_module_uses_only_modules_that_are_declared_before_it_in_lib_rs() {
    let mut modules = declared_modules(&executor().join("lib.rs"));
    modules.retain(|module| !DOORS.contains(&module.as_str()));
    assert!(modules.len() >= 8, "the modules were not found in lib.rs: {modules:?}");
    for (index, module) in modules.iter().enumerate() {
        let folder = executor().join(module);
        let files = match folder.is_dir() {
            true => source_files(&folder),
            false => vec![folder.with_extension("rs")],
        };
        for file in files {
            let wrong = uses_of_later(&file, "crate", &modules[index + 1..]);
            assert!(wrong.is_empty(), "{wrong:#?}\nMove what is shared to an earlier module");
        }
    }
}

#[test]
fn a_file_uses_only_files_that_are_declared_before_it_in_its_mod_rs() {
    for folder in folders() {
        let folder = executor().join(&folder);
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
    for file in all_files() {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} begins without a `//!`", file.display());
    }
}

#[test]
fn every_unsafe_block_stands_with_its_proof() {
    let files = all_files();
    let blocks = files.iter().flat_map(|file| code_lines(file));
    let blocks = blocks.filter(|line| line.contains("unsafe {")).count();
    assert_eq!(blocks, 2, "docs/decisions.md argues for two unsafe blocks; argue for each more");
}

/// The names of the types that a file declares.
fn declared_types(file: &Path) -> Vec<String> {
    let declarations = code_lines(file).into_iter().filter_map(|line| {
        let line = line.trim_start().to_owned();
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let line = line.trim_start_matches("pub ");
        let kinds = ["struct ", "enum ", "trait "];
        let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    });
    declarations.collect()
}

/// Two modules of the public API have halves of the same name, as in tokio.
const NAMED_TWICE: [&str; 2] = ["Sender", "Receiver"];

#[test]
fn no_two_types_of_the_crate_have_the_same_name() {
    let mut types: Vec<(String, PathBuf)> = Vec::new();
    for file in all_files().into_iter().filter(|file| !file.ends_with("platform_windows.rs")) {
        for name in declared_types(&file) {
            let first = types.iter().find(|(declared, _)| *declared == name);
            assert!(
                first.is_none() || NAMED_TWICE.contains(&name.as_str()),
                "`{name}` of {} is declared in {} too. Call one of them something else",
                file.display(),
                first.map(|(_, file)| file.display().to_string()).unwrap_or_default()
            );
            types.push((name, file.clone()));
        }
    }
    assert!(types.len() > 150, "only {} types were found", types.len());
}

#[test]
fn no_function_of_the_executor_is_longer_than_25_lines() {
    for file in all_files().iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = line.trim_start().split(' ').take(4).any(|word| word == "fn");
            if !is_function || line.trim_start().starts_with("//") {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let body = &lines[start..];
            let opening = body.iter().position(|line| line.ends_with('{') || line.ends_with(';'));
            let Some(opening) = opening.filter(|&at| body[at].ends_with('{')) else { continue };
            let end = body.iter().position(|line| *line == closing).expect("a closing brace");
            let length = end - opening - 1;
            assert!(length <= 25, "{}:{}: {length} lines\n{line}", file.display(), start + 1);
        }
    }
}

/// The code spans of a text: what stands between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The lines of code of the items of that name in a file.
fn lines_of_item(file: &Path, name: &str) -> usize {
    let lines = code_lines(file);
    let declares = |line: &str| {
        let kinds = ["fn", "struct", "enum", "trait"];
        kinds.iter().any(|kind| names_module(line, &format!("{kind} {name}")))
    };
    let mut count = 0;
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| declares(line)) {
        let indent = " ".repeat(line.len() - line.trim_start().len());
        let ends = |line: &&String| {
            **line == format!("{indent}}}") || line.ends_with(';') && line.starts_with(&indent)
        };
        let one_line = line.ends_with(';') || line.ends_with('}');
        let end = match one_line {
            true => 0,
            false => lines[start..]
                .iter()
                .position(|line| ends(&line) && !line.starts_with(&format!("{indent} ")))
                .expect("an end"),
        };
        count += lines[start..=start + end].iter().filter(|line| !line.trim().is_empty()).count();
    }
    assert!(
        count > 0,
        "lib.rs sends the reader to `{name}` in {}, which is not there",
        file.display()
    );
    count
}

#[test]
fn the_first_evening_is_nine_stations_of_about_800_lines() {
    let text = fs::read_to_string(executor().join("lib.rs")).unwrap();
    let path = text.split("//! 1. ").nth(1).expect("the first station");
    let path = path.split("\n//!\n").next().expect("the end of the list").replace("\n//!", " ");
    let stations: Vec<&str> = path.split(" min): ").skip(1).collect();
    assert_eq!(stations.len(), 9, "{stations:#?}");
    let mut total = 0;
    for station in &stations {
        let read = station.split("Look for:").next().expect("what to read");
        let mut file = PathBuf::new();
        let mut lines = 0;
        for span in code_spans(read) {
            match span.ends_with(".rs") {
                true => file = executor().join(span),
                false => lines += lines_of_item(&file, span),
            }
        }
        println!("{lines:4} lines of code: {read}");
        total += lines;
    }
    println!("{total:4} lines of code in all");
    assert!(
        (700..=850).contains(&total),
        "{total} lines of code: lib.rs and the README say about 800"
    );
}
