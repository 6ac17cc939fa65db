//! A read that stops the loop.
//!
//! The work runs where it is asked for: on the thread of the loop. Meanwhile no task runs, and no
//! timer fires.

glassloop_step::step!(8 without unblock, main);

async fn unblock<T>(work: impl FnOnce() -> T) -> T {
    work()
}

pub(crate) fn main() {
    let (ticks, longest) = (Rc::default(), Rc::default());
    block_on(async {
        spawn(tick(Rc::clone(&ticks), Rc::clone(&longest)));
        sleep(Duration::from_millis(20)).await;
        println!("a slow disk: a read takes 200 ms");
        unblock(|| thread::sleep(Duration::from_millis(200))).await;
        sleep(Duration::from_millis(20)).await;
    });
    let longest: &Cell<Duration> = &longest;
    println!("a tick every 5 ms, but one came after about {} ms", longest.get().as_millis());
}
