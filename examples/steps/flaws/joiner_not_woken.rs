//! A task that waits for another one, and is not told of its end.
//!
//! The output lies in the slot, but the task that waits for it sleeps. Each thing that somebody
//! can wait for must keep the waker of whoever waits, and call it.

use crate::hangs;

glassloop_step::step!(4 without JoinSlot::end, main);

impl<T> JoinSlot<T> {
    fn end(&self, result: Result<T, JoinError>) {
        self.result.set(Some(result));
    }
}

pub(crate) fn main() {
    hangs("The adder has ended, but the task that joins it was not woken.");
    block_on(async {
        let adder = spawn(add(20, 22));
        println!("main waits for the adder");
        report("the adder", adder.await);
    });
}
