//! A task that is polled after its end.
//!
//! A waker may be called at any time, also when its task has ended. Here an ended task stays in
//! the table, and a late wake finds it there. A future must not be polled again after `Ready`:
//! an `async fn` panics.

use std::panic::{catch_unwind, set_hook};

glassloop_step::step!(3 without EventLoop::poll_task, main);

impl EventLoop {
    fn poll_task(&self, id: u64) {
        let Some(mut task) = self.tasks.borrow_mut().get_mut(&id).and_then(Option::take) else {
            return;
        };
        let _ = task.waker.poll(task.future.as_mut());
        self.tasks.borrow_mut().insert(id, Some(task));
    }
}

/// Gives its waker away, and ends.
async fn leave_waker(kept: Rc<Cell<Option<Waker>>>) {
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    kept.set(Some(waker));
    println!("the task ends");
}

pub(crate) fn main() {
    set_hook(Box::new(|_| ())); // the panic is printed below
    let kept = Rc::new(Cell::new(None));
    let program = async {
        spawn(leave_waker(Rc::clone(&kept)));
        yield_now().await;
        println!("its waker is called once more");
        kept.take().expect("the task has left it").wake();
        yield_now().await;
    };
    let panic = catch_unwind(std::panic::AssertUnwindSafe(|| block_on(program)));
    let panic = panic.expect_err("an `async fn` that is polled after its end panics");
    println!("panic: {}", panic.downcast_ref::<&str>().unwrap_or(&"?"));
}
