//! A future that is polled only once.
//!
//! The first poll says `Pending`: "Not yet." Then somebody must ask again. Here nobody does.

glassloop_step::step!(1 without block_on, main);

fn block_on<F: Future>(future: F) -> Option<F::Output> {
    let root = pin!(future);
    match root.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

pub(crate) fn main() {
    let future = launch();
    println!("launch() was called, and nothing has run");
    match block_on(future) {
        Some(word) => println!("{word}"),
        None => println!("not ready, and nobody asks again: the countdown stands still for ever"),
    }
}
