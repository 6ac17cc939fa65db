//! Addresses, and the names that stand for them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::blocking::unblock_io;
use crate::trace::CodeLine;

/// A type that stands for socket addresses. The same types implement this trait as the
/// standard library's trait of this name.
///
/// An address that is written out is used at once. A name is looked up on the
/// blocking pool, since the system's lookup blocks.
pub trait ToSocketAddrs {
    /// The addresses, or the name that must be looked up to find them.
    fn to_lookup(&self) -> Lookup;
}

/// What a [`ToSocketAddrs`] stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// These addresses.
    Known(Vec<SocketAddr>),
    /// A host and a port in one text, as in `"localhost:80"`.
    Name(String),
    /// A host, and a port.
    Host(String, u16),
}

type Found = io::Result<Vec<SocketAddr>>;

impl Lookup {
    /// Finds the addresses: at least one.
    async fn resolve(self, at: CodeLine) -> Found {
        match self {
            Lookup::Known(known) => Ok(known),
            Lookup::Name(name) if !name.contains(':') => {
                Err(invalid(format!("{name:?} names no port; an address is \"host:port\"")))
            }
            Lookup::Name(name) => look_up(name.clone(), name, at).await,
            Lookup::Host(host, port) => look_up(host.clone(), (host, port), at).await,
        }
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Asks the system, on the pool. The error says which name was looked up.
async fn look_up<T>(name: String, target: T, at: CodeLine) -> Found
where
    T: std::net::ToSocketAddrs + Send + 'static,
{
    let work = move || Ok(target.to_socket_addrs()?.collect());
    unblock_io("a name lookup", at, work)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot look up {name:?}: {error}")))
}

/// Implements `ToSocketAddrs` for addresses that are written out.
macro_rules! impl_known {
    ($($address:ty),*) => {$(
        impl ToSocketAddrs for $address {
            fn to_lookup(&self) -> Lookup {
                Lookup::Known(vec![SocketAddr::from(*self)])
            }
        }
    )*};
}

impl_known!(SocketAddr, SocketAddrV4, SocketAddrV6);
impl_known!((IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for (&str, u16) {
    fn to_lookup(&self) -> Lookup {
        match self.0.parse::<IpAddr>() {
            Ok(host) => (host, self.1).to_lookup(),
            Err(_) => Lookup::Host(self.0.to_owned(), self.1),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    fn to_lookup(&self) -> Lookup {
        (self.0.as_str(), self.1).to_lookup()
    }
}

impl ToSocketAddrs for str {
    fn to_lookup(&self) -> Lookup {
        match self.parse::<SocketAddr>() {
            Ok(address) => address.to_lookup(),
            Err(_) => Lookup::Name(self.to_owned()),
        }
    }
}

impl ToSocketAddrs for String {
    fn to_lookup(&self) -> Lookup {
        self.as_str().to_lookup()
    }
}

impl ToSocketAddrs for [SocketAddr] {
    fn to_lookup(&self) -> Lookup {
        Lookup::Known(self.to_vec())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn to_lookup(&self) -> Lookup {
        (**self).to_lookup()
    }
}

/// Tries `attempt` with one address after another. Returns the first success, or the last
/// error, which names the act and the address. `at` is the user's line.
///
/// # Errors
/// The system's, if the name is unknown; `InvalidInput`, if there is no address at all; or
/// the last error of `attempt`.
pub(super) async fn first_that<R>(
    act: &'static str,
    lookup: Lookup,
    at: CodeLine,
    mut attempt: impl AsyncFnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = invalid("no address was given, or the name has none".to_owned());
    for address in lookup.resolve(at).await? {
        match attempt(address).await {
            Ok(result) => return Ok(result),
            Err(error) => {
                let text = format!("cannot {act} {address}: {error}");
                last = io::Error::new(error.kind(), text);
            }
        }
    }
    Err(last)
}
