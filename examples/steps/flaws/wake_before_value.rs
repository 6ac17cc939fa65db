//! A wake that comes before the value.
//!
//! The task is polled, finds no value, and waits on; then the value is stored. It is the fault of
//! steps 2 and 3 once more: first the news, then the wake.

use crate::hangs;

glassloop_step::step!(8 without Promise::set, main);

impl<T> Promise<T> {
    fn set(self, value: T) {
        let waker = lock(&self.0).waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
        thread::sleep(Duration::from_millis(50)); // to make it happen
        lock(&self.0).value = Some(value);
    }
}

pub(crate) fn main() {
    hangs("The value is there, but the task has looked for it before, and waits.");
    block_on(async {
        println!("main waits for a thread of the pool");
        let answer = unblock(|| {
            thread::sleep(Duration::from_millis(50));
            42
        });
        println!("the answer is {}", answer.await);
    });
}
