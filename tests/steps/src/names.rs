//! Many names in one line.

/// Joins names with commas. Names that follow each other and begin with the same path share
/// it, as in a `use` line: `RunQueue::{push, take}, fn lock`.
pub fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in names {
        let (path, last) = name.rsplit_once("::").unwrap_or(("", name));
        match groups.last_mut() {
            Some((same, group)) if *same == path => group.push(last),
            _ => groups.push((path, vec![last])),
        }
    }
    let one = |(path, group): &(&str, Vec<&str>)| match group[..] {
        _ if path.is_empty() => group.join(", "),
        [name] => format!("{path}::{name}"),
        _ => format!("{path}::{{{}}}", group.join(", ")),
    };
    groups.iter().map(one).collect::<Vec<String>>().join(", ")
}

/// Splits a list at its commas, but not at those in brackets.
pub fn separate(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let comma = |c: char| {
        match c {
            '{' | '(' | '[' | '<' => depth += 1,
            '}' | ')' | ']' | '>' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    list.split(comma).map(str::trim).filter(|part| !part.is_empty()).collect()
}
