//! The tree of the tasks that await each other, as text.

use std::collections::HashSet;
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
pub(super) struct Tree<'a> {
    pub(super) nodes: &'a [Node],
    pub(super) bullet: &'a str,
}

/// A task's number, and its name if it has one: `task 2 "fetch"`.
pub(super) fn title(id: TaskId, name: Option<&str>) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{id} {name:?}"))
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let awaited: HashSet<TaskId> = self.nodes.iter().flat_map(|n| &n.awaits).copied().collect();
        let mut writer = Writer { nodes: self.nodes, shown: HashSet::new(), text: String::new() };
        let under = " ".repeat(self.bullet.chars().count());
        let tops = self.nodes.iter().filter(|node| !awaited.contains(&node.id));
        // Last come the tasks that are left: they await each other in a circle.
        for node in tops.chain(self.nodes) {
            if !writer.shown.contains(&node.id) {
                writer.add(node, self.bullet, &under);
            }
        }
        f.write_str(writer.text.trim_end())
    }
}

struct Writer<'a> {
    nodes: &'a [Node],
    shown: HashSet<TaskId>,
    text: String,
}

impl Writer<'_> {
    /// Writes a node behind `branch`, and what it awaits under it, behind `under`.
    fn add(&mut self, node: &Node, branch: &str, under: &str) {
        self.shown.insert(node.id);
        self.text += &format!("{branch}{}\n", node.line);
        for (index, &id) in node.awaits.iter().enumerate() {
            let is_last = index + 1 == node.awaits.len();
            let (corner, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let branch = format!("{under}{corner}");
            match self.nodes.iter().find(|node| node.id == id) {
                Some(node) if !self.shown.contains(&id) => {
                    self.add(node, &branch, &format!("{under}{below}"));
                }
                Some(_) => self.text += &format!("{branch}{id}, see its line\n"),
                // The awaited task has ended since, or is of another loop.
                None => self.text += &format!("{branch}{id}\n"),
            }
        }
    }
}
