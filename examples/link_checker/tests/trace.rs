//! The checker's loop keeps the rules of the oracle, as those of the other programs do.

#[path = "../../../tests/oracle/mod.rs"]
mod oracle;
mod site;
#[path = "../../../tests/support/mod.rs"]
mod support;

use oracle::traced::read;
use site::{Site, link_checker, not_found, page};
use support::within_limit;

#[test]
fn the_link_checker_keeps_the_rules_of_the_loop() {
    within_limit(|| {
        let site = Site::new(|path| match path[1..].parse::<u32>().unwrap_or(0) {
            20.. => Some(not_found()),
            number => Some(page(format!("<a href={}><a href={}>", number + 1, number * 2))),
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let mut command = link_checker();
        let output = command.arg(&site.url).env("GLASSLOOP_TRACE", &path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "some links are broken: {output:?}");
        // It exits while its loop runs: the trace has no end.
        let account = oracle::check(&read(&path)).unwrap_or_else(|broken| panic!("{broken}"));
        assert!(!account.events.is_empty(), "{account:?}");
    });
}
