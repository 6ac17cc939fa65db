//! A task that is woken twice, and polled twice.
//!
//! Without the flag `queued`, each wake pushes the id. A task may be woken a hundred times before
//! its turn comes; all the polls but the first are for nothing.

glassloop_step::step!(3 without impl Wake for TaskWaker, main);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.queue.push(self.id);
    }
}

pub(crate) fn main() {
    let polls = Rc::new(Cell::new(0));
    block_on(async {
        let counted = Rc::clone(&polls);
        spawn(poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            if counted.get() == 1 {
                for _ in 0..100 {
                    cx.waker().wake_by_ref();
                }
            }
            Poll::Pending
        }));
        for _ in 0..3 {
            yield_now().await;
        }
    });
    println!(
        "woken 100 times before its turn: polled {} times, where once is enough",
        polls.get() - 1
    );
}
