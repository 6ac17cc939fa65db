//! The player: the page that shows a trace, opened in a real browser.
//!
//! Each test puts a page together, asks it from inside (`player/check.js`) what is wrong,
//! and reads the answer. Without a Chromium they are left out.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/programs.rs"]
mod programs;
mod support;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use browser::{Browser, address};
use programs::{program, say_left_out};
use support::within;

/// The trace of a small program that did a little of everything, with difficult names.
const EVERY_KIND: &str = include_str!("player/every_kind.jsonl");
/// A mutex that is passed on, an awaited task and an abort; with the texts that the page must
/// show.
const TOLD: &str = include_str!("player/told.jsonl");
const CHECK: &str = include_str!("player/check.js");

/// A browser is many programs, which may have to share one core with other tests.
const LIMIT: Duration = Duration::from_secs(300);

const LAPTOP: (u32, u32) = (1366, 768);
const PHONE: (u32, u32) = (390, 844);

// ── the pages of real programs ────────────────────────────────────────────

#[test]
fn the_page_of_every_example_opens_without_a_complaint_and_steps_back_exactly() {
    if browser_or_say().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = examples();
    assert!(names.len() >= 30, "the examples were not found: {names:?}");
    let pages: Vec<_> = names.iter().map(|name| page_of_example(name, folder.path())).collect();
    ask_in_frames(&["stepping", "sense", "known"], &pages, LAPTOP);
}

/// The examples that end by themselves: those whose output is recorded.
fn examples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let folders = [(root.clone(), ".out"), (root.join("differences"), ".rs.out")];
    let names = folders.iter().flat_map(|(folder, ending)| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        files.filter_map(move |file| Some(file.to_str()?.strip_suffix(ending)?.to_owned()))
    });
    // `pin` runs no loop.
    let mut names: Vec<_> = names.filter(|name| name != "pin").collect();
    names.sort();
    names
}

/// Runs an example, traced, and returns its page.
fn page_of_example(name: &str, folder: &Path) -> (String, String) {
    let file = folder.join(format!("{name}.html"));
    let mut command = program(name);
    command.env("GLASSLOOP_TRACE", &file).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = within(LIMIT, name, move || command.output().expect("the example starts"));
    assert!(output.status.success(), "{name}: {output:?}");
    let page = fs::read_to_string(file).expect("the example has written its page");
    (name.to_owned(), page)
}

// ── what it shows ─────────────────────────────────────────────────────────

#[test]
fn a_step_back_shows_exactly_what_was_there_before() {
    ask(&["stepping"], &page_of(EVERY_KIND), LAPTOP);
}

#[test]
fn a_step_back_over_many_checkpoints_shows_what_was_there_before() {
    ask(&["stepping"], &page_of(&sleeping(20, 600)), LAPTOP);
}

#[test]
fn every_kind_of_event_has_a_sentence_and_an_effect() {
    ask(&["sense", "known"], &page_of(EVERY_KIND), LAPTOP);
}

#[test]
fn a_wake_shows_what_it_hands_over_and_the_source_shows_the_tasks_own_lines() {
    ask(&["told", "stepping", "sense", "known"], &page_of(TOLD), LAPTOP);
}

#[test]
fn twenty_thousand_events_of_a_hundred_tasks_load_and_step_without_a_wait() {
    let answers = ask(&["speed"], &page_of(&sleeping(100, 20_000)), LAPTOP);
    for answer in answers {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{answer}\n").as_bytes());
    }
}

// ── what it does not stumble over ─────────────────────────────────────────

#[test]
fn a_page_that_breaks_off_in_a_line_shows_what_there_is() {
    let page = page_of(EVERY_KIND);
    let torn = &page[..page.len() - 30];
    assert!(!torn.ends_with('\n') && !torn.ends_with("</script>"), "it ends in a line: {torn:?}");
    let seen = ask_for_page(&["stepping", "sense"], torn, LAPTOP);
    says(&seen, "The last line is torn");
}

