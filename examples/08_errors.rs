//! # 08 Errors: a `Result` crosses `await`, as it crosses a call
//!
//! ```text
//! cargo run --example 08_errors
//! ```
//!
//! Twin: `08_errors.py`, where an exception does what `?` does here.
//!
//! Take away: **the caller that waits for several chooses what the first error means: wait
//! for all (`join_all`), stop waiting (`try_zip`), or end the others (`TaskGroup`, in 19).**

use std::error::Error;
use std::rc::Rc;

use futures_lite::future::try_zip;
use glassloop::{JoinHandle, block_on, join_all, println, spawn, sync::Event, yield_now};

type Fallible<T> = Result<T, Box<dyn Error>>;

async fn parse(text: &str) -> Fallible<u32> {
    let number = text.parse().map_err(|_| format!("bad number: {text}"))?;
    println!("parsed {text}");
    Ok(number)
}

async fn parse_later(text: &str, gate: Rc<Event>) -> Fallible<u32> {
    gate.wait().await;
    parse(text).await
}

/// A task fails with an error of its own or with a panic: the `?` passes the panic on.
async fn joined<T>(task: JoinHandle<Fallible<T>>) -> Fallible<T> {
    task.await?
}

fn main() {
    block_on(async {
        if let Err(error) = parse("x").await {
            println!("await: {error}");
        }

        // The error drops the handle of the other task, and that task runs on. Without
        // `spawn`, the error would drop the other future itself.
        let gate = Rc::new(Event::new());
        let (one, y) = (spawn(parse_later("1", gate.clone())), spawn(parse("y")));
        if let Err(error) = try_zip(joined(one), joined(y)).await {
            println!("gather: {error}");
        }
        gate.set();
        yield_now().await;

        for result in join_all([parse("2"), parse("z")]).await {
            match result {
                Ok(number) => println!("collected: ok {number}"),
                Err(error) => println!("collected: error {error}"),
            }
        }
    });
}
