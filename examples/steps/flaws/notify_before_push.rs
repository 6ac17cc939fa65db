//! A loop that is woken before there is something to do.
//!
//! The thread of the loop wakes up, finds the queue empty, and sleeps again; then the id is
//! pushed. It is the fault of step 2 in another place: first the news, then the wake.

use std::time::Duration;

use crate::hangs;

glassloop_step::step!(3 without RunQueue::push, main);

impl RunQueue {
    fn push(&self, id: u64) {
        self.thread.unpark();
        thread::sleep(Duration::from_millis(50)); // to make it happen
        lock(&self.ids).push_back(id);
    }
}

pub(crate) fn main() {
    hangs("The id is in the queue, but the loop has looked there before, and sleeps.");
    block_on(async {
        let (promise, promised) = promise();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            promise.set("a parcel");
        });
        println!("main waits for the thread");
        println!("main has got {}", promised.await);
    });
}