#[test]
fn an_empty_trace_says_that_it_is_empty() {
    let seen = ask_for_page(&["sense"], &page_of(""), LAPTOP);
    says(&seen, "There are no events in this trace.");
    ask(&["sense"], &page_of(first_lines(1)), LAPTOP);
}

#[test]
fn a_trace_without_its_source_shows_the_rest() {
    let lines: Vec<_> = EVERY_KIND.lines().filter(|line| !line.contains("\"source\"")).collect();
    let seen = ask_for_page(&["stepping", "sense"], &page_of(&lines.join("\n")), LAPTOP);
    let said = seen.is_empty() || seen.contains("examples/every_kind.rs is not in this trace.");
    assert!(said, "it says so");
}

#[test]
fn an_event_that_it_does_not_know_is_shown_as_it_is() {
    let unknown = r#"{"n":9,"t":1,"turn":1,"ev":"constructor","task":1,"ink":"green"}"#;
    let odd = r#"{"n":10,"turn":"x","ev":"wake"}"#;
    let lines = format!("{unknown}\n{}{odd}\nno JSON\n{unknown}\n", first_lines(8));
    ask(&["stepping"], &page_of(&lines), LAPTOP);
    let seen = ask_for_page(&[], &page_of(&lines), LAPTOP);
    let [sentence, log] = ["player does not know: “constructor”.", "? constructor"];
    let is_shown = seen.contains(sentence) && seen.contains(log);
    assert!(seen.is_empty() || is_shown, "it is shown");
    says(&seen, "Lines that could not be read: 1.");
}

#[test]
fn a_trace_that_was_cut_says_so() {
    let cut = r#"{"n":9,"t":1,"turn":1,"ev":"cut","text":"it has 8 events"}"#;
    let lines = format!("{}{cut}\n", first_lines(8));
    let seen = ask_for_page(&["stepping", "sense", "known"], &page_of(&lines), LAPTOP);
    says(&seen, "The trace was cut, the program was not.");
}

#[test]
fn names_and_output_are_text_and_never_html() {
    ask(&["noHtml"], &page_of(EVERY_KIND), LAPTOP);
}

// ── how it is used ────────────────────────────────────────────────────────

#[test]
fn the_keys_and_buttons_lead_where_they_say() {
    ask(&["controls"], &page_of(EVERY_KIND), LAPTOP);
}

#[test]
fn the_address_opens_an_event_and_follows() {
    let script = "<script>addEventListener('DOMContentLoaded', () => {
        const asked = player.n;
        glassloop.goTo(asked + 3);
        setTimeout(() => tell([`said ${asked} ${location.hash}`, 'finished']), 500);
    })</script>";
    let page = page_of(EVERY_KIND).replace(DATA, &format!("{script}{DATA}"));
    within(LIMIT, "the address", move || {
        let Some(browser) = browser_or_say() else { return };
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), &asking(&[], &page).replace("report);", "() => {});"));
        let seen = browser.open(&format!("{}#n=22", address(&file)), LAPTOP, Some(2000));
        assert_eq!(findings(&seen.page), ["said 22 #n=25", "finished"], "{:?}", seen.console);
    });
}

#[test]
fn every_control_and_every_part_of_the_page_has_a_name() {
    ask(&["names"], &page_of(EVERY_KIND), LAPTOP);
}

#[test]
fn every_text_can_be_read_in_light_and_dark() {
    ask(&["contrast"], &page_of(EVERY_KIND), LAPTOP);
}

#[test]
fn a_laptop_shows_everything_on_one_screen() {
    ask_in_frame(&["oneScreen"], &page_of(EVERY_KIND), LAPTOP);
    ask_in_frame(&["oneScreen"], &page_of(EVERY_KIND), (1366, 640));
    ask_in_frame(&["oneScreen"], &page_of(EVERY_KIND), (1190, 700));
}

