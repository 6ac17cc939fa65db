//! Every order in which the threads of a handshake can act on each other: on the sound
//! source none may fail, and on each source with a bug some must.
//!
//! Up to three preemptions are tried, by which most bugs show. For more:
//! `LOOM_MAX_PREEMPTIONS=5 cargo test --release -p glassloop-loom`.

use std::process::{Command, Output, Stdio};

/// Runs a model on a copy of the source, in a process of its own.
fn run(model: &str, copy: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_glassloop-loom"));
    if std::env::var_os("LOOM_MAX_PREEMPTIONS").is_none() {
        program.env("LOOM_MAX_PREEMPTIONS", "3");
    }
    program.args([model, copy]).stdin(Stdio::null()).output().expect("the model's program")
}

fn holds(model: &str) {
    let output = run(model, "sound");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{model}: some order of the threads fails:\n{report}");
}

fn finds(model: &str, bug: &str) {
    let output = run(model, bug);
    assert!(!output.status.success(), "{model} does not find the bug {bug}, so it proves nothing");
    // 2: there is no such model or copy.
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

macro_rules! models {
    ($($model:ident: $($bug:ident)*;)*) => { $(
        mod $model {
            #[test]
            fn holds_in_every_order() {
                super::holds(stringify!($model));
            }

            $(#[test]
            fn $bug() {
                super::finds(stringify!($model), stringify!($bug));
            })*
        }
    )* };
}

models! {
    a_wake_ends_the_park:
        parked_without_a_second_check notified_before_the_push;
    a_wake_ends_the_wait_in_the_poller: polled_without_a_second_check;
    two_threads_wake_one_task:
        flag_of_the_first_wake_stays_up load_and_store_instead_of_swap store_instead_of_swap announced_without_a_fence;
    two_threads_wake_two_tasks: flag_raised_before_the_push flag_lowered_after_the_count;
    a_late_wake_does_not_reach_the_task_in_the_same_place: found_by_the_slot_alone;
    a_late_wake_does_not_take_that_of_the_next_task: expected_to_be_there key_of_the_last_task;
    a_wake_meets_an_abort: expected_to_be_there;
    a_waker_is_used_again_after_a_panic_of_the_root:;
    a_wake_meets_the_end_of_the_loop: posted_to_nobody;
    a_remote_spawn_meets_the_end_of_the_loop: kept_after_the_end;
    a_remote_spawn_is_joined_by_its_thread: notified_before_the_push;
    the_last_remote_goes: last_remote_goes_silently;
    a_job_is_awaited: woken_before_the_value_is_there;
    a_job_is_not_jumped_over: counted_down_before_the_wake;
    a_job_is_given_up_and_the_loop_ends: ended_without_waiting_for_the_jobs;
    a_worker_goes_home_when_a_job_comes: ended_without_a_second_check;
    a_promise_is_kept: woken_before_the_value_is_there;
    a_promise_is_broken: woken_before_the_value_is_there;
}
