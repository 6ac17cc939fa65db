//! The loop's clock: the real one, or one that stands still until it is moved.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Tells the loop's time. asyncio's `loop.time()`. A clone is the same clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// The zero of the wheel's nanoseconds.
    epoch: Instant,
    /// For a virtual clock, how far it has been moved.
    moved: Option<Rc<Cell<Duration>>>,
}

impl Clock {
    /// The real, monotonic clock.
    pub(crate) fn real() -> Clock {
        Clock { epoch: Instant::now(), moved: None }
    }

    /// A clock that starts at the present moment and only moves when told to.
    pub(crate) fn standing_still() -> Clock {
        Clock { epoch: Instant::now(), moved: Some(Rc::default()) }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.moved.is_some()
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.moved {
            None => Instant::now(),
            Some(moved) => self.epoch + moved.get(),
        }
    }

    /// Moves a virtual clock on to `instant`; it never goes back.
    pub(crate) fn move_to(&self, instant: Instant) {
        if let Some(moved) = &self.moved {
            let until = instant.saturating_duration_since(self.epoch);
            moved.set(moved.get().max(until));
        }
    }

    /// An instant in the wheel's unit: nanoseconds since the epoch. `None` for
    /// what lies more than 584 years ahead, which is as good as never.
    pub(crate) fn nanoseconds(&self, instant: Instant) -> Option<u64> {
        let since = instant.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos()).ok()
    }

    /// The instant of a number of nanoseconds.
    pub(crate) fn instant(&self, nanoseconds: u64) -> Option<Instant> {
        self.epoch.checked_add(Duration::from_nanos(nanoseconds))
    }
}