#[test]
fn a_phone_keeps_the_controls_and_the_sentence_in_sight() {
    ask_in_frame(&["phone"], &page_of(EVERY_KIND), PHONE);
    ask_in_frame(&["phone"], &page_of(EVERY_KIND), (800, 1100));
}

/// Drawings are not computed with by the browser: here is their palette.
#[test]
fn every_colour_of_the_palette_stands_out_from_what_it_is_written_on() {
    let style = fs::read_to_string(player("player.css")).unwrap();
    let colours = palette(&style);
    let find = |name: &str| colours.iter().find(|colour| colour.name == name);
    let mut pairs =
        vec![("soft", "panel"), ("soft", "page"), ("word", "panel"), ("string", "panel")];
    let named = |prefix: &'static str| move |name: &&str| name.starts_with(prefix);
    let names = || colours.iter().map(|colour| colour.name.as_str());
    pairs.extend(names().filter(named("on-")).map(|name| (name, &name[3..])));
    pairs.extend(names().filter(named("task")).map(|name| ("on-task", name)));
    pairs.retain(|&(_, below)| below != "task");
    assert!(pairs.len() >= 20, "the palette was not found in player.css: {pairs:?}");
    for (above, below) in pairs {
        let (Some(upper), Some(lower)) = (find(above), find(below)) else {
            panic!("--{above} is written on --{below}, but one of them is not in the palette");
        };
        for (theme, ratio) in [
            ("light", contrast(upper.light, lower.light)),
            ("dark", contrast(upper.dark, lower.dark)),
        ] {
            assert!(
                ratio >= 4.5,
                "--{above} on --{below} has {ratio:.2} in {theme}: 4.5 it must be"
            );
        }
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let page = page_of("");
    for outside in ["http://", "https://", "@import", "url(", "fetch(", " src=", "<link"] {
        let own = page.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !own.contains(outside),
            "{outside} leads out of the page, which must work from a file"
        );
    }
    for danger in ["innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(danger), "{danger} would take a task's name for HTML");
    }
}

// ── asking a page ─────────────────────────────────────────────────────────

/// Expects a notice above the panels. (The page's own program names all of them.)
fn says(page: &str, notice: &str) {
    let found = page.split("<p id=\"notice\">").nth(1).and_then(|rest| rest.split("</p>").next());
    assert!(found.is_none_or(|found| found.contains(notice)), "not {notice:?}, but {found:?}");
    assert!(found.is_some() || page.is_empty(), "there is no notice: {notice}");
}

/// Where the data begins, which is the end of the page's own text.
const DATA: &str = "<script type=\"application/x-ndjson\" id=\"trace\">";

/// Asks a page what is wrong, and expects nothing. Returns what else it says.
fn ask(checks: &[&'static str], page: &str, size: (u32, u32)) -> Vec<String> {
    let seen = ask_for_page(checks, page, size);
    findings(&seen).into_iter().filter(|line| line.starts_with("said ")).collect()
}

/// The same; returns the whole page as it stood in the end.
fn ask_for_page(checks: &[&'static str], page: &str, size: (u32, u32)) -> String {
    let page = asking(checks, page);
    let name = format!("{checks:?}");
    within(LIMIT, &name, move || {
        let Some(browser) = browser_or_say() else { return String::new() };
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), &page);
        let seen = browser.open(&address(&file), size, None);
        expect_nothing_wrong(&seen.page, &seen.console);
        seen.page
    })
}

