//! # The timeline on stderr
//!
//! People read what `GLASSLOOP_TRACE=-` shows, so these tests compare every character, and
//! the text fits into a window. (`docs/gallery.md` shows the timelines of whole programs.)

#![cfg(unix)]

mod support;

use std::rc::Rc;
use std::time::Duration;

use glassloop::sync::Mutex;
use glassloop::{Executor, join_all, println, sleep, spawn, spawn_named, yield_now};
use support::alone::{output_alone, shell};

/// Runs the program on virtual time in a process of its own. Returns its timeline without
/// the first line, which names the program; `None` in that process.
fn timeline_of<F: Future>(program: impl FnOnce() -> F + Send + 'static) -> Option<String> {
    let output = output_alone(shell("true"), move || {
        let executor = Executor::builder().virtual_time().trace("-").build();
        let _output = executor.expect("a loop").block_on(program());
    })?;
    let timeline = String::from_utf8(output.stderr).expect("a timeline is UTF-8");
    let (first, rest) = timeline.split_once('\n').expect("a heading");
    let heading = ", on a virtual clock: ### is polled, (1) is first in the run queue, : waits";
    assert!(first.starts_with("the loop of ch15_trace_timeline"), "{first}");
    assert!(first.ends_with(heading), "{first}");
    Some(rest.to_owned())
}

/// Compares line by line. `…` stands for the number of a line in this file, which would
/// change with each edit above that line.
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
    assert!(
        shown == expected,
        "the timeline has changed, and is now:\n{shown}\ninstead of:\n{expected}"
    );
}

#[test]
fn columns_show_the_task_that_is_polled_and_the_place_of_each_ready_task() {
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
    expect(timeline, READY);
}

#[test]
fn many_waits_and_many_tasks_are_abbreviated() {
    let timeline = timeline_of(|| async {
        let lock = Rc::new(Mutex::new(()));
        let waiting = lock.clone();
        let tasks: Vec<_> = (1..=8)
            .map(|n| spawn_named(format!("one of many workers, {n}"), std::future::pending::<()>()))
            .collect();
        let held = lock.lock().await;
        let locks = spawn(async move {
            join_all((0..2).map(async |_| drop(waiting.lock().await))).await;
        });
        yield_now().await;
        drop(held);
        locks.await.unwrap();
        join_all((0..5).map(|_| sleep(Duration::from_secs(1)))).await;
        drop(tasks);
    });
    expect(timeline, CROWD);
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
        let _ = (aborted.await, failed.await);
        drop(dropped);
    });
    expect(timeline, ENDS);
}

const READY: &str = r#"
     0.000          spawn root at line …
        ms  phase  root   event
     0.000  ready   ###   poll root #1
     0.000  ready   ###   spawn quick at line …
     0.000  ready   ###   spawn slow at line …
        ms  phase  root  quick slow   event
     0.000  ready    :    (1)   (2)   pending root: the end of quick
     0.000  ready    :    ###   (1)   poll quick #1
     0.000  ready    :    ###   (1)   wake quick ← quick
     0.000  ready    :    (2)   (1)   pending quick: it was woken meanwhile
     0.000  ready    :    (1)   ###   poll slow #1
     0.000  ready    :    (1)    :    pending slow: a mutex (line …)
     0.000  ready    :    ###    :    poll quick #2
     0.000  ready    :           :    done quick
     0.000  ready   (1)          :    wake root ← quick
     0.000  ready   ###          :    poll root #2
     0.000  ready   ###          :    prints "now"
     0.000  ready   ###         (1)   wake slow ← root
     0.000  ready    :          (1)   pending root: the end of slow
     0.000  ready    :          ###   poll slow #2
     0.000  ready    :                done slow
     0.000  ready   (1)               wake root ← slow
     0.000  ready   ###               poll root #3
     0.000  ready                     done root
     0.000  end                       the loop has ended
"#;

