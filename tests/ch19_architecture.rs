//! The page `docs/architecture.md` walks through the code, with the file and the line of
//! each function. Code moves; these tests keep the page true.
//!
//! When lines have moved, this command writes the new numbers into the page:
//!
//! ```text
//! GLASSLOOP_UPDATE_DOCS=1 cargo test --test ch19_architecture
//! ```
//!
//! How the page is read: a code span like `executor/task/waker.rs:42` is a *reference*. The
//! code span before it, on the same line or the line above, is its *name*. A name like `sleep`, `Timers` or
//! `Timers::arm` stands for the line that declares the item (`Timers::arm` also for a field
//! or a variant). Any other name, like `task.queued.set(false)`, is code, which stands in the
//! line.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/architecture.md";
const UPDATE: &str = "GLASSLOOP_UPDATE_DOCS";
/// What following a task, or a sleep, through the code may cost.
const MOST_JUMPS: usize = 15;
const MOST_FILES: usize = 7;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: impl AsRef<Path>) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The source files of the executor, as in `executor/task/waker.rs`.
fn source_files() -> Vec<String> {
    let mut folders = vec![PathBuf::from("executor")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            match path.extension().is_some_and(|extension| extension == "rs") {
                true => files.push(path.to_str().expect("a name").replace('\\', "/")),
                false if entry.path().is_dir() => folders.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}

/// A code span of the page, outside of the diagrams.
struct Span<'a> {
    text: &'a str,
    line: usize,
    /// Where the text is in the page.
    bytes: Range<usize>,
}

fn spans(page: &str) -> Vec<Span<'_>> {
    let (mut spans, mut offset, mut in_diagram) = (Vec::new(), 0, false);
    for (index, line) in page.split_inclusive('\n').enumerate() {
        in_diagram ^= line.starts_with("```");
        let mut start = offset;
        for (piece, text) in line.split('`').enumerate() {
            let bytes = start..start + text.len();
            start = bytes.end + 1;
            if piece % 2 == 1 && !in_diagram && !line.starts_with("```") {
                spans.push(Span { text, line: index + 1, bytes });
            }
        }
        offset += line.len();
    }
    spans
}

/// A reference of the page to a line of the code.
struct Reference<'a> {
    name: &'a str,
    file: &'a str,
    line: usize,
    /// The line of the page.
    at: usize,
    /// Where the number is in the page.
    number: Range<usize>,
}

fn references(page: &str) -> Vec<Reference<'_>> {
    let spans = spans(page);
    let mut references = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        let Some((file, number)) = split_reference(span.text) else { continue };
        let before = index.checked_sub(1).map(|index| &spans[index]);
        let before = before.filter(|before| before.line + 1 >= span.line);
        let name = before.map(|before| before.text).filter(|name| split_reference(name).is_none());
        let name = name.unwrap_or_else(|| {
            panic!("{PAGE}:{}: no name stands before `{}`", span.line, span.text)
        });
        let start = span.bytes.end - number.len();
        let line = number.parse().expect("a number");
        let number = start..span.bytes.end;
        references.push(Reference { name, file, line, at: span.line, number });
    }
    references
}

/// The file and the number of `executor/task/waker.rs:42`.
fn split_reference(text: &str) -> Option<(&str, &str)> {
    let (file, number) = text.strip_prefix("executor/").and(text.split_once(".rs:"))?;
    Some((&text[..file.len() + ".rs".len()], number))
}

/// Whether a name is the name of an item, like `Timers::arm`, and not a piece of code.
fn is_item(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
}

/// The lines of a file for which a name may stand.
fn lines_of(file: &str, name: &str) -> Vec<usize> {
    if is_item(name) {
        return declarations(file, name);
    }
    let text = read(file);
    let lines = text.lines().enumerate();
    let found = lines.filter(|(_, line)| !is_comment(line) && line.contains(name));
    found.map(|(index, _)| index + 1).collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The lines of a file that declare an item: `arm`, `Timers`, `Timers::arm`, or `timers::arm`
/// with the name of the file or of its folder.
fn declarations(file: &str, name: &str) -> Vec<usize> {
    let (owner, name) = match name.rsplit_once("::") {
        Some((owner, name)) => (Some(owner), name),
        None => (None, name),
    };
    let owner = owner.filter(|owner| !is_module_of(file, owner));
    let (text, mut block) = (read(file), None);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.is_empty() && !line.starts_with([' ', '}', '/']) {
            block = block_of(line);
        }
        let member = line.strip_prefix("    ").filter(|member| !member.starts_with(' '));
        let is_declared = match owner {
            None => !line.starts_with(' ') && declared(line) == Some(name),
            Some(_) => block == owner && member.and_then(declared) == Some(name),
        };
        if is_declared {
            found.push(index + 1);
        }
    }
    found
}

fn is_module_of(file: &str, name: &str) -> bool {
    let module = file.trim_start_matches("executor/").trim_end_matches(".rs");
    module.split('/').any(|part| part == name)
}