fn ask_in_frame(checks: &[&'static str], page: &str, size: (u32, u32)) {
    ask_in_frames(checks, &[("page".to_owned(), page.to_owned())], size);
}

/// The same for many pages at once, in frames of exactly this size: a window may be larger
/// than it was asked to be, as wide as its title bar needs.
fn ask_in_frames(checks: &[&'static str], pages: &[(String, String)], size: (u32, u32)) {
    let pages: Vec<_> =
        pages.iter().map(|(name, page)| (name.clone(), asking(checks, page))).collect();
    let name = format!("{checks:?} at {size:?}");
    within(LIMIT, &name, move || {
        let Some(browser) = browser_or_say() else { return };
        let folder = tempfile::tempdir().unwrap();
        let mut around = String::from(AROUND);
        for (name, page) in &pages {
            let file = folder.path().join(format!("{name}.html"));
            fs::write(&file, page).expect("the page can be written");
            around += &frame(&file, size);
        }
        let file = folder.path().join("all the pages.html");
        fs::write(&file, around).expect("the page can be written");
        let seen = browser.open(&address(&file), (size.0 + 200, size.1 + 200), Some(5000));
        expect_nothing_wrong(&seen.page, &seen.console);
        let finished = findings(&seen.page).iter().filter(|line| *line == "finished").count();
        assert_eq!(finished, pages.len(), "every page answers");
    });
}

/// A page that writes down what the frames in it have to say.
const AROUND: &str = "<!doctype html><pre id=\"findings\"></pre><script>
    onmessage = ({ data }) => document.querySelector('#findings').append(data, '\\n');
</script>";

fn frame(file: &Path, (width, height): (u32, u32)) -> String {
    let style = format!("width: {width}px; height: {height}px; border: 0");
    format!("<iframe src='{}' style='{style}'></iframe>", address(file))
}

fn expect_nothing_wrong(page: &str, console: &[String]) {
    assert!(console.is_empty(), "the browser complains: {console:#?}");
    let findings = findings(page);
    assert!(findings.last().is_some_and(|last| last == "finished"), "the page did not answer");
    let wrong: Vec<_> = findings.iter().filter(|line| line.starts_with("wrong ")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The page, with the questions in front of its data.
fn asking(checks: &[&str], page: &str) -> String {
    let questions =
        format!("<script>window.asked = {checks:?};</script>\n<script>\n{CHECK}</script>\n");
    page.replace(DATA, &format!("{questions}{DATA}"))
}

/// What a page has answered, line by line.
fn findings(page: &str) -> Vec<String> {
    let answer =
        page.split("<pre id=\"findings\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let plain = |line: &str| line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    answer.map(|answer| answer.lines().map(plain).collect()).unwrap_or_default()
}

fn browser_or_say() -> Option<Browser> {
    let browser = Browser::find();
    if browser.is_none() {
        say_left_out("the player's page (no Chromium here; GLASSLOOP_CHROMIUM can name one)");
    }
    browser
}

fn written(folder: &Path, page: &str) -> PathBuf {
    let file = folder.join("page.html");
    fs::write(&file, page).expect("the page can be written");
    file
}

// ── pages and traces ──────────────────────────────────────────────────────

fn player(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("executor/trace/player").join(file)
}

/// A page that shows these lines, put together as the recording does it: each line
/// `/* file */` gives way to the file.
fn page_of(lines: &str) -> String {
    let page = fs::read_to_string(player("page.html")).expect("the page");
    let whole = page.lines().map(|line| {
        let name = line.strip_prefix("/* ").and_then(|rest| rest.strip_suffix(" */"));
        match name {
            Some(name) => fs::read_to_string(player(name)).expect("a part of the page"),
            None => format!("{line}\n"),
        }
    });
    let whole: String = whole.collect();
    assert!(whole.trim_end().ends_with(DATA), "the page ends where the data begins");
    format!("{whole}{lines}</script>\n")
}

fn first_lines(count: usize) -> &'static str {
    let end = EVERY_KIND.match_indices('\n').nth(count - 1).expect("so many lines").0;
    &EVERY_KIND[..=end]
}

/// A trace of at least so many events: tasks that sleep, and say something, in turn.
fn sleeping(tasks: usize, events: usize) -> String {
    let mut trace = Sleepers::default();
    trace.line(r#"{"glassloop":1,"program":"sleeping","clock":"virtual","tick_us":65.536,"slots":64,"levels":8}"#);
    trace.event(r#""ev":"spawn","task":1,"name":"root","by":"start","file":"a.rs","line":1"#);
    trace.event(r#""ev":"phase","p":"ready""#);
    trace.event(r#""ev":"poll","task":1,"k":1"#);
    for task in 2..=tasks {
        trace.event(&format!(r#""ev":"spawn","task":{task},"by":"task 1","file":"a.rs","line":2"#));
    }
    trace.event(r#""ev":"pending","task":1,"k":1,"waits":[{"what":"a wait group","file":"a.rs","line":3}],"file":"a.rs","line":3"#);
    let mut round = 0;
    while trace.count < events {
        trace.round(2 + round % (tasks - 1), round / (tasks - 1) + 1);
        round += 1;
    }
    trace.lines
}

#[derive(Default)]
struct Sleepers {
    lines: String,
    count: usize,
    time: usize,
    turn: usize,
}

impl Sleepers {
    /// A turn in which one task wakes, says something and sleeps again.
    fn round(&mut self, task: usize, k: usize) {
        self.turn += 1;
        let (timer, place) = (self.turn, r#""file":"a.rs","line":4"#);
        if k > 1 {
            self.event(r#""ev":"phase","p":"io""#);
            self.event(r#""ev":"park","us":100"#);
            self.time += 100;
            self.event(r#""ev":"unpark","why":"timeout""#);
            self.event(r#""ev":"phase","p":"timers""#);
            let fired = timer - 1;
            self.event(&format!(r#""ev":"fire","timer":{fired}"#));
            self.event(&format!(r#""ev":"wake","task":{task},"by":"timer {fired}""#));
        }
        self.event(r#""ev":"phase","p":"ready""#);
        self.event(&format!(r#""ev":"poll","task":{task},"k":{k}"#));
        self.event(&format!(r#""ev":"out","task":{task},"text":"beat {k}""#));
        let (deadline, slot) = (self.time + 4000, timer % 64);
        self.event(&format!(r#""ev":"arm","timer":{timer},"task":{task},"deadline":{deadline},"level":0,"slot":{slot}"#));
        self.event(&format!(r#""ev":"pending","task":{task},"k":{k},"waits":[{{"what":"a sleep","timer":{timer},{place}}}],{place}"#));
    }

    fn event(&mut self, fields: &str) {
        self.count += 1;
        let line =
            format!(r#"{{"n":{},"t":{},"turn":{},{fields}}}"#, self.count, self.time, self.turn);
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        writeln!(self.lines, "{line}").expect("a String takes everything");
    }
}

// ── the palette ───────────────────────────────────────────────────────────

struct Colour {
    name: String,
    light: [f64; 3],
    dark: [f64; 3],
}

/// The lines `--name: light-dark(#rrggbb, #rrggbb);` of a style sheet.
fn palette(style: &str) -> Vec<Colour> {
    let colour = |line: &str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let (light, dark) = value.strip_suffix(");")?.split_once(", ")?;
        Some(Colour { name: name.into(), light: channels(light)?, dark: channels(dark)? })
    };
    style.lines().filter_map(colour).collect()
}

fn channels(hex: &str) -> Option<[f64; 3]> {
    let number = u32::from_str_radix(hex.strip_prefix('#')?, 16).ok()?;
    Some([16, 8, 0].map(|shift| f64::from(number >> shift & 255) / 255.0))
}

/// As WCAG 2 defines it: from 1, the same, to 21, black on white.
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(channels: [f64; 3]) -> f64 {
    let linear = |share: f64| match share <= 0.03928 {
        true => share / 12.92,
        false => ((share + 0.055) / 1.055).powf(2.4),
    };
    let [red, green, blue] = channels.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
