//! A writer that makes the reader deaf.
//!
//! One task reads from a socket, another one writes to it. Each registers what it waits for; a
//! registration replaces the one before. Here the writer does not name what the reader waits for.

use std::sync::mpsc;
use std::thread;

use crate::hangs;

glassloop_step::step!(7 without Async::when_ready, main);

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
                let interest = Event::new(self.key, direction == READ, direction == WRITE);
                self.event_loop.queue.poller.modify(&self.io, interest)?;
                Poll::Pending
            }
            done => Poll::Ready(done),
        })
        .await
    }
}

/// The other end of the connection, on a thread: says "stop", and reads nothing until the loop
/// has understood.
fn other_end(listener: &std::net::TcpListener, understood: &mpsc::Receiver<()>) {
    let (mut stream, _) = listener.accept().expect("the loop connects");
    thread::sleep(Duration::from_millis(50)); // until the writer waits
    stream.write_all(b"stop").expect("the loop reads");
    let _ = understood.recv();
}

pub(crate) fn main() -> io::Result<()> {
    hangs("\"stop\" has come, but the poller was told only of the writer.");
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, understood) = mpsc::channel();
    thread::spawn(move || other_end(&listener, &understood));
    block_on(async {
        let stream = Rc::new(Async::stream(TcpStream::connect(address)?)?);
        let writing = Rc::clone(&stream);
        println!("one task waits to read");
        let reader = spawn(async move {
            let mut buffer = [0; 4];
            stream.read(&mut buffer).await
        });
        spawn(async move {
            println!("another one writes, until the system takes no more");
            writing.write_all(&vec![0; 100_000_000]).await
        });
        reader.await.expect("the reader only reads")?;
        println!("the reader has understood");
        let _ = sender.send(());
        Ok(())
    })
}
