//! Why a task ended without an output.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

/// Why awaiting a [`JoinHandle`](crate::JoinHandle) gave no output: the task was
/// cancelled, or it panicked.
///
/// In asyncio these are a `CancelledError` and the exception that the task
/// raised.
///
/// ```
/// glassloop::block_on(async {
///     let error = glassloop::spawn(async { panic!("out of cheese") }).await.unwrap_err();
///     assert!(error.is_panic());
///     assert_eq!(error.to_string(), "the task panicked: out of cheese");
/// });
/// ```
pub struct JoinError {
    /// The payload of the panic, or `None`: cancelled. It is one word, which every task
    /// has room for. The lock makes the error `Sync`, which a payload is not: so it can
    /// go into an `io::Error`, or become a `Box<dyn Error + Send + Sync>` by `?`.
    panic: Option<Box<Mutex<Box<dyn Any + Send>>>>,
}

impl JoinError {
    pub(crate) fn cancelled() -> JoinError {
        JoinError { panic: None }
    }

    pub(crate) fn from_panic(payload: Box<dyn Any + Send>) -> JoinError {
        JoinError { panic: Some(Box::new(Mutex::new(payload))) }
    }

    /// Whether the task was aborted, or dropped with its executor.
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }

    /// Whether the task panicked, in a poll or while its future was dropped.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// The payload of the panic, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If the task did not panic; ask [`is_panic`](Self::is_panic) first.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.panic {
            Some(payload) => payload.into_inner().unwrap_or_else(PoisonError::into_inner),
            None => panic!(
                "`JoinError::into_panic` was called at {}, but the task was cancelled, it did not \
                 panic. Ask `is_panic` first",
                Location::caller()
            ),
        }
    }

    /// The text of the panic, if it is one and has a text.
    pub(super) fn panic_text(&self) -> Option<String> {
        let payload = self.panic.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        panic_text(&**payload).map(str::to_owned)
    }
}

/// The text that a panic carries, if it carries one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.panic_text() {
            Some(text) => write!(f, "the task panicked: {text}"),
            None if self.is_panic() => {
                f.write_str("the task panicked, with a payload that is no text")
            }
            None => f.write_str("the task was cancelled"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.panic_text();
        match self.is_panic() {
            true => write!(f, "JoinError::Panic({:?})", text.as_deref().unwrap_or("..")),
            false => f.write_str("JoinError::Cancelled"),
        }
    }
}

impl Error for JoinError {}
