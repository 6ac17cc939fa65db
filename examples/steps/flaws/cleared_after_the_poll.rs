//! A flag that is lowered too late.
//!
//! A wake during the poll finds `queued` still set, and pushes nothing: "It is in the queue." But
//! it is not: the loop has taken it out. Then the poll ends, the flag is lowered, and the wake is
//! lost.

use crate::hangs;

glassloop_step::step!(3 without TaskWaker::poll, main);

impl TaskWaker {
    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        let polled = future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))));
        self.queued.swap(false, Ordering::AcqRel);
        polled
    }
}

pub(crate) fn main() {
    hangs("`yield_now` has woken its own task during the poll, and the wake was lost.");
    block_on(async {
        spawn(count("left", 3));
        yield_now().await;
        println!("main goes on");
    });
}
