//! Chapter 15: each rule of the oracle can be broken. Each test corrupts a good trace, and
//! the oracle must find the corrupted event.

#![cfg(unix)]

mod oracle;
mod support;

use std::future::pending;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::net::UnixStream;
use glassloop::{join_all, sleep, spawn, yield_now};
use oracle::traced::{expect_good, trace_of, virtual_time};
use support::within_limit;

/// A good trace that is about to be corrupted.
struct Trace(Vec<String>);

impl Trace {
    /// The trace of a root future on virtual time.
    fn of(program: impl AsyncFn() + Send + 'static) -> Trace {
        let trace =
            within_limit(move || trace_of(virtual_time(), |executor| executor.block_on(program())));
        expect_good(&trace);
        Trace(trace.lines().map(str::to_owned).collect())
    }

    /// A trace on virtual time with these events, which lack their numbers.
    fn written(events: &[&str]) -> Trace {
        let header = r#"{"glassloop":1,"clock":"virtual","tick_us":65.536,"slots":64,"levels":8}"#;
        let lines = events.iter().enumerate();
        let lines = lines.map(|(index, event)| format!("{{\"n\":{},{event}}}", index + 1));
        let trace: Vec<String> = std::iter::once(header.to_owned()).chain(lines).collect();
        expect_good(&(trace.join("\n") + "\n"));
        Trace(trace)
    }

    /// The place of the first event of that kind that has these fields, as in
    /// `"task":2`, separated by commas.
    fn place(&self, kind: &str, fields: &str) -> usize {
        self.places(kind, fields).next().unwrap_or_else(|| {
            panic!("no {kind} with {fields} in this trace:\n{}", self.0.join("\n"))
        })
    }

    fn places(&self, kind: &str, fields: &str) -> impl Iterator<Item = usize> {
        let mut wanted = vec![format!("\"ev\":\"{kind}\"")];
        wanted.extend(fields.split_terminator(',').map(str::to_owned));
        let has = move |line: &String| {
            let ends = |field: &String| [",", "}"].map(|end| format!("{field}{end}"));
            wanted.iter().all(|field| ends(field).iter().any(|field| line.contains(field)))
        };
        let places = self.0.iter().enumerate().filter(move |(_, line)| has(line));
        places.map(|(place, _)| place)
    }

    fn without(mut self, kind: &str, fields: &str) -> Trace {
        let place = self.place(kind, fields);
        self.0.remove(place);
        self
    }

    fn twice(mut self, kind: &str, fields: &str) -> Trace {
        let place = self.place(kind, fields);
        self.0.insert(place, self.0[place].clone());
        self
    }

    fn change(mut self, kind: &str, fields: &str, from: &str, to: &str) -> Trace {
        let place = self.place(kind, fields);
        assert!(self.0[place].contains(from), "{} has no {from}", self.0[place]);
        self.0[place] = self.0[place].replacen(from, to, 1);
        self
    }

    /// Puts events behind an event, with the time and the turn of that event.
    fn after(mut self, kind: &str, fields: &str, events: &[&str]) -> Trace {
        let place = self.place(kind, fields);
        let (head, _) = self.0[place].split_once("\"ev\"").unwrap();
        let lines: Vec<String> = events.iter().map(|event| format!("{head}{event}}}")).collect();
        self.0.splice(place + 1..place + 1, lines);
        self
    }

    fn swap(mut self, first: usize, second: usize) -> Trace {
        self.0.swap(first, second);
        self
    }

    /// Checks that the oracle finds what is wrong. The events are numbered anew first.
    #[track_caller]
    fn must_break(mut self, sentence: &str) {
        for (number, line) in self.0.iter_mut().enumerate().skip(1) {
            let (_, rest) = line.split_once(',').unwrap();
            *line = format!("{{\"n\":{number},{rest}");
        }
        self.must_break_as_it_is(sentence);
    }

    #[track_caller]
    fn must_break_as_it_is(self, sentence: &str) {
        let text = self.0.join("\n") + "\n";
        match oracle::check(&text) {
            Ok(_) => panic!("the oracle has not noticed: {sentence}\n{text}"),
            Err(complaint) => {
                let said = &complaint.sentence;
                assert!(said.contains(sentence), "{sentence:?} was expected, not\n{complaint}");
            }
        }
    }
}

// ── what is corrupted ─────────────────────────────────────────────────────

