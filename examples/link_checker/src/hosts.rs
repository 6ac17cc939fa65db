//! Hosts: their addresses, and connections to them.
//!
//! The system looks up names and connects by blocking, so this happens on threads of the
//! loop's pool. A link's time begins when its connection is tried: it must not pay for the
//! wait for a thread, or for a name server that is slow.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream as StdStream, ToSocketAddrs, UdpSocket};
use std::rc::Rc;
use std::time::{Duration, Instant};

use glassloop::net::TcpStream;
use glassloop::sync::{Mutex, Semaphore};
use glassloop::{sleep, unblock};
use url::{Host, Url};

/// Look-ups at once: fewer than the pool has threads, so that slow ones leave some free.
const LOOK_UPS: usize = 16;

/// Why there is no answer.
pub(crate) enum Failure {
    /// This process, or this machine, lacks something: a descriptor, a port, memory. That says
    /// nothing about the link.
    Lack(io::Error),
    /// The host has no address.
    Name(String),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if is_lack(&error) { Failure::Lack(error) } else { Failure::Io(error) }
    }
}

/// Whether too many files are open.
pub(crate) fn is_of_files(error: &io::Error) -> bool {
    // WSAEMFILE; ENFILE and EMFILE on all systems of the family of Unix.
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[23, 24] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

fn is_lack(error: &io::Error) -> bool {
    // ENOBUFS: the system has no memory for a socket.
    let no_buffers = match std::env::consts::OS {
        "windows" => 10055,
        "linux" => 105,
        _ => 55,
    };
    is_of_files(error)
        || error.kind() == ErrorKind::OutOfMemory
        || error.raw_os_error() == Some(no_buffers)
}

/// Whether the ports of this machine are used up. (For an address of IPv6 the same error means
/// that this machine has no IPv6.)
fn lacks_a_port(error: &io::Error, address: &SocketAddr) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable && address.is_ipv4()
}

pub(crate) struct Connection<'a> {
    pub(crate) stream: TcpStream,
    /// When it was tried.
    pub(crate) began: Instant,
    _open: Open<'a>,
}

/// A connection, as long as it is counted.
struct Open<'a>(&'a Cell<usize>);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The addresses of a host, or why there are none. The mutex is held while they are looked up:
/// who needs them too waits for that, and asks the system for nothing.
type Addresses = Rc<Mutex<Option<Result<Vec<IpAddr>, String>>>>;

pub(crate) struct Hosts {
    retries: u64,
    look_ups: Semaphore,
    names: RefCell<HashMap<String, Addresses>>,
    /// How many connections are open, and how many were made.
    pub(crate) open: Cell<usize>,
    pub(crate) made: Cell<u64>,
}

impl Hosts {
    pub(crate) fn new(retries: u64) -> Hosts {
        let look_ups = Semaphore::new(LOOK_UPS);
        Hosts {
            retries,
            look_ups,
            names: RefCell::default(),
            open: Cell::new(0),
            made: Cell::new(0),
        }
    }

    /// The addresses of a URL's host; each host is looked up once.
    pub(crate) async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let port = url.port_or_known_default().unwrap_or(80);
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => self.of_name(name).await?,
            None => Vec::new(),
        };
        Ok(addresses.into_iter().map(|address| (address, port).into()).collect())
    }

    async fn of_name(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let known = self.names.borrow_mut().entry(name.to_owned()).or_default().clone();
        let mut known = known.lock().await;
        if known.is_none() {
            *known = Some(match self.look_up(name).await {
                Err(Failure::Io(error)) => Err(format!("cannot look up {name}: {error}")),
                other => Ok(other?),
            });
        }
        known.clone().expect("it was looked up").map_err(Failure::Name)
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let _permit = self.look_ups.acquire().await;
        let mut pauses = pauses(self.retries);
        loop {
            let name = name.to_owned();
            let found = unblock(move || ask_the_system(&name)).await;
            match found.map_err(Failure::from) {
                Err(Failure::Io(error)) => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => return Err(Failure::Io(error)),
                },
                other => return other,
            }
        }
    }

    /// Connects to the first of the addresses that answers.
    pub(crate) async fn connect(
        &self,
        addresses: Vec<SocketAddr>,
        limit: Duration,
    ) -> Result<Connection<'_>, Failure> {
        let connect = move || {
            let began = Instant::now();
            connect_to_one(&addresses, limit).map(|stream| (stream, began))
        };
        let (stream, began) = unblock(connect).await?;
        let stream = TcpStream::from_std(stream)?;
        self.open.set(self.open.get() + 1);
        self.made.set(self.made.get() + 1);
        Ok(Connection { stream, began, _open: Open(&self.open) })
    }
}

/// Growing pauses, since more requests do not help an overloaded server.
pub(crate) fn pauses(count: u64) -> impl Iterator<Item = Duration> {
    (0..count).map(|retry| Duration::from_millis(200 << retry.min(6)))
}

/// Blocks; for a thread of the pool.
fn ask_the_system(name: &str) -> io::Result<Vec<IpAddr>> {
    match (name, 0).to_socket_addrs() {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        // A look-up hides why it failed. Without a descriptor it cannot ask its server.
        Err(error) => match UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            Err(probe) if is_lack(&probe) => Err(probe),
            _ => Err(error),
        },
    }
}

/// Blocks. Each address gets its share of the time, so that a silent one leaves some to the next.
fn connect_to_one(addresses: &[SocketAddr], limit: Duration) -> Result<StdStream, Failure> {
    let (began, mut last) = (Instant::now(), io::Error::other("the host has no address"));
    for (index, address) in addresses.iter().enumerate() {
        let left = limit.saturating_sub(began.elapsed()) / (addresses.len() - index) as u32;
        match StdStream::connect_timeout(address, left.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) if is_lack(&error) || lacks_a_port(&error, address) => {
                return Err(Failure::Lack(error));
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                last = io::Error::new(error.kind(), format!("cannot connect to {address} in time"));
            }
            Err(error) => {
                last =
                    io::Error::new(error.kind(), format!("cannot connect to {address}: {error}"));
            }
        }
    }
    Err(last.into())
}
