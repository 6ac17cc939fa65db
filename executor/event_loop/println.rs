//! What a program prints, as part of its trace.

use std::fmt;

use crate::task::current;
use crate::trace::Event;

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
        $crate::event_loop::print_line(::std::format_args!(""))
    };
    ($($line:tt)*) => {
        $crate::event_loop::print_line(::std::format_args!($($line)*))
    };
}

/// What [`println!`](crate::println!) calls.
#[doc(hidden)]
pub fn print_line(line: fmt::Arguments<'_>) {
    let glass = current::glass();
    if glass.is_watched() {
        // Before it is printed: should that panic, the trace says what was tried.
        let text = line.to_string();
        glass.emit(|| Event::Out { text: &text });
    }
    std::println!("{line}");
}
