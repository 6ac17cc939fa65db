//! What a program prints, as part of its trace.

use std::fmt;

use crate::current;

/// Prints like the standard library's `println!`; and if the loop is traced, the line is
/// an event of the trace, beside what the loop did before and after.
///
/// `use glassloop::println;` at the top of a file is all that is needed. The examples do it.
///
/// # Panics
/// As the standard library's: if stdout cannot be written to.
///
/// ```
/// use glassloop::println;
///
/// glassloop::block_on(async {
///     println!("seen on the screen, and in the trace");
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
    if let Some(event_loop) = current::get().filter(|event_loop| event_loop.tracer.is_on()) {
        // Before it is printed: should that panic, the trace has the line that was tried.
        event_loop.tracer.printed(&line.to_string());
    }
    std::println!("{line}");
}
