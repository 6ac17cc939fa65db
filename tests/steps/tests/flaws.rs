//! A flaw, and its cure.

use std::fs;
use std::path::Path;

use glassloop_steps::difference::of_flaw;
use glassloop_steps::flaw::Flaw;
use glassloop_steps::folder::Folder;
use glassloop_steps::items::Item;
use glassloop_steps::paint::Paint;

fn fixture() -> Folder {
    Folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture"))
}

#[test]
fn a_flaw_and_its_cure_look_like_this() {
    let (flaw, step) = fixture().flaw("loud_end").unwrap();
    let text = of_flaw(&flaw, &step, Paint::Plain).unwrap();
    let expected = fs::read_to_string(fixture().0.join("loud_end.txt")).unwrap();
    assert!(text == expected.replace("\r\n", "\n"), "not as in loud_end.txt:\n{text}");
}

#[test]
fn of_a_flaw_in_the_program_the_program_is_shown_and_not_that_of_the_step() {
    let flaw = "//! Loud.\na::step!(2 without main);\n\nfn main() {\n    shout();\n}\n";
    let flaw = Flaw::parse(flaw).unwrap();
    let text = of_flaw(&flaw, &fixture().step(2).unwrap(), Paint::Plain).unwrap();
    assert!(text.contains("On the executor of step 2:"), "{text}");
    assert!(text.contains("  fn main() {\n      shout();\n  }"), "{text}");
    assert!(!text.contains("Bell"), "the step's own program has nothing to do with it:\n{text}");
}

/// The names of the items of step 8 that a flaw without `item` does not take over.
fn left_out(item: &str) -> Vec<String> {
    let step = Folder::of_repository().step(8).unwrap();
    let flaw = Flaw::parse(&format!("a::step!(8 without {item});\n")).unwrap();
    let program = flaw.program(&step).unwrap_or_else(|error| panic!("{error}"));
    let missing = |item: &&Item| program.iter().all(|kept| kept.name != item.name);
    step.items.iter().filter(missing).map(|item| item.name.clone()).collect()
}

#[test]
fn an_item_is_named_as_in_the_list_or_alone_or_with_its_block() {
    assert_eq!(left_out("main"), ["fn main"]);
    assert_eq!(left_out("fn block_on, ROOT"), ["const ROOT", "fn block_on"]);
    assert_eq!(left_out("struct RunQueue"), ["struct RunQueue"]);
    assert_eq!(left_out("RunQueue"), ["struct RunQueue"]);
    assert_eq!(left_out("TaskWaker::poll"), ["TaskWaker::poll"]);
    let wake = ["impl Wake for TaskWaker", "<TaskWaker as Wake>::wake"];
    assert_eq!(left_out("impl Wake for TaskWaker")[..2], wake);
}

#[test]
fn generic_arguments_may_be_left_out_or_written_as_in_the_source() {
    assert_eq!(left_out("Async::accept"), ["Async<TcpListener>::accept"]);
    assert_eq!(left_out("JoinHandle<T>::abort"), ["JoinHandle::abort"]);
    let poll = ["impl Future for Promised", "<Promised as Future>::Output"];
    assert_eq!(left_out("impl<T> Future for Promised<T>")[..2], poll);
    assert_eq!(left_out("impl Async<TcpStream>")[0], "impl Async<TcpStream>");
    assert!(left_out("impl Async<TcpStream>").iter().all(|name| !name.contains("TcpListener")));
}

#[test]
fn an_item_that_is_not_in_the_step_is_an_error() {
    let step = fixture().step(2).unwrap();
    let flaw = Flaw::parse("a::step!(2 without main, Bell::tune);\n").unwrap();
    let error = flaw.program(&step).unwrap_err();
    assert!(error.contains("no `Bell::tune` in step 2"), "what is wrong: {error}");
    assert!(error.contains("struct Bell, fn main"), "what to write instead: {error}");
}

#[test]
fn a_file_without_the_call_of_step_is_no_flaw() {
    for text in ["fn main() {}\n", "a::step!(three without main);\n", "a::step!();\n"] {
        let error = Flaw::parse(text).unwrap_err();
        assert!(error.contains("glassloop_step::step!(3 without main);"), "{text}: {error}");
    }
}
