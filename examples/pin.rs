//! # Pin: a coroutine that points into itself must stay where it is
//!
//! The second part of examples/coroutine.rs. It explains one word of
//! `fn poll(self: Pin<&mut Self>, …)`, and breaks something first, to show what the word is
//! there for.
//!
//! ```text
//! cargo run --example pin
//! ```
//!
//! In Python an object stays where it was made; names only refer to it. In Rust a variable
//! *is* the place of its value. To assign, to return, to push into a vector or to swap is to
//! *move* the value: its bytes are copied to another place. A reference is the address of a
//! place. So a value that holds a reference to a field of its own is broken by a move: the
//! field moves, and the address does not change.
//!
//! ```text
//!             before               after the swap
//! place 1   ┌─▶ price: 20          price: 7  ◀───┐
//!           └── reference          reference ──┐ │
//! place 2   ┌─▶ price: 7           price: 20 ◀─┘ │
//!           └── reference          reference ────┘
//! ```
//!
//! Take away: **only a poll makes a coroutine point into itself, and `poll` takes a `Pin`, the
//! promise that the value will not move any more. So a coroutine may move until it is pinned,
//! it is pinned before its first poll, and no reference in it ever breaks.**
//!
//! - *What is pinned?* The value behind the pointer, not the pointer. A `Pin<&mut T>` is a
//!   `&mut T` that does not give away its `T`; it may itself be moved like any value.
//! - *Who promises?* Whoever makes the `Pin`; and the promise holds until the value is dropped.
//!   `pin!(future)` and `Box::pin(future)` take the future and keep it where nobody else can
//!   reach it. `Pin::new` takes only what may move at any time (part 4). `Pin::new_unchecked`
//!   is `unsafe`: there the promise is yours.
//! - *What breaks otherwise?* Part 1.
//!
//! You rarely write it. An `.await` needs no pin of yours: the awaited future is a field of one
//! that is pinned. The future at the top is pinned by `block_on` and `spawn`; in glassloop,
//! executor/event_loop/executor.rs and executor/task/task.rs.

use std::cell::Cell;
use std::mem;
use std::pin::{Pin, pin};
use std::ptr;
use std::task::{Context, Poll, Waker};

fn main() {
    part_1_a_move_breaks_a_reference_into_itself();
    part_2_an_async_fn_points_into_itself();
    part_3_what_is_pinned_is_not_moved();
    part_4_what_is_unpin_may_move();
}

// ── part 1: a state machine by hand, and a move ───────────────────────────

/// This `async fn` waits while it borrows its own variable:
///
/// ```text
/// async fn order(price: u32) -> u32 {
///     let reference = &price;
///     let pieces = Reply::of(3).await;
///     *reference * pieces
/// }
/// ```
///
/// By hand, these are the variables that it must keep while it waits. (The reply is left out.)
struct Order {
    price: u32,
    /// The address of `price`, as a number: a reference is nothing else when the program
    /// runs. (Rust has no safe type for a reference to a field of the same struct. This part
    /// shows why.)
    reference: usize,
}

impl Order {
    fn new(price: u32) -> Order {
        Order { price, reference: 0 }
    }

    /// The first poll comes to the line `let reference = &price;`.
    fn first_poll(&mut self) {
        self.reference = address_of(&self.price);
    }
}

fn part_1_a_move_breaks_a_reference_into_itself() {
    println!("1. Two orders, each with a reference to its own price");
    let mut orders = [Order::new(20), Order::new(7)];
    for order in &mut orders {
        order.first_poll();
    }
    show(&orders);

    println!("   They change places:");
    let old_place = address_of(&orders[0].price);
    orders.swap(0, 1);
    show(&orders);

    let moved = &orders[1];
    let (was, is) = (moved.reference == old_place, moved.reference == address_of(&moved.price));
    println!("   The order of 20 points to where its price was: {was}; to where it is: {is}");
    println!("   So three pieces at 20 cost {}", 3 * follow(moved.reference, &orders));
}

fn show(orders: &[Order]) {
    for order in orders {
        let found = follow(order.reference, orders);
        println!("     the order of {}: its reference points to {found}", order.price);
    }
}

/// What `*reference` would read. Safe code cannot read from an address, so this looks for the
/// price that is there. Here it is one of two; in a larger program it may be anything.
fn follow(reference: usize, orders: &[Order]) -> u32 {
    let mut prices = orders.iter().map(|order| &order.price);
    let found = prices.find(|price| address_of(*price) == reference);
    *found.expect("the price of one of the two orders")
}

fn address_of<T>(reference: &T) -> usize {
    ptr::from_ref(reference).addr()
}

