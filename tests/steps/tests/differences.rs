//! The difference of two steps: nothing that has changed is missing, and nothing else is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use glassloop_steps::difference::of_steps;
use glassloop_steps::folder::Folder;
use glassloop_steps::items::{Item, Kind, Step, compare, find};
use glassloop_steps::paint::Paint;

fn fixture() -> Folder {
    Folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture"))
}

/// Calls `check` with each step, the step after it, and their difference.
fn neighbours(check: impl Fn(&Step, &Step, &str)) {
    let steps = Folder::of_repository().steps().unwrap();
    assert!(steps.len() >= 8, "only {} steps were found", steps.len());
    for pair in steps.windows(2) {
        check(&pair[0], &pair[1], &of_steps(&pair[0], &pair[1], Paint::Plain));
    }
}

#[test]
fn a_small_difference_looks_like_this() {
    let text = of_steps(&fixture().step(1).unwrap(), &fixture().step(2).unwrap(), Paint::Plain);
    let expected = fs::read_to_string(fixture().0.join("from_1_to_2.txt")).unwrap();
    assert!(text == expected.replace("\r\n", "\n"), "not as in from_1_to_2.txt:\n{text}");
}

/// How often each line of code is in a program; the `use` lines are left out.
fn lines(step: &Step) -> BTreeMap<&str, i64> {
    let mut counts = BTreeMap::new();
    for item in step.items.iter().filter(|item| !matches!(item.kind, Kind::Use | Kind::Heading)) {
        for line in item.text.lines().filter(|line| !line.is_empty()) {
            *counts.entry(line).or_default() += 1;
        }
    }
    counts
}

/// The lines that `more` has more often than `less`, and how much more often.
fn surplus<'a>(more: &'a Step, less: &Step) -> Vec<(&'a str, i64)> {
    let less = lines(less);
    let surplus = lines(more).into_iter().map(|(line, count)| {
        let there = less.get(line).copied().unwrap_or(0);
        (line, count - there)
    });
    surplus.filter(|(_, surplus)| *surplus > 0).collect()
}

#[test]
fn each_line_that_is_added_is_shown() {
    neighbours(|older, newer, text| {
        for (line, times) in surplus(newer, older) {
            let shown = text.lines().filter(|shown| *shown == format!("+ {line}")).count();
            assert!(shown as i64 >= times, "to step {}: {line:?} is not shown", newer.number);
        }
    });
}

#[test]
fn each_line_that_is_removed_is_shown_or_its_item_is_named_as_gone() {
    neighbours(|older, newer, text| {
        let gone = compare(&older.items, &newer.items).gone;
        let gone: Vec<&str> = gone.iter().flat_map(|item| item.text.lines()).collect();
        for (line, times) in surplus(older, newer) {
            let shown = text.lines().filter(|shown| *shown == format!("- {line}")).count();
            let named = gone.iter().filter(|gone| **gone == line).count();
            // The lines of a block that is gone have no name of their own.
            let of_block = line == "}" || line.starts_with("impl");
            let known = (shown + named) as i64 >= times || of_block;
            assert!(known, "to step {}: {line:?} is gone without a word", newer.number);
        }
    });
}

#[test]
fn each_item_is_new_changed_or_the_same_and_each_that_is_gone_is_named() {
    neighbours(|older, newer, text| {
        let all = compare(&older.items, &newer.items);
        let gone = text.lines().find(|line| line.starts_with("Gone: ")).unwrap_or_default();
        let items = |step: &Step| step.items.iter().filter(|item| is_counted(item)).count();
        assert_eq!(all.new.len() + all.changed.len() + all.same.len(), items(newer));
        assert_eq!(all.gone.len() + all.changed.len() + all.same.len(), items(older));
        for item in all.gone {
            let name = item.name.rsplit("::").next().unwrap();
            assert!(gone.contains(name), "to step {}: {} is missing", newer.number, item.name);
        }
    });
}

fn is_counted(item: &Item) -> bool {
    matches!(item.kind, Kind::Plain | Kind::Member { .. })
}

#[test]
fn an_item_that_is_the_same_is_not_shown() {
    neighbours(|older, newer, text| {
        let shown: Vec<&str> = text.lines().map(|line| line.get(2..).unwrap_or("")).collect();
        let shown = shown.join("\n");
        for item in &newer.items {
            let code = item.code();
            let same = find(&older.items, &item.name).is_some_and(|old| old.code() == code);
            // `type Output = ();` may be shown as a member of another block.
            let alone = newer.items.iter().filter(|other| other.code() == code).count() == 1;
            if same && alone && is_counted(item) {
                let name = &item.name;
                assert!(!shown.contains(code), "to step {}: {name} is shown", newer.number);
            }
        }
    });
}

#[test]
fn a_block_whose_own_line_has_changed_is_shown_with_its_members_that_have_changed() {
    let older = "//! # Step 1: a\n\nimpl<T> A<T> {\n    fn f() {}\n\n    fn g() {}\n}\n";
    let newer = "//! # Step 2: b\n\nimpl<T: B> A<T> {\n    fn f() {}\n\n    fn g() -> u8 {}\n}\n";
    let text = of_steps(&Step::parse(older).unwrap(), &Step::parse(newer).unwrap(), Paint::Plain);
    let shown =
        "\n- impl<T> A<T> {\n+ impl<T: B> A<T> {\n-     fn g() {}\n+     fn g() -> u8 {}\n  }\n";
    assert!(text.ends_with(shown), "{text}");
}

#[test]
fn a_difference_may_go_over_several_steps_and_backwards() {
    let steps = Folder::of_repository();
    let text = of_steps(&steps.step(2).unwrap(), &steps.step(8).unwrap(), Paint::Plain);
    assert!(text.contains("From step 2 to 8: ") && text.contains("impl<T: AsSource>"), "{text}");
    let text = of_steps(&fixture().step(2).unwrap(), &fixture().step(1).unwrap(), Paint::Plain);
    assert!(text.contains("\nGone: Bell::mute, <Bell as Drop>::drop\n"), "{text}");
}
