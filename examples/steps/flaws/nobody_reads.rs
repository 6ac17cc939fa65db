//! A socket that is ready, and that nobody reads.
//!
//! A poller can tell of a socket once, when the loop has asked for it (step 7 does that), or
//! again and again, as long as there is something to read (*level-triggered*). Here it is the
//! second, and the task that waited has been aborted. So the loop never sleeps again.

use std::sync::atomic::AtomicU64;

use polling::PollMode;

glassloop_step::step!(7 without Async::when_ready, EventLoop::fire_timers, main);

impl<T: AsSource> Async<T> {
    /// Tries `act` again and again, until it need not wait. Sleeps in between, until the
    /// socket is ready.
    async fn when_ready<R>(
        &self,
        direction: usize,
        mut act: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        poll_fn(|cx| match act(&self.io) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut sockets = self.event_loop.sockets.borrow_mut();
                let wakers = sockets.entry(self.key).or_default();
                wakers[direction] = Some(cx.waker().clone());
                let (read, write) = (wakers[READ].is_some(), wakers[WRITE].is_some());
                let interest = Event::new(self.key, read, write);
                let poller = &self.event_loop.queue.poller;
                poller.modify_with_mode(&self.io, interest, PollMode::Level)?;
                Poll::Pending
            }
            done => Poll::Ready(done),
        })
        .await
    }
}

static TURNS: AtomicU64 = AtomicU64::new(0);

impl EventLoop {
    /// Counts the turns, too.
    fn fire_timers(&self) {
        TURNS.fetch_add(1, Ordering::Relaxed);
        let due = self.timers.borrow_mut().advance(self.started.elapsed().as_millis() as u64);
        due.into_iter().for_each(Waker::wake);
    }
}

pub(crate) fn main() -> io::Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut other_end = TcpStream::connect(listener.local_addr()?)?;
    block_on(async {
        let stream = Rc::new(Async::stream(listener.accept()?.0)?);
        let waiting = Rc::clone(&stream);
        // Dropped while it waits to read: so nobody will read.
        let reader = spawn(async move { waiting.read(&mut [0; 4]).await });
        sleep(Duration::from_millis(10)).await;
        reader.abort();
        other_end.write_all(b"news")?;
        let before = TURNS.load(Ordering::Relaxed);
        sleep(Duration::from_millis(50)).await;
        let turns = TURNS.load(Ordering::Relaxed) - before;
        println!("a loop whose only task sleeps 50 ms: about {turns} turns, where one is enough");
        Ok(())
    })
}
