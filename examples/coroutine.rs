//! # Coroutine: a function that can stop in the middle, as a value
//!
//! One coroutine, twice: as an `async fn`, and as the state machine that the
//! compiler makes of it, written by hand. Both are resumed by hand, side by
//! side; the program asserts that they do the same things at the same times.
//!
//! ```text
//! cargo run --example coroutine
//! ```
//!
//! Take away: **a coroutine is a struct with a position in it. To poll is to
//! resume: the coroutine runs from that position to the next one, and returns.**
//!
//! In Rust a coroutine is a *future*: a value that has the one method `poll`. The standard
//! library defines it so:
//!
//! ```text
//! pub trait Future {
//!     type Output;
//!     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output>;
//! }
//!
//! pub enum Poll<T> {
//!     Ready(T),    // it has ended, with this value
//!     Pending,     // it must wait: poll it again later
//! }
//!
//! pub struct Context<'a> { /* private: a reference to a waker */ }
//!
//! impl<'a> Context<'a> {
//!     pub fn from_waker(waker: &'a Waker) -> Self;    // for the caller of `poll`
//!     pub fn waker(&self) -> &'a Waker;               // for the future
//! }
//! ```
//!
//! - `self` is the state machine, which a poll changes. `Pin<&mut Self>` is `&mut Self` with a
//!   promise: the state machine will not be moved any more. Nothing in this file needs the
//!   promise; examples/pin.rs, its second part, shows what breaks without.
//! - `cx` brings the *waker*, by which a future that waits asks for its next poll:
//!   examples/awaitable.rs.
//! - `'a` and `'_` say how long a reference is good; read past them.
//!
//! Below its `await`, Python has the same. It resumes with `send`, and there too nothing runs
//! before the first resume:
//!
//! ```python
//! c = order()     # a coroutine object; no line of the function has run
//! c.send(None)    # runs to the first await that has to wait
//! c.send(None)    # ... to the second
//! c.send(None)    # StopIteration: 60 -- in Rust, Poll::Ready(60)
//! ```
//!
//! `send` may carry a value, but asyncio always sends `None`. Rust's `poll` carries no
//! value either: the result of an `await` comes from the future that is awaited.

use std::cell::RefCell;
use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

/// The coroutine, as one writes it.
async fn order() -> u32 {
    say("asks for the price");
    let price = Reply::of(20).await;
    say("asks how many");
    let pieces = Reply::of(3).await;
    say("multiplies");
    price * pieces
}

/// The same coroutine, as the compiler makes it: one variant for each position at
/// which it can be suspended, with the variables that are needed afterwards.
/// `pieces` is in no variant: it is used before the next position, on the stack.
#[derive(Debug)]
enum Order {
    NotBegun,
    AwaitsPrice { reply: Reply },
    AwaitsPieces { price: u32, reply: Reply },
    Ended,
}

impl Future for Order {
    type Output = u32;

    // `Order` holds no reference into itself, so `Pin` restricts nothing here: `*self` may be
    // changed as through a `&mut Self`.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        loop {
            match &mut *self {
                Order::NotBegun => {
                    say("asks for the price");
                    *self = Order::AwaitsPrice { reply: Reply::of(20) };
                }
                // An `await` is this: poll the awaited future; if it is not ready,
                // return `Pending` from here, and stay at this position. (`ready!` is a
                // `match` on the `Poll`, with that `return` in it; `Pin::new` makes the
                // `Pin` that `poll` takes.)
                Order::AwaitsPrice { reply } => {
                    let price = ready!(Pin::new(reply).poll(cx));
                    say("asks how many");
                    *self = Order::AwaitsPieces { price, reply: Reply::of(3) };
                }
                Order::AwaitsPieces { price, reply } => {
                    let pieces = ready!(Pin::new(reply).poll(cx));
                    say("multiplies");
                    let total = *price * pieces;
                    *self = Order::Ended;
                    return Poll::Ready(total);
                }
                Order::Ended => panic!("`Order` was resumed after it had ended"),
            }
        }
    }
}

/// The leaf future that both await: it is not ready at its first poll.
struct Reply {
    answer: u32,
    polls: u32,
}

impl Reply {
    fn of(answer: u32) -> Reply {
        Reply { answer, polls: 0 }
    }
}

impl Future for Reply {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        self.polls += 1;
        if self.polls > 1 {
            return Poll::Ready(self.answer);
        }
        // A future that returns `Pending` must arrange for a wake, or nothing polls it
        // again. See examples/awaitable.rs.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

fn main() {
    // Neither has begun: calling an `async fn` only makes the value.
    let (by_compiler, by_hand) = (order(), Order::NotBegun);
    // A suspended coroutine has no stack and no thread. It is as large as the
    // variables of its largest position, and the number of the current position.
    let sizes = (size_of_val(&by_compiler), size_of_val(&by_hand));

    resume_side_by_side(by_compiler, by_hand);
    println!("\nThe `async fn` left the same trace, resume by resume.");
    println!("While suspended, it is a struct of {} bytes; by hand, {} bytes.", sizes.0, sizes.1);

    // An executor is what calls `poll`. It need not know how a future was written.
    let (total, same) = (glassloop::block_on(order()), glassloop::block_on(Order::NotBegun));
    assert_eq!(total, same);
    println!("On glassloop, which does the resuming, both give {total}.");
}

fn resume_side_by_side(by_compiler: impl Future<Output = u32>, mut by_hand: Order) {
    let mut by_compiler = pin!(by_compiler);
    println!("resume  what it does         poll gives  where it stands now (by hand)");
    println!("     -  nothing yet          -           {by_hand:?}");
    for number in 1.. {
        let of_compiler = resume(by_compiler.as_mut());
        let of_hand = resume(Pin::new(&mut by_hand));
        assert_eq!(of_compiler, of_hand, "the two coroutines went different ways");

        let (did, gave) = of_hand;
        println!("{number:>6}  {:<19}  {:<10}  {by_hand:?}", did.join(", "), format!("{gave:?}"));
        if gave.is_ready() {
            return;
        }
    }
}

/// Resumes a coroutine, and returns what it did and whether it ended. The waker does
/// nothing, since the caller polls again in any case.
fn resume(coroutine: Pin<&mut impl Future<Output = u32>>) -> (Vec<&'static str>, Poll<u32>) {
    let gave = coroutine.poll(&mut Context::from_waker(Waker::noop()));
    (TRACE.take(), gave)
}

thread_local! {
    static TRACE: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the trace. (The trace is not an argument of the coroutines: they would
/// have to hold it, and be larger.)
fn say(what: &'static str) {
    TRACE.with_borrow_mut(|trace| trace.push(what));
}
