//! The tree of the tasks that await each other, as text.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use crate::task::TaskId;

/// A task in the tree: a line about the task, and the tasks whose end it awaits.
pub(super) struct Node {
    pub(super) id: TaskId,
    pub(super) line: String,
    pub(super) awaits: Vec<TaskId>,
}

/// The nodes as a tree, with a line for each: under each task, the tasks that it awaits.
/// The tasks that no other task awaits are at the top, each behind a `bullet`.
///
/// Ten thousand tasks may await each other in one chain. So the tree has sixteen levels
/// below its top at most; what is awaited at that depth goes on further down, from the
/// margin. Then each line is indented by a few letters at most, and the text grows with the
/// number of the tasks, not with its square. For the same reason no function here calls
/// itself.
pub(super) struct Tree<'a> {
    pub(super) nodes: &'a [Node],
    pub(super) bullet: &'a str,
}

/// The largest indentation, in letters: three for each level.
const WIDEST: usize = 50;

/// A task's number, and its name if it has one: `task 2 "fetch"`.
pub(super) fn title(id: TaskId, name: Option<&str>) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{id} {name:?}"))
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let awaited: HashSet<TaskId> = self.nodes.iter().flat_map(|n| &n.awaits).copied().collect();
        let nodes = self.nodes.iter().map(|node| (node.id, node)).collect();
        let mut writer = Writer { nodes, shown: HashSet::new(), text: String::new() };
        let tops = self.nodes.iter().filter(|node| !awaited.contains(&node.id));
        // Last come the tasks that are left: they await each other in a circle.
        for node in tops.chain(self.nodes) {
            writer.add(node.id, self.bullet);
        }
        f.write_str(writer.text.trim_end())
    }
}

struct Writer<'a> {
    nodes: HashMap<TaskId, &'a Node>,
    shown: HashSet<TaskId>,
    text: String,
}

/// A line to be written: about which task, behind which branch; and what the lines of the
/// tasks that it awaits are behind.
struct Line {
    id: TaskId,
    branch: String,
    under: String,
}

impl Writer<'_> {
    /// Writes the tree of a task, unless it was shown before. The lines to be written are on
    /// a stack; at its bottom are the tops of the trees that go on further down.
    fn add(&mut self, top_id: TaskId, bullet: &str) {
        let margin = " ".repeat(bullet.chars().count());
        let top = |id| Line { id, branch: bullet.to_owned(), under: margin.clone() };
        let mut lines = VecDeque::from([top(top_id)]);
        while let Some(Line { id, branch, under }) = lines.pop_back() {
            let is_shown = self.shown.contains(&id);
            if is_shown && branch == bullet {
                continue;
            }
            self.text += &branch;
            match self.nodes.get(&id) {
                Some(node) if !is_shown && under.chars().count() <= WIDEST => {
                    self.shown.insert(id);
                    self.text += &node.line;
                    lines.extend(awaited_lines(node, &under));
                }
                Some(_) => {
                    self.text += &format!("{id}, see its line");
                    lines.push_front(top(id));
                }
                // The awaited task has ended since, or is of another loop.
                None => self.text += &id.to_string(),
            }
            self.text.push('\n');
        }
    }
}

/// The lines of the tasks that a task awaits, the last one first.
fn awaited_lines(node: &Node, under: &str) -> impl Iterator<Item = Line> {
    let last = node.awaits.len().saturating_sub(1);
    node.awaits.iter().enumerate().rev().map(move |(index, &id)| {
        let (corner, below) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        Line { id, branch: format!("{under}{corner}"), under: format!("{under}{below}") }
    })
}
