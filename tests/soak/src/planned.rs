//! Panics that are part of the plan: they are counted instead of printed.

use std::any::Any;
use std::panic;

/// The payload of such a panic, and whose it is.
pub struct Planned(u64);

impl Planned {
    pub fn panic(whose: u64) -> ! {
        panic::panic_any(Planned(whose))
    }

    /// Whether a panic is the one that was planned for `whose`.
    pub fn is(whose: u64, panic: &dyn Any) -> bool {
        panic.downcast_ref::<Planned>().is_some_and(|planned| planned.0 == whose)
    }
}

/// From now on, only panics that are not part of the plan are printed.
pub fn be_silent_about_planned_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !panic.payload().is::<Planned>() {
            print(panic);
        }
    }));
}
