//! The meters: how far every load has come, to be read from any thread.
//!
//! The loads write them on the loop's thread. The observer reads them, for the
//! progress line and, should the loop hang, to say what it hangs on.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::report::{grouped, mebibytes};

/// A number that anybody may read at any time.
#[derive(Default)]
pub struct Meter(AtomicU64);

impl Meter {
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub fn subtract(&self, number: u64) {
        self.0.fetch_sub(number, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub struct Meters {
    /// Connections that are open now.
    pub connections: Meter,
    pub bytes: Meter,
    /// Tasks that are asleep now.
    pub asleep: Meter,
    /// Tasks of the storm that were spawned.
    pub storm: Meter,
    pub files: Meter,
    pub jobs: Meter,
    /// Wakes from other threads, to the loop under load.
    pub wakes: Meter,
    /// Wakes from another thread, to the loop that parks.
    pub parks: Meter,
    under_way: Mutex<Vec<&'static str>>,
}

impl Meters {
    /// A load begins; until the returned value is dropped, the load counts as under way.
    pub fn begin(&self, load: &'static str) -> UnderWay<'_> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).push(load);
        UnderWay { meters: self, load }
    }

    /// The loads that have not ended.
    pub fn under_way(&self) -> String {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).join(", ")
    }
}

pub struct UnderWay<'a> {
    meters: &'a Meters,
    load: &'static str,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut under_way = self.meters.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|&load| load != self.load);
    }
}

impl fmt::Display for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections, {}; {} asleep; storm {}; files {}; jobs {}; wakes {} + {}",
            grouped(self.connections.get()),
            mebibytes(self.bytes.get()),
            grouped(self.asleep.get()),
            grouped(self.storm.get()),
            grouped(self.files.get()),
            grouped(self.jobs.get()),
            grouped(self.wakes.get()),
            grouped(self.parks.get()),
        )
    }
}
