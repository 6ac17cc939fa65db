//! # The timeline on stderr
//!
//! What `GLASSLOOP_TRACE=-` shows is read by people, so it is held to the letter here, and
//! fits into a window. (`docs/gallery.md` shows those of whole programs.)

#![cfg(unix)]

mod support;

use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::Mutex;
use glassloop::{Executor, join_all, println, sleep, spawn, spawn_named, yield_now};
use support::alone::{output_alone, shell};

/// Runs the program on virtual time in a process of its own. Its timeline, without the
/// first line, which names the program; `None` in that process.
fn timeline_of<F: Future>(program: impl FnOnce() -> F + Send + 'static) -> Option<String> {
    let output = output_alone(shell("true"), move || {
        let executor = Executor::builder().virtual_time().trace("-").build();
        let _output = executor.expect("a loop").block_on(program());
    })?;
    let timeline = String::from_utf8(output.stderr).expect("a timeline is UTF-8");
    let (first, rest) = timeline.split_once('\n').expect("a heading");
    let heading =
        ", on a virtual clock: ### is polled, (1) stands first in the ready queue, : waits";
    assert!(first.starts_with("the loop of ch15_timeline"), "{first}");
    assert!(first.ends_with(heading), "{first}");
    Some(rest.to_owned())
}

/// Compares line by line; `…` in the place of a number of a line in this file, which
/// would change with each edit above it.
fn expect(timeline: Option<String>, expected: &str) {
    let Some(timeline) = timeline else { return };
    let this = concat!(file!(), ":");
    let mut shown = String::new();
    for line in timeline.lines() {
        let line = line.replace(this, "line ");
        let (before, place) = line.split_once("line ").unwrap_or((&line, ""));
        let rest = place.trim_start_matches(|c: char| c.is_ascii_digit());
        shown += &if place.is_empty() {
            format!("{line}\n")
        } else {
            format!("{before}line …{rest}\n")
        };
    }
    let expected = expected.trim_start_matches('\n');
    assert_eq!(shown, expected, "the timeline is another one now:\n{shown}");
}

#[test]
fn columns_show_who_is_polled_and_the_place_of_those_who_are_ready() {
    let timeline = timeline_of(|| async {
        let lock = Rc::new(Mutex::new(()));
        let held = lock.lock().await;
        let waiting = lock.clone();
        let (quick, slow) = (
            spawn_named("quick", yield_now()),
            spawn_named("slow", async move { drop(waiting.lock().await) }),
        );
        quick.await.unwrap();
        println!("now");
        drop(held);
        slow.await.unwrap();
    });
    expect(
        timeline, "
",
    );
}

#[test]
fn many_waits_and_many_tasks_are_told_in_short() {
    let timeline = timeline_of(|| async {
        let seconds = |count: u64| (1..=count).map(|n| sleep(Duration::from_secs(n)));
        let lock = Rc::new(Mutex::new(()));
        let waiting = lock.clone();
        let tasks: Vec<_> = (1..=8)
            .map(|n| {
                spawn_named(format!("a task with a long name {n}"), std::future::pending::<()>())
            })
            .collect();
        let held = lock.lock().await;
        let locks = spawn(async move {
            drop(join_all((0..2).map(|_| waiting.lock())).await);
        });
        yield_now().await;
        drop(held);
        locks.await.unwrap();
        join_all(seconds(5)).await;
        drop(tasks);
    });
    expect(
        timeline, "
",
    );
}

#[test]
fn an_end_says_how_it_came_about() {
    let timeline = timeline_of(|| async {
        let aborted = spawn_named("aborted", std::future::pending::<()>());
        let failed = spawn_named("failed", async {
            std::panic::set_hook(Box::new(|_| {}));
            panic!("out of range")
        });
        let dropped = spawn_named("dropped", std::future::pending::<()>());
        yield_now().await;
        aborted.abort();
        let _ = failed.await;
        drop(dropped);
    });
    expect(
        timeline, "
",
    );
}
