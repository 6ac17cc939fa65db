//! `println`: what a program prints becomes part of its trace.

use std::fmt;

use crate::current;

/// Prints like the standard library's `println!`; and if the loop is traced, the line is
/// an event of the trace, beside what the loop did before and after.
///
/// `use glassloop::println;` at the top of a file is all that is needed. The examples do it.
///
/// # Panics
/// If stdout cannot be written to, like the standard library's.
///
/// ```
/// use glassloop::println;
///
/// glassloop::block_on(async {
///     println!("on the screen, and in the trace");
/// });
/// ```
#[macro_export]
macro_rules! println {
    () => {
        $crate::report::print_line(::std::format_args!(""))
    };
    ($($line:tt)*) => {
        $crate::report::print_line(::std::format_args!($($line)*))
    };
}

/// What [`println!`](crate::println!) calls.
#[doc(hidden)]
pub fn print_line(line: fmt::Arguments<'_>) {
    let Some(event_loop) = current::get().filter(|event_loop| event_loop.tracer.is_on()) else {
        return std::println!("{line}");
    };
    // Once: a `Display` may run code of the user, whose second run would give another text.
    let text = line.to_string();
    // Emitted before it is printed: if printing panics, the line is in the trace.
    event_loop.tracer.printed(&text);
    std::println!("{text}");
}
