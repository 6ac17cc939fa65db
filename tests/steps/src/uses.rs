//! What the `use` lines of a program name. A learner wants to know the names, not how the
//! lines are arranged.

use std::collections::BTreeSet;

use crate::items::{Item, Kind};
use crate::names::separate;

/// The full path of each name: `std::mem`, `std::cell::Cell`, ….
pub fn paths(items: &[Item]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for item in items.iter().filter(|item| item.kind == Kind::Use) {
        let lines = item.text.lines().filter(|line| !line.starts_with("//"));
        for line in lines.collect::<String>().split(';') {
            expand("", line.trim().trim_start_matches("use "), &mut paths);
        }
    }
    paths
}

/// Adds the paths of `tree`, which is a path or ends with a list in braces.
fn expand(before: &str, tree: &str, paths: &mut BTreeSet<String>) {
    if let Some((path, list)) = tree.split_once('{') {
        let list = list.strip_suffix('}').unwrap_or(list);
        separate(list).iter().for_each(|part| expand(&format!("{before}{path}"), part, paths));
    } else if !tree.is_empty() {
        paths.insert(format!("{before}{tree}").trim_end_matches("::self").into());
    }
}
