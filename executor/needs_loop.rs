//! A future that can only do its work inside of a loop, and says so at the user's line.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::current;
use crate::task::polled_again;
use crate::trace::CodeLine;

/// A future that may be made outside of a loop, but must be polled inside of one.
///
/// A mistake is reported at the line that polls it, which is the user's `.await`: a `poll`
/// can be `#[track_caller]`, and an `async fn` cannot.
pub(crate) struct NeedsLoop<F> {
    what: &'static str,
    made_at: CodeLine,
    /// Boxed: to poll it in place would take an unsafe pin projection. `None` after the end.
    future: Option<Pin<Box<F>>>,
}

impl<F> NeedsLoop<F> {
    /// For the future of `what`, which was called at `made_at`.
    pub(crate) fn new(what: &'static str, made_at: CodeLine, future: F) -> NeedsLoop<F> {
        NeedsLoop { what, made_at, future: Some(Box::pin(future)) }
    }
}

impl<F: Future> Future for NeedsLoop<F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (what, made_at) = (self.what, self.made_at);
        let Some(future) = &mut self.future else {
            polled_again(format_args!("the future of {what}, called at {made_at},"))
        };
        current::expect_at(what, made_at);
        let output = ready!(future.as_mut().poll(cx));
        self.future = None;
        Poll::Ready(output)
    }
}
