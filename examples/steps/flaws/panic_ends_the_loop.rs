//! A panic in one task that ends all of them.
//!
//! The loop calls `poll`, so a panic in a task goes up through the loop. It is the loop of
//! step 3, which does not catch it; in step 4, `spawn` does.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

glassloop_step::step!(3 without main);

pub(crate) fn main() {
    set_hook(Box::new(|_| ())); // the panic is printed below
    let program = async {
        spawn(count("the good task", 3));
        spawn(async { panic!("no luck today") });
        for _ in 0..5 {
            yield_now().await;
        }
    };
    let panic = catch_unwind(AssertUnwindSafe(|| block_on(program)));
    let panic = panic.expect_err("the panic goes through the loop");
    println!("the loop has ended with: {}", panic.downcast_ref::<&str>().unwrap_or(&"?"));
    println!("the good task has only begun");
}