/// Task 2 sleeps, task 3 yields, task 4 is left when the loop ends.
fn tasks() -> Trace {
    Trace::of(async || {
        let sleeping = spawn(async { sleep(Duration::from_millis(5)).await });
        let yielder = spawn(yield_now());
        spawn(pending::<()>()).detach();
        yielder.await.unwrap();
        sleeping.await.unwrap();
    })
}

/// Timers 1 and 2 have the same deadline; timer 3 moves to a finer slot when timer 4 fires;
/// timer 5 is cancelled.
fn timers() -> Trace {
    Trace::of(async || {
        let sleeps = [5, 5, 300, 270].map(|milliseconds| {
            spawn(async move { sleep(Duration::from_millis(milliseconds)).await })
        });
        spawn(async { sleep(Duration::from_secs(90)).await }).detach();
        join_all(sleeps).await;
    })
}

/// The root waits for a descriptor; task 2 writes to it.
fn descriptors() -> Trace {
    Trace::of(async || {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        spawn(async move {
            yield_now().await;
            far.write_all(&[7]).await.unwrap();
        })
        .detach();
        near.read_exact(&mut [0]).await.unwrap();
    })
}

/// The root waits for a job, while task 2 sleeps. A fixed text, because a job is done at
/// another moment in each run.
fn jobs() -> Trace {
    Trace::written(&[
        r#""t":0,"turn":0,"ev":"spawn","task":1,"name":"root","by":"start","file":"a.rs","line":1"#,
        r#""t":0,"turn":1,"ev":"phase","p":"ready""#,
        r#""t":0,"turn":1,"ev":"poll","task":1,"k":1"#,
        r#""t":0,"turn":1,"ev":"arm","timer":1,"task":1,"deadline":5000,"level":1,"slot":1"#,
        r#""t":0,"turn":1,"ev":"wake","task":1,"by":"task 1""#,
        r#""t":0,"turn":1,"ev":"pending","task":1,"k":1,"waits":[{"what":"timer 1","timer":1}]"#,
        r#""t":0,"turn":2,"ev":"phase","p":"ready""#,
        r#""t":0,"turn":2,"ev":"poll","task":1,"k":2"#,
        r#""t":0,"turn":2,"ev":"job","job":1,"task":1,"what":"blocking work","file":"a.rs","line":2"#,
        r#""t":0,"turn":2,"ev":"pending","task":1,"k":2,"waits":[{"what":"job 1","job":1}]"#,
        r#""t":0,"turn":3,"ev":"phase","p":"io""#,
        r#""t":0,"turn":3,"ev":"park""#,
        r#""t":0,"turn":3,"ev":"jobdone","job":1,"task":1"#,
        r#""t":0,"turn":3,"ev":"unpark","why":"job""#,
        r#""t":0,"turn":3,"ev":"wake","task":1,"by":"job 1""#,
        r#""t":0,"turn":3,"ev":"phase","p":"ready""#,
        r#""t":0,"turn":3,"ev":"poll","task":1,"k":3"#,
        r#""t":0,"turn":3,"ev":"cancel","timer":1"#,
        r#""t":0,"turn":3,"ev":"done","task":1,"k":3"#,
        r#""t":0,"turn":3,"ev":"end""#,
    ])
}

/// The root waits for a thread. A fixed text, because the loop does not sleep in every run
/// before the thread wakes it.
fn threads() -> Trace {
    Trace::written(&[
        r#""t":0,"turn":0,"ev":"spawn","task":1,"name":"root","by":"start","file":"a.rs","line":1"#,
        r#""t":0,"turn":1,"ev":"phase","p":"ready""#,
        r#""t":0,"turn":1,"ev":"poll","task":1,"k":1"#,
        r#""t":0,"turn":1,"ev":"pending","task":1,"k":1,"waits":[]"#,
        r#""t":0,"turn":2,"ev":"phase","p":"io""#,
        r#""t":0,"turn":2,"ev":"park""#,
        r#""t":0,"turn":2,"ev":"unpark","why":"thread""#,
        r#""t":0,"turn":2,"ev":"wake","task":1,"by":"thread""#,
        r#""t":0,"turn":2,"ev":"phase","p":"ready""#,
        r#""t":0,"turn":2,"ev":"poll","task":1,"k":2"#,
        r#""t":0,"turn":2,"ev":"done","task":1,"k":2"#,
        r#""t":0,"turn":2,"ev":"end""#,
    ])
}

