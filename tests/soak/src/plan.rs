//! The plan: how much of everything, and when.
//!
//! ```text
//!   began         early                             stop       end
//!     ├─────────────┼─────────────────────────────────┼─────────┤
//!       all but the   sleeping tasks wake, at random    what is
//!       parks begins  times; the parks begin            under way ends
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::meters::Meters;
use crate::options::Options;
use crate::random::{Random, Text};

#[derive(Clone)]
pub struct Plan {
    pub began: Instant,
    /// No sleeping task wakes before. The parks, which need a processor of their own, begin
    /// then: before, the other loads have much to spawn and to connect.
    pub early: Instant,
    /// Nothing new begins afterwards.
    pub stop: Instant,
    /// As the system allows.
    pub connections: usize,
    pub asked: Options,
    pub meters: Arc<Meters>,
}

/// Which numbers belong to whom: see [`Plan::random`].
#[derive(Clone, Copy)]
pub enum Stream {
    Lanes,
    Cuts,
    Rooms,
    Deadlines,
    Fronts,
    Acts,
    Wire,
    Files,
    Jobs,
    Answers,
}

impl Plan {
    pub fn new(options: &Options, connections: usize) -> Plan {
        let began = Instant::now();
        let total = Duration::from_secs(options.seconds);
        Plan {
            began,
            early: began + total / 3,
            stop: began + total * 6 / 7,
            connections,
            asked: options.clone(),
            meters: Arc::default(),
        }
    }

    pub fn is_over(&self) -> bool {
        Instant::now() >= self.stop
    }

    /// The random numbers of one task.
    pub fn random(&self, whose: Stream, number: usize) -> Random {
        Random::new(self.asked.seed, (whose as u64) << 48 | number as u64)
    }

    /// The random bytes of one connection's direction, or of one file.
    pub fn text(&self, whose: Stream, number: usize) -> Text {
        Text::new(self.asked.seed, (whose as u64) << 48 | number as u64)
    }
}
