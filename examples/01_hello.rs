//! # 01 Hello: a plain call runs at once, a coroutine needs a loop
//!
//! ```text
//! cargo run --example 01_hello
//! ```
//!
//! Twin: `01_hello.py`, where `block_on` is called `asyncio.run`.
//!
//! Take away: **calling an `async fn` makes a value and runs nothing; `block_on` makes
//! the loop that runs the value.**

use glassloop::{block_on, println};

fn print_first() {
    println!("first (sync)");
}

fn print_second() {
    println!("second (sync)");
}

async fn print_first_async() {
    println!("first (async)");
}

async fn print_second_async() {
    println!("second (async)");
}

fn main() {
    print_first();
    print_second();
    // An async block is a coroutine without a name. `await` is allowed only inside async code.
    block_on(async {
        print_first_async().await;
        print_second_async().await;
    });
}