// ── part 2: the compiler makes the same of an `async fn` ──────────────────

/// The `async fn` of part 1. Both variables are needed after the `await`, so both are fields
/// of the future that the compiler makes, as they are fields of `Order`.
async fn order(price: u32, addresses: &Cell<[usize; 2]>) -> u32 {
    let reference = &price;
    // For part 2, which asks where the two variables are.
    addresses.set([address_of(&price), address_of(&reference)]);
    let pieces = Reply::of(3).await;
    *reference * pieces
}

fn part_2_an_async_fn_points_into_itself() {
    println!("2. An `async fn` that waits while it borrows its own variable");
    let addresses = Cell::default();
    let mut future = pin!(order(20, &addresses));
    assert!(resume(future.as_mut()).is_pending());

    let begin = address_of(&*future);
    let future_is_at = begin..begin + size_of_val(&*future);
    let [price, reference] = addresses.get().map(|address| future_is_at.contains(&address));
    println!("   `price` is a field of the future: {price}; so is `reference`: {reference}");
    println!("   So it points into itself, like the orders of part 1");
}

// ── part 3: pinned ────────────────────────────────────────────────────────

fn part_3_what_is_pinned_is_not_moved() {
    println!("3. Two such futures");
    let addresses = Cell::default();
    // Not polled yet, they hold no reference, and may move.
    let mut orders = [order(7, &addresses), order(20, &addresses)];
    orders.swap(0, 1);
    println!("   Before the first poll they change places, and nothing breaks");

    // `pin!` takes a future and keeps it, in a variable without a name. It gives a `Pin<&mut …>`
    // to that variable: the only way to reach the future now, and what `poll` asks for.
    let [of_20, of_7] = orders;
    let mut first = pin!(of_20);
    let mut second = pin!(of_7);
    assert!(resume(first.as_mut()).is_pending());
    assert!(resume(second.as_mut()).is_pending());

    // Now a swap would break them, as it broke the orders of part 1. The compiler refuses it,
    // since a `Pin` gives no `&mut` to such a value. Take away the slashes, and see:
    //
    // mem::swap(&mut *first, &mut *second);
    // error[E0596]: cannot borrow data in dereference of `Pin<&mut impl Future<Output = u32>>`
    //               as mutable

    // This swaps the pointers, and is allowed. The futures behind them stay where they are.
    // (`&*first` is the future behind `first`.)
    let place = address_of(&*first);
    mem::swap(&mut first, &mut second);
    let have_moved = address_of(&*second) != place;
    println!("   The two pins change places; the futures have moved: {have_moved}");
    let (of_20, of_7) = (resume(second.as_mut()), resume(first.as_mut()));
    println!("   Three pieces at 20: {of_20:?}; at 7: {of_7:?}");
}

// ── part 4: `Unpin` ───────────────────────────────────────────────────────

/// Almost every type is `Unpin`: numbers, strings, and every struct whose fields are. It means
/// that no value of the type points into itself. Pinned or not, it may move; a `Pin` to it is
/// as good as a `&mut`.
///
/// The future of an `async fn` never is. What you write by hand is judged by its fields: so
/// `Order` is `Unpin`, for its address is a number like any other, and a `Pin` would not have
/// helped it. A struct that does point into itself (it takes `unsafe`) has a field of the type
/// `PhantomPinned`, and thereby is not `Unpin`.
fn part_4_what_is_unpin_may_move() {
    println!("4. Two replies, which point nowhere");
    let mut first = pin!(Reply::of(3));
    let mut second = pin!(Reply::of(5));
    // In part 3 the compiler refused this line.
    mem::swap(&mut *first, &mut *second);
    println!("   Pinned, 3 and 5 change places: {} and {}", first.answer, second.answer);

    // `Pin::new` is for these types only: it takes a mere `&mut`, and the value may move later.
    let mut reply = Reply::of(8);
    assert!(resume(Pin::new(&mut reply)).is_pending());
    let mut moved = reply;
    println!("   Polled, moved, and polled again: {:?}", resume(Pin::new(&mut moved)));

    // It takes no future of an `async fn`:
    //
    // let _ = resume(Pin::new(&mut order(20, &Cell::default())));
    // error[E0277]: `{async fn body of order()}` cannot be unpinned
}

// ── the leaf future, and the resume, of examples/coroutine.rs ─────────────

/// Is not ready at its first poll.
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
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn resume(coroutine: Pin<&mut impl Future<Output = u32>>) -> Poll<u32> {
    coroutine.poll(&mut Context::from_waker(Waker::noop()))
}
