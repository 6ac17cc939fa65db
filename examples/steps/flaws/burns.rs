//! An executor that asks without a pause.
//!
//! It is the `block_on` of step 1. While the parcel is under way, it polls as fast as the
//! processor can. Each of these polls but the last is for nothing.

glassloop_step::step!(2 without block_on, main);

fn block_on<F: Future>(future: F) -> F::Output {
    let mut root = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = root.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

pub(crate) fn main() {
    let (parcel, polls) = block_on(order("a book"));
    println!("{parcel}, after about {polls} polls: a whole core was busy with asking");
}