/// What a line declares: a function, a type, a field or a variant.
fn declared(line: &str) -> Option<&str> {
    let mut rest = line;
    if let Some(visible) = line.strip_prefix("pub(").and_then(|rest| rest.split_once(") ")) {
        rest = visible.1;
    }
    let words = ["pub", "async", "const", "unsafe", "fn", "struct", "enum", "trait", "type"];
    while let Some((word, after)) = rest.split_once(' ').filter(|(word, _)| words.contains(word)) {
        (_, rest) = (word, after);
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let is_declaration = rest.len() < line.len() || rest[end..].starts_with([':', ',', '(', ' ']);
    (end > 0 && is_declaration).then_some(&rest[..end])
}

/// The type whose members stand in the block that this line opens.
fn block_of(line: &str) -> Option<&str> {
    let Some(header) = line.strip_prefix("impl") else {
        return declared(line);
    };
    let header = without_parameters(header);
    let itself = header.split_once(" for ").map_or(header, |(_, itself)| itself).trim();
    let end = itself.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(itself.len());
    Some(&itself[..end])
}

/// The header of an `impl` without the generic parameters at its beginning.
fn without_parameters(header: &str) -> &str {
    let mut depth = 0;
    for (index, c) in header.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return header[index..].trim_start_matches('>');
        }
    }
    header
}

/// Whether some file declares the item.
fn exists(name: &str) -> bool {
    source_files().iter().any(|file| !declarations(file, name).is_empty())
}

/// Whether `owner`, with which a name like `Timers::arm` begins, is of this crate.
fn is_ours(owner: &str) -> bool {
    exists(owner) || source_files().iter().any(|file| is_module_of(file, owner))
}

/// What is wrong with a reference, and the right line if that is known.
fn check(reference: &Reference<'_>) -> Option<(String, Option<usize>)> {
    let Reference { name, file, line, at, .. } = *reference;
    let lines = lines_of(file, name);
    if lines.contains(&line) {
        return None;
    }
    let Some(nearest) = lines.into_iter().min_by_key(|found| found.abs_diff(line)) else {
        let files = source_files();
        let has_it = |file: &&String| !lines_of(file, name).is_empty();
        let others: Vec<&String> = files.iter().filter(has_it).collect();
        let text = match others.is_empty() {
            true => format!("{PAGE}:{at}: `{name}` is nowhere in executor/"),
            false => format!("{PAGE}:{at}: `{name}` is not in {file}, but in {others:?}"),
        };
        return Some((text, None));
    };
    let text = format!("{PAGE}:{at}: `{name}` is at {file}:{nearest}, not at line {line}");
    Some((text, Some(nearest)))
}

#[test]
fn every_line_number_of_the_page_leads_to_the_item_that_is_named_before_it() {
    let page = read(PAGE);
    let references = references(&page);
    assert!(references.len() > 40, "only {} references were found", references.len());
    let updates = std::env::var_os(UPDATE).is_some_and(|value| value == "1");
    let (mut wrong, mut new_page) = (Vec::new(), page.clone());
    // From the end of the page to its beginning: so the places before stay where they are.
    for reference in references.iter().rev() {
        let Some((text, line)) = check(reference) else { continue };
        match line.filter(|_| updates) {
            Some(line) => new_page.replace_range(reference.number.clone(), &line.to_string()),
            None => wrong.insert(0, text),
        }
    }
    if new_page != page {
        // Written beside the page and moved there: the other tests read it meanwhile.
        let beside = root().join("docs/architecture.new");
        fs::write(&beside, new_page).expect("the page can be written");
        fs::rename(&beside, root().join(PAGE)).expect("the page can be replaced");
    }
    assert!(
        wrong.is_empty(),
        "{wrong:#?}\nWhere only lines have moved, this writes the new numbers into the page: \
         {UPDATE}=1 cargo test --test ch19_architecture"
    );
}

#[test]
fn every_function_that_the_page_names_exists() {
    let page = read(PAGE);
    let in_text = spans(&page).into_iter().map(|span| span.text);
    let diagrams = diagrams(&page);
    let words = diagrams.iter().flatten().flat_map(|(_, line)| line.split_whitespace());
    for name in in_text.chain(words).map(|name| name.trim_matches(['(', ')', ',', ':'])) {
        let Some((owner, _)) = name.split_once("::").filter(|_| is_item(name)) else { continue };
        assert!(!is_ours(owner) || exists(name), "{PAGE} names `{name}`, which is gone");
    }
}

/// The lines of each diagram of the page, with their numbers.
fn diagrams(page: &str) -> Vec<Vec<(usize, &str)>> {
    let mut diagrams = Vec::new();
    let mut lines = page.lines().enumerate();
    while lines.any(|(_, line)| line.starts_with("```")) {
        let inside = lines.by_ref().take_while(|(_, line)| !line.starts_with("```"));
        diagrams.push(inside.map(|(index, line)| (index + 1, line)).collect());
    }
    diagrams
}

