//! The runtimes, and what each needs.

/// A program that runs the workloads on one runtime.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Peer {
    pub name: &'static str,
    /// The feature that brings the runtime in; `None` if it takes none.
    pub feature: Option<&'static str>,
    /// The packages whose versions the report tells.
    pub packages: &'static [&'static str],
}

/// In the order of the report's columns.
pub const PEERS: &[Peer] = &[
    Peer { name: "glassloop", feature: None, packages: &["glassloop"] },
    Peer { name: "tokio", feature: Some("tokio"), packages: &["tokio"] },
    Peer {
        name: "smol",
        feature: Some("smol"),
        packages: &["smol", "async-executor", "async-io", "blocking"],
    },
    Peer { name: "futures", feature: Some("futures"), packages: &["futures-executor"] },
    Peer { name: "monoio-epoll", feature: Some("monoio"), packages: &["monoio"] },
    Peer { name: "monoio-uring", feature: Some("monoio"), packages: &["monoio"] },
    Peer { name: "compio", feature: Some("compio"), packages: &["compio"] },
    Peer { name: "glommio", feature: Some("glommio"), packages: &["glommio"] },
    Peer { name: "pocket", feature: None, packages: &[] },
    Peer { name: "floor", feature: None, packages: &[] },
];

/// No column of the report: step 5, whose timers lie in a sorted map. Its instructions are
/// counted beside those of the wheels.
pub const SORTED_MAP: Peer = Peer { name: "step_5", feature: None, packages: &[] };

/// All others are measured by this one.
pub const UNIT: &str = "tokio";

/// Ours.
pub const OURS: &str = "glassloop";

pub fn find(name: &str) -> Option<Peer> {
    PEERS.iter().copied().find(|peer| peer.name == name)
}
