//! The clients: accept, read a request, send the answer, part.

use std::io;
use std::net::Shutdown;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_lite::io::{copy, sink};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::sync::{OwnedPermit, Semaphore, WaitGroup};
use glassloop::{sleep, spawn, timeout};

use crate::answer::Answer;
use crate::listing::Listings;
use crate::log::Log;
use crate::request::Request;
use crate::send::send;

/// How long a client may keep the server waiting: for its request, and for each time that
/// it takes some bytes of its answer.
pub(crate) const IDLE: Duration = Duration::from_secs(15);
/// How long the server waits, after its answer, for the client to close the connection.
const PARTING: Duration = Duration::from_secs(5);

/// What the tasks share.
pub(crate) struct Server {
    pub(crate) root: PathBuf,
    pub(crate) listings: Listings,
    pub(crate) running: WaitGroup,
    log: Arc<Log>,
    served: Arc<AtomicU64>,
}

impl Server {
    pub(crate) fn new(root: PathBuf, log: Arc<Log>, served: Arc<AtomicU64>) -> Server {
        let (listings, running) = (Listings::default(), WaitGroup::new());
        Server { root, listings, running, log, served }
    }

    pub(crate) async fn accept_all(self: Rc<Self>, listener: TcpListener, clients: usize) {
        let places = Rc::new(Semaphore::new(clients));
        loop {
            // First the place, then the client: a client without a place waits in the
            // system's queue of connections.
            let place = places.acquire_owned().await;
            match listener.accept().await {
                // Detached: the error of a connection concerns its client alone.
                Ok((stream, _peer)) => spawn(self.clone().serve(stream, place)).detach(),
                Err(error) => {
                    self.log.complain(&format!("cannot accept a client, trying again: {error}"));
                    // Too many open files, perhaps: at once, accept would fail again.
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Answers one request; the next one needs another connection.
    async fn serve(self: Rc<Self>, stream: TcpStream, _place: OwnedPermit) -> io::Result<()> {
        let request = timeout(IDLE, Request::read(&stream)).await??;
        // Until the client has its answer: also while it is parting from us.
        let _running = self.running.add();
        let answer = self.answer(&request).await.unwrap_or_else(Answer::refusal);
        self.log.say(&format!("{:?} {}", request.line, answer.status));
        send(answer, request.is_head(), &stream).await?;
        self.served.fetch_add(1, Ordering::Relaxed);
        // A connection that is closed while it has unread bytes is reset, and what the
        // client has not taken yet is lost. So the server reads on, and waits for the client
        // to close first. A client that waits too is let go after a while.
        stream.shutdown(Shutdown::Write)?;
        timeout(PARTING, copy(&stream, sink())).await?.map(drop)
    }
}
