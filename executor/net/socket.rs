//! What every socket of this module has.

/// Gives `$socket` its `from_std`, `local_addr` and, for this module, `tie`.
///
/// `$socket` is a struct whose only field, `io`, is an [`Async`] around `$std`, or an `Rc`
/// of one. The file that uses this macro imports the names that appear in it.
///
/// [`Async`]: crate::Async
macro_rules! impl_socket {
    ($socket:ident, $std:ty, $address:ty) => {
        impl $socket {
            /// Ties a socket of the standard library to the current loop.
            ///
            /// # Errors
            /// The system's.
            ///
            /// # Panics
            /// Outside of a loop.
            #[track_caller]
            pub fn from_std(socket: $std) -> io::Result<$socket> {
                $socket::tie(socket, Location::caller())
            }

            /// `from_std`, called by the user at the line `at`.
            #[track_caller]
            fn tie(socket: $std, at: CodeLine) -> io::Result<$socket> {
                let what = concat!("a function of `", stringify!($socket), "`");
                let io = Async::tie(socket, what, at)?;
                io.get_ref().set_nonblocking(true)?;
                Ok($socket { io: io.into() })
            }

            /// The address of this socket, with what the system has chosen: a free port,
            /// for instance, if port 0 was asked for.
            ///
            /// # Errors
            /// The system's.
            pub fn local_addr(&self) -> io::Result<$address> {
                self.io.get_ref().local_addr()
            }
        }
    };
}

pub(super) use impl_socket;