const CROWD: &str = r#"
     0.000          spawn root at line …
        ms  phase  root   event
     0.000  ready   ###   poll root #1
     0.000  ready   ###   spawn one of many workers, 1 at line …
     0.000  ready   ###   spawn one of many workers, 2 at line …
     0.000  ready   ###   spawn one of many workers, 3 at line …
     0.000  ready   ###   spawn one of many workers, 4 at line …
     0.000  ready   ###   spawn one of many workers, 5 at line …
     0.000  ready   ###   spawn one of many workers, 6 at line …
     0.000  ready   ###   spawn one of many workers, 7 at line …
     0.000  ready   ###   spawn one of many workers, 8 at line …
     0.000  ready   ###   spawn task 10 at line …
        ms  phase  root  one…1 one…2 one…3 one…4 one…5 one…6 one…7  event
     0.000  ready   ###   (1)   (2)   (3)   (4)   (5)   (6)   (7)   wake root ← root
     0.000  ready  (10)   (1)   (2)   (3)   (4)   (5)   (6)   (7)   pending root: it was woken meanwhile
     0.000  ready   (9)   ###   (1)   (2)   (3)   (4)   (5)   (6)   poll one of many workers, 1 #1
     0.000  ready   (9)    :    (1)   (2)   (3)   (4)   (5)   (6)   pending one of many workers, 1: in a future that is not glassloop's
     0.000  ready   (8)    :    ###   (1)   (2)   (3)   (4)   (5)   poll one of many workers, 2 #1
     0.000  ready   (8)    :     :    (1)   (2)   (3)   (4)   (5)   pending one of many workers, 2: in a future that is not glassloop's
     0.000  ready   (7)    :     :    ###   (1)   (2)   (3)   (4)   poll one of many workers, 3 #1
     0.000  ready   (7)    :     :     :    (1)   (2)   (3)   (4)   pending one of many workers, 3: in a future that is not glassloop's
     0.000  ready   (6)    :     :     :    ###   (1)   (2)   (3)   poll one of many workers, 4 #1
     0.000  ready   (6)    :     :     :     :    (1)   (2)   (3)   pending one of many workers, 4: in a future that is not glassloop's
     0.000  ready   (5)    :     :     :     :    ###   (1)   (2)   poll one of many workers, 5 #1
     0.000  ready   (5)    :     :     :     :     :    (1)   (2)   pending one of many workers, 5: in a future that is not glassloop's
     0.000  ready   (4)    :     :     :     :     :    ###   (1)   poll one of many workers, 6 #1
     0.000  ready   (4)    :     :     :     :     :     :    (1)   pending one of many workers, 6: in a future that is not glassloop's
     0.000  ready   (3)    :     :     :     :     :     :    ###   poll one of many workers, 7 #1
     0.000  ready   (3)    :     :     :     :     :     :     :    pending one of many workers, 7: in a future that is not glassloop's
     0.000  ready   (2)    :     :     :     :     :     :     :    poll one of many workers, 8 #1
     0.000  ready   (2)    :     :     :     :     :     :     :    pending one of many workers, 8: in a future that is not glassloop's
     0.000  ready   (1)    :     :     :     :     :     :     :    poll task 10 #1
     0.000  ready   (1)    :     :     :     :     :     :     :    pending task 10: a mutex ×2 (line …)
     0.000  ready   ###    :     :     :     :     :     :     :    poll root #2
     0.000  ready   ###    :     :     :     :     :     :     :    wake task 10 ← root
     0.000  ready    :     :     :     :     :     :     :     :    pending root: the end of task 10
     0.000  ready    :     :     :     :     :     :     :     :    poll task 10 #2
     0.000  ready    :     :     :     :     :     :     :     :    wake task 10 ← task 10
     0.000  ready    :     :     :     :     :     :     :     :    done task 10
     0.000  ready   (1)    :     :     :     :     :     :     :    wake root ← task 10
     0.000  ready   ###    :     :     :     :     :     :     :    poll root #3
     0.000  ready   ###    :     :     :     :     :     :     :    arm timer 1, due at 1000.000 ms (level 2, slot 3)
     0.000  ready   ###    :     :     :     :     :     :     :    arm timer 2, due at 1000.000 ms (level 2, slot 3)
     0.000  ready   ###    :     :     :     :     :     :     :    arm timer 3, due at 1000.000 ms (level 2, slot 3)
     0.000  ready   ###    :     :     :     :     :     :     :    arm timer 4, due at 1000.000 ms (level 2, slot 3)
     0.000  ready   ###    :     :     :     :     :     :     :    arm timer 5, due at 1000.000 ms (level 2, slot 3)
     0.000  ready    :     :     :     :     :     :     :     :    pending root: timers 1, 2, 3 and 2 more (line …)
     0.000  park     :     :     :     :     :     :     :     :    park for 1000.000 ms at most
  1000.000  park     :     :     :     :     :     :     :     :    unpark: timeout (the clock jumps)
  1000.000  timers   :     :     :     :     :     :     :     :    fire timer 1
  1000.000  timers  (1)    :     :     :     :     :     :     :    wake root ← timer 1
  1000.000  timers  (1)    :     :     :     :     :     :     :    fire timer 2
  1000.000  timers  (1)    :     :     :     :     :     :     :    wake root ← timer 2, who is in the queue already
  1000.000  timers  (1)    :     :     :     :     :     :     :    fire timer 3
  1000.000  timers  (1)    :     :     :     :     :     :     :    wake root ← timer 3, who is in the queue already
  1000.000  timers  (1)    :     :     :     :     :     :     :    fire timer 4
  1000.000  timers  (1)    :     :     :     :     :     :     :    wake root ← timer 4, who is in the queue already
  1000.000  timers  (1)    :     :     :     :     :     :     :    fire timer 5
  1000.000  timers  (1)    :     :     :     :     :     :     :    wake root ← timer 5, who is in the queue already
  1000.000  ready   ###    :     :     :     :     :     :     :    poll root #4
  1000.000  ready          :     :     :     :     :     :     :    done root
  1000.000  end                  :     :     :     :     :     :    drop one of many workers, 1
  1000.000  end                        :     :     :     :     :    drop one of many workers, 2
  1000.000  end                              :     :     :     :    drop one of many workers, 3
  1000.000  end                                    :     :     :    drop one of many workers, 4
  1000.000  end                                          :     :    drop one of many workers, 5
  1000.000  end                                                :    drop one of many workers, 6
  1000.000  end                                                     drop one of many workers, 7
  1000.000  end                                                     drop one of many workers, 8
  1000.000  end                                                     the loop has ended
