//! The handshakes between threads, each as a small program on the executor.
//!
//! Loom runs it again and again, until every order in which its threads can act on
//! each other was tried, up to a number of preemptions. An order in which a wake is
//! lost ends with all threads asleep, which loom reports as a deadlock.

/// The models, once for each copy of the source.
macro_rules! models {
    ($($copy:ident)*) => {
        /// The model of that name on the copy of that name.
        pub fn find(copy: &str, model: &str) -> Option<fn()> {
            match copy {
                $(stringify!($copy) => $copy::find(model),)*
                _ => None,
            }
        }

        $(mod $copy {
            use glassloop_loom::$copy as glassloop;
            include!("models.in.rs");
        })*
    };
}

models! {
    sound
    flag_of_the_first_wake_stays_up
    load_and_store_instead_of_swap
    store_instead_of_swap
    parked_without_a_second_check
    polled_without_a_second_check
    notified_before_the_push
    flag_raised_before_the_push
    flag_lowered_after_the_count
    announced_without_a_fence
    counted_down_before_the_wake
    ended_without_a_second_check
    last_remote_goes_silently
    found_by_the_slot_alone
    expected_to_be_there
    key_of_the_last_task
    woken_before_the_value_is_there
    posted_to_nobody
    kept_after_the_end
    ended_without_waiting_for_the_jobs
}

pub use sound::MODELS;
