//! The runtimes, each in its own words; two of the steps; and the floor, which is none.

pub mod glassloop;
pub mod pocket;
pub mod step_5;
pub mod floor;

#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(all(feature = "monoio", target_os = "linux"))]
pub mod monoio;
#[cfg(feature = "compio")]
pub mod compio;
#[cfg(all(feature = "glommio", target_os = "linux"))]
pub mod glommio;
