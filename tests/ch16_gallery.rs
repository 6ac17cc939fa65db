//! The gallery, `docs/gallery.md`: each timeline in it is what its program does now.
//!
//! A marker before each timeline names its program, and the part that is shown:
//!
//! ```text
//! <!-- timeline of 14_lock on virtual time, from "poll a #1" to "done a", from "end" to end -->
//! ```
//!
//! `GLASSLOOP_WRITE_GALLERY=1 cargo test --test ch16_gallery` writes the timelines anew.

#![cfg(unix)]

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};

use programs::program;
use support::within_limit_as;

/// Set to write the page, instead of comparing it.
const WRITE: &str = "GLASSLOOP_WRITE_GALLERY";
/// How often a program is run whose course may differ: to find the course in the page, or
/// the most common course.
const ATTEMPTS: usize = 100;
/// Replaces the lines that are left out.
const CUT: &str = "…";

/// What a marker in the page asks for.
struct Marker {
    program: String,
    is_virtual: bool,
    /// Whether the course depends on other programs, the system or a real clock.
    has_courses: bool,
    /// From where to where; `None` is the start, or the end.
    parts: Vec<(Option<String>, Option<String>)>,
}

#[test]
fn every_timeline_in_the_gallery_is_what_its_program_does_now() {
    let page = fs::read_to_string(path()).unwrap().replace("\r\n", "\n");
    let renewed = with_timelines(&page, |marker, shown| match env::var_os(WRITE) {
        Some(_) => most_common(marker),
        None => {
            expect_course(marker, shown);
            shown.to_owned()
        }
    });
    if renewed != page {
        fs::write(path(), renewed).unwrap();
    }
}

/// `examples/gallery.rs` knows the same six.
#[test]
fn the_gallery_has_six_stories() {
    let mut programs = Vec::new();
    with_timelines(&fs::read_to_string(path()).unwrap(), |marker, shown| {
        programs.push(marker.program.clone());
        shown.to_owned()
    });
    programs.dedup();
    let expected =
        ["06_round_robin", "07_gather_fetch", "18_blocking", "14_lock", "10_timeout", "21_echo"];
    assert_eq!(programs, expected, "`examples/gallery.rs` makes pages of these");
}

/// No line of the gallery is wider than a window.
#[test]
fn the_timelines_fit_into_110_columns() {
    with_timelines(&fs::read_to_string(path()).unwrap(), |marker, shown| {
        for line in shown.lines() {
            assert!(line.chars().count() <= 110, "{}: too wide: {line}", marker.program);
        }
        shown.to_owned()
    });
}

#[test]
fn the_timeline_in_the_readme_is_one_of_the_gallery() {
    let readme = include_str!("../README.md");
    let (_, shown) = readme.split_once("```text\n        ms  phase").expect("a timeline");
    let (shown, _) = shown.split_once("```").unwrap();
    let page = fs::read_to_string(path()).unwrap();
    for line in shown.lines().skip(1) {
        assert!(page.contains(line), "README.md shows what docs/gallery.md does not: {line}");
    }
}

fn expect_course(marker: &Marker, shown: &str) {
    let attempts = if marker.has_courses { ATTEMPTS } else { 1 };
    let mut course = String::new();
    for _ in 0..attempts {
        course = run(marker);
        if is_same(marker, &course, shown) {
            return;
        }
    }
    panic!(
        "docs/gallery.md does not show what {} does now. Read what it does, see whether the \
         story is still true, then `{WRITE}=1 cargo test --test ch16_gallery`:\n{course}",
        marker.program
    );
}

fn is_same(marker: &Marker, course: &str, shown: &str) -> bool {
    match marker.has_courses {
        true => without_numbers(course) == without_numbers(shown),
        false => course == shown,
    }
}

/// The course that the program takes most often.
fn most_common(marker: &Marker) -> String {
    let mut courses: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for _ in 0..if marker.has_courses { ATTEMPTS } else { 1 } {
        let course = run(marker);
        courses.entry(without_numbers(&course)).or_insert((0, course)).0 += 1;
    }
    let (_, most_common) = courses.into_values().max_by_key(|(count, _)| *count).unwrap();
    most_common
}

