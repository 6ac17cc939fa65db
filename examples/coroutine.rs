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
//! resume: it runs from that position to the next one, and returns.**
//!
//! Python resumes with `send`, and there too nothing runs before:
//!
//! ```python
//! c = order()     # a coroutine object; not a line of it has run
//! c.send(None)    # runs to the first await that has to wait
//! c.send(None)    # ... to the second
//! c.send(None)    # StopIteration: 60 -- in Rust, Poll::Ready(60)
//! ```
//!
//! `send` may carry a value, and asyncio always sends `None`. Rust's `poll` carries
//! none either: what an `await` gives comes from the future that is awaited.

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

/// The same coroutine, as the compiler sees it: one variant for each position at
/// which it can stand still, and in it the variables that are needed further on.
/// `pieces` is in none of them: it lives between two positions, on the stack.
#[derive(Debug)]
enum Order {
    NotBegun,
    AwaitsPrice { reply: Reply },
    AwaitsPieces { price: u32, reply: Reply },
    Ended,
}

impl Future for Order {
    type Output = u32;

    // The compiler's machine may hold references into itself: hence `Pin`, the
    // promise not to move it any more. This one holds none, so that moving it does
    // no harm (it is `Unpin`), and the promise can be left aside.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        loop {
            match &mut *self {
                Order::NotBegun => {
                    say("asks for the price");
                    *self = Order::AwaitsPrice { reply: Reply::of(20) };
                }
                // An `await` is this: poll what is awaited; if it is not ready,
                // return `Pending` from here, and the position stays what it is.
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

/// What both await: an answer that is not there when it is first asked for.
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
        // Whoever is not ready must see to a wake. See examples/awaitable.rs.
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
    // Neither has begun: to call an `async fn` only makes the value.
    let (by_compiler, by_hand) = (order(), Order::NotBegun);
    // A suspended coroutine has no stack and no thread. It is as large as its
    // largest position, with the variables there, and the mark that says which.
    let sizes = (size_of_val(&by_compiler), size_of_val(&by_hand));

    resume_side_by_side(by_compiler, by_hand);
    println!("\nThe `async fn` left the same trace, resume by resume.");
    println!("While suspended, it is a struct of {} bytes; by hand, {} bytes.", sizes.0, sizes.1);

    // An executor is whoever calls `poll`. It need not know which is which.
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

/// Resumes a coroutine: what did it do, and did it end? The waker is one that does
/// nothing, since we shall poll again in any case.
fn resume(coroutine: Pin<&mut impl Future<Output = u32>>) -> (Vec<&'static str>, Poll<u32>) {
    let gave = coroutine.poll(&mut Context::from_waker(Waker::noop()));
    (TRACE.take(), gave)
}

thread_local! {
    static TRACE: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the trace. (It is no argument of the coroutines, which would then have
/// to carry it, and be larger.)
fn say(what: &'static str) {
    TRACE.with_borrow_mut(|trace| trace.push(what));
}
