//! The rows of the table of ratios, and what glassloop aims at in each.

/// One workload in the report.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row {
    pub workload: &'static str,
    /// What a reader is told about it.
    pub what: &'static str,
    /// The ratio to tokio that glassloop should not exceed; `None` where nothing was set.
    pub target: Option<f64>,
}

const fn row(workload: &'static str, what: &'static str, target: f64) -> Row {
    Row { workload, what, target: Some(target) }
}

const fn without_target(workload: &'static str, what: &'static str) -> Row {
    Row { workload, what, target: None }
}

pub const ROWS: &[Row] = &[
    row("spawn_batch", "1 M trivial tasks, joined by 1,000", 0.20),
    row("spawn_all", "1 M trivial tasks at once", 0.30),
    row("yield1", "one task, 10 M yields", 0.40),
    row("yield1000", "1,000 tasks, 10 k yields each", 0.35),
    without_target("yield1_listening", "one task, 10 M yields, while a listener waits"),
    row("ping_pong", "two tasks, one-slot channel made by hand", 0.60),
    row("ping_pong_async_channel", "two tasks, async-channel", 0.95),
    row("wake_park", "another thread wakes the parked loop (pinned)", 1.40),
    row("wake_stream", "1 M wakes from another thread (pinned)", 1.10),
    row("timer_cancel", "create + cancel, beside one that is due earlier", 0.17),
    row("timer_cancel_all", "1 M created, then cancelled, 100 to 130 s ahead", 0.50),
    row("timer_fire", "1 M with random deadlines, all fire", 0.85),
    row("timer_rearm", "100 k re-armed intervals", 0.95),
    row("echo_1", "echo, 1 connection, 64 B", 1.20),
    row("echo_64", "echo, 64 connections", 1.00),
    row("echo_1000", "echo, 1,000 connections", 1.00),
    without_target("echo_outside", "echo, 1 connection, the client is a thread without a loop"),
    row("tcp_one_way", "TCP one way, 1 GiB", 0.80),
    row("files_4k", "20,000 files of 4 KiB, 64 in flight (pinned)", 0.74),
    row("file_64k", "1 GiB file in 64 KiB reads (pinned)", 0.67),
    row("file_1m", "1 GiB file in 1 MiB reads (pinned)", 0.80),
    row("start_up", "loop made, run, dropped", 0.10),
];

pub fn find(workload: &str) -> Option<Row> {
    ROWS.iter().copied().find(|row| row.workload == workload)
}
