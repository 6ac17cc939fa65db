//! The flaws: each a step with one or two items in a wrong version.

#![allow(dead_code, unused_imports, reason = "a step brings what its own program needs")]

pub(crate) mod one_poll;
pub(crate) mod burns;
pub(crate) mod flag_too_late;
pub(crate) mod woken_twice;
pub(crate) mod polled_after_the_end;
pub(crate) mod cleared_after_the_poll;
pub(crate) mod notify_before_push;
pub(crate) mod joiner_not_woken;
pub(crate) mod panic_ends_the_loop;
pub(crate) mod sleep_stops_the_loop;
pub(crate) mod timer_left_behind;
pub(crate) mod million_in_a_map;
pub(crate) mod one_hand;
pub(crate) mod deaf_poller;
pub(crate) mod write_erases_read;
pub(crate) mod nobody_reads;
pub(crate) mod blocking_read;
pub(crate) mod wake_before_value;
