//! # One await for each handle: the result moves out
//!
//! ```text
//! cargo run --example one_await
//! ```
//!
//! Twin: `one_await.py`, where a task keeps its result for everybody.
//!
//! Take away: **a join gives you the value itself; for several readers, share it in an `Rc`.**

use std::{cell::OnceCell, rc::Rc};

use glassloop::{block_on, join_all, println, spawn, sync::Event, yield_now};

async fn fetch() -> String {
    println!("fetching");
    yield_now().await;
    String::from("a page")
}

async fn reader(name: &str, (page, ready): &(OnceCell<String>, Event)) {
    ready.wait().await;
    println!("{name}: {:?}", page.get());
}

fn main() {
    block_on(async {
        let task = spawn(fetch());
        println!("joined: {:?}", task.await); // `task` is moved: a second await is an error

        let shared = Rc::new((OnceCell::new(), Event::new()));
        let (first, second) = (reader("first", &shared), reader("second", &shared));
        let (page, ready) = &*shared;
        page.set(fetch().await).expect("it is set once");
        ready.set();
        join_all([first, second]).await;
    });
}