"#;

const ENDS: &str = r#"
     0.000          spawn root at line …
        ms  phase  root   event
     0.000  ready   ###   poll root #1
     0.000  ready   ###   spawn aborted at line …
     0.000  ready   ###   spawn failed at line …
     0.000  ready   ###   spawn dropped at line …
        ms  phase   root   aborted failed  dropped  event
     0.000  ready    ###     (1)     (2)     (3)    wake root ← root
     0.000  ready    (4)     (1)     (2)     (3)    pending root: it was woken meanwhile
     0.000  ready    (3)     ###     (1)     (2)    poll aborted #1
     0.000  ready    (3)      :      (1)     (2)    pending aborted: in a future that is not glassloop's
     0.000  ready    (2)      :      ###     (1)    poll failed #1
     0.000  ready    (2)      :              (1)    panic failed: out of range
     0.000  ready    (1)      :              ###    poll dropped #1
     0.000  ready    (1)      :               :     pending dropped: in a future that is not glassloop's
     0.000  ready    ###      :               :     poll root #2
     0.000  ready    ###     (1)              :     wake aborted ← root
     0.000  ready     :      (1)              :     pending root: the end of aborted
     0.000  ready     :      ###              :     poll aborted #2
     0.000  ready     :                       :     abort aborted
     0.000  ready    (1)                      :     wake root ← aborted
     0.000  ready    ###                      :     poll root #3
     0.000  ready                             :     done root
     0.000  end                                     drop dropped
     0.000  end                                     the loop has ended
"#;
