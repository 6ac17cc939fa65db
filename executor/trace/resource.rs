//! The identity of a lock, a channel or a signal: what tells it from all others in a report.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;

/// A line of the user's program.
pub(crate) type CodeLine = &'static Location<'static>;

/// A lock, a channel or a signal of [`sync`](crate::sync), as reports name it; or a timer, a
/// descriptor or a job. See [`tasks`](crate::tasks).
///
/// ```
/// # use glassloop::{sync::Mutex, tasks, spawn, yield_now, Executor};
/// # let executor = Executor::builder().explain(true).build()?;
/// executor.block_on(async {
///     let accounts = std::rc::Rc::new(Mutex::new([100, 100]));
///     accounts.set_name("accounts");
///     let _guard = accounts.lock().await;
///     let other = accounts.clone();
///     spawn(async move { drop(other.lock().await) }).detach();
///     yield_now().await;
///     let resource = tasks()[1].waits[0].resource.unwrap();
///     assert_eq!(resource.to_string(), r#"mutex 1 "accounts""#);
/// });
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// What it is: `"mutex"`, `"channel"`.
    pub kind: &'static str,
    /// Its number. Locks, channels and signals are counted from 1 on each thread, in the order in
    /// which they are made; timers and jobs in each loop, as the trace does; a descriptor has the
    /// system's number.
    pub number: u64,
    /// The name that `set_name` gave it.
    pub name: Option<&'static str>,
    /// The line that made it; of a timer, descriptor or job, that of the wait.
    pub made_at: &'static Location<'static>,
}

impl Resource {
    /// Whether tasks hold it, and others wait for them.
    pub(super) fn has_holders(&self) -> bool {
        matches!(self.kind, "mutex" | "semaphore")
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.number)?;
        self.name.map_or(Ok(()), |name| write!(f, " {name:?}"))
    }
}

thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// What a resource keeps of its identity.
pub(crate) struct Identity {
    pub(crate) number: u64,
    made_at: CodeLine,
    name: Cell<Option<&'static str>>,
}

impl Identity {
    /// The identity of a resource that the caller makes.
    #[track_caller]
    pub(crate) fn new() -> Identity {
        let number = LAST.with(Cell::get) + 1;
        LAST.with(|last| last.set(number));
        Identity { number, made_at: Location::caller(), name: Cell::new(None) }
    }

    pub(crate) fn set_name(&self, name: &'static str) {
        self.name.set(Some(name));
    }

    /// How reports name it.
    pub(crate) fn of(&self, kind: &'static str) -> Resource {
        let Identity { number, made_at, ref name } = *self;
        Resource { kind, number, name: name.get(), made_at }
    }
}
