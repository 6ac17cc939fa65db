//! A wake that the poller does not hear.
//!
//! The loop sleeps in the system's poller now, and not in `thread::park`: an `unpark` does not
//! reach it. Only `notify` does, and here nobody calls it. The poller goes on waiting for a socket.

use std::thread;

use crate::hangs;

glassloop_step::step!(7 without RunQueue::push, main);

impl RunQueue {
    fn push(&self, id: u64) {
        lock(&self.ids).push_back(id);
    }
}

pub(crate) fn main() {
    hangs("The id is in the queue, but the loop sleeps in the poller, which nobody has told.");
    block_on(async {
        let began = AtomicBool::new(false);
        println!("main waits for a thread");
        poll_fn(|cx| {
            if began.swap(true, Ordering::AcqRel) {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                waker.wake();
            });
            Poll::Pending
        })
        .await;
        println!("main goes on");
    });
}
