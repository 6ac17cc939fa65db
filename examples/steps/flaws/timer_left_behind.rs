//! A sleep that leaves its timer behind.
//!
//! A time limit that was not needed is dropped. Here its timer stays, with its waker: it takes
//! memory for a week, and then wakes a task that has long forgotten it.

glassloop_step::step!(5 without impl Drop for Sleep, main);

pub(crate) fn main() {
    block_on(async {
        let limits = [(); 1000].map(|()| spawn(sleep(Duration::from_secs(7 * 24 * 60 * 60))));
        sleep(Duration::from_millis(10)).await;
        limits.iter().for_each(JoinHandle::abort);
        sleep(Duration::from_millis(10)).await;
        println!("1000 sleeps were dropped, and {} timers are armed", timers());
    });
}
