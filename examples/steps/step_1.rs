//! # Step 1: a future is polled
//!
//! You know `await` from Python, and have never seen what is below it. Below it is one method.
//! The standard library has the trait below, the waker of step 2, and no executor:
//!
//! ```text
//! pub trait Future {
//!     type Output;
//!     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output>;
//! }
//!
//! pub enum Poll<T> {
//!     Ready(T),
//!     Pending,
//! }
//! ```
//!
//! To *poll* a future is to ask it: "Are you ready?" It runs as far as it can, and says either
//! `Ready`, with its output, or `Pending`: not yet, ask again. An `async fn` that is called gives
//! such a future, and an `.await` in it polls another future. If that one says `Pending`, the
//! whole `async fn` says `Pending`, and keeps its variables; the next poll goes on at the same
//! `.await`. So a `Pending` passes through all the `.await`s up to whoever asks: the *executor*,
//! which is not a part of the language. This file has the smallest one.
//!
//! Read `Pin<&mut Self>` as `&mut self`. A future that waits may hold references into itself;
//! moved, they would point to where it was. `pin!` promises not to move it. You can read all the
//! steps without more; examples/pin.rs shows what breaks. `cx` is for step 2.
//!
//! ```text
//! cargo run --example step_1
//! cargo run --example flaw 1     # wrong first: a future that is asked only once
//! ```
//!
//! In Python: `coroutine.send(None)` is the poll, and `StopIteration` is `Ready`; see step_1.py.
//!
//! **Still wrong:** while the future is not ready, this executor asks without a pause, and burns
//! the processor.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

// ── the executor ─────────────────────────── executor/event_loop/executor.rs

/// Runs a future to its end: polls it again and again.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut root = pin!(future);
    // A waker that does nothing: this executor polls again in any case.
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        // `as_mut` lends the pin for one poll.
        if let Poll::Ready(output) = root.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

// ── the program ───────────────────────────────────────────────────────────

/// A leaf future: it awaits no other future, it waits itself. It is ready at its fourth poll.
struct Countdown(u32);

impl Future for Countdown {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<&'static str> {
        if self.0 == 0 {
            println!("    poll: ready");
            return Poll::Ready("lift-off");
        }
        println!("    poll: not ready, {} to go", self.0);
        self.0 -= 1;
        Poll::Pending
    }
}

async fn launch() -> String {
    println!("  launch begins");
    let word = Countdown(3).await;
    println!("  launch goes on, with the answer");
    format!("{word}!")
}

fn main() {
    let future = launch();
    println!("launch() was called, and nothing has run");
    println!("{}", block_on(future));
}