const SLEEP: [&str; 2] = [r#""ev":"park""#, r#""ev":"unpark","why":"thread""#];

// ── the form ──────────────────────────────────────────────────────────────

#[test]
fn a_trace_that_is_torn_in_its_last_line_is_good_and_elsewhere_is_not() {
    let Trace(lines) = tasks();
    let text = lines.join("\n");
    assert!(oracle::check(&text[..text.len() - 3]).is_ok(), "a crash may cut the last line off");
    let cut = text.replacen(r#","ev":"done""#, "", 1);
    let complaint = oracle::check(&(cut + "\n")).unwrap_err().to_string();
    assert!(complaint.contains(r#""ev" is missing"#), "{complaint}");
    assert!(
        complaint.contains("\n> {"),
        "the complaint must show the line and its neighbours: {complaint}"
    );
}

#[test]
fn a_trace_must_be_of_the_known_form() {
    tasks()
        .change("done", "", "\"ev\":\"done\"", "\"ev\":\"gone\"")
        .must_break("no event \"gone\"");
    tasks().change("poll", "", "\"k\":1", "\"k\":\"one\"").must_break("no whole number");
    tasks().change("wake", "", "\"by\":\"", "\"by\":\"the moon, or ").must_break("no cause reads");
    let Trace(mut lines) = tasks();
    lines[0] = lines[0].replace("65.536", "1");
    Trace(lines).must_break("another wheel");
    Trace(vec!["{".into()]).must_break_as_it_is("no JSON");
    Trace(vec![]).must_break_as_it_is("not even a header");
}

// ── the order of things ───────────────────────────────────────────────────

#[test]
fn events_are_numbered_without_gaps() {
    tasks().without("wake", "").must_break_as_it_is("but comes after number");
}

#[test]
fn time_never_goes_back() {
    let unparked = r#""t":5000,"#;
    tasks().change("fire", "", unparked, r#""t":4999,"#).must_break("time goes back");
}

#[test]
fn a_virtual_clock_moves_while_the_loop_sleeps_and_not_otherwise() {
    tasks().change("poll", r#""k":2"#, r#""t":0,"#, r#""t":1,"#).must_break("virtual clock moves");
    let farther = r#""why":"timeout""#;
    tasks().change("unpark", farther, r#""t":5000,"#, r#""t":5001,"#).must_break("went further");
}

#[test]
fn a_turn_begins_with_a_part_and_no_turn_is_left_out() {
    tasks().without("phase", r#""turn":2"#).must_break("turn 2 begins without");
    tasks().change("phase", r#""turn":2"#, r#""turn":2"#, r#""turn":3"#).must_break("after turn 1");
}

#[test]
fn the_parts_of_a_turn_come_once_and_in_their_order() {
    tasks().twice("phase", "").must_break("has been there already");
    tasks().change("phase", r#""p":"timers""#, "timers", "io").must_break("been there already");
    tasks().without("phase", r#""p":"timers""#).must_break("`fire` belongs to the part \"timers\"");
}

#[test]
fn a_sleep_begins_and_ends() {
    tasks().without("unpark", "").must_break("has not woken");
    threads().without("park", "").must_break("but did not sleep");
}

#[test]
fn a_sleep_ends_for_a_reason_that_is_true() {
    let why = |why| threads().change("unpark", "", "thread", why);
    why("timeout").must_break("without a limit has reached its limit");
    why("job").must_break("none is done");
    why("sunshine").must_break("can end a sleep");
    let early = tasks().change("arm", "", r#""deadline":5000,"#, r#""deadline":5009,"#);
    early.change("park", "", r#""us":5000"#, r#""us":5009"#).must_break("was not over");
}

#[test]
fn nothing_comes_after_the_end() {
    tasks().after("end", "", &[r#""ev":"out","text":"still here""#]).must_break("after `end`");
}

// ── tasks ─────────────────────────────────────────────────────────────────

#[test]
fn a_task_is_spawned_once_and_before_all_else() {
    tasks().twice("spawn", r#""task":2"#).must_break("a second time");
    tasks().without("spawn", r#""task":2"#).must_break("task 2 is polled, but was never spawned");
    tasks().change("wake", "", r#""task":3"#, r#""task":33"#).must_break("was never spawned");
    tasks().change("drop", "", r#""task":4"#, r#""task":44"#).must_break("was never spawned");
}

#[test]
fn one_root_runs_at_a_time() {
    let by = |trace: Trace| trace.change("spawn", r#""task":2"#, "task 1", "start");
    by(tasks()).must_break("inside of a `block_on`");
}

#[test]
fn who_is_polled_was_woken() {
    tasks().without("wake", r#""task":3"#).must_break("it was not woken");
}

#[test]
fn who_was_ready_first_is_polled_first() {
    let trace = tasks();
    let spawned = (trace.place("spawn", r#""task":2"#), trace.place("spawn", r#""task":3"#));
    trace.swap(spawned.0, spawned.1).must_break("before task 3, which was ready first");
}

#[test]
fn who_is_woken_in_a_turn_waits_for_the_next() {
    let poll = [r#""ev":"poll","task":3,"k":2"#];
    tasks()
        .after("pending", r#""task":3"#, &poll)
        .must_break("polled in the turn in which it was woken");
}

#[test]
fn a_turn_polls_all_tasks_that_were_ready_when_it_began() {
    let trace = tasks().without("poll", r#""task":4"#).without("pending", r#""task":4"#);
    trace.must_break("task 4, which was ready, had no poll");
}

#[test]
fn the_loop_does_not_sleep_while_a_task_is_ready() {
    threads().after("wake", r#""by":"thread""#, &SLEEP).must_break("though task 1 is ready");
}

#[test]
fn who_has_ended_is_not_polled_and_does_not_end_again() {
    let poll = [r#""ev":"poll","task":3,"k":3"#];
    tasks().after("done", r#""task":3"#, &poll).must_break("task 3 is polled, though it has ended");
    let end = [r#""ev":"drop","task":3"#];
    tasks().after("done", r#""task":3"#, &end).must_break("task 3 ends, though it has ended");
}

#[test]
fn the_polls_of_a_task_are_counted() {
    tasks().change("poll", r#""k":2"#, r#""k":2"#, r#""k":3"#).must_break("but is poll 2");
    tasks().change("pending", "", r#""k":1"#, r#""k":0"#).must_break("under another number");
    tasks().change("done", "", r#""k":2"#, r#""k":1"#).must_break("under another number");
}

#[test]
fn one_poll_ends_before_the_next_begins() {
    tasks().without("pending", r#""task":2"#).must_break("the poll of task 2 has not ended");
    tasks().without("poll", r#""task":4"#).must_break("but it is not being polled");
    let left = tasks().without("pending", r#""task":4"#);
    left.must_break("the poll of task 4 has not ended");
    let dropped = [r#""ev":"drop","task":3"#];
    tasks().after("poll", r#""task":2"#, &dropped).must_break("the poll of task 2 has not ended");
}

#[test]
fn a_wake_says_whether_the_task_was_ready_already() {
    let dup = |trace: Trace| trace.change("wake", "", r#""by""#, r#""dup":true,"by""#);
    dup(tasks()).must_break("as if it were ready, and it is not");
    tasks().twice("wake", "").must_break("pushed to the run queue, in which it is");
}

#[test]
fn who_is_joined_was_spawned() {
    tasks().change("join", "", r#""target":3"#, r#""target":33"#).must_break("awaits task 33");
    let trace = tasks();
    let place = trace.place("join", "");
    trace.swap(place, place + 1).must_break("task 1 joins, but it is not being polled");
}

#[test]
fn every_task_has_ended_when_the_loop_has() {
    tasks().without("drop", r#""task":4"#).must_break("the loop has ended, and task 4 has not");
}

#[test]
fn no_task_is_polled_while_the_loop_polls_for_io() {
    let poll = [r#""ev":"poll","task":1,"k":2"#];
    tasks().after("unpark", "", &poll).must_break("that is for I/O");
}

// ── causes ────────────────────────────────────────────────────────────────

#[test]
fn what_a_task_causes_it_causes_while_it_runs() {
    let by = |trace: Trace| trace.change("wake", r#""task":3"#, "task 3", "task 2");
    by(tasks()).must_break("task 2, which is neither polled nor dropped now");
    let spawn = tasks().change("spawn", r#""task":4"#, "task 1", "task 2");
    spawn.must_break("task 2, which is neither polled nor dropped now");
    tasks().change("arm", "", r#""task":2"#, r#""task":3"#).must_break("task 3 does this");
    tasks().change("arm", "", r#""task":2,"#, "").must_break("which task is polled meanwhile?");
    jobs().change("job", "", r#""task":1"#, r#""task":2"#).must_break("task 2 does this");
    let other = descriptors().change("watch", "", r#""task":1"#, r#""task":2"#);
    other.must_break("task 2 does this");
}

#[test]
fn a_timer_is_a_cause_when_it_has_just_fired() {
    tasks()
        .change("wake", r#""by":"timer 1""#, "timer 1", "timer 2")
        .must_break("timer 2, which has not");
    tasks().change("wake", r#""task":3"#, "task 3", "timer 1").must_break("has not just fired");
}

#[test]
fn a_descriptor_is_a_cause_when_it_was_just_ready() {
    let trace = descriptors().change("wake", r#""task":1"#, "fd ", "fd 9");
    trace.must_break("which was not just ready");
}

#[test]
fn a_job_is_a_cause_when_it_is_done_and_once() {
    let early = jobs().change("wake", r#""by":"task 1""#, "task 1", "job 1");
    early.must_break("job 1, which is not done");
    let other = jobs().change("wake", r#""by":"job 1""#, "job 1", "job 2");
    other.must_break("job 2, which is not done");
    let given_up = [
        r#""ev":"wake","task":1,"by":"thread""#,
        r#""ev":"phase","p":"ready""#,
        r#""ev":"poll","task":1,"k":3"#,
        r#""ev":"pending","task":1,"k":3,"waits":[]"#,
        r#""ev":"phase","p":"io""#,
    ];
    let mut late = jobs().after("unpark", "", &given_up);
    let next = late.0.iter().rposition(|line| line.contains(r#""p":"io""#)).unwrap();
    for line in &mut late.0[next..] {
        *line = line.replace(r#""turn":3"#, r#""turn":4"#);
    }
    late.must_break("job 1, which is not done");
    let woken = [r#""ev":"wake","task":1,"by":"job 1","dup":true"#];
    jobs().after("wake", r#""by":"job 1""#, &woken).must_break("job 1, which is not done");
}

#[test]
fn a_thread_is_a_cause_between_turns_and_not_within_a_poll() {
    tasks()
        .change("wake", r#""task":3"#, "task 3", "thread")
        .must_break("another thread, in the midst");
    tasks().change("wake", r#""by":"timer 1""#, "timer 1", "thread").must_break("in the midst");
    tasks().change("wake", r#""task":3"#, "task 3", "start").must_break("the start of the loop");
}

#[test]
fn who_waited_is_woken() {
    tasks().without("wake", r#""by":"timer 1""#).must_break("task 2 waited for timer(1)");
    let trace = descriptors();
    let place = trace.place("fdready", "") + 1;
    assert!(trace.0[place].contains(r#""ev":"wake""#), "{}", trace.0[place]);
    let Trace(mut lines) = trace;
    lines.remove(place);
    Trace(lines).must_break("task 1 waited for descriptor(");
}

// ── timers ────────────────────────────────────────────────────────────────

#[test]
fn a_timer_lies_where_its_deadline_says() {
    let arm = |from, to| timers().change("arm", r#""timer":1"#, from, to);
    arm(r#""slot":1"#, r#""slot":2"#).must_break("it belongs in level 1, slot 1");
    arm(r#""level":1"#, r#""level":2"#).must_break("it belongs in level 1, slot 1");
    arm(r#""level":1,"slot":1"#, r#""level":0,"slot":12"#).must_break("it belongs in level 1");
    arm(r#""level":1,"slot":1"#, r#""level":-1,"slot":0"#).must_break("it belongs in level 1");
}

#[test]
fn a_timer_cascades_to_where_its_deadline_says() {
    let moves = |from, to| timers().change("cascade", "", from, to);
    moves(r#""slot":"#, r#""slot":1"#).must_break("it belongs in level");
    timers().without("cascade", "").must_break("which is still in it");
    timers().twice("cascade", "").must_break("the cursor is not at its slot");
    let due = [r#""ev":"cascade","timer":1,"level":-1,"slot":0"#];
    timers().after("phase", r#""p":"timers""#, &due).must_break("though it is due");
    let close = Trace::of(async || sleep(Duration::from_micros(9)).await);
    close.after("phase", r#""p":"timers""#, &due).must_break("in the due-soon list already");
    timers().change("cascade", "", r#""timer":"#, r#""timer":7"#).must_break("but is not armed");
}

#[test]
fn a_timer_fires_when_it_is_due_and_not_before() {
    let later =
        timers().change("arm", r#""timer":1"#, r#""deadline":5000,"#, r#""deadline":5000.001,"#);
    later.must_break("timer 1 fires early");
    let trace = timers().without("fire", r#""timer":2"#).without("wake", r#""by":"timer 2""#);
    trace.must_break("timer 2 was due, and has not fired");
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines_and_of_their_numbers() {
    let trace = timers();
    let (first, second) =
        (trace.place("fire", r#""timer":1"#), trace.place("fire", r#""timer":2"#));
    let trace = trace.swap(first, second).swap(first + 1, second + 1);
    trace.must_break("timer 2 fires before timer 1");
}

#[test]
fn a_timer_fires_or_is_cancelled_once_and_is_armed_before() {
    let fire = [r#""ev":"fire","timer":3"#];
    let twice = timers().after("wake", r#""by":"timer 3""#, &fire);
    twice.must_break("timer 3 fires, but is not armed");
    timers().twice("cancel", "").must_break("timer 5 is cancelled, but is not armed");
    timers().twice("arm", "").must_break("timer 1 is armed a second time");
    timers().without("cancel", "").must_break("timer 5 is armed still");
}

#[test]
fn the_loop_sleeps_until_the_next_deadline_and_no_longer() {
    let park = |from, to| tasks().change("park", "", from, to);
    park(r#""us":5000"#, r#""us":5001"#).must_break("beyond the deadline of timer 1");
    park(r#","us":5000"#, "").must_break("sleeps without a limit, though timer 1 is armed");
    threads()
        .change("park", "", r#""park""#, r#""park","us":9"#)
        .must_break("though no timer is armed");
    let jump = jobs().change("park", "", r#""park""#, r#""park","us":5000"#);
    jump.must_break("the virtual clock is to jump, though a job is out");
}

// ── descriptors and jobs ──────────────────────────────────────────────────

#[test]
fn a_descriptor_is_reported_if_it_was_watched_for_that() {
    let unwatched = descriptors().change("pending", r#""task":1"#, "\"fd\":", "\"of\":");
    unwatched.without("watch", "").must_break("was watched for \"\"");
    let other = descriptors().change("watch", "", r#""want":"r""#, r#""want":"w""#);
    other.change("fdready", "", r#""got":"rw""#, r#""got":"r""#).must_break("watched for \"w\"");
    descriptors()
        .change("watch", "", r#""want":"r""#, r#""want":"x""#)
        .must_break("cannot be watched");
    descriptors()
        .change("fdready", "", r#""tasks":[1]"#, r#""tasks":[9]"#)
        .must_break("task 9 waits");
}

#[test]
fn watching_changes_something() {
    descriptors().twice("watch", "").must_break("as it was before");
    descriptors().twice("unwatch", "").must_break("unwatched, but was not watched");
}

#[test]
fn a_job_is_handed_out_once_and_is_done_once_before_the_end() {
    jobs().twice("job", "").must_break("handed out a second time");
    jobs().twice("jobdone", "").must_break("done a second time");
    jobs().without("job", "").must_break("was never handed out");
    let left = jobs().without("jobdone", "").change("wake", r#""by":"job 1""#, "job 1", "thread");
    left.change("unpark", "", "job", "thread").must_break("ended before job 1 was done");
}

#[test]
fn what_a_task_says_that_it_waits_for_is_there() {
    let pending = |trace: Trace, from, to| {
        let place = trace.0.iter().position(|line| line.contains(from)).unwrap();
        let Trace(mut lines) = trace;
        lines[place] = lines[place].replace(from, to);
        Trace(lines)
    };
    pending(tasks(), r#""timer":1}]"#, r#""timer":2}]"#).must_break("timer 2, which is not armed");
    pending(jobs(), r#""job":1}]"#, r#""job":2}]"#).must_break("job 2, which was never handed");
    pending(tasks(), r#""target":3}]"#, r#""target":9}]"#).must_break("the end of task 9");
    let trace = descriptors();
    let line = trace.0.iter().find(|line| line.contains(r#""ev":"pending","task":1"#)).unwrap();
    let (_, rest) = line.split_once(r#""fd":"#).unwrap();
    let (fd, _) = rest.split_once('}').unwrap();
    let (from, to) = (format!(r#""fd":{fd}}}]"#), r#""fd":999}]"#);
    let lines = trace.0.iter().map(|line| line.replace(&from, to)).collect();
    Trace(lines).must_break("descriptor 999");
}
