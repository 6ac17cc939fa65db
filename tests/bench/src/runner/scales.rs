//! The curves: what one operation costs, against how many others there are.

/// One plot, and one table.
#[derive(Debug)]
pub struct Scale {
    pub workload: &'static str,
    pub title: &'static str,
    /// The name of the plot's file.
    pub plot: &'static str,
    pub points: &'static [u64],
}

pub const SCALES: &[Scale] = &[
    Scale {
        workload: "scale_tasks",
        title: "A task's turn, by the number of tasks that take turns",
        plot: "scale-tasks.svg",
        points: &[1, 10, 100, 1000, 10_000, 100_000],
    },
    Scale {
        workload: "scale_timers",
        title: "A timer made and cancelled, by the number of timers that wait",
        plot: "scale-timers.svg",
        points: &[1, 10, 100, 1000, 10_000, 100_000],
    },
    Scale {
        workload: "scale_connections",
        title: "An echo's round trip, by the number of connections that wait",
        plot: "scale-connections.svg",
        // As many as the limit of open files allows, at the last.
        points: &[1, 10, 100, 1000, 10_000, 100_000],
    },
];
