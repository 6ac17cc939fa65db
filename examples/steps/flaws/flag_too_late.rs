//! A flag that is raised too late.
//!
//! The thread is woken first, finds no flag, and sleeps again; then the flag is raised. No other
//! `unpark` comes. It happens only if the thread is quicker than the one that wakes it: perhaps
//! once in a million times. Here the other one pauses between the two, so it always happens.

use crate::hangs;

glassloop_step::step!(2 without impl Wake for Signal, main);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.thread.unpark();
        thread::sleep(Duration::from_millis(50)); // to make it happen
        self.raised.store(true, Ordering::Release);
    }
}

pub(crate) fn main() {
    hangs("The flag is up, but the thread has looked for it before, and sleeps.");
    let (parcel, polls) = block_on(order("a book"));
    println!("{parcel}, after {polls} polls");
}
