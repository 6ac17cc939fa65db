//! The page `docs/from-asyncio.md`: it names all of asyncio and nothing else, its links
//! lead somewhere, and the outputs that it shows are what the programs print.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use programs::{in_examples, program, python, say_left_out};
use support::within_limit;

/// The newest CPython whose names the page knows, as in 3.14.
const NEWEST: u32 = 14;

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    let page = page();
    let headings: BTreeSet<String> =
        page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let targets: Vec<&str> =
        page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(targets.len() > 200, "only {} links were found in the page", targets.len());
    for target in targets {
        match target.strip_prefix('#') {
            Some(heading) => assert!(headings.contains(heading), "no heading is called #{heading}"),
            None => {
                let file = root().join("docs").join(target);
                assert!(file.exists(), "the page leads to {target}, which is gone");
            }
        }
    }
}

#[test]
fn every_name_of_asyncio_stands_in_the_page() {
    let Some(python) = known_python(&[]) else { return };
    let page: BTreeSet<String> = names().into_iter().map(|name| name.text).collect();
    assert!(python.has.len() > 140, "asyncio has fewer names than expected: {:?}", python.has);
    // A name that 3.14 has deprecated has an underscore in front there.
    let stands =
        |name: &&String| page.contains(*name) || page.contains(name.trim_start_matches('_'));
    let missing: Vec<_> = python.has.iter().filter(|name| !stands(name)).collect();
    assert!(
        missing.is_empty(),
        "asyncio of CPython 3.{} has names for which the page has no row: {missing:?}",
        python.minor
    );
}

#[test]
fn every_name_in_the_page_is_known_to_asyncio() {
    let names = names();
    let texts: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
    let Some(python) = known_python(&texts) else { return };
    for Name { text, mark } in &names {
        let known = !python.lacks.contains(text);
        let problem = if known { "has it all the same" } else { "has no such name" };
        assert!(
            known == mark.fits(&python),
            "`{text}`, marked {mark:?}: CPython 3.{} {problem}. A slip of the pen, or a wrong mark?",
            python.minor
        );
    }
}

#[test]
fn no_name_stands_twice() {
    let mut seen = BTreeSet::new();
    for name in names() {
        assert!(seen.insert(name.text.clone()), "`{}` has two rows: which one is true?", name.text);
    }
}

#[test]
fn the_rust_side_of_every_difference_prints_what_is_recorded() {
    for name in differences() {
        within_limit(move || expect_recorded(&name, "rs", program(&name)));
    }
}

#[test]
fn the_python_side_of_every_difference_prints_what_is_recorded() {
    if python().is_none() {
        return say_left_out("no CPython 3.12 or newer; the Python sides were not run");
    }
    for name in differences() {
        within_limit(move || {
            let mut python = python().expect("it was there a moment ago");
            python.arg(difference(&name, "py"));
            expect_recorded(&name, "py", python);
        });
    }
}

#[test]
fn the_page_shows_what_the_differences_print() {
    let page = page();
    for name in differences() {
        for side in ["py", "rs"] {
            let link = format!("](../examples/differences/{name}.{side})");
            let shown = page.split(&link).nth(1).and_then(|behind| {
                behind.split("```text\n").nth(1).and_then(|output| output.split("```").next())
            });
            let recorded = read(&difference(&name, &format!("{side}.out")));
            assert_eq!(
                shown,
                Some(recorded.as_str()),
                "the page should show the output of {name}.{side} behind its link"
            );
        }
    }
}

/// A name in the first column of a table, and where CPython has it.
struct Name {
    text: String,
    mark: Mark,
}

/// The words in brackets behind a name, such as `(Unix, to 3.13)`.
#[derive(Debug)]
struct Mark(Vec<String>);

impl Mark {
    fn fits(&self, python: &Python) -> bool {
        self.0.iter().all(|word| match word.as_str() {
            "Unix" => !python.windows,
            "Windows" => python.windows,
            version => match (version.strip_suffix('+'), version.strip_prefix("to ")) {
                (Some(since), _) => python.minor >= minor(since),
                (_, Some(until)) => python.minor <= minor(until),
                _ => panic!("({version}) is no mark: write (3.13+), (to 3.13), (Unix), (Windows)"),
            },
        })
    }
}

fn minor(version: &str) -> u32 {
    let minor = version.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    minor.unwrap_or_else(|| panic!("{version:?} is no version of CPython 3"))
}