/// The columns of a sequence diagram, each with the type above it.
fn lifelines<'a>(diagram: &[(usize, &'a str)]) -> Vec<(usize, &'a str)> {
    let is_bare =
        |line: &str| line.matches('│').count() > 2 && line.chars().all(|c| c == '│' || c == ' ');
    let Some(first) = diagram.iter().position(|(_, line)| is_bare(line)) else {
        return Vec::new();
    };
    let columns = diagram[first].1.chars().enumerate().filter(|(_, c)| *c == '│');
    // "your code" is the one name of two words.
    let names = diagram[first - 1].1.split_whitespace().filter(|name| *name != "your");
    let (columns, names): (Vec<_>, Vec<_>) = (columns.collect(), names.collect());
    assert_eq!(columns.len(), names.len(), "{PAGE}:{}: a name a column", diagram[first].0);
    columns.into_iter().map(|(column, _)| column).zip(names).collect()
}

/// The column to which the arrow of a line points. A dotted arrow is a return, not a call.
fn called_column(line: &str) -> Option<usize> {
    if line.contains('┄') {
        return None;
    }
    let mut chars = line.chars().enumerate();
    chars.find_map(|(column, c)| match c {
        '▶' => Some(column + 1),
        '◀' => Some(column - 1),
        _ => None,
    })
}

/// Whether `function` is one of `owner`, or stands in the same file.
fn has_function(owner: &str, function: &str) -> bool {
    let of_owner = |file: &String| !declarations(file, &format!("{owner}::{function}")).is_empty();
    let beside = |file: &String| {
        !declarations(file, owner).is_empty() && !declarations(file, function).is_empty()
    };
    source_files().iter().any(|file| of_owner(file) || beside(file))
}

#[test]
fn every_arrow_of_a_sequence_diagram_is_a_function_of_the_type_that_it_points_at() {
    let page = read(PAGE);
    let mut arrows = 0;
    for diagram in diagrams(&page) {
        let lifelines = lifelines(&diagram);
        for (at, line) in diagram.into_iter().filter(|_| !lifelines.is_empty()) {
            assert!(line.chars().count() <= 76, "{PAGE}:{at}: wider than 76 columns");
            let Some(column) = called_column(line) else { continue };
            let target = lifelines.iter().find(|(of, _)| *of == column);
            let (_, owner) = target.unwrap_or_else(|| panic!("{PAGE}:{at}: to no column\n{line}"));
            let function = line.trim_matches(|c: char| !c.is_alphanumeric());
            // A name like "your code" is no type: the user's functions are not here.
            let is_yours = owner.starts_with(char::is_lowercase);
            let is_known = is_yours || has_function(owner, function);
            assert!(is_known, "{PAGE}:{at}: there is no `{owner}::{function}`\n{line}");
            arrows += 1;
        }
    }
    assert!(arrows > 20, "only {arrows} arrows were found");
}

/// The comments of the executor as one text, without the marks of emphasis.
fn comments() -> String {
    let mut text = String::new();
    for file in source_files() {
        let source = read(file);
        let comments = source.lines().map(str::trim_start).filter(|line| is_comment(line));
        for comment in comments {
            text.push_str(comment.trim_start_matches(['/', '!']));
        }
    }
    text.replace(['*', '`'], "").to_lowercase()
}

#[test]
fn every_invariant_of_the_page_is_cited_by_its_name_in_the_code() {
    let page = read(PAGE);
    let section = page.split("\n## ").find(|section| section.starts_with("The invariants"));
    let section = section.expect("the page has a section of the invariants");
    let names = section.split("\n- **").skip(1).map(|item| item.split(".**").next());
    let names: Vec<&str> = names.map(|name| name.expect("a name, bold")).collect();
    assert_eq!(names.len(), 9, "{names:?}");
    let comments = comments();
    for name in names {
        let cited = comments.contains(&name.replace('`', "").to_lowercase());
        assert!(cited, "no comment in executor/ cites the invariant \"{name}\"");
    }
}

/// The jumps and the files of a walk: the table rows that lead to another function.
fn cost(walk: &str) -> (usize, usize) {
    let references = references(walk);
    let in_table = |at: usize| walk.lines().nth(at - 1).expect("a line").starts_with('|');
    let rows: Vec<_> =
        references.iter().filter(|row| in_table(row.at) && is_item(row.name)).collect();
    let mut files: Vec<&str> = rows.iter().map(|row| row.file).collect();
    files.sort_unstable();
    files.dedup();
    (rows.len(), files.len())
}

#[test]
fn a_walk_costs_what_the_page_says_and_at_most_15_jumps_in_7_files() {
    let page = read(PAGE);
    let walks = page.split("\n## ").flat_map(|section| section.split("\n### "));
    let walks: Vec<&str> = walks.filter(|section| section.contains(" jumps in ")).collect();
    assert_eq!(walks.len(), 3, "a task, a wake from another thread, a sleep");
    for walk in walks {
        let (jumps, files) = cost(walk);
        let sentence = format!("{jumps} jumps in {files} files");
        let title = walk.lines().next().unwrap_or_default();
        assert!(walk.contains(&sentence), "\"{title}\" takes {sentence}. The page says otherwise");
        assert!(jumps <= MOST_JUMPS && files <= MOST_FILES, "\"{title}\" takes {sentence}");
    }
}