/// A timeline without its times, descriptors and counts, which may differ. The lines of the
/// source must not differ.
fn without_numbers(timeline: &str) -> String {
    let mut words = Vec::new();
    for line in timeline.lines() {
        let mut before = "";
        for word in line.split_whitespace() {
            let is_place = before == "line" || before == "(line" || word.contains(".rs:");
            let is_number = word.contains(|c: char| c.is_ascii_digit());
            let name = word.trim_matches(|c: char| c.is_ascii_digit() || c == '.');
            words.push(if is_number && !is_place { format!("{name}_") } else { word.to_owned() });
            before = word;
        }
        words.push("\n".to_owned());
    }
    words.join(" ")
}

/// The part of a program's timeline that is asked for.
fn run(marker: &Marker) -> String {
    let mut command = program(&marker.program);
    command.env("GLASSLOOP_TRACE", "-").env_remove("GLASSLOOP_VIRTUAL_TIME");
    if marker.is_virtual {
        command.env("GLASSLOOP_VIRTUAL_TIME", "1");
    }
    command.stdin(Stdio::null()).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = within_limit_as(&marker.program, move || command.output().unwrap());
    assert!(output.status.success(), "{} failed: {output:?}", marker.program);
    let timeline = String::from_utf8(output.stderr).expect("a timeline is UTF-8");
    cut(&timeline, &marker.parts)
}

/// The parts, each below its heading, with a marker in between.
fn cut(timeline: &str, parts: &[(Option<String>, Option<String>)]) -> String {
    let lines: Vec<&str> = timeline.lines().collect();
    let find = |what: &str, from: usize| {
        let found = lines[from..].iter().position(|line| line.contains(what));
        found.map_or(lines.len() - 1, |index| from + index)
    };
    let is_heading = |line: &&&str| line.trim_start().starts_with("ms  phase");
    let (mut cut, mut next) = (Vec::new(), 0);
    for (from, to) in parts {
        let start = from.as_deref().map_or(next, |from| find(from, next));
        let end = to.as_deref().map_or(lines.len() - 1, |to| find(to, start));
        if start > next {
            cut.push(CUT);
            cut.extend(lines[..start].iter().rfind(is_heading));
        }
        cut.extend(&lines[start..=end]);
        next = end + 1;
    }
    if next < lines.len() {
        cut.push(CUT);
    }
    cut.join("\n") + "\n"
}

/// The page, with each timeline replaced by what `renew` makes of its marker and of it.
fn with_timelines(page: &str, mut renew: impl FnMut(&Marker, &str) -> String) -> String {
    let mut pieces = page.split("<!-- timeline of ");
    let mut result = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (marker, rest) = piece.split_once(" -->\n\n```text\n").expect("a timeline follows");
        let (shown, rest) = rest.split_once("```\n").expect("a timeline ends");
        let timeline = renew(&parse(marker), shown);
        result += &format!("<!-- timeline of {marker} -->\n\n```text\n{timeline}```\n{rest}");
    }
    result
}

fn parse(marker: &str) -> Marker {
    let mut words = marker.split(", ");
    let (program, clock) = words.next().unwrap().split_once(" on ").expect("a clock");
    let mut marker = Marker {
        program: program.to_owned(),
        is_virtual: clock == "virtual time",
        has_courses: clock == "real time",
        parts: Vec::new(),
    };
    for word in words {
        match word.strip_prefix("from ").and_then(|part| part.split_once(" to ")) {
            Some((from, to)) => marker.parts.push((text(from), text(to))),
            None if word == "one of its courses" => marker.has_courses = true,
            None => panic!("what does {word:?} mean in a marker of docs/gallery.md?"),
        }
    }
    if marker.parts.is_empty() {
        marker.parts.push((None, None));
    }
    marker
}

/// A text in quotation marks to look for; without them it is the start, or the end.
fn text(quoted: &str) -> Option<String> {
    Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gallery.md")
}
