//! The loop's clock: the real one, or one that stands still until it is moved.

use std::cell::Cell;
use std::env;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// `GLASSLOOP_VIRTUAL_TIME=1` gives every loop a virtual clock, so that any program can
/// be watched without its waits.
const VIRTUAL_TIME: &str = "GLASSLOOP_VIRTUAL_TIME";

/// A moment that no clock reaches: in 584 years.
pub(super) const NEVER: u64 = u64::MAX;

/// Tells the loop's time. asyncio's `loop.time()`. A clone is the same clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// The zero of the wheel's nanoseconds.
    epoch: Instant,
    /// For a virtual clock, how many nanoseconds it has been moved.
    moved: Option<Rc<Cell<u64>>>,
}

impl Clock {
    /// The real, monotonic clock; or a virtual one, which starts at the present moment and
    /// only moves when told to.
    pub(crate) fn new(is_virtual: bool) -> Clock {
        Clock { epoch: Instant::now(), moved: is_virtual.then(Rc::default) }
    }

    /// Whether the environment asks for virtual clocks. Looked up once: it took a tenth of
    /// the time that a loop takes to be made, run and dropped.
    pub(crate) fn is_virtual_by_environment() -> bool {
        static ASKED_FOR: OnceLock<bool> = OnceLock::new();
        *ASKED_FOR.get_or_init(|| env::var_os(VIRTUAL_TIME).is_some_and(|value| value == "1"))
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.moved.is_some()
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.moved {
            None => Instant::now(),
            Some(moved) => self.epoch + Duration::from_nanos(moved.get()),
        }
    }

    /// The same in the wheel's unit: nanoseconds since the epoch.
    pub(crate) fn nanoseconds_now(&self) -> u64 {
        match &self.moved {
            None => self.nanoseconds(Instant::now()),
            Some(moved) => moved.get(),
        }
    }

    /// Moves a virtual clock on to `instant`; it never goes back.
    pub(crate) fn move_to(&self, instant: Instant) {
        if let Some(moved) = &self.moved {
            moved.set(moved.get().max(self.nanoseconds(instant)));
        }
    }

    /// An instant in the wheel's unit. An instant before the epoch counts as the epoch; an
    /// instant too far ahead is [`NEVER`].
    pub(crate) fn nanoseconds(&self, instant: Instant) -> u64 {
        nanoseconds(instant.saturating_duration_since(self.epoch))
    }

    /// The instant of a number of nanoseconds; `None` if there is none, as of [`NEVER`].
    pub(crate) fn instant(&self, nanoseconds: u64) -> Option<Instant> {
        let since = Some(nanoseconds).filter(|since| *since != NEVER)?;
        self.epoch.checked_add(Duration::from_nanos(since))
    }
}

/// A duration in the wheel's unit, or [`NEVER`] if it is too long.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}
