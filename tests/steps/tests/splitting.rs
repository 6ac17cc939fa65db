//! Items: a program is split into them without a loss, and each has a name that a reader would
//! give it.

use glassloop_steps::folder::Folder;
use glassloop_steps::items::{Item, Step, split, without_arguments};

#[test]
fn each_line_of_each_step_is_in_exactly_one_item() {
    let folder = Folder::of_repository();
    assert!(folder.count() >= 8, "only {} steps were found", folder.count());
    for step in folder.steps().unwrap() {
        let path = folder.0.join(format!("step_{}.rs", step.number));
        let items: String = step.items.iter().map(|item| &*item.text).collect();
        let same = step.header.clone() + &items == std::fs::read_to_string(path).unwrap();
        assert!(
            same,
            "step {}: header and items, one after another, are not the file",
            step.number
        );
    }
}

#[test]
fn the_items_of_a_step_have_different_names() {
    for step in Folder::of_repository().steps().unwrap() {
        let mut names: Vec<&str> = step.items.iter().map(|item| &*item.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "step {} has two items of one name: {twice:?}", step.number);
    }
}

#[test]
fn an_item_of_a_step_is_what_a_reader_sees_as_one_thing() {
    // A split that finds an end too early or too late gives items that are no items.
    for step in Folder::of_repository().steps().unwrap() {
        for item in &step.items {
            let text = item.code();
            let count = |bracket| text.matches(bracket).count();
            let open = count('{') as i64 - count('}') as i64;
            let expected = match item.kind {
                glassloop_steps::items::Kind::Block => 1,
                glassloop_steps::items::Kind::End { .. } => -1,
                _ => 0,
            };
            assert_eq!(open, expected, "step {}, {}:\n{text}", step.number, item.name);
        }
    }
}

/// An item, and the names of what it is split into.
const NAMES: &[(&str, &[&str])] = &[
    ("pub fn block_on<F: Future>(future: F) -> F::Output {\n    body\n}\n", &["fn block_on"]),
    ("async fn add(\n    a: u32,\n) -> u32 {\n    1;\n}\n", &["fn add"]),
    ("fn f<T>() -> T\nwhere\n    T: X,\n{\n    body;\n}\n", &["fn f"]),
    ("pub const fn zero() -> u32 {\n    0\n}\n", &["fn zero"]),
    ("const fn_count: u32 = 1;\n", &["const fn_count"]),
    ("pub(crate) const TEXT: &str =\n    \"a\";\n", &["const TEXT"]),
    ("const A: u32 = 1; // why\nconst B: u32 = 2;\n", &["const A", "const B"]),
    ("static mut X: P =\n    P::new(|| {\n        1;\n    });\n", &["static X"]),
    ("static POOL: P = P::new(|| {\n    1;\n});\n", &["static POOL"]),
    ("struct Lamp;\nstruct Pair(u8, u8);\n", &["struct Lamp", "struct Pair"]),
    ("#[derive(Debug)]\npub enum End {\n    A,\n}\n", &["enum End"]),
    ("thread_local! {\n    /// A static one.\n    static NOW: u8 = 1;\n}\n", &["thread_local NOW"]),
    ("macro_rules! twice {\n    () => {};\n}\n", &["macro_rules twice"]),
    ("a_crate::step!(3 without\n    main);\nfn main() {}\n", &["step!", "fn main"]),
    ("impl<F: Fn() -> u8> Act<F> for Once<F> {}\n", &["impl Act<F> for Once"]),
    ("impl Unpin for Task {}\n", &["impl Unpin for Task"]),
    (
        "impl<T: Into<U>> Task<T> {\n    const N: u8 = 1;\n\n    pub fn new() -> T {\n        1;\n    }\n}\n",
        &["impl Task", "Task::N", "Task::new", "the end of impl Task"],
    ),
    (
        "impl<T> Future for Task<T>\nwhere\n    T: X,\n{\n    type Output = T;\n}\n",
        &["impl Future for Task", "<Task as Future>::Output", "the end of impl Future for Task"],
    ),
    (
        "impl Async<TcpStream> {\n    async fn f(\n        a: u8,\n    ) -> u8 {\n        a\n    }\n}\n",
        &["impl Async<TcpStream>", "Async<TcpStream>::f", "the end of impl Async<TcpStream>"],
    ),
    (
        "pub trait Act<T> {\n    /// Does it.\n    fn act(&self);\n    fn twice(&self) {}\n}\n",
        &["trait Act", "Act::act", "Act::twice", "the end of trait Act"],
    ),
    ("use std::mem;\n\nuse a::{\n    b,\n    c,\n};\nstruct A;\n", &["use", "struct A"]),
    ("// ── the end ── a.rs\n\n// Why.\n\nfn f() {}\n", &["── the end ── a.rs", "fn f"]),
];

#[test]
fn items_are_named_as_a_reader_would_name_them() {
    for (text, names) in NAMES {
        let (_, items) = split(text);
        let found: Vec<&str> = items.iter().map(|item| &*item.name).collect();
        assert_eq!(found, *names, "in this text:\n{text}");
    }
}

#[test]
fn comments_and_attributes_belong_to_the_item_that_follows_and_empty_lines_to_the_one_before() {
    let text =
        "//! Head.\n\n/// A.\n#[a]\nstruct A;\n\n// B.\nimpl B {\n    // C.\n    fn c() {}\n}\n";
    let (header, items) = split(text);
    let texts: Vec<&str> = items.iter().map(|item| &*item.text).collect();
    assert_eq!(header, "//! Head.\n\n");
    let (a, b) = ("/// A.\n#[a]\nstruct A;\n\n", "// B.\nimpl B {\n");
    assert_eq!(texts, [a, b, "    // C.\n    fn c() {}\n", "}\n"]);
}

#[test]
fn an_item_knows_the_section_line_above_it() {
    let (_, items) = split("struct A;\n// ── b ──\nstruct B;\nstruct C;\n");
    let sections: Vec<&str> = items.iter().map(|item: &Item| &*item.section).collect();
    assert_eq!(sections, ["", "── b ──", "── b ──", "── b ──"]);
}

#[test]
fn a_step_must_begin_with_its_title() {
    let step = Step::parse("//! # Step 7: sockets\n//!\nstruct A;\n").unwrap();
    assert_eq!((step.number, &*step.title), (7, "sockets"));
    let error = Step::parse("//! # Stop 7: sockets\n").unwrap_err();
    assert!(error.contains("# Step 3: many tasks"), "the error must show a title: {error}");
}

#[test]
fn a_name_without_arguments_keeps_the_brackets_of_a_trait() {
    assert_eq!(without_arguments("Async<Vec<u8>>::read"), "Async::read");
    assert_eq!(without_arguments("<Task<T> as From<Box<T>>>::from"), "<Task as From>::from");
    assert_eq!(without_arguments("Task<fn() -> u8>::poll"), "Task::poll");
}
