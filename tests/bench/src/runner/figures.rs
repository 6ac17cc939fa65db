//! Results other than ratios of time: memory, lateness, latency.

/// Some figures that come from the same runs of one workload.
#[derive(Debug)]
pub struct Measurement {
    pub title: &'static str,
    pub workload: &'static str,
    pub scale: Option<u64>,
    pub figures: &'static [Figure],
}

/// A number in the workload's line of result.
#[derive(Debug)]
pub struct Figure {
    pub name: &'static str,
    pub title: &'static str,
    pub digits: usize,
    /// What glassloop should not exceed.
    pub target: Option<f64>,
}

const fn figure(name: &'static str, title: &'static str, digits: usize) -> Figure {
    Figure { name, title, digits, target: None }
}

const fn with_target(figure: Figure, target: f64) -> Figure {
    Figure { target: Some(target), ..figure }
}

const QUANTILES: &[Figure] = &[
    figure("p50_us", "p50, µs", 0),
    figure("p99_us", "p99, µs", 0),
    figure("max_us", "max, µs", 0),
];

const TURN: &[Figure] = &[figure("cpu_ns_per_operation", "ns per turn", 1)];

pub const MEASUREMENTS: &[Measurement] = &[
    Measurement {
        title: "100,000 tasks that wait for ever, each",
        workload: "memory_idle",
        scale: None,
        figures: &[
            with_target(figure("heap_bytes", "heap bytes", 0), 140.0),
            figure("resident_bytes", "resident bytes", 0),
            with_target(figure("allocations", "allocations", 1), 2.0),
        ],
    },
    Measurement {
        title: "100,000 tasks in a long sleep, each",
        workload: "memory_sleep",
        scale: None,
        figures: &[
            with_target(figure("heap_bytes", "heap bytes", 0), 240.0),
            figure("resident_bytes", "resident bytes", 0),
            figure("allocations", "allocations", 1),
        ],
    },
    Measurement {
        title: "Lateness of 10,000 timers within a second",
        workload: "lateness",
        scale: None,
        figures: QUANTILES,
    },
    Measurement {
        title: "Latency of a short task while 1,000 others are busy",
        workload: "latency",
        scale: None,
        figures: QUANTILES,
    },
    Measurement {
        title: "One task's turn, beside nobody",
        workload: "scale_sleepers",
        scale: Some(0),
        figures: TURN,
    },
    Measurement {
        title: "One task's turn, beside 1,000,000 sleepers",
        workload: "scale_sleepers",
        scale: Some(1_000_000),
        figures: TURN,
    },
];
