//! # The trace for viewers: Chrome's trace events
//!
//! What ui.perfetto.dev and chrome://tracing need of a `.json` trace, checked for the trace
//! of every example: these viewers silently drop events that do not fit together.

#[path = "support/programs.rs"]
mod programs;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use glassloop::{Executor, sleep, spawn_named};
use programs::{in_examples, program};
use serde_json::Value;
use support::{within_limit, within_limit_as};

/// The events of a trace, which must be complete.
fn events(json: &str) -> Vec<Value> {
    match serde_json::from_str(json) {
        Ok(Value::Array(events)) => events,
        other => panic!("a list of events, please: {other:?}"),
    }
}

/// A field of an event as a text; empty, if there is none.
fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

/// Everything that a viewer needs.
fn check(program: &str, events: &[Value]) {
    times_rise(program, events);
    slices_are_nested(program, events);
    arrows_lead_from_slice_to_slice(program, events);
    spans_open_and_close(program, events);
    threads_have_names(program, events);
}

fn times_rise(program: &str, events: &[Value]) {
    let mut last = 0.0;
    for event in events.iter().filter(|event| event["ph"] != "M") {
        let time = event["ts"].as_f64().expect("an event has a time");
        assert!(time >= last, "{program}: {event} comes before {last} µs");
        last = time;
    }
}

/// Of each thread, every `B` has its `E`, later: a slice of no length is not shown.
fn slices_are_nested(program: &str, events: &[Value]) {
    let mut open: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for event in events {
        let slices = open.entry(event["tid"].as_u64().unwrap_or(0)).or_default();
        match text(event, "ph") {
            "B" => slices.push(event["ts"].as_f64().unwrap()),
            "E" => {
                let began =
                    slices.pop().unwrap_or_else(|| panic!("{program}: {event} ends nothing"));
                assert!(event["ts"].as_f64() > Some(began), "{program}: no length: {event}");
            }
            _ => {}
        }
    }
    let open: Vec<_> = open.iter().filter(|(_, slices)| !slices.is_empty()).collect();
    assert!(open.is_empty(), "{program}: these slices have no end: {open:?}");
}

/// Each arrow begins and ends while its thread is in a slice. An arrow has one end at most:
/// it has none if the woken task is aborted before its turn.
fn arrows_lead_from_slice_to_slice(program: &str, events: &[Value]) {
    let (mut begun, mut depth) = (Vec::new(), BTreeMap::new());
    for event in events {
        let depth: &mut u64 = depth.entry(event["tid"].as_u64().unwrap_or(0)).or_default();
        match text(event, "ph") {
            "B" => *depth += 1,
            "E" => *depth -= 1,
            "s" => {
                assert!(*depth > 0, "{program}: an arrow from nowhere: {event}");
                begun.push(event["id"].clone());
            }
            "f" => {
                assert!(*depth > 0, "{program}: an arrow to nowhere: {event}");
                let index = begun.iter().position(|id| *id == event["id"]);
                begun.remove(index.unwrap_or_else(|| panic!("{program}: {event} began nowhere")));
                assert_eq!(event["bp"], "e", "{program}: or it leads to the next slice: {event}");
            }
            _ => {}
        }
    }
}

/// Each span is opened once and closed once, under the same name.
fn spans_open_and_close(program: &str, events: &[Value]) {
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    for event in events {
        let (id, name) = (text(&event["id2"], "local"), text(event, "name"));
        match text(event, "ph") {
            "b" => assert_eq!(open.insert(id, name), None, "{program}: open already: {event}"),
            "n" => assert!(open.contains_key(id), "{program}: not open: {event}"),
            "e" => assert_eq!(open.remove(id), Some(name), "{program}: not open: {event}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{program}: these spans have no end: {open:?}");
}

fn threads_have_names(program: &str, events: &[Value]) {
    let is_name = |event: &&Value| event["name"] == "thread_name";
    let named: Vec<&Value> = events.iter().filter(is_name).map(|event| &event["tid"]).collect();
    for event in events.iter().filter(|event| event["ph"] == "B") {
        assert!(named.contains(&&event["tid"]), "{program}: a thread without a name: {event}");
    }
}

#[test]
fn the_trace_of_every_example_fits_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for entry in fs::read_dir(in_examples("")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        // These examples have a recorded output, so they end by themselves.
        if file.extension().is_none_or(|ending| ending != "out") {
            continue;
        }
        let trace = folder.path().join(format!("{name}.json"));
        let mut command = program(&name);
        command.env("GLASSLOOP_TRACE", &trace).stdin(Stdio::null()).stdout(Stdio::null());
        let status = within_limit_as(&name, move || command.status().unwrap());
        assert!(status.success(), "{name} fails when it is traced");
        // An example without a loop of glassloop leaves no trace.
        if let Ok(json) = fs::read_to_string(trace) {
            check(&name, &events(&json));
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} examples have left a trace");
}

#[test]
fn a_poll_a_wake_and_a_timer_can_be_seen() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let executor = Executor::builder().virtual_time().trace(&path).build().unwrap();
        executor.block_on(async {
            spawn_named("napper", sleep(Duration::from_millis(5))).await.unwrap();
        });
        drop(executor);
        let events = events(&fs::read_to_string(path).unwrap());
        check("the nap", &events);
        let shown = |phase: &str, name: &str| {
            events.iter().filter(|event| event["ph"] == phase && event["name"] == name).count()
        };
        assert_eq!(shown("B", "poll 2"), 2, "one of the napper, and one of the root after it");
        assert_eq!(shown("f", "wake"), 3, "by the spawn, the timer, the end of the napper");
        assert_eq!(shown("b", "timer of napper"), 1);
        assert_eq!(shown("B", "park"), 1);
        assert_eq!(shown("C", "armed timers"), 2, "one, and none");
    });
}

/// A program that crashes does not close the list. The viewers read such a list; so the list
/// must be valid JSON as soon as this test closes it.
#[test]
fn a_trace_without_its_end_is_a_list_that_is_not_closed() {
    within_limit(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let executor = Executor::builder().virtual_time().trace(&path).build().unwrap();
        executor.block_on(async { spawn_named("one", async {}).await.unwrap() });
        let json = fs::read_to_string(&path).unwrap();
        assert!(json.ends_with(",\n"), "the loop still exists: {json}");
        assert!(!events(&format!("{json}{{}}]")).is_empty());
        drop(executor);
        assert!(fs::read_to_string(&path).unwrap().ends_with("}\n]\n"));
    });
}
