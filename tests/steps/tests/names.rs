//! Many names in one line, and the names in `use` lines.

use glassloop_steps::items::split;
use glassloop_steps::names::{join, separate};
use glassloop_steps::uses;

#[test]
fn names_that_begin_with_the_same_path_share_it() {
    let names = ["fn a", "fn b", "C::d", "C::e", "F::g", "C::h"];
    assert_eq!(join(names), "fn a, fn b, C::{d, e}, F::g, C::h");
}

#[test]
fn a_comma_in_brackets_separates_nothing() {
    let parts = separate("impl From<(A, B)> for C<D, E>, main, [F, G],\n");
    assert_eq!(parts, ["impl From<(A, B)> for C<D, E>", "main", "[F, G]"]);
}

#[test]
fn a_use_line_is_the_same_however_it_is_written() {
    let in_braces =
        "use std::thread::{self, Thread};\nuse std::{\n    cell::{Cell, RefCell},\n    mem,\n};\n";
    let one_by_one = "use std::cell::Cell;\nuse std::cell::RefCell;\n\n// Why.\nuse std::mem;\n\
                      use std::thread;\nuse std::thread::Thread;\n";
    let paths = |text: &str| uses::paths(&split(text).1);
    assert_eq!(paths(in_braces), paths(one_by_one));
    let expected = "std::cell::{Cell, RefCell}, std::{mem, thread}, std::thread::Thread";
    assert_eq!(join(paths(in_braces).iter().map(|path| &**path)), expected);
}