/// The names that the tables map: the text in backticks in the first column.
fn names() -> Vec<Name> {
    let page = page();
    let tables = page.split("| asyncio |").skip(1);
    let rows =
        tables.flat_map(|table| table.lines().skip(2).take_while(|row| row.starts_with('|')));
    let names: Vec<Name> = rows.flat_map(names_of_row).collect();
    assert!(names.len() > 200, "only {} names were found in the page's tables", names.len());
    names
}

fn names_of_row(row: &str) -> Vec<Name> {
    let cell = row.trim_start_matches("| ").split(" | ").next().expect("split gives something");
    let (quoted, mark) = cell.split_once(" (").unwrap_or((cell, ""));
    let mark = mark.trim_end_matches(')').split(", ").filter(|word| !word.is_empty());
    let mark: Vec<String> = mark.map(str::to_owned).collect();
    let texts = quoted.split('`').skip(1).step_by(2);
    texts.map(|text| Name { text: text.to_owned(), mark: Mark(mark.clone()) }).collect()
}

/// What a CPython says of its asyncio.
struct Python {
    minor: u32,
    windows: bool,
    /// `asyncio.__all__`, and the methods of `AbstractEventLoop` as `loop.time`.
    has: BTreeSet<String>,
    /// The names of the page that this CPython does not have.
    lacks: BTreeSet<String>,
}

/// Prints a word and a name on each line.
const ASK_PYTHON: &str = r#"
import asyncio, asyncio.subprocess, sys, warnings

warnings.simplefilter("ignore")  # names that are about to go


def lacks(name):
    thing = asyncio.AbstractEventLoop if name.startswith("loop.") else asyncio
    try:
        for part in name.removeprefix("loop.").split("."):
            thing = getattr(thing, part)
    except AttributeError:
        return True
    except KeyError:  # some 3.14 know that it was renamed, and no more
        pass
    return False


print("minor", sys.version_info.minor)
print("platform", sys.platform)
for name in asyncio.__all__:
    print("has", name)
for name in dir(asyncio.AbstractEventLoop):
    if not name.startswith("_"):
        print("has", "loop." + name)
for name in filter(lacks, sys.argv[1:]):
    print("lacks", name)
"#;

/// Asks the CPython of this machine. Returns `None`, and says so, if there is none or if it
/// is newer than the page.
fn known_python(names: &[&str]) -> Option<Python> {
    let Some(mut command) = python() else {
        say_left_out("no CPython 3.12 or newer; the names in the page were not compared");
        return None;
    };
    command.args(["-c", ASK_PYTHON]).args(names);
    let answer = within_limit(move || run("CPython", command));
    let all = |wanted: &str| -> BTreeSet<String> {
        let pairs = answer.lines().filter_map(|line| line.split_once(' '));
        pairs.filter(|(word, _)| *word == wanted).map(|(_, name)| name.to_owned()).collect()
    };
    let minor = all("minor").first().and_then(|minor| minor.parse().ok()).expect("a version");
    if minor > NEWEST {
        say_left_out(&format!("CPython 3.{minor} is newer than the page, which knows 3.{NEWEST}"));
        return None;
    }
    let windows = all("platform").contains("win32");
    Some(Python { minor, windows, has: all("has"), lacks: all("lacks") })
}

/// The names of the programs in `examples/differences`.
fn differences() -> Vec<String> {
    let entries = fs::read_dir(in_examples("differences")).expect("the differences");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let programs = files.filter(|file| file.extension().is_some_and(|end| end == "rs"));
    let stem = |file: PathBuf| Some(file.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = programs.filter_map(stem).collect();
    names.sort();
    assert!(names.len() >= 9, "some differences are missing: {names:?}");
    names
}

fn difference(name: &str, ending: &str) -> PathBuf {
    in_examples(&format!("differences/{name}.{ending}"))
}

fn expect_recorded(name: &str, side: &str, command: Command) {
    let printed = run(&format!("{name}.{side}"), command);
    let recorded = read(&difference(name, &format!("{side}.out")));
    assert_eq!(printed, recorded, "{name}.{side} prints something else than {name}.{side}.out");
}

/// What a program prints. The program must succeed, and print nothing to stderr.
fn run(what: &str, mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{what} complains:\n{complaints}");
    assert!(output.status.success(), "{what} ended with {}", output.status);
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

/// A heading's place in an address, as GitHub and others make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn page() -> String {
    read(&root().join("docs/from-asyncio.md"))
}

fn read(file: &Path) -> String {
    let text = fs::read_to_string(file);
    let text = text.unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    text.replace("\r\n", "\n")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
